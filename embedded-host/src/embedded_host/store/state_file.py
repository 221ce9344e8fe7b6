"""Opening a state file: created if missing, refused with an explanation if it cannot be used."""

from __future__ import annotations

import os
import sqlite3
from pathlib import Path

from embedded_host.store.connection import RUN_TIMEOUT, connect, set_busy_timeout
from embedded_host.store.error_messages import remedy, shell_quoted, state_error
from embedded_host.store.files import (
    file_size,
    keep_from_others,
    log_file,
    make_file,
    make_folder,
    replace_file,
    sync_file,
)
from embedded_host.store.interface import StateError
from embedded_host.store.schema import check_schema, create_schema

RECOVERED = ".recovered"
"""Suffix of a recovered file that is complete and not yet in the place of the damaged one."""


def open_state(path: Path, *, fsync: bool) -> tuple[sqlite3.Connection, sqlite3.Connection]:
    """Return a connection that writes and one that reads. Raises StateError."""
    try:
        make_folder(path.parent)
        _check_files(path)
        if not path.exists():
            _create(path, fsync)
        keep_from_others(path)
        writer = connect(path)
    except OSError as error:
        raise StateError(
            f"The state file {path} cannot be opened: {error}. Check the permissions of its folder, or use another with --state. "
            "[EH212]"
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
    connection = connect(":memory:")
    create_schema(connection)
    return connection


def create_file(path: Path) -> sqlite3.Connection:
    """Create a file with the schema and no rows, without syncing, and return a connection to it. Raises OSError, sqlite3.Error."""
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
        # On macOS fsync leaves data in the drive's own cache; F_FULLFSYNC does not. Elsewhere these change nothing.
        writer.execute("PRAGMA fullfsync = ON")
        writer.execute("PRAGMA checkpoint_fullfsync = ON")


def _create(path: Path, fsync: bool) -> None:
    """Create the file under another name first: an empty state file then always means lost data."""
    new = path.with_name(path.name + ".new")
    new.unlink(missing_ok=True)
    create_file(new).close()
    if fsync:
        sync_file(new)
    replace_file(new, path)


def _check_files(path: Path) -> None:
    """Raise StateError for files that are no state to open. Raises OSError if they cannot be examined."""
    recovered = path.with_name(path.name + RECOVERED)
    folder = shell_quoted(path.parent)
    if recovered.exists():
        raise StateError(
            f"A recovery of {path} was interrupted when {recovered} was complete. Finish it: embedded-host recover "
            f"--state {folder} [EH224]"
        )
    log = log_file(path)
    if path.is_dir():
        raise StateError(
            f"{path} is a folder, and the state file would be there. Use another folder with --state. [EH212]"
        )
    if not path.exists():
        if file_size(log):
            raise StateError(
                f"The state file {path} is missing, but its log {log} exists. Put the file back, or move the log away to start "
                f"with an empty state. {remedy(path)} [EH223]"
            )
    elif path.stat().st_size == 0:
        raise StateError(
            f"The state file {path} is empty: its content is lost. {remedy(path)} To start with an empty state, remove "
            "the file. [EH222]"
        )


def _open_error(path: Path, error: Exception) -> StateError:
    text = str(error)
    if "readonly" in text or "unable to open" in text:
        rights = (
            ""
            if os.access(path.parent, os.W_OK)
            else f" (the folder {path.parent} is not writable)"
        )
        return StateError(
            f"The state file {path} cannot be opened: {error}{rights}. Check its permissions, and those of its folder, or use "
            "another folder with --state. [EH212]"
        )
    if "locked" in text:
        return StateError(
            f"The state file {path} cannot be opened: {error}. Another program has it open; on a network folder, where SQLite "
            "cannot work safely, use a folder on this machine with --state. [EH212]"
        )
    if "locking protocol" in text:
        return StateError(
            f"The state file {path} cannot be opened: {error}. A network folder cannot hold it: use a folder on this machine "
            "with --state. [EH212]"
        )
    return state_error(path, error, "opened")
