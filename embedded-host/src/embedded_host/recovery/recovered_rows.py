"""The valid rows of a state file, and which tables may lack some."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from contextlib import closing
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, NamedTuple

from embedded_host.recovery.rows import TABLES, Row, Table
from embedded_host.store.connection import connect
from embedded_host.store.integrity_check import integrity_problem


class Name(NamedTuple):
    """An instance as an index has it."""

    hub: str
    id: str
    status: str


@dataclass
class RecoveredRows:
    tables: dict[str, list[Row]] = field(default_factory=lambda: {name: [] for name in TABLES})
    """The valid rows, by table."""
    damaged: set[str] = field(default_factory=set)
    """Tables that may lack rows."""
    found_loose: set[int] = field(default_factory=set)
    """Keys of instances that are in no table, and may have been deleted or changed since."""
    names: dict[int, Name] = field(default_factory=dict)
    """Names of instances by key, from the index of statuses."""
    names_complete: bool = False
    """SQLite read the whole index: other instances do not exist."""
    problems: list[str] = field(default_factory=list)

    @property
    def is_sound(self) -> bool:
        return not self.problems


class Damage(NamedTuple):
    tables: set[str]
    """Tables in which SQLite finds a problem."""
    free_list: bool
    """Free pages cannot be told from pages in use."""
    message: str | None
    """SQLite's message; None for a file without problems."""


def examine(path: Path) -> Damage:
    """Check a file with SQLite, which may change it: pass a copy."""
    try:
        with closing(connect(path)) as connection:
            try:
                found = [str(row[0]) for row in connection.execute("PRAGMA integrity_check")]
            except (sqlite3.Error, UnicodeError) as error:
                found = [str(error), "freelist"]  # it is not known
            if found == ["ok"]:
                return Damage(set(), False, None)
            tables = {name for name in TABLES if _table_problem(connection, name)}
            message = "; ".join(
                line for line in found[0].splitlines() if not line.startswith("***")
            )
            # SQLite finds a page that two tables use only when it checks the whole file.
            return Damage(
                tables or set(TABLES), any("freelist" in text.lower() for text in found), message
            )
    except (sqlite3.Error, UnicodeError) as error:
        return Damage(set(TABLES), True, str(error))


def _table_problem(connection: sqlite3.Connection, table: str) -> bool:
    try:
        return integrity_problem(connection, table) is not None
    except (sqlite3.Error, UnicodeError):
        return True


def read_rows(database: Path, damage: Damage) -> RecoveredRows:
    """Read the valid rows of a state file that SQLite can read. Raises sqlite3.Error, UnicodeError."""
    found = RecoveredRows(damaged=set(damage.tables))
    if damage.message is not None:
        found.problems.append(f"SQLite reports: {damage.message}")
    with closing(connect(database)) as connection:
        connection.text_factory = _decoded
        existing = {
            str(row[0])
            for row in connection.execute("SELECT name FROM sqlite_master WHERE type = 'table'")
        }
        for table in TABLES.values():
            if table.name in existing:
                _read_table(connection, table, found)
            else:
                found.damaged.add(table.name)
        if "lost_and_found" in existing:
            _read_loose(connection, damage.free_list, found)
    return found


def read_names(path: Path, found: RecoveredRows) -> None:
    """Read the instances' names from an index of the damaged file, so that lost rows have a name."""
    try:
        with closing(connect(path)) as connection:
            # All four are columns of the index: the table's pages are not read.
            rows = connection.execute(
                "SELECT key, hub, id, status FROM instances INDEXED BY instances_by_status"
            )
            for key, hub, id, status in rows:
                if all(isinstance(text, str) for text in (hub, id, status)) and isinstance(
                    key, int
                ):
                    found.names[key] = Name(hub, id, status)
            found.names_complete = True
    except (sqlite3.Error, UnicodeError):
        pass  # the names up to the damage are known


def _decoded(data: bytes) -> str | bytes:
    """Return invalid UTF-8 as bytes, which no check accepts."""
    try:
        return data.decode()
    except UnicodeDecodeError:
        return data


def _read_table(connection: sqlite3.Connection, table: Table, found: RecoveredRows) -> None:
    invalid = 0
    # By position: the text of the schema may be damaged, too.
    for row in _rows(connection, f"SELECT * FROM {table.name}"):
        if table.is_valid(row):
            found.tables[table.name].append(row)
        else:
            invalid += 1
    if invalid:
        found.damaged.add(table.name)
        found.problems.append(
            f"the table {table.name} has {invalid} invalid row{'' if invalid == 1 else 's'}"
        )


def _read_loose(connection: sqlite3.Connection, may_be_old: bool, found: RecoveredRows) -> None:
    """Read rows of pages that belong to no table. They count for damaged tables only, and inboxes and activities only if the
    free pages are known: those pages are reused all the time, and an old message would be delivered twice."""
    there = {row[0] for row in found.tables["instances"]}
    for _, _, count, rowid, *fields in _rows(connection, "SELECT * FROM lost_and_found"):
        for name in found.damaged:
            if may_be_old and name in ("messages", "activities", "awaited"):
                continue
            row = (
                TABLES[name].row_of_record(rowid, fields[:count])
                if isinstance(count, int)
                else None
            )
            if row is None:
                continue
            found.tables[name].append(row)
            if may_be_old and name == "instances" and row[0] not in there:
                found.found_loose.add(row[0])


def _rows(connection: sqlite3.Connection, text: str) -> Iterator[tuple[Any, ...]]:
    yield from connection.execute(text)
