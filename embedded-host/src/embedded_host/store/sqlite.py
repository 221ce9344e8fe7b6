"""The state in one SQLite file."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable, Iterator, Sequence
from datetime import datetime
from functools import lru_cache
from pathlib import Path
from typing import Any, TypeVar

from embedded_host.engine.events import decode_event, decode_parent, encode_event, encode_parent
from embedded_host.store.connection import open_in_memory, open_state
from embedded_host.store.epoch import from_micros, micros
from embedded_host.store.error_messages import damaged, in_words
from embedded_host.store.input_references import has_reference, referring, text_with_input
from embedded_host.store.integrity_check import was_left_open
from embedded_host.store.interface import (
    ActivityRow,
    Address,
    AppendHistory,
    Change,
    DeleteHistory,
    DeleteInstance,
    DeletePending,
    Due,
    InstanceFilter,
    InstanceRow,
    MessageRow,
    PutActivity,
    PutMessage,
    SaveEntity,
    SaveInstance,
    SaveTimer,
    SetAwaited,
    SetInput,
    StateError,
    TakeActivity,
    TakeMessage,
    TimerRow,
)
from embedded_host.store.listing import listing

_HERE = Path(__file__).parent
T = TypeVar("T")
_NEVER = 2**63 - 1


@lru_cache(maxsize=1)
def _queries() -> dict[str, str]:
    named: dict[str, str] = {}
    for part in (_HERE / "queries.sql").read_text(encoding="utf-8").split("-- name: ")[1:]:
        name, _, text = part.partition("\n")
        named[name.strip()] = text.strip()
    return named


class SqliteStore:
    """See ``contract.py``. ``path`` None keeps the state in memory.

    Writing and reading use a connection each, so that a reader never waits for a write's fsync; one thread may write
    while another reads.
    """

    def __init__(self, path: Path | None, *, fsync: bool = True, opened: sqlite3.Connection | None = None) -> None:
        """``opened`` is a connection to read from, whoever made it. Raises StateError if the file is no state of ours, is from a
        newer version, is damaged, or cannot be opened."""
        self.path = path
        self._sql = _queries()
        self.was_left_open = False
        """The host before did not close the file in good order."""
        if opened is not None:
            self._reader = self._writer = opened
        elif path is None:
            self._reader = self._writer = open_in_memory()
        else:
            self.was_left_open = was_left_open(path)
            self._writer, self._reader = open_state(path, fsync=fsync)

    def close(self) -> None:
        if self._reader is not self._writer:
            self._reader.close()
        self._writer.close()

    def damaged(self, found: str) -> StateError:
        return damaged(self.path, found)

    # -- writing -----------------------------------------------------------------------------------

    def write(self, changes: Sequence[Change]) -> None:
        self.stage(changes)
        self.commit()

    def stage(self, changes: Sequence[Change]) -> None:
        execute = self._writer.execute
        try:
            execute("BEGIN IMMEDIATE")
            try:
                for change in changes:
                    self._apply(execute, change)
            except BaseException:
                self._roll_back()
                raise
        except sqlite3.Error as error:
            raise self._unwritable(error) from error

    def commit(self) -> None:
        try:
            self._writer.execute("COMMIT")
        except sqlite3.Error as error:
            self._roll_back()
            raise self._unwritable(error) from error

    def _roll_back(self) -> None:
        if self._writer.in_transaction:
            self._writer.execute("ROLLBACK")

    def _unwritable(self, error: sqlite3.Error) -> StateError:
        return in_words(self.path, error, "written")

    def _apply(self, execute: Any, change: Change) -> None:
        sql = self._sql
        if isinstance(change, SaveInstance):
            execute(sql["save_instance"], _instance_values(change.row))
        elif isinstance(change, AppendHistory):
            execute(sql["append_history"], change)
        elif isinstance(change, PutMessage):
            row = change.row
            due = None if row.due is None else micros(row.due)
            event = encode_event(referring(row.event))
            execute(sql["put_message"], (row.id, row.instance, row.execution_id, due, event))
        elif isinstance(change, TakeMessage):
            execute(sql["take_message"], change)
        elif isinstance(change, PutActivity):
            execute(sql["put_activity"], change.row)
        elif isinstance(change, TakeActivity):
            execute(sql["take_activity"], change)
        elif isinstance(change, SetInput):
            execute(
                sql["set_input"] if change.input is not None else sql["delete_input"],
                change if change.input is not None else change[:1],
            )
        elif isinstance(change, DeleteHistory):
            execute(sql["delete_history"], change)
        elif isinstance(change, DeletePending):
            execute(sql["delete_pending_messages"], change)
            execute(sql["delete_pending_activities"], change)
        elif isinstance(change, SetAwaited):
            execute(sql["delete_awaited"], change[:1])
            for kind, name in change.awaited:
                execute(sql["put_awaited"], (change.instance, kind, name))
        elif isinstance(change, SaveEntity):
            execute(sql["save_entity"], (change.instance, int(change.has_state), change.state))
        elif isinstance(change, SaveTimer):
            timer = change.row
            execute(sql["save_timer"], (*timer[:2], *(None if t is None else micros(t) for t in timer[2:])))
        elif isinstance(change, DeleteInstance):
            for name in (
                "delete_instance",
                "delete_input",
                "delete_history",
                "delete_messages",
                "delete_activities",
                "delete_awaited",
                "delete_entity",
            ):
                execute(sql[name], change)

    # -- reading -----------------------------------------------------------------------------------
    # Each raises StateError for a file that is damaged or cannot be read.

    def highest_keys(self) -> tuple[int, int, int]:
        row = self._one("highest_keys")
        return row[0], row[1], row[2]

    def hubs(self) -> list[str]:
        return [row[0] for row in self._rows("hubs")]

    def count(self, hub: str) -> int:
        """Instances and entities."""
        return int(self._one("count", hub)[0])

    def instance(self, hub: str, id: str) -> InstanceRow | None:
        row = self._one("instance_by_id", hub, id)
        return self._made(_instance, row) if row else None

    def input(self, instance: int) -> str | None:
        row = self._one("input_of", instance)
        return row[0] if row else None

    def history(self, instance: int) -> list[str]:
        return [text_with_input(*row) for row in self._rows("history_of", instance)]

    def awaited(self, instance: int) -> list[tuple[str, str]]:
        return [(row[0], row[1]) for row in self._rows("awaited_of", instance)]

    def entity(self, instance: int) -> tuple[bool, str | None] | None:
        row = self._one("entity_of", instance)
        return (bool(row[0]), row[1]) if row else None

    def timer(self, hub: str, function: str) -> TimerRow | None:
        row = self._one("timer_of", hub, function)
        return self._made(_timer, row) if row else None

    def messages(self, instance: int) -> list[MessageRow]:
        return [self._made(self._message, row) for row in self._rows("messages_of", instance)]

    def message(self, instance: int, id: int) -> tuple[MessageRow, Address] | None:
        row = self._one("message", instance, id)
        return (self._made(self._message, row[:5]), Address(*row[5:])) if row else None

    def all_messages(self, due_by: datetime | None = None) -> Iterator[tuple[MessageRow, Address]]:
        for row in self._rows("all_messages", _NEVER if due_by is None else micros(due_by)):
            yield self._made(self._message, row[:5]), Address(*row[5:])

    def due_after(self, hub: str, moment: datetime) -> Iterator[Due]:
        for row in self._rows("due_after", hub, micros(moment)):
            yield self._made(_due, row)

    def all_activities(self) -> Iterator[tuple[ActivityRow, Address]]:
        for row in self._rows("all_activities"):
            yield ActivityRow(*row[:6]), Address(*row[6:])

    def continued(self) -> list[Address]:
        return [Address(*row) for row in self._rows("continued_instances")]

    def list(self, hub: str, filter: InstanceFilter, limit: int) -> list[InstanceRow]:
        try:
            text, values = listing(self._reader, hub, filter, limit)
            rows = self._reader.execute(text, values).fetchall()
        except (sqlite3.DatabaseError, UnicodeError) as error:
            raise in_words(self.path, error, "read") from error
        return [self._made(_instance, row) for row in rows]

    def _message(self, row: Sequence[Any]) -> MessageRow:
        text = text_with_input(row[4], self.input(row[1])) if has_reference(row[4]) else row[4]
        return MessageRow(row[0], row[1], row[2], None if row[3] is None else from_micros(row[3]), decode_event(text))

    def _one(self, name: str, *values: Any) -> Any:
        try:
            return self._reader.execute(self._sql[name], values).fetchone()
        except UnicodeEncodeError:  # half a character, which no row has
            return None
        except (sqlite3.DatabaseError, UnicodeError) as error:
            raise in_words(self.path, error, "read") from error

    def _rows(self, name: str, *values: Any) -> Iterator[Any]:
        try:
            yield from self._reader.execute(self._sql[name], values)
        except UnicodeEncodeError:
            return
        except (sqlite3.DatabaseError, UnicodeError) as error:
            raise in_words(self.path, error, "read") from error

    def _made(self, make: Callable[[Any], T], row: Sequence[Any]) -> T:
        """A row of a file that is damaged may hold anything."""
        try:
            return make(row)
        except (ValueError, TypeError, OverflowError) as error:
            raise self.damaged(f"a row of it holds what was never written ({error})") from error


def _instance_values(row: InstanceRow) -> tuple[Any, ...]:
    return (
        row.key,
        row.hub,
        row.id,
        row.name,
        row.status,
        micros(row.created),
        micros(row.updated),
        row.execution_id,
        row.generation,
        None if row.parent is None else encode_parent(row.parent),
        int(row.continued),
        row.custom_status,
        row.output,
    )


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
