"""A reader of a state over a SQLite connection."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable, Iterator
from datetime import datetime
from pathlib import Path
from typing import TypeVar

from embedded_host.engine.events import HistoryEvent, decode_event, decode_parent
from embedded_host.store.connection import SqliteRow, SqliteValue
from embedded_host.store.epoch import from_micros, micros
from embedded_host.store.error_messages import damage_error, state_error
from embedded_host.store.input_references import (
    decode_stored_turn,
    has_reference,
    resolve_reference,
)
from embedded_host.store.interface import (
    ActivityRow,
    Address,
    Due,
    EntityRow,
    InstanceQuery,
    InstanceRow,
    LockedEntity,
    MessageRow,
    StateError,
    TimerRow,
)
from embedded_host.store.listing import list_query, scan_queries
from embedded_host.store.named_queries import named_queries

T = TypeVar("T")
_NEVER = 2**63 - 1


class SqliteReader:
    """Implements ``StateReader``.

    ``path`` is the path of the file for error messages, or None for a state in memory.
    """

    def __init__(self, path: Path | None, reader: sqlite3.Connection) -> None:
        self.path = path
        self._reader = reader
        self._sql = named_queries("queries.sql")

    def close(self) -> None:
        """Close the connection."""
        self._reader.close()

    def damage_error(self, damage: str) -> StateError:
        """Return the error for damaged data. ``damage`` describes the damage."""
        return damage_error(self.path, damage)

    def highest_keys(self) -> tuple[int, int, int]:
        """Return the highest instance key, message id and activity id, or 0 for an empty table."""
        instance, message, activity = self._only("highest_keys")
        return instance, message, activity

    def hubs(self) -> list[str]:
        """Return the names of the task hubs that have instances."""
        return [row[0] for row in self._rows("hubs")]

    def count(self, hub: str | None = None) -> int:
        """Return the number of instances and entities of one task hub, or of all task hubs."""
        return int(self._only("count", hub)[0])

    def instance(self, hub: str, id: str) -> InstanceRow | None:
        """Return an instance or None. The comparison of ``hub`` ignores case."""
        row = self._one("instance_by_id", hub, id)
        return self._parse(_instance, row) if row else None

    def input(self, instance: int) -> str | None:
        """Return the input of the current execution."""
        row = self._one("input_of", instance)
        return row[0] if row else None

    def history(self, instance: int) -> list[list[HistoryEvent]]:
        """Return the events of each turn, in order."""
        try:
            return [decode_stored_turn(*row) for row in self._rows("history_of", instance)]
        except (ValueError, TypeError, RecursionError) as error:
            id = self._one("id_of", instance)
            raise self.damage_error(
                f"the history of the instance '{id[0] if id else instance}' is invalid ({error})"
            ) from error

    def awaited(self, instance: int) -> list[tuple[str, str]]:
        """Return the list of ``SetAwaited``, sorted."""
        return [(row[0], row[1]) for row in self._rows("awaited_of", instance)]

    def entity(self, instance: int) -> EntityRow | None:
        """Return the state of an entity, or None for an orchestration."""
        row = self._one("entity_of", instance)
        return EntityRow(bool(row[0]), *row[1:]) if row else None

    def locked_entities(self, hub: str) -> list[LockedEntity]:
        """Return the locked entities of a task hub, in order of their ids."""
        return [LockedEntity(*row) for row in self._rows("locked_entities", hub)]

    def timer(self, hub: str, function: str) -> TimerRow | None:
        """Return the schedule status of a timer function, or None. Comparisons ignore case."""
        row = self._one("timer_of", hub, function)
        return self._parse(_timer, row) if row else None

    def messages(self, instance: int) -> list[MessageRow]:
        """Return an instance's inbox in order of id."""
        return [self._parse(self._message, row) for row in self._rows("messages_of", instance)]

    def message(self, instance: int, id: int) -> tuple[MessageRow, Address] | None:
        """Return one message and the address of its receiver, or None."""
        row = self._one("message", instance, id)
        return (self._parse(self._message, row[:5]), Address(*row[5:])) if row else None

    def all_messages(self, due_by: datetime | None = None) -> Iterator[tuple[MessageRow, Address]]:
        """Yield the messages of all inboxes in order of id.

        ``due_by`` excludes the messages that are due later.
        """
        for row in self._rows("all_messages", _NEVER if due_by is None else micros(due_by)):
            yield self._parse(self._message, row[:5]), Address(*row[5:])

    def due_after(self, hub: str, time: datetime) -> Iterator[Due]:
        """Return the messages of a task hub that are due later than ``time``."""
        for row in self._rows("due_after", hub, micros(time)):
            yield self._parse(_due, row)

    def all_activities(self) -> Iterator[tuple[ActivityRow, Address]]:
        """Return the activities of all instances, in order of id."""
        for row in self._rows("all_activities"):
            yield ActivityRow(*row[:6]), Address(*row[6:])

    def continued(self) -> list[Address]:
        """Return the instances whose ``continued`` is true."""
        return [Address(*row) for row in self._rows("continued_instances")]

    def scan(
        self, hub: str, query: InstanceQuery, rows: int
    ) -> tuple[list[InstanceRow], str | None]:
        """Examine the next ``rows`` instances, as ``StateReader.scan`` describes."""
        select, select_last, values = scan_queries(hub, query, rows)
        try:
            matching = self._reader.execute(select, values).fetchall()
            last = self._reader.execute(select_last, values).fetchone()
        except (sqlite3.DatabaseError, UnicodeError) as error:
            raise state_error(self.path, error, "read") from error
        return [self._parse(_instance, row) for row in matching], last[0] if last else None

    def list(self, hub: str, query: InstanceQuery, limit: int) -> list[InstanceRow]:
        """Return at most ``limit`` instances, ordered by the code points of their ids."""
        try:
            select, values = list_query(self._reader, hub, query, limit)
            rows = self._reader.execute(select, values).fetchall()
        except (sqlite3.DatabaseError, UnicodeError) as error:
            raise state_error(self.path, error, "read") from error
        return [self._parse(_instance, row) for row in rows]

    def _message(self, row: SqliteRow) -> MessageRow:
        id, instance, execution_id, due, event = row
        if has_reference(event):
            event = resolve_reference(event, self.input(instance))
        return MessageRow(
            id,
            instance,
            execution_id,
            None if due is None else from_micros(due),
            decode_event(event),
        )

    def _only(self, name: str, *values: SqliteValue) -> SqliteRow:
        """Return the row of a query that always returns one row."""
        row = self._one(name, *values)
        assert row is not None
        return row

    def _one(self, name: str, *values: SqliteValue) -> SqliteRow | None:
        try:
            row: SqliteRow | None = self._reader.execute(self._sql[name], values).fetchone()
            return row
        except UnicodeEncodeError:  # a lone surrogate, which no row contains
            return None
        except (sqlite3.DatabaseError, UnicodeError) as error:
            raise state_error(self.path, error, "read") from error

    def _rows(self, name: str, *values: SqliteValue) -> Iterator[SqliteRow]:
        try:
            yield from self._reader.execute(self._sql[name], values)
        except UnicodeEncodeError:
            return
        except (sqlite3.DatabaseError, UnicodeError) as error:
            raise state_error(self.path, error, "read") from error

    def _parse(self, make: Callable[[SqliteRow], T], row: SqliteRow) -> T:
        """Return the result of ``make``. Raises StateError for an invalid row of a damaged file."""
        try:
            return make(row)
        except (ValueError, TypeError, OverflowError) as error:
            raise self.damage_error(f"it contains an invalid row ({error})") from error


def _instance(row: SqliteRow) -> InstanceRow:
    return InstanceRow(
        key=row[0],
        hub=row[1],
        id=row[2],
        name=row[3],
        status=row[4],
        created=from_micros(row[5]),
        updated=from_micros(row[6]),
        execution_id=row[7],
        generation=row[8],
        parent=decode_parent(row[9]) if row[9] else None,
        continued=bool(row[10]),
        protocol=row[11],
        custom_status=row[12],
        output=row[13],
        tags=row[14],
    )


def _due(row: SqliteRow) -> Due:
    return Due(from_micros(row[0]), row[1], row[2])


def _timer(row: SqliteRow) -> TimerRow:
    last, next = (None if value is None else from_micros(value) for value in row[2:4])
    return TimerRow(row[0], row[1], last, next, from_micros(row[4]))
