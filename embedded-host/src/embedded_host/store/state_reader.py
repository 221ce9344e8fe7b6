"""Reading a state from a SQLite connection."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable, Iterator, Sequence
from datetime import datetime
from pathlib import Path
from typing import Any, TypeVar

from embedded_host.engine.events import HistoryEvent, decode_event, decode_parent
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
    InstanceQuery,
    InstanceRow,
    MessageRow,
    StateError,
    TimerRow,
)
from embedded_host.store.listing import listing, scanning
from embedded_host.store.named_queries import named_queries

T = TypeVar("T")
_NEVER = 2**63 - 1


class SqliteReader:
    """Implements ``StateReader``. ``path`` is the file, for messages; None for a state in memory."""

    def __init__(self, path: Path | None, reader: sqlite3.Connection) -> None:
        self.path = path
        self._reader = reader
        self._sql = named_queries("queries.sql")

    def close(self) -> None:
        self._reader.close()

    def damage_error(self, found: str) -> StateError:
        return damage_error(self.path, found)

    def highest_keys(self) -> tuple[int, int, int]:
        row = self._one("highest_keys")
        return row[0], row[1], row[2]

    def hubs(self) -> list[str]:
        """Return the names of the task hubs with instances."""
        return [row[0] for row in self._rows("hubs")]

    def count(self, hub: str | None = None) -> int:
        """Return the number of instances and entities of a task hub; None for all hubs."""
        return int(self._one("count", hub)[0])

    def instance(self, hub: str, id: str) -> InstanceRow | None:
        row = self._one("instance_by_id", hub, id)
        return self._parse(_instance, row) if row else None

    def input(self, instance: int) -> str | None:
        row = self._one("input_of", instance)
        return row[0] if row else None

    def history(self, instance: int) -> list[list[HistoryEvent]]:
        try:
            return [decode_stored_turn(*row) for row in self._rows("history_of", instance)]
        except (ValueError, TypeError, RecursionError) as error:
            id = self._one("id_of", instance)
            raise self.damage_error(
                f"the history of the instance '{id[0] if id else instance}' is invalid ({error})"
            ) from error

    def awaited(self, instance: int) -> list[tuple[str, str]]:
        return [(row[0], row[1]) for row in self._rows("awaited_of", instance)]

    def entity(self, instance: int) -> tuple[bool, str | None] | None:
        row = self._one("entity_of", instance)
        return (bool(row[0]), row[1]) if row else None

    def timer(self, hub: str, function: str) -> TimerRow | None:
        row = self._one("timer_of", hub, function)
        return self._parse(_timer, row) if row else None

    def messages(self, instance: int) -> list[MessageRow]:
        return [self._parse(self._message, row) for row in self._rows("messages_of", instance)]

    def message(self, instance: int, id: int) -> tuple[MessageRow, Address] | None:
        row = self._one("message", instance, id)
        return (self._parse(self._message, row[:5]), Address(*row[5:])) if row else None

    def all_messages(self, due_by: datetime | None = None) -> Iterator[tuple[MessageRow, Address]]:
        for row in self._rows("all_messages", _NEVER if due_by is None else micros(due_by)):
            yield self._parse(self._message, row[:5]), Address(*row[5:])

    def due_after(self, hub: str, moment: datetime) -> Iterator[Due]:
        for row in self._rows("due_after", hub, micros(moment)):
            yield self._parse(_due, row)

    def all_activities(self) -> Iterator[tuple[ActivityRow, Address]]:
        for row in self._rows("all_activities"):
            yield ActivityRow(*row[:6]), Address(*row[6:])

    def continued(self) -> list[Address]:
        return [Address(*row) for row in self._rows("continued_instances")]

    def scan(
        self, hub: str, query: InstanceQuery, rows: int
    ) -> tuple[list[InstanceRow], str | None]:
        text, last_text, values = scanning(hub, query, rows)
        try:
            found = self._reader.execute(text, values).fetchall()
            last = self._reader.execute(last_text, values).fetchone()
        except (sqlite3.DatabaseError, UnicodeError) as error:
            raise state_error(self.path, error, "read") from error
        return [self._parse(_instance, row) for row in found], last[0] if last else None

    def list(self, hub: str, query: InstanceQuery, limit: int) -> list[InstanceRow]:
        try:
            text, values = listing(self._reader, hub, query, limit)
            rows = self._reader.execute(text, values).fetchall()
        except (sqlite3.DatabaseError, UnicodeError) as error:
            raise state_error(self.path, error, "read") from error
        return [self._parse(_instance, row) for row in rows]

    def _message(self, row: Sequence[Any]) -> MessageRow:
        text = resolve_reference(row[4], self.input(row[1])) if has_reference(row[4]) else row[4]
        return MessageRow(
            row[0],
            row[1],
            row[2],
            None if row[3] is None else from_micros(row[3]),
            decode_event(text),
        )

    def _one(self, name: str, *values: Any) -> Any:
        try:
            return self._reader.execute(self._sql[name], values).fetchone()
        except UnicodeEncodeError:  # half a surrogate pair: no row has it
            return None
        except (sqlite3.DatabaseError, UnicodeError) as error:
            raise state_error(self.path, error, "read") from error

    def _rows(self, name: str, *values: Any) -> Iterator[Any]:
        try:
            yield from self._reader.execute(self._sql[name], values)
        except UnicodeEncodeError:
            return
        except (sqlite3.DatabaseError, UnicodeError) as error:
            raise state_error(self.path, error, "read") from error

    def _parse(self, make: Callable[[Any], T], row: Sequence[Any]) -> T:
        """A row of a damaged file may hold anything."""
        try:
            return make(row)
        except (ValueError, TypeError, OverflowError) as error:
            raise self.damage_error(f"it contains an invalid row ({error})") from error


def _instance(row: Sequence[Any]) -> InstanceRow:
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
        custom_status=row[11],
        output=row[12],
    )


def _due(row: Sequence[Any]) -> Due:
    return Due(from_micros(row[0]), row[1], row[2])


def _timer(row: Sequence[Any]) -> TimerRow:
    last, next = (None if value is None else from_micros(value) for value in row[2:4])
    return TimerRow(row[0], row[1], last, next, from_micros(row[4]))
