"""Queries for the dashboard: one instance, its history, orchestrators and entities.

The queries use their own connection. A query over 100,000 instances takes tens of milliseconds, so
run the queries in a thread, one at a time. Times are microseconds since 1970.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import chain
from pathlib import Path
from typing import TypeVar

from embedded_host.engine.events import HistoryEvent
from embedded_host.store.connection import SqliteRow, SqliteValue, connect, data_version
from embedded_host.store.input_references import decode_stored_turn
from embedded_host.store.instance_lists import InstanceLists
from embedded_host.store.interface import StateReader
from embedded_host.store.named_queries import named_queries
from embedded_host.store.state_reader import SqliteReader

T = TypeVar("T")


@dataclass(frozen=True)
class InstanceDetails:
    """An orchestration instance. The output is JSON, or the message of a failure as plain text."""

    key: int
    id: str
    name: str
    status: str
    created: int
    updated: int
    execution_id: str
    parent: str | None
    custom_status: str | None
    output: str | None
    executions: int
    first_created: int | None
    input: str | None


@dataclass(frozen=True)
class OrchestratorUse:
    """The instances of an orchestrator."""

    count: int
    newest: int
    """Creation time of the newest instance."""
    input: str | None
    """Input of the newest instance."""


class Overview:
    """A reader of a state file. Its methods raise sqlite3.Error if the file cannot be read."""

    def __init__(self, source: Path | sqlite3.Connection) -> None:
        """Read a file, or use a connection to a file."""
        self._path = source if isinstance(source, Path) else None
        self._connection = connect(source) if isinstance(source, Path) else source
        self.lists = InstanceLists(self._connection)
        """The lists of instances. They must be created before the connection can only read."""
        self._connection.execute("PRAGMA query_only = ON")
        # SQLite does not copy memory-mapped pages. This halves the time for the last page of a list
        # of 100,000 instances.
        self._connection.execute("PRAGMA mmap_size = 2147483648")
        self._sql = named_queries("overview.sql")

    def interrupt(self) -> None:
        """Make a running query of another thread raise sqlite3.OperationalError."""
        self._connection.interrupt()

    def close(self) -> None:
        """Close the connection."""
        self._connection.close()

    @contextmanager
    def snapshot(self) -> Iterator[None]:
        """Use the same committed state for all reads in the ``with`` block."""
        self._connection.execute("BEGIN")
        try:
            yield
        finally:
            self._connection.execute("COMMIT")

    def read(self, query: Callable[[StateReader], T]) -> T:
        """Return the result of ``query``, which reads one committed state."""
        with self.snapshot():
            return query(SqliteReader(self._path, self._connection))

    def version(self) -> int:
        """Return a number that changes with every commit."""
        return data_version(self._connection)

    # -- one ---------------------------------------------------------------------------------------

    def instance(self, hub: str, id: str) -> InstanceDetails | None:
        """Return an orchestration instance, or None for an unknown id or the id of an entity."""
        row = self._one("instance_of", hub, id)
        if row is None or self._one("is_entity", row[0]):
            return None
        return InstanceDetails(*row)

    def fingerprint(self, hub: str, id: str) -> SqliteRow | None:
        """Return a value that changes with every turn, or None if the id is unknown."""
        return self._one("fingerprint_of", hub, id)

    def turns(self, key: int) -> tuple[int, int]:
        """Return the number of turns, and the length of the first turn's JSON in characters.

        A rewind changes that length.
        """
        turns, first = self._only("turns_of", key)
        return turns, first

    def history(self, key: int) -> list[list[HistoryEvent]]:
        """Return the events of each turn, in order. Raises ValueError if a row is damaged."""
        return [
            decode_stored_turn(*row)
            for row in self._connection.execute(self._sql["history_of"], (key,))
        ]

    # -- functions and entities --------------------------------------------------------------------

    def orchestrators(self, hub: str) -> dict[str, OrchestratorUse]:
        """Return the OrchestratorUse of each orchestrator, by name."""
        rows = self._connection.execute(self._sql["orchestrators"], (hub,)).fetchall()
        return {
            name: OrchestratorUse(count, newest, self._input(key))
            for name, count, newest, key in rows
        }

    def samples(
        self, hub: str, *, newest: int, each: int, longest: int
    ) -> Iterable[tuple[str, list[HistoryEvent]]]:
        """Yield the name and the history of some of the ``newest`` instances.

        There are at most ``each`` instances of one name. Instances with a history of more than
        ``longest`` characters are left out. Raises ValueError if a row is damaged.
        """
        counts: dict[str, int] = {}
        for key, name in self._connection.execute(
            self._sql["newest_instances"], (hub, newest)
        ).fetchall():
            if (
                counts.get(name, 0) < each
                and not name.startswith("@")
                and self._only("history_sizes", key)[0] <= longest
            ):
                counts[name] = counts.get(name, 0) + 1
                yield name, list(chain.from_iterable(self.history(key)))

    def awaited_events(self, hub: str, limit: int) -> list[str]:
        """Return ``event NAME`` for up to ``limit`` external events that instances wait for."""
        return [
            row[0] for row in self._connection.execute(self._sql["awaited_events"], (hub, limit))
        ]

    def entity_names(self, hub: str) -> list[str]:
        """Return the distinct names of the entities, with the leading @."""
        return [row[0] for row in self._connection.execute(self._sql["entity_names"], (hub,))]

    def entity_states(self, keys: Sequence[int]) -> dict[int, str | None]:
        """Return the state of each entity that has a state, by instance key."""
        marks = ",".join("?" * len(keys))
        select = f"SELECT instance, state FROM entities WHERE has_state AND instance IN ({marks})"
        return dict(self._connection.execute(select, keys))

    def _input(self, key: int) -> str | None:
        row = self._one("input_of", key)
        return None if row is None else str(row[0])

    def _only(self, name: str, *values: SqliteValue) -> SqliteRow:
        """Return the row of a query that always returns one row."""
        row = self._one(name, *values)
        assert row is not None
        return row

    def _one(self, name: str, *values: SqliteValue) -> SqliteRow | None:
        row: SqliteRow | None = self._connection.execute(self._sql[name], values).fetchone()
        return row
