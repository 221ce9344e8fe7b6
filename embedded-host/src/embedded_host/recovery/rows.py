"""The valid values of each table's rows, and the table of a row that was found without one."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import datetime
from typing import Any, NamedTuple

from embedded_host.engine.events import HistoryEvent, decode_parent
from embedded_host.engine.status import Status
from embedded_host.store.epoch import from_micros
from embedded_host.store.input_references import decode_stored_turn

Row = tuple[Any, ...]
INPUT_REFERENCE = "\0 in the table inputs"
"""The input of an ExecutionStarted event whose input is in the table ``inputs`` only."""
_STATUSES = frozenset(status.value for status in Status)


class Table(NamedTuple):
    name: str
    columns: tuple[str, ...]
    checks: tuple[Callable[[Any], bool], ...]
    has_rowid: bool
    """The first column is the rowid."""

    def is_valid(self, row: Row) -> bool:
        return len(row) == len(self.columns) and all(
            c(value) for c, value in zip(self.checks, row, strict=True)
        )

    def row_of_record(self, rowid: int | None, fields: Sequence[Any]) -> Row | None:
        """Return the row of a record that was found without its table; None if it cannot be of this one."""
        if len(fields) != len(self.columns):
            return None
        if self.has_rowid:
            if fields[0] is not None:  # SQLite stores the rowid beside the record
                return None
            fields = (rowid, *fields[1:])
        row = tuple(fields)
        return row if self.is_valid(row) else None


def events_of(text: str) -> list[HistoryEvent] | None:
    """Return the events of a turn's JSON; None for invalid text. A reference to an input is kept as ``INPUT_REFERENCE``."""
    try:
        return decode_stored_turn(text, INPUT_REFERENCE)
    except (ValueError, RecursionError):
        return None


def _int(value: Any) -> bool:
    return isinstance(value, int)


def _text(value: Any) -> bool:
    return isinstance(value, str)


def _time(value: Any) -> bool:
    if not isinstance(value, int):
        return False
    try:
        return isinstance(from_micros(value), datetime)
    except OverflowError:
        return False


def _or_null(check: Callable[[Any], bool]) -> Callable[[Any], bool]:
    return lambda value: value is None or check(value)


def _flag(value: Any) -> bool:
    return isinstance(value, int) and value in (0, 1)


def _parent(value: Any) -> bool:
    try:
        decode_parent(value)
    except (ValueError, TypeError, RecursionError):
        return False
    return True


def _event(value: Any) -> bool:
    return isinstance(value, str) and events_of(f"[{value}]") is not None


def _events(value: Any) -> bool:
    return isinstance(value, str) and events_of(value) is not None


TABLES = {
    table.name: table
    for table in (
        Table(
            "instances",
            (
                *(
                    "key",
                    "hub",
                    "id",
                    "name",
                    "status",
                    "created",
                    "updated",
                    "execution_id",
                    "generation",
                    "parent",
                ),
                *("continued", "custom_status", "output"),
            ),
            (
                *(
                    _int,
                    _text,
                    _text,
                    _text,
                    _STATUSES.__contains__,
                    _time,
                    _time,
                    _text,
                    _or_null(_int),
                ),
                *(_or_null(_parent), _flag, _or_null(_text), _or_null(_text)),
            ),
            True,
        ),
        Table("inputs", ("instance", "input"), (_int, _text), True),
        Table("history", ("instance", "turn", "events"), (_int, _int, _events), False),
        Table(
            "messages",
            ("instance", "id", "execution_id", "due", "event"),
            (_int, _int, _or_null(_text), _or_null(_time), _event),
            False,
        ),
        Table(
            "activities",
            ("instance", "id", "execution_id", "task_id", "name", "input"),
            (_int, _int, _text, _int, _text, _text),
            False,
        ),
        Table(
            "awaited",
            ("instance", "kind", "name"),
            (_int, ("event", "entity").__contains__, _text),
            False,
        ),
        Table("entities", ("instance", "has_state", "state"), (_int, _flag, _or_null(_text)), True),
        Table(
            "timers",
            ("hub", "function", "last", "next", "updated"),
            (_text, _text, _or_null(_time), _or_null(_time), _time),
            False,
        ),
    )
}
