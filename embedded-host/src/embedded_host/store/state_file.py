"""The opening and the creation of a state file."""

from __future__ import annotations

import os
import sqlite3
from pathlib import Path

from embedded_host.store.connection import RUN_TIMEOUT, connect, set_busy_timeout
from embedded_host.store.error_messages import remedy, shell_quoted, state_error
from embedded_host.store.files import (
    file_size,
    log_file,
    make_file,
    make_folder,
    replace_file,
    restrict_to_owner,
    sync_file,
)
from embedded_host.store.interface import StateError
from embedded_host.store.schema import check_schema, create_schema

RECOVERED = ".recovered"
"""Suffix of a complete recovered file that has not yet replaced the damaged file."""


def open_state(path: Path, *, fsync: bool) -> tuple[sqlite3.Connection, sqlite3.Connection]:
    """Open a state file, or create it. Return a connection for writing and one for reading.

    Raises StateError if the file cannot be used.
    """
    try:
        make_folder(path.parent)
        check_files(path)
        if not path.exists():
            _create(path, fsync)
        restrict_to_owner(path)
        writer = connect(path)
    except OSError as error:
        raise StateError(
            f"The state file {path} cannot be opened: {error}. Check the permissions of its "
            "folder, or use another folder with --state. [EH212]"
        ) from error
    except (sqlite3.Error, UnicodeError) as error:
        raise _open_error(path, error) from error
    try:
        try:
            check_schema(writer, path)
            _configure(writer, fsync)
            reader = connect(path)
            reader.execute("PRAGMA query_only = ON")
            for connection in (writer, reader):
                set_busy_timeout(connection, RUN_TIMEOUT)
        except (sqlite3.Error, UnicodeError) as error:
            raise _open_error(path, error) from error
    except BaseException:
        writer.close()
        raise
    return writer, reader


def open_in_memory() -> sqlite3.Connection:
    """Return a connection to an empty state in memory."""
    connection = connect(":memory:")
    create_schema(connection)
    return connection


def create_file(path: Path) -> sqlite3.Connection:
    """Create a state file without rows and return a connection to it.

    Writes are not synchronized to disk. Raises OSError or sqlite3.Error.
    """
    make_file(path)
    connection = connect(path)
    try:
        connection.execute("PRAGMA synchronous = OFF")
        create_schema(connection)
    except BaseException:
        connection.close()
        raise
    return connection


def _configure(writer: sqlite3.Connection, fsync: bool) -> None:
    writer.execute("PRAGMA journal_mode = WAL")
    writer.execute(f"PRAGMA synchronous = {'FULL' if fsync else 'OFF'}")
    if fsync:
        # On macOS, fsync leaves data in the drive's cache. These settings use F_FULLFSYNC, which
        # writes the data to the disk. Other systems ignore the settings.
        writer.execute("PRAGMA fullfsync = ON")
        writer.execute("PRAGMA checkpoint_fullfsync = ON")


def _create(path: Path, fsync: bool) -> None:
    """Create a state file under another name, and rename it last.

    Thus an empty file with the final name always means that data is lost.
    """
    new = path.with_name(path.name + ".new")
    new.unlink(missing_ok=True)
    create_file(new).close()
    if fsync:
        sync_file(new)
    replace_file(new, path)


def check_files(path: Path) -> None:
    """Raise StateError if the files of a state cannot be opened.

    Raises OSError if they cannot be examined.
    """
    recovered = path.with_name(path.name + RECOVERED)
    folder = shell_quoted(path.parent)
    if recovered.exists():
        raise StateError(
            f"The recovery of {path} was interrupted. {recovered} is complete, but it has not "
            "replaced the damaged file. Finish the recovery: "
            f"embedded-host recover --state {folder} [EH224]"
        )
    log = log_file(path)
    if path.is_dir():
        raise StateError(
            f"{path} must be a file, but it is a folder. Use another folder with --state. [EH212]"
        )
    if not path.exists():
        if file_size(log):
            raise StateError(
                f"The state file {path} is missing, but its log {log} exists. Restore the file, or "
                "move the log to another folder to start with an empty state. "
                f"{remedy(path)} [EH223]"
            )
    elif path.stat().st_size == 0:
        raise StateError(
            f"The state file {path} is empty: its content is lost. {remedy(path)} To start with an "
            "empty state, delete the file. [EH222]"
        )


def _open_error(path: Path, error: Exception) -> StateError:
    message = str(error)
    if "readonly" in message or "unable to open" in message:
        is_writable = os.access(path.parent, os.W_OK)
        reason = "" if is_writable else f" (the folder {path.parent} is not writable)"
        return StateError(
            f"The state file {path} cannot be opened: {error}{reason}. Check its permissions and "
            "those of its folder, or use another folder with --state. [EH212]"
        )
    if "locked" in message:
        return StateError(
            f"The state file {path} cannot be opened: {error}. Another program has locked it. "
            "Close that program. If the file is on a network folder, use a folder on this machine "
            "with --state: SQLite is not safe on network folders. [EH212]"
        )
    if "locking protocol" in message:
        return StateError(
            f"The state file {path} cannot be opened: {error}. Network folders do not support "
            "SQLite's locks. Use a folder on this machine with --state. [EH212]"
        )
    return state_error(path, error, "opened")
