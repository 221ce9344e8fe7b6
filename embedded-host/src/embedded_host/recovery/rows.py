"""The types of the rows of a state file, and the checks for rows from a damaged file."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Generic, NamedTuple, TypeVar

import msgspec

from embedded_host.engine.events import HistoryEvent, decode_parent
from embedded_host.engine.status import Status
from embedded_host.store.epoch import from_micros
from embedded_host.store.input_references import decode_stored_turn

INPUT_REFERENCE = "\0 in the table inputs"
"""Placeholder for the input of an ExecutionStarted event. The input is in the table ``inputs``."""
_STATUSES = frozenset(status.value for status in Status)


class InstanceRecord(NamedTuple):
    """A row of the table ``instances``. Times are microseconds since 1970."""

    key: int
    hub: str
    id: str
    name: str
    status: str
    created: int
    updated: int
    execution_id: str
    generation: int | None
    parent: str | None
    continued: int
    protocol: int
    custom_status: str | None
    output: str | None
    tags: str | None
    executions: int = 1
    first_created: int | None = None
    parent_id: str | None = None


class InputRecord(NamedTuple):
    """A row of the table ``inputs``."""

    instance: int
    input: str


class HistoryRecord(NamedTuple):
    """A row of the table ``history``."""

    instance: int
    turn: int
    events: str


class MessageRecord(NamedTuple):
    """A row of the table ``messages``."""

    instance: int
    id: int
    execution_id: str | None
    due: int | None
    event: str


class ActivityRecord(NamedTuple):
    """A row of the table ``activities``."""

    instance: int
    id: int
    execution_id: str
    task_id: int
    name: str
    input: str


class AwaitedRecord(NamedTuple):
    """A row of the table ``awaited``."""

    instance: int
    kind: str
    name: str


class EntityRecord(NamedTuple):
    """A row of the table ``entities``."""

    instance: int
    has_state: int
    state: str | None
    locked_by: str | None


class TimerRecord(NamedTuple):
    """A row of the table ``timers``. Times are microseconds since 1970."""

    hub: str
    function: str
    last: int | None
    next: int | None
    updated: int


@dataclass
class Rows:
    """Rows of a state file, in one list for each table."""

    instances: list[InstanceRecord] = field(default_factory=list)
    inputs: list[InputRecord] = field(default_factory=list)
    history: list[HistoryRecord] = field(default_factory=list)
    messages: list[MessageRecord] = field(default_factory=list)
    activities: list[ActivityRecord] = field(default_factory=list)
    awaited: list[AwaitedRecord] = field(default_factory=list)
    entities: list[EntityRecord] = field(default_factory=list)
    timers: list[TimerRecord] = field(default_factory=list)


Record = TypeVar("Record", bound=tuple[object, ...])


@dataclass(frozen=True)
class Table(Generic[Record]):
    """One table of the schema, with the checks of the values in the columns."""

    name: str
    columns: tuple[str, ...]
    checks: tuple[Callable[[object], bool], ...]
    """One check for each column. It returns true for a value that the host may have written."""
    has_rowid: bool
    """True if the first column is the rowid."""
    make: Callable[[Sequence[object]], Record]
    """Function that returns the row with the given values."""
    rows: Callable[[Rows], list[Record]]
    """Function that returns the list of this table's rows."""

    def add(self, rows: Rows, values: Sequence[object]) -> bool:
        """Append the row with these values to ``rows``. Return false if a value is invalid."""
        if len(values) != len(self.columns):
            return False
        if not all(check(value) for check, value in zip(self.checks, values, strict=True)):
            return False
        self.rows(rows).append(self.make(values))
        return True

    def add_loose(self, rows: Rows, rowid: object, values: Sequence[object]) -> bool:
        """Append a record that belongs to no table.

        Return false if the record cannot be a row of this table.
        """
        if not self.has_rowid:
            return self.add(rows, values)
        if not values or values[0] is not None:  # SQLite stores NULL for the rowid
            return False
        return self.add(rows, (rowid, *values[1:]))


def parse_turn(events: str) -> list[HistoryEvent] | None:
    """Return the events of a turn's JSON, or None if the JSON is invalid.

    An input that is stored as a reference becomes ``INPUT_REFERENCE``.
    """
    try:
        return decode_stored_turn(events, INPUT_REFERENCE)
    except (ValueError, RecursionError):
        return None


def parse_event(event: str) -> HistoryEvent | None:
    """Return the event of a message's JSON, or None if the JSON is invalid."""
    events = parse_turn(f"[{event}]")
    return events[0] if events and len(events) == 1 else None


def _is_integer(value: object) -> bool:
    return isinstance(value, int)


def _is_string(value: object) -> bool:
    return isinstance(value, str)


def _is_time(value: object) -> bool:
    if not isinstance(value, int):
        return False
    try:
        return isinstance(from_micros(value), datetime)
    except OverflowError:
        return False


def _or_null(check: Callable[[object], bool]) -> Callable[[object], bool]:
    return lambda value: value is None or check(value)


def _is_flag(value: object) -> bool:
    return isinstance(value, int) and value in (0, 1)


def _is_status(value: object) -> bool:
    return isinstance(value, str) and value in _STATUSES


def _is_kind_of_wait(value: object) -> bool:
    return value in ("event", "entity", "undelivered")


def _is_parent(value: object) -> bool:
    if not isinstance(value, str):
        return False
    try:
        decode_parent(value)
    except (ValueError, TypeError, RecursionError):
        return False
    return True


def _are_tags(value: object) -> bool:
    if not isinstance(value, str):
        return False
    try:
        msgspec.json.decode(value, type=dict[str, str])
    except (ValueError, RecursionError):
        return False
    return True


def _is_event(value: object) -> bool:
    return isinstance(value, str) and parse_event(value) is not None


def _is_turn(value: object) -> bool:
    return isinstance(value, str) and parse_turn(value) is not None


def _table(
    name: str,
    make: Callable[[Sequence[object]], Record],
    rows: Callable[[Rows], list[Record]],
    columns: dict[str, Callable[[object], bool]],
    *,
    has_rowid: bool = False,
) -> Table[Record]:
    return Table(name, tuple(columns), tuple(columns.values()), has_rowid, make, rows)


INSTANCES = _table(
    "instances",
    InstanceRecord._make,
    lambda rows: rows.instances,
    {
        "key": _is_integer,
        "hub": _is_string,
        "id": _is_string,
        "name": _is_string,
        "status": _is_status,
        "created": _is_time,
        "updated": _is_time,
        "execution_id": _is_string,
        "generation": _or_null(_is_integer),
        "parent": _or_null(_is_parent),
        "continued": _is_flag,
        "protocol": _is_integer,
        "custom_status": _or_null(_is_string),
        "output": _or_null(_is_string),
        "tags": _or_null(_are_tags),
        "executions": _is_integer,
        "first_created": _or_null(_is_time),
        "parent_id": _or_null(_is_string),
    },
    has_rowid=True,
)
INPUTS = _table(
    "inputs",
    InputRecord._make,
    lambda rows: rows.inputs,
    {"instance": _is_integer, "input": _is_string},
    has_rowid=True,
)
HISTORY = _table(
    "history",
    HistoryRecord._make,
    lambda rows: rows.history,
    {"instance": _is_integer, "turn": _is_integer, "events": _is_turn},
)
MESSAGES = _table(
    "messages",
    MessageRecord._make,
    lambda rows: rows.messages,
    {
        "instance": _is_integer,
        "id": _is_integer,
        "execution_id": _or_null(_is_string),
        "due": _or_null(_is_time),
        "event": _is_event,
    },
)
ACTIVITIES = _table(
    "activities",
    ActivityRecord._make,
    lambda rows: rows.activities,
    {
        "instance": _is_integer,
        "id": _is_integer,
        "execution_id": _is_string,
        "task_id": _is_integer,
        "name": _is_string,
        "input": _is_string,
    },
)
AWAITED = _table(
    "awaited",
    AwaitedRecord._make,
    lambda rows: rows.awaited,
    {"instance": _is_integer, "kind": _is_kind_of_wait, "name": _is_string},
)
ENTITIES = _table(
    "entities",
    EntityRecord._make,
    lambda rows: rows.entities,
    {
        "instance": _is_integer,
        "has_state": _is_flag,
        "state": _or_null(_is_string),
        "locked_by": _or_null(_is_string),
    },
    has_rowid=True,
)
TIMERS = _table(
    "timers",
    TimerRecord._make,
    lambda rows: rows.timers,
    {
        "hub": _is_string,
        "function": _is_string,
        "last": _or_null(_is_time),
        "next": _or_null(_is_time),
        "updated": _is_time,
    },
)

TABLES: Mapping[
    str,
    Table[InstanceRecord]
    | Table[InputRecord]
    | Table[HistoryRecord]
    | Table[MessageRecord]
    | Table[ActivityRecord]
    | Table[AwaitedRecord]
    | Table[EntityRecord]
    | Table[TimerRecord],
] = {
    "instances": INSTANCES,
    "inputs": INPUTS,
    "history": HISTORY,
    "messages": MESSAGES,
    "activities": ACTIVITIES,
    "awaited": AWAITED,
    "entities": ENTITIES,
    "timers": TIMERS,
}
"""The tables of the schema by name."""
