"""Opening a state file: made if it is not there, brought to today's schema, refused in words if it cannot be used."""

from __future__ import annotations

import os
import sqlite3
from collections.abc import Sequence
from pathlib import Path

from embedded_host.store.backup import copy_before_migration
from embedded_host.store.error_messages import in_words, quoted, way_out
from embedded_host.store.files import keep_from_others, make_file, make_folder, moved, sync_file
from embedded_host.store.integrity_check import check_log
from embedded_host.store.interface import StateError
from embedded_host.store.log_format import log_of, size_of
from embedded_host.store.migration import Step, create, migrate, version_of

RECOVERED = ".recovered"
"""What ``recover`` has put together and not yet put in its place."""
_BUSY = 5.0


def open_state(
    path: Path, *, fsync: bool, steps: Sequence[Step] | None = None
) -> tuple[sqlite3.Connection, sqlite3.Connection]:
    """A connection that writes and one that reads. Raises StateError."""
    try:
        make_folder(path.parent)
        _refuse_what_is_no_file(path)
        if not path.exists():
            _make(path, fsync)
        keep_from_others(path)
        has_torn_commit = check_log(path)
        writer = _connect(path)
    except OSError as error:
        raise StateError(
            f"The state file {path} cannot be opened: {error}. See to the rights of its folder, or use another with --state. [EH212]"
        ) from error
    except (sqlite3.Error, UnicodeError) as error:
        raise _unusable(path, error) from error
    try:
        try:
            _configure(writer, fsync)
            if has_torn_commit:
                writer.execute("PRAGMA wal_checkpoint(TRUNCATE)")
            _refuse_what_is_not_ours(writer, path)
            migrate(writer, path, lambda version: copy_before_migration(writer, path, version), steps)
            reader = _connect(path)
            reader.execute("PRAGMA query_only = ON")
        except (sqlite3.Error, UnicodeError) as error:
            raise _unusable(path, error) from error
    except BaseException:
        writer.close()
        raise
    return writer, reader


def open_in_memory() -> sqlite3.Connection:
    connection = _connect(":memory:")
    create(connection)
    return connection


def _connect(where: Path | str) -> sqlite3.Connection:
    return sqlite3.connect(where, check_same_thread=False, isolation_level=None, timeout=_BUSY)


def _configure(writer: sqlite3.Connection, fsync: bool) -> None:
    writer.execute("PRAGMA journal_mode = WAL")
    writer.execute(f"PRAGMA synchronous = {'FULL' if fsync else 'OFF'}")
    if fsync:
        # On macOS fsync leaves data in the drive's own cache; F_FULLFSYNC does not. Elsewhere these change nothing.
        writer.execute("PRAGMA fullfsync = ON")
        writer.execute("PRAGMA checkpoint_fullfsync = ON")


def _make(path: Path, fsync: bool) -> None:
    """Under another name first: a state file is never empty, so that an empty one is known to have lost what it held."""
    new = path.with_name(path.name + ".new")
    new.unlink(missing_ok=True)
    make_file(new)
    connection = _connect(new)
    try:
        connection.execute("PRAGMA synchronous = OFF")
        create(connection)
    finally:
        connection.close()
    if fsync:
        sync_file(new)
    moved(new, path)


def _refuse_what_is_no_file(path: Path) -> None:
    """Raises StateError, or OSError where it cannot be told."""
    recovered = path.with_name(path.name + RECOVERED)
    folder = quoted(path.parent)
    if recovered.exists():
        raise StateError(
            f"A recovery of {path} was interrupted when {recovered} was complete. Let it finish: embedded-host recover "
            f"--state {folder} [EH224]"
        )
    log = log_of(path)
    if path.is_dir():
        raise StateError(
            f"{path} is a folder, and the state file would be there. Use another folder with --state. [EH212]"
        )
    if not path.exists():
        if size_of(log):
            raise StateError(
                f"The state file {path} is not there, but its log {log} is: somebody has moved or deleted it. Put it back, or "
                f"move the log away to begin with an empty state. {way_out(path)} [EH223]"
            )
    elif path.stat().st_size == 0:
        raise StateError(
            f"The state file {path} is empty: it has lost what it held. {way_out(path)} To begin with an empty state, remove "
            "the file. [EH222]"
        )


def _refuse_what_is_not_ours(writer: sqlite3.Connection, path: Path) -> None:
    if version_of(writer) == 0:
        if writer.execute("SELECT count(*) FROM sqlite_master").fetchone()[0]:
            raise StateError(
                f"The file {path} is no state of the embedded host: it holds another program's tables. Use another "
                "folder with --state. [EH213]"
            )
        create(writer)


def _unusable(path: Path, error: Exception) -> StateError:
    text = str(error)
    if "readonly" in text or "unable to open" in text:
        rights = "" if os.access(path.parent, os.W_OK) else f" (the folder {path.parent} may not be written to)"
        return StateError(
            f"The state file {path} cannot be opened: {error}{rights}. See to its rights, and those of its folder, or use "
            "another folder with --state. [EH212]"
        )
    if "locked" in text:
        return StateError(
            f"The state file {path} cannot be opened: {error}. Another program has it open; on a network folder, where SQLite "
            "cannot work safely, use one on this machine with --state. [EH212]"
        )
    if "locking protocol" in text:
        return StateError(
            f"The state file {path} cannot be opened: {error}. A network folder cannot hold it: use one on this machine with "
            "--state. [EH212]"
        )
    return in_words(path, error, "opened")
