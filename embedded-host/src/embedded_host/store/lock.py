"""File locks of the operating system. They end with the process, also after ``kill -9``."""

from __future__ import annotations

import os
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from types import TracebackType
from typing import IO

from embedded_host.store.files import OWNER_ONLY, make_folder
from embedded_host.store.interface import StateError

_LOCKED_BYTE = 1 << 20
"""Behind the text, so that on Windows other processes can still read the owner's process id."""
_INTERVAL = 0.01
"""Seconds between two attempts to lock a file."""


class StateLock:
    """The lock of a state's directory: one host uses it at a time.

    ``with StateLock(folder): …`` raises StateError if another process has the lock.
    """

    def __init__(self, folder: Path) -> None:
        self._path = folder / "lock"
        self._file: IO[str] | None = None

    def __enter__(self) -> StateLock:
        try:
            file = _open(self._path)
        except OSError as error:
            raise self._unusable(error) from error
        try:
            is_ours = _lock(file)
        except OSError as error:
            file.close()
            raise StateError(
                f"The state's folder {self._path.parent} cannot be locked: {error}. It is on a file system without locks, as "
                "network folders may be: name a folder on this machine with --state. [EH217]"
            ) from error
        if not is_ours:
            file.seek(0)
            owner = file.read(20).strip()
            file.close()
            who = f"the host with process id {owner}" if owner.isdigit() else "another host"
            raise StateError(
                f"The state in {self._path.parent} is in use by {who}. Stop that one, or keep this one's state elsewhere with "
                "--state. [EH211]"
            )
        try:
            file.seek(0)
            file.truncate()
            # Unbuffered: nothing is left that closing the file could fail to write.
            os.write(file.fileno(), f"{os.getpid()}\n".encode())
        except OSError as error:
            file.close()
            raise self._unusable(error) from error
        self._file = file
        return self

    def _unusable(self, error: OSError) -> StateError:
        return StateError(
            f"The state's folder {self._path.parent} cannot be used: {error}. Name another with --state. [EH210]"
        )

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        tb: TracebackType | None,
    ) -> None:
        if self._file is not None:
            self._file.close()
            self._file = None


@contextmanager
def exclusive_lock(path: Path, timeout: float) -> Iterator[None]:
    """Hold the lock of a file, which is created if missing.

    Raises TimeoutError if another holder keeps it for ``timeout`` seconds, and OSError if the file cannot be locked.
    """
    with _open(path) as file:
        deadline = time.monotonic() + timeout
        while not _lock(file):
            if time.monotonic() > deadline:
                raise TimeoutError(f"another process has locked {path}")
            time.sleep(_INTERVAL)
        yield


def _open(path: Path) -> IO[str]:
    make_folder(path.parent)
    return os.fdopen(os.open(path, os.O_RDWR | os.O_CREAT, OWNER_ONLY), "r+", encoding="utf-8")


if sys.platform == "win32":
    import msvcrt

    def _lock(file: IO[str]) -> bool:
        """Return whether the lock was free. Raises OSError on a file system without locks."""
        try:
            file.seek(_LOCKED_BYTE)
            msvcrt.locking(file.fileno(), msvcrt.LK_NBLCK, 1)
        except PermissionError:  # the C library's error for a lock of another process
            return False
        return True

else:
    import fcntl

    def _lock(file: IO[str]) -> bool:
        """Return whether the lock was free. Raises OSError on a file system without locks."""
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except (
            BlockingIOError,
            PermissionError,
        ):  # the latter where flock is made of fcntl's locks
            return False
        return True
