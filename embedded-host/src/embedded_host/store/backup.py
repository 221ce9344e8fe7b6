"""The backup of a state file, with or without a running host."""

from __future__ import annotations

import contextlib
import sqlite3
from contextlib import closing
from pathlib import Path

from embedded_host.store.connection import connect
from embedded_host.store.files import make_file, make_folder, replace_file, sync_file
from embedded_host.store.interface import StateError


def back_up(connection: sqlite3.Connection, target: Path) -> None:
    """Copy the database of ``connection`` to a new file that only its owner can read.

    The copy contains one committed state of the database, and writers do not wait for it. Raises
    StateError if ``target`` exists or cannot be written, or if the copy is damaged. In these cases
    the function leaves no new file. If the copy is damaged, the state file is damaged too.
    """
    partial = target.with_name(target.name + ".partial")
    try:
        make_folder(target.parent)
        if target.exists():
            raise StateError(f"{target} already exists. Use another file for the backup. [EH228]")
        partial.unlink(missing_ok=True)
        make_file(partial)
    except OSError as error:
        raise StateError(
            f"The backup {target} cannot be written: {error}. Use another file. [EH228]"
        ) from error
    try:
        with closing(connect(partial)) as copy:
            connection.backup(copy)
            copy.execute("PRAGMA journal_mode = DELETE")  # makes one file, without a log
            problems = [row[0] for row in copy.execute("PRAGMA quick_check(1)")]
        if problems != ["ok"]:
            raise StateError(
                f"The backup {target} was not made, because the state file is damaged: "
                f"{problems[0]}. [EH229]"
            )
        sync_file(partial)
        replace_file(partial, target)
    except (OSError, sqlite3.Error, UnicodeError) as error:
        raise StateError(f"The backup {target} cannot be made: {error}. [EH228]") from error
    finally:
        with contextlib.suppress(OSError):
            partial.unlink(missing_ok=True)
