"""Copies of a state file: made while it is in use or not, checked, and found again."""

from __future__ import annotations

import contextlib
import sqlite3
from contextlib import closing
from datetime import datetime, timezone
from pathlib import Path

from embedded_host.store.files import make_file, make_folder, moved, sync_file
from embedded_host.store.interface import StateError

BACKUPS = "backups"
"""The folder in a state's folder that copies go to where no other is named."""


def back_up(connection: sqlite3.Connection, target: Path) -> None:
    """What the file of ``connection`` holds at this moment, as one file for its owner only, whole or not at all.

    It is one read: nobody who writes waits for it, and what is written meanwhile is not in the copy. Raises StateError if
    ``target`` is there or cannot be written, or if the copy is found to be damaged, as then the file is.
    """
    partial = target.with_name(target.name + ".partial")
    try:
        make_folder(target.parent)
        if target.exists():
            raise StateError(f"{target} is there already: name another file for the copy. [EH228]")
        partial.unlink(missing_ok=True)
        make_file(partial)
    except OSError as error:
        raise StateError(f"The copy {target} cannot be written: {error}. Name another file for it. [EH228]") from error
    try:
        with closing(sqlite3.connect(partial, isolation_level=None)) as copy:
            connection.backup(copy)
            copy.execute("PRAGMA journal_mode = DELETE")  # one file, without a log beside it
            found = [row[0] for row in copy.execute("PRAGMA quick_check(1)")]
        if found != ["ok"]:
            raise StateError(f"There is no copy, because the state file is damaged: {found[0]}. [EH229]")
        sync_file(partial)
        moved(partial, target)
    except (OSError, sqlite3.Error, UnicodeError) as error:
        raise StateError(f"The copy {target} cannot be made: {error}. [EH228]") from error
    finally:
        with contextlib.suppress(OSError):
            partial.unlink(missing_ok=True)


def copy_before_migration(connection: sqlite3.Connection, path: Path, version: int) -> Path:
    """Beside the file, named with its version: ``state-schema-1.db``."""
    number = 1
    target = path.with_name(f"{path.stem}-schema-{version}{path.suffix}")
    while target.exists():
        number += 1
        target = path.with_name(f"{path.stem}-schema-{version}-{number}{path.suffix}")
    back_up(connection, target)
    return target


def default_target(state_file: Path) -> Path:
    folder = state_file.parent / BACKUPS
    now = datetime.now(timezone.utc)
    target = folder / f"{state_file.stem}-{now:%Y%m%dT%H%M%SZ}{state_file.suffix}"
    if target.exists():  # the second one in a second
        target = folder / f"{state_file.stem}-{now:%Y%m%dT%H%M%S.%fZ}{state_file.suffix}"
    return target


def latest_backups(state_file: Path, count: int = 3) -> list[Path]:
    """Copies in the places where they are made by themselves, the newest first."""
    folder = state_file.parent
    found = [
        *folder.glob(f"{BACKUPS}/*{state_file.suffix}"),
        *folder.glob(f"{state_file.stem}-schema-*{state_file.suffix}"),
    ]
    dated: list[tuple[float, Path]] = []
    for file in found:
        with contextlib.suppress(OSError):
            dated.append((file.stat().st_mtime, file))
    return [file for _, file in sorted(dated, reverse=True)[:count]]
