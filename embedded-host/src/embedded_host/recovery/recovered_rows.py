"""The valid rows of a damaged state file, and the names of the tables that may lack rows."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from dataclasses import dataclass, field
from pathlib import Path
from typing import NamedTuple

from embedded_host.recovery.rows import TABLES, Rows
from embedded_host.store.connection import connect
from embedded_host.store.integrity_check import integrity_problem

_PENDING_TABLES = ("messages", "activities", "awaited")
"""Tables whose rows are deleted soon after they are written."""


class IndexedInstance(NamedTuple):
    """The columns of an instance that the index of statuses contains."""

    hub: str
    id: str
    status: str


@dataclass
class RecoveredRows:
    """The data that was read from a damaged file."""

    rows: Rows = field(default_factory=Rows)
    """The valid rows."""
    damaged: set[str] = field(default_factory=set)
    """Names of the tables that may lack rows."""
    found_loose: set[int] = field(default_factory=set)
    """Keys of instances whose row was in a page of no table. The row may be out of date."""
    index: dict[int, IndexedInstance] = field(default_factory=dict)
    """Instances by key, from the index of statuses."""
    index_is_complete: bool = False
    """True if SQLite could read the whole index. Then ``index`` contains every instance."""
    problems: list[str] = field(default_factory=list)
    """Descriptions of the damage. The list is empty for a sound file."""

    @property
    def is_sound(self) -> bool:
        """True if no damage was found."""
        return not self.problems


class Damage(NamedTuple):
    """The damage that SQLite reports for a file."""

    tables: set[str]
    """Names of the tables in which SQLite finds a problem."""
    free_list: bool
    """True if free pages cannot be distinguished from pages in use."""
    message: str | None
    """SQLite's message, or None for a file without problems."""


def examine(path: Path) -> Damage:
    """Check a file with SQLite. Pass a copy, because SQLite may change the file."""
    try:
        with closing(connect(path)) as connection:
            try:
                problems = [str(row[0]) for row in connection.execute("PRAGMA integrity_check")]
            except (sqlite3.Error, UnicodeError) as error:
                problems = [str(error), "freelist"]  # the state of the free list is unknown
            if problems == ["ok"]:
                return Damage(set(), False, None)
            tables = {name for name in TABLES if _has_problem(connection, name)}
            message = "; ".join(
                line for line in problems[0].splitlines() if not line.startswith("***")
            )
            # Only the check of the whole file finds a page that two tables use. It does not
            # identify the tables, so every table may be damaged.
            return Damage(
                tables or set(TABLES),
                any("freelist" in problem.lower() for problem in problems),
                message,
            )
    except (sqlite3.Error, UnicodeError) as error:
        return Damage(set(TABLES), True, str(error))


def _has_problem(connection: sqlite3.Connection, table: str) -> bool:
    try:
        return integrity_problem(connection, table) is not None
    except (sqlite3.Error, UnicodeError):
        return True


def read_rows(database: Path, damage: Damage) -> RecoveredRows:
    """Read the valid rows of a database that SQLite can read.

    Raises sqlite3.Error or UnicodeError if SQLite cannot read it.
    """
    recovered = RecoveredRows(damaged=set(damage.tables))
    if damage.message is not None:
        recovered.problems.append(f"SQLite reports: {damage.message}")
    with closing(connect(database)) as connection:
        connection.text_factory = _decoded
        existing = {
            str(row[0])
            for row in connection.execute("SELECT name FROM sqlite_master WHERE type = 'table'")
        }
        for name in TABLES:
            if name in existing:
                _read_table(connection, name, recovered)
            else:
                recovered.damaged.add(name)
        if "lost_and_found" in existing:
            _read_loose(connection, damage.free_list, recovered)
    return recovered


def read_index(path: Path, recovered: RecoveredRows) -> None:
    """Read the index of statuses of the damaged file.

    The index also contains instances whose row is lost.
    """
    try:
        with closing(connect(path)) as connection:
            # All four columns are in the index: SQLite does not read the table's pages.
            entries = connection.execute(
                "SELECT key, hub, id, status FROM instances INDEXED BY instances_by_status"
            )
            for key, hub, id, status in entries:
                if isinstance(key, int) and all(
                    isinstance(value, str) for value in (hub, id, status)
                ):
                    recovered.index[key] = IndexedInstance(hub, id, status)
            recovered.index_is_complete = True
    except (sqlite3.Error, UnicodeError):
        pass  # the entries before the damage are known


def _decoded(data: bytes) -> str | bytes:
    """Decode a string. Return invalid UTF-8 as bytes, which every check of a column rejects."""
    try:
        return data.decode()
    except UnicodeDecodeError:
        return data


def _read_table(connection: sqlite3.Connection, name: str, recovered: RecoveredRows) -> None:
    table, invalid = TABLES[name], 0
    # Read columns by position, because their names may be damaged too.
    for values in connection.execute(f"SELECT * FROM {name}"):
        if not table.add(recovered.rows, values):
            invalid += 1
    if invalid:
        recovered.damaged.add(name)
        recovered.problems.append(
            f"the table {name} has {invalid} invalid row{'' if invalid == 1 else 's'}"
        )


def _read_loose(
    connection: sqlite3.Connection, may_be_free: bool, recovered: RecoveredRows
) -> None:
    """Add the valid rows of pages that belong to no table, for damaged tables only.

    If ``may_be_free`` is true, such a page may be a free page with old rows. Messages, activities
    and awaited events are then left out, because an old message would be delivered again.
    """
    keys = {row.key for row in recovered.rows.instances}
    for _, _, count, rowid, *fields in connection.execute("SELECT * FROM lost_and_found"):
        if not isinstance(count, int):
            continue
        for name in recovered.damaged:
            if may_be_free and name in _PENDING_TABLES:
                continue
            added = TABLES[name].add_loose(recovered.rows, rowid, fields[:count])
            if added and may_be_free and name == "instances" and rowid not in keys:
                recovered.found_loose.add(rowid)
