"""File operations in a state folder: owner-only permissions and synchronization to disk.

Windows has no POSIX permissions: a file inherits the permissions of its folder.
"""

from __future__ import annotations

import contextlib
import os
import stat
from pathlib import Path

STATE_FOLDER = ".embedded-host"
"""The default name of the state folder, in the app folder."""
STATE_FILE, KEY_FILE = "state.db", "keys.json"
OWNER_ONLY = 0o600
FOLDER_OWNER_ONLY = 0o700


def make_folder(folder: Path) -> None:
    """Create a folder and its parents, with permissions for the owner only.

    An existing folder keeps its permissions. Raises OSError.
    """
    if folder.is_dir():
        return
    folder.parent.mkdir(parents=True, exist_ok=True)
    folder.mkdir(mode=FOLDER_OWNER_ONLY, exist_ok=True)
    sync_folder(folder.parent)


def make_file(path: Path) -> None:
    """Create an empty file with permissions for the owner only, independent of the umask.

    Raises FileExistsError if the file exists, and OSError if it cannot be created.
    """
    os.close(os.open(path, os.O_CREAT | os.O_EXCL | os.O_WRONLY, OWNER_ONLY))


def restrict_to_owner(path: Path) -> None:
    """Remove the permissions of group and others, which a copied file may have."""
    if os.name == "posix" and stat.S_IMODE(path.stat().st_mode) & 0o077:
        # Another user may own the file, in a folder that both users can write to.
        with contextlib.suppress(PermissionError):
            path.chmod(OWNER_ONLY)


def file_size(path: Path) -> int:
    """Return the size in bytes, or 0 for a missing file."""
    try:
        return path.stat().st_size
    except OSError:
        return 0


def log_file(path: Path) -> Path:
    """Return the path of a state file's write-ahead log."""
    return path.with_name(path.name + "-wal")


def sync_file(path: Path) -> None:
    """Write a file's data to the disk. Raises OSError."""
    descriptor = os.open(path, os.O_RDWR)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def sync_folder(folder: Path) -> None:
    """Write a folder's entries to the disk, so that new names survive a power loss.

    Windows has no function for this operation: it writes folder entries without a request.
    """
    if os.name != "posix":
        return
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        with contextlib.suppress(OSError):  # not supported by every file system
            os.fsync(descriptor)
    finally:
        os.close(descriptor)


def replace_file(source: Path, target: Path) -> None:
    """Rename ``source`` to ``target`` atomically and durably, and replace an existing ``target``.

    Raises OSError.
    """
    source.replace(target)
    sync_folder(target.parent)
    if source.parent != target.parent:
        sync_folder(source.parent)
