"""What a row of each table must look like; and by its look, whose a row is that was found without its tree."""

from __future__ import annotations

import json
from collections.abc import Callable
from datetime import datetime
from typing import Any, NamedTuple

from embedded_host.engine.events import decode_events, decode_parent
from embedded_host.engine.orchestration import Status
from embedded_host.engine.raw_events import COMPLETIONS, EventType
from embedded_host.recovery.records import Value
from embedded_host.store.epoch import from_micros
from embedded_host.store.input_references import text_with_input

Row = tuple[Any, ...]
_NONE: frozenset[str] = frozenset()
_FAILED = frozenset({"Reason", "Details"})
_ASKED: dict[int, frozenset[str]] = {
    **dict.fromkeys(EventType, _NONE),
    EventType.EXECUTION_STARTED: frozenset({"OrchestrationInstance", "ParentInstance", "Name", "Input", "Generation"}),
    EventType.EXECUTION_COMPLETED: frozenset({"OrchestrationStatus", "Result"}),
    EventType.TASK_SCHEDULED: frozenset({"Name", "Input"}),
    EventType.TASK_COMPLETED: frozenset({"Result"}),
    EventType.TASK_FAILED: _FAILED,
    EventType.SUB_ORCHESTRATION_CREATED: frozenset({"Name", "InstanceId", "Input"}),
    EventType.SUB_ORCHESTRATION_COMPLETED: frozenset({"Result"}),
    EventType.SUB_ORCHESTRATION_FAILED: _FAILED,
    EventType.TIMER_CREATED: frozenset({"FireAt"}),
    EventType.TIMER_FIRED: frozenset({"FireAt"}),
    EventType.EVENT_SENT: frozenset({"InstanceId", "Name", "Input"}),
    EventType.EVENT_RAISED: frozenset({"Name", "Input"}),
}
_STATUSES = frozenset(status.value for status in Status)


class Table(NamedTuple):
    name: str
    columns: tuple[str, ...]
    checks: tuple[Callable[[Value], bool], ...]
    key_columns: int
    """0: the first column is the rowid, which a record leaves empty."""

    def row(self, rowid: int | None, values: tuple[Value, ...]) -> Row | None:
        """None for one that cannot have been written."""
        if len(values) != len(self.columns):
            return None
        row = (rowid, *values[1:]) if not self.key_columns else values
        if not self.key_columns and values[0] is not None:
            return None
        return row if all(check(value) for check, value in zip(self.checks, row, strict=True)) else None


def _int(value: Value) -> bool:
    return isinstance(value, int)


def _text(value: Value) -> bool:
    return isinstance(value, str)


def _moment(value: Value) -> bool:
    if not isinstance(value, int):
        return False
    try:
        return isinstance(from_micros(value), datetime)
    except OverflowError:
        return False


def _or_null(check: Callable[[Value], bool]) -> Callable[[Value], bool]:
    return lambda value: value is None or check(value)


def _flag(value: Value) -> bool:
    return value in (0, 1) and isinstance(value, int)


def _parent(value: Value) -> bool:
    try:
        decode_parent(str(value))
    except ValueError:
        return False
    return True


def _event(value: Value) -> bool:
    return isinstance(value, str) and events_of(f"[{value}]") is not None


def _events(value: Value) -> bool:
    return isinstance(value, str) and events_of(value) is not None


def events_of(text: str) -> list[dict[str, Any]] | None:
    """None for a text that is no list of events."""
    try:
        decode_events(text_with_input(text, None))
        events: list[dict[str, Any]] = json.loads(text)
    except (ValueError, RecursionError):
        return None
    return events if all(map(_is_event, events)) else None


def _is_event(event: Any) -> bool:
    """Whether it has what is asked of an event of its type without looking."""
    if not isinstance(event, dict) or not isinstance(event.get("Timestamp"), str):
        return False
    kind = event.get("EventType")
    if not isinstance(kind, int):
        return False
    key = COMPLETIONS.get(kind, "EventId")
    numbered = isinstance(event.get("EventId"), int) and isinstance(event.get(key), int)
    return numbered and kind in _ASKED and _ASKED[kind] <= event.keys()


INSTANCES = Table(
    "instances",
    (
        *("key", "hub", "id", "name", "status", "created", "updated", "execution_id", "generation", "parent"),
        *("continued", "custom_status", "output"),
    ),
    (
        *(_int, _text, _text, _text, lambda value: value in _STATUSES, _moment, _moment, _text, _or_null(_int)),
        *(_or_null(_parent), _flag, _or_null(_text), _or_null(_text)),
    ),
    0,
)
INPUTS = Table("inputs", ("instance", "input"), (_int, _text), 0)
HISTORY = Table("history", ("instance", "turn", "events"), (_int, _int, _events), 2)
MESSAGES = Table(
    "messages",
    ("instance", "id", "execution_id", "due", "event"),
    (_int, _int, _or_null(_text), _or_null(_moment), _event),
    2,
)
ACTIVITIES = Table(
    "activities",
    ("instance", "id", "execution_id", "task_id", "name", "input"),
    (_int, _int, _text, _int, _text, _text),
    2,
)
AWAITED = Table("awaited", ("instance", "kind", "name"), (_int, lambda value: value in ("event", "entity"), _text), 3)
ENTITIES = Table("entities", ("instance", "has_state", "state"), (_int, _flag, _or_null(_text)), 0)
TIMERS = Table(
    "timers",
    ("hub", "function", "last", "next", "updated"),
    (_text, _text, _or_null(_moment), _or_null(_moment), _moment),
    2,
)
TABLES = {t.name: t for t in (INSTANCES, INPUTS, HISTORY, MESSAGES, ACTIVITIES, AWAITED, ENTITIES, TIMERS)}


def _with_rowid(table: Table) -> Table:
    """As version 1 had it in development: with a rowid that was the id."""
    instance, id, *rest = table.columns
    return table._replace(columns=(id, instance, *rest), key_columns=0)


WITH_ROWID = {t.name: _with_rowid(t) for t in (MESSAGES, ACTIVITIES)}


class Name(NamedTuple):
    """What indexes say of an instance."""

    key: int
    hub: str
    id: str
    status: str | None = None
    other_id: str | None = None
    """Where they have two ids for it, one of which is damaged."""


class Index(NamedTuple):
    """An index of instances, by which one can be named whose row is lost."""

    name: str
    checks: tuple[Callable[[Value], bool], ...]
    of: Callable[[tuple[Any, ...]], Name]


INDEXES = (
    Index("sqlite_autoindex_instances_1", (_text, _text, _int), lambda v: Name(v[2], v[0], v[1])),
    Index(
        "instances_by_status",
        (_text, _text, _text, _int),
        lambda v: Name(v[3], v[0], v[2], v[1]),
    ),
)
