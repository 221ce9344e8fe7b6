"""The file with the log lines of functions.

The file is separate from the state file. Thus a line never delays a commit, and the loss of a line
does not change the state. The lines are not synchronized to disk. A file that cannot be read is
replaced.
"""

from __future__ import annotations

import contextlib
import sqlite3
import time
from collections.abc import Sequence
from contextlib import closing
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import NamedTuple

from embedded_host.store.connection import SqliteValue, connect
from embedded_host.store.files import file_size, log_file, make_file, make_folder, restrict_to_owner
from embedded_host.store.interface import StateError
from embedded_host.store.read_only import readable
from embedded_worker.log_levels import TRACE
from embedded_worker.protocol import LogLine

LOG_LINES = "logs.db"
"""The name of the file in the state folder."""
LOG_SCHEMA_VERSION = 1
"""``PRAGMA user_version`` of the file."""
MAX_AGE = 7 * 24 * 3600
"""Seconds after which a line is deleted."""
_INSERT = (
    "INSERT INTO lines (hub, time, level, category, text, function, invocation, instance) "
    "VALUES (?, ?, ?, ?, ?, ?, ?, ?)"
)


class StoredLine(NamedTuple):
    """A line of the file and its number. A later line has a greater number."""

    id: int
    line: LogLine


@dataclass(frozen=True)
class LogQuery:
    """A filter for lines. Empty strings match each line."""

    hub: str = ""
    instance_id: str = ""
    function: str = ""
    """The name of a function, in any case."""
    level: int = TRACE
    """The lowest level of the lines."""
    after: int | None = None
    """Only lines with a greater number, the oldest first. None: the newest lines."""
    limit: int = 100
    before: int | None = None
    """Only lines with a smaller number. It selects the newest of them unless ``after`` is set."""


class LogLinesFile:
    """The file of a running host. Only one thread may use it."""

    def __init__(self, path: Path, hub: str, max_bytes: int, *, max_age: float = MAX_AGE) -> None:
        """Open the file, or create it. Replace a damaged file and a file of another version.

        ``hub`` is the task hub of all new lines. ``max_bytes`` is the maximum size of the lines
        with their indexes. Raises OSError or sqlite3.Error.
        """
        self._hub, self._max_bytes, self._max_age = hub, max_bytes, max_age
        try:
            self._connection = _open(path)
        except sqlite3.DatabaseError:
            for file in (path, log_file(path), path.with_name(path.name + "-shm")):
                file.unlink(missing_ok=True)
            self._connection = _open(path)

    def write(self, lines: Sequence[LogLine]) -> None:
        """Append ``lines``."""
        execute = self._connection.execute
        execute("BEGIN IMMEDIATE")
        try:
            self._connection.executemany(_INSERT, [(self._hub, *line) for line in lines])
        except BaseException:
            execute("ROLLBACK")
            raise
        execute("COMMIT")

    def prune(self) -> None:
        """Delete the lines that are too old, and the oldest lines of a file that is too large."""
        least = int((time.time() - self._max_age) * 1_000_000)
        first = self._number("SELECT id FROM lines WHERE time >= ? ORDER BY id LIMIT 1", least)
        if first is None:
            self._connection.execute("DELETE FROM lines")
            return
        self._connection.execute("DELETE FROM lines WHERE id < ?", (first,))
        last = self._number("SELECT max(id) FROM lines") or 0
        while self.size > self._max_bytes and first < last:
            first += max(1, (last - first) // 10)
            self._connection.execute("DELETE FROM lines WHERE id < ?", (first,))

    @property
    def size(self) -> int:
        """The bytes of the used pages."""
        pages = (self._number("PRAGMA page_count") or 0) - (
            self._number("PRAGMA freelist_count") or 0
        )
        return pages * (self._number("PRAGMA page_size") or 0)

    def _number(self, sql: str, *values: SqliteValue) -> int | None:
        row = self._connection.execute(sql, values).fetchone()
        return None if row is None or row[0] is None else int(row[0])

    def close(self) -> None:
        """Close the file."""
        with contextlib.suppress(sqlite3.Error):
            self._connection.close()


def _open(path: Path) -> sqlite3.Connection:
    make_folder(path.parent)
    is_new = not file_size(path)
    if is_new:
        with contextlib.suppress(FileExistsError):
            make_file(path)
    restrict_to_owner(path)
    connection = connect(path)
    try:
        version = connection.execute("PRAGMA user_version").fetchone()[0]
        if not is_new and version != LOG_SCHEMA_VERSION:
            raise sqlite3.DatabaseError(f"version {version}")
        connection.execute("PRAGMA journal_mode = WAL")
        connection.execute("PRAGMA synchronous = OFF")
        if is_new:
            connection.executescript(
                f"BEGIN;\n{_schema()}\nPRAGMA user_version = {LOG_SCHEMA_VERSION};\nCOMMIT;"
            )
    except BaseException:
        connection.close()
        raise
    return connection


@lru_cache(maxsize=1)
def _schema() -> str:
    return Path(__file__).with_name("log_lines.sql").read_text(encoding="utf-8")


def read_lines(path: Path, query: LogQuery) -> list[StoredLine]:
    """Return the lines that match ``query``, in the order of their numbers.

    A host may write the file at the same time. If there is no file, there are no lines. Raises
    StateError if the file cannot be read.
    """
    if not file_size(path):
        return []
    try:
        with (
            readable(path) as (file, parameters),
            closing(connect(file, parameters=parameters)) as connection,
        ):
            version = connection.execute("PRAGMA user_version").fetchone()[0]
            if version != LOG_SCHEMA_VERSION:  # the next host replaces the file
                return []
            rows = connection.execute(*_selection(query)).fetchall()
    except (sqlite3.Error, UnicodeError, OSError) as error:
        raise StateError(
            f"The log file {path} cannot be read: {error}. Check its permissions, or delete it "
            "while no host runs. [EH347]"
        ) from error
    lines = [StoredLine(row[0], LogLine(*row[1:])) for row in rows]
    return lines if query.after is not None else lines[::-1]


def _selection(query: LogQuery) -> tuple[str, list[SqliteValue]]:
    terms = ["level >= ?"]
    conditions: list[SqliteValue] = [query.level]
    if query.hub:
        terms.append("hub = ?")
        conditions.append(query.hub)
    for column, value in (
        ("instance", query.instance_id),
        ("function", query.function),
    ):
        if value:
            # The second term lets SQLite use the partial index.
            terms.append(f"{column} = ? AND {column} <> ''")
            conditions.append(value)
    if query.after is not None:
        terms.append("id > ?")
        conditions.append(query.after)
    if query.before is not None:
        terms.append("id < ?")
        conditions.append(query.before)
    order = "ASC" if query.after is not None else "DESC"
    sql = (
        "SELECT id, time, level, category, text, function, invocation, instance FROM lines "
        f"WHERE {' AND '.join(terms)} ORDER BY id {order} LIMIT ?"
    )
    return sql, [*conditions, query.limit]
