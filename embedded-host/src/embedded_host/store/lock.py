"""One host to a state: a lock that the operating system lets go of when the process ends, however it ends."""

from __future__ import annotations

import os
import sys
from pathlib import Path
from types import TracebackType
from typing import IO

from embedded_host.store.files import OWNER_ONLY, make_folder
from embedded_host.store.interface import StateError

_LOCKED_BYTE = 1 << 20
"""Behind the text, so that on Windows others can still read whose lock it is."""


class StateLock:
    """``with StateLock(folder): …``. Entering raises StateError if another process has the folder."""

    def __init__(self, folder: Path) -> None:
        self._path = folder / "lock"
        self._file: IO[str] | None = None

    def __enter__(self) -> StateLock:
        try:
            make_folder(self._path.parent)
            descriptor = os.open(self._path, os.O_RDWR | os.O_CREAT, OWNER_ONLY)
            file = os.fdopen(descriptor, "r+", encoding="utf-8")
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
            os.write(
                file.fileno(), f"{os.getpid()}\n".encode()
            )  # at once: nothing is left that closing could stumble over
        except OSError as error:
            file.close()
            raise self._unusable(error) from error
        self._file = file
        return self

    def _unusable(self, error: OSError) -> StateError:
        return StateError(
            f"The state's folder {self._path.parent} cannot be used: {error}. Name another with --state. [EH210]"
        )

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, tb: TracebackType | None) -> None:
        if self._file is not None:
            self._file.close()
            self._file = None


if sys.platform == "win32":
    import msvcrt

    def _lock(file: IO[str]) -> bool:
        """Raises OSError where there can be no locks."""
        try:
            file.seek(_LOCKED_BYTE)
            msvcrt.locking(file.fileno(), msvcrt.LK_NBLCK, 1)
        except PermissionError:  # what the C library makes of "another process has locked it"
            return False
        return True

else:
    import fcntl

    def _lock(file: IO[str]) -> bool:
        """Raises OSError where there can be no locks."""
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except (BlockingIOError, PermissionError):  # the latter where flock is made of fcntl's locks
            return False
        return True
