"""The files of a state: for their owner only, and surely on the disk.

On Windows there are no modes: what is in a user's profile is for that user (and administrators) by the rights it inherits.
"""

from __future__ import annotations

import contextlib
import os
import stat
from pathlib import Path

STATE_DIRECTORY = ".embedded-host"
"""Its default name, in the app's directory."""
STATE_FILE, KEY_FILE = "state.db", "keys.json"
OWNER_ONLY = 0o600
FOLDER_OWNER_ONLY = 0o700


def make_folder(folder: Path) -> None:
    """With those above it. One that is there keeps its mode. Raises OSError."""
    if folder.is_dir():
        return
    folder.parent.mkdir(parents=True, exist_ok=True)
    folder.mkdir(mode=FOLDER_OWNER_ONLY, exist_ok=True)
    sync_folder(folder.parent)


def make_file(path: Path) -> None:
    """Empty, and never readable by others, whatever the umask. Raises FileExistsError, OSError."""
    os.close(os.open(path, os.O_CREAT | os.O_EXCL | os.O_WRONLY, OWNER_ONLY))


def keep_from_others(path: Path) -> None:
    """A file that was copied in may have been open to all."""
    if os.name == "posix" and stat.S_IMODE(path.stat().st_mode) & 0o077:
        with contextlib.suppress(PermissionError):  # another user's, in a folder that both may write
            path.chmod(OWNER_ONLY)


def sync_file(path: Path) -> None:
    descriptor = os.open(path, os.O_RDWR)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def sync_folder(folder: Path) -> None:
    """That a new name in it survives a power loss. Windows does that by itself, and cannot be asked to."""
    if os.name != "posix":
        return
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        with contextlib.suppress(OSError):  # some file systems cannot
            os.fsync(descriptor)
    finally:
        os.close(descriptor)


def moved(source: Path, target: Path) -> None:
    """``source`` under the name ``target``, in its place if there is one, and so after a power loss."""
    source.replace(target)
    sync_folder(target.parent)
    if source.parent != target.parent:
        sync_folder(source.parent)
