"""File operations for a state's directory: owner-only permissions, and synchronization to disk.

Windows has no POSIX modes: a file there inherits the permissions of its directory.
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
    """Create a directory and its parents, for the owner only. An existing one keeps its mode. Raises OSError."""
    if folder.is_dir():
        return
    folder.parent.mkdir(parents=True, exist_ok=True)
    folder.mkdir(mode=FOLDER_OWNER_ONLY, exist_ok=True)
    sync_folder(folder.parent)


def make_file(path: Path) -> None:
    """Create an empty file for the owner only, independent of the umask. Raises FileExistsError, OSError."""
    os.close(os.open(path, os.O_CREAT | os.O_EXCL | os.O_WRONLY, OWNER_ONLY))


def keep_from_others(path: Path) -> None:
    """Remove the permissions of group and others: a file that was copied in may have had them."""
    if os.name == "posix" and stat.S_IMODE(path.stat().st_mode) & 0o077:
        with contextlib.suppress(
            PermissionError
        ):  # another user's, in a folder that both may write
            path.chmod(OWNER_ONLY)


def file_size(path: Path) -> int:
    """Return the size in bytes, 0 for a missing file."""
    try:
        return path.stat().st_size
    except OSError:
        return 0


def log_file(path: Path) -> Path:
    """Return the write-ahead log of a state file."""
    return path.with_name(path.name + "-wal")


def sync_file(path: Path) -> None:
    descriptor = os.open(path, os.O_RDWR)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def sync_folder(folder: Path) -> None:
    """Make new names in a directory survive a power loss. Windows does so by itself and has no call for it."""
    if os.name != "posix":
        return
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        with contextlib.suppress(OSError):  # some file systems cannot
            os.fsync(descriptor)
    finally:
        os.close(descriptor)


def replace_file(source: Path, target: Path) -> None:
    """Rename ``source`` to ``target``, atomically and durably; an existing ``target`` is replaced. Raises OSError."""
    source.replace(target)
    sync_folder(target.parent)
    if source.parent != target.parent:
        sync_folder(source.parent)
