"""File locks. The operating system releases them when the process exits or is killed."""

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
"""Offset of the locked byte. On Windows other processes can read only the bytes before it."""
_INTERVAL = 0.01
"""Seconds between two attempts to lock a file."""


class StateLock:
    """The lock of a state folder, which only one host can use at a time.

    ``with StateLock(folder):`` raises StateError if another process has the lock.
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
                f"The state folder {self._path.parent} cannot be locked: {error}. Some network "
                "folders do not support locks. Use a folder on this machine with --state. [EH217]"
            ) from error
        if not is_ours:
            file.seek(0)
            owner = file.read(20).strip()
            file.close()
            user = f"the host with process id {owner}" if owner.isdigit() else "another host"
            raise StateError(
                f"The state folder {self._path.parent} is in use by {user}. Stop that host, or use "
                "another folder with --state. [EH211]"
            )
        try:
            file.seek(0)
            file.truncate()
            # Write without a buffer, so that closing the file cannot fail.
            os.write(file.fileno(), f"{os.getpid()}\n".encode())
        except OSError as error:
            file.close()
            raise self._unusable(error) from error
        self._file = file
        return self

    def _unusable(self, error: OSError) -> StateError:
        return StateError(
            f"The state folder {self._path.parent} cannot be used: {error}. Use another folder "
            "with --state. [EH210]"
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


def is_locked(folder: Path) -> bool:
    """Return True if a host has the lock of a state folder, without a change of the folder."""
    try:
        file = os.fdopen(os.open(folder / "lock", os.O_RDWR), "r+", encoding="utf-8")
    except OSError:
        return False
    with file:
        try:
            return not _lock(file)
        except OSError:
            return False


@contextmanager
def exclusive_lock(path: Path, timeout: float) -> Iterator[None]:
    """Hold the lock of a file in a ``with`` block. The file is created if it is missing.

    Raises TimeoutError if the lock is not free within ``timeout`` seconds, and OSError if the file
    cannot be locked.
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
        """Try to lock the file. Return false if another process has the lock.

        Raises OSError on a file system without locks.
        """
        try:
            file.seek(_LOCKED_BYTE)
            msvcrt.locking(file.fileno(), msvcrt.LK_NBLCK, 1)
        except PermissionError:  # another process has the lock
            return False
        return True

else:
    import fcntl

    def _lock(file: IO[str]) -> bool:
        """Try to lock the file. Return false if another process has the lock.

        Raises OSError on a file system without locks.
        """
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        # Systems that implement flock with fcntl locks raise PermissionError.
        except (BlockingIOError, PermissionError):
            return False
        return True
