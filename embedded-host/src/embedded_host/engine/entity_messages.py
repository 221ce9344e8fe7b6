"""Messages between orchestrations and entities, in the JSON of the Durable Functions extension.

Source: functions-host.md#effects-of-actions.
"""

from __future__ import annotations

import json
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import TypeGuard

from embedded_host.engine.events import EventRaised, EventSent, HistoryEvent
from embedded_host.engine.json_codec import compact, encodable
from embedded_host.engine.timestamps import UTC, format_utc

OPERATION = "op"
"""Name of the events that contain an operation."""
_NAMESPACE = "Microsoft.Azure.WebJobs.Extensions.DurableTask"
_REQUEST = f"{_NAMESPACE}.RequestMessage, {_NAMESPACE}"
_RESPONSE = f"{_NAMESPACE}.ResponseMessage, {_NAMESPACE}"
_NEVER = "0001-01-01T00:00:00"
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_TICKS = 10_000_000


@dataclass(frozen=True)
class EntityId:
    """The name and key of an entity. ``name`` is in lower case."""

    name: str
    key: str

    @classmethod
    def parse(cls, instance_id: str) -> EntityId:
        """Parse ``@name@key``. Raises ValueError if the id has another form."""
        at, name, key = instance_id[:1], *instance_id[1:].partition("@")[::2]
        if at != "@" or not name:
            raise ValueError(f"{instance_id!r} is not a valid entity id (@name@key)")
        return cls(name.lower(), key)

    def __str__(self) -> str:
        return f"@{self.name}@{self.key}"


@dataclass(frozen=True)
class OperationRequest:
    """One operation in an entity's inbox."""

    id: str
    operation: str
    input: str | None
    signal: bool
    parent: str | None = None
    parent_execution: str | None = None

    @classmethod
    def parse(cls, text: str | None) -> OperationRequest:
        """Parse the input of the event that contains an operation.

        Raises ValueError if the input is not an operation. A client may raise an external event
        with the event name of operations, and with any input.
        """
        try:
            raw: object = encodable(json.loads(text or "null"))
        except RecursionError:
            raw = None
        strings = ("id", "op", "input", "parent", "parentExecution")
        if (
            not isinstance(raw, dict)
            or raw.get("id") is None
            or not all(_is_optional_string(raw.get(name)) for name in strings)
        ):
            raise ValueError(f"{str(text)[:200]} is not a valid operation")
        return cls(
            raw["id"],
            raw.get("op") or "",
            raw.get("input"),
            bool(raw.get("signal")),
            raw.get("parent"),
            raw.get("parentExecution"),
        )


@dataclass(frozen=True)
class OperationResponse:
    """The response of an entity to one operation."""

    result: str | None
    """JSON: the result, or the message of a failure."""
    failed: bool

    @classmethod
    def parse(cls, text: str | None) -> OperationResponse:
        """Parse the input of the EventRaised that contains a response.

        Input in another form becomes the result of the operation.
        """
        try:
            raw = json.loads(text or "null")
        except (ValueError, RecursionError):
            raw = None
        if not isinstance(raw, dict):
            return cls(text, False)
        result = raw.get("result")
        return cls(
            result if result is None or isinstance(result, str) else compact(result),
            "exceptionType" in raw,
        )


def _is_optional_string(value: object) -> bool:
    return value is None or isinstance(value, str)


def is_operation(event: HistoryEvent) -> TypeGuard[EventRaised]:
    """Return true if ``event`` is an operation for an entity."""
    return isinstance(event, EventRaised) and event.name == OPERATION


class OutgoingLabels:
    """Labels that define the order of an execution's messages to each entity.

    A label is a timestamp. A message contains its own label and the label of the previous message
    to the same entity.
    """

    def __init__(self, history: Iterable[HistoryEvent]) -> None:
        self._last: dict[str, str] = {}
        for event in history:
            if isinstance(event, EventSent):
                self._last[event.instance_id] = json.loads(event.input).get("Timestamp", _NEVER)

    def next(self, instance_id: str, now: datetime) -> tuple[str, str]:
        """Return the Timestamp and Predecessor of the next message to an entity."""
        before = self._last.get(instance_id, _NEVER)
        label = format_utc(now)
        if before != _NEVER and _ticks(before) >= _ticks(label):
            label = _tick_text(_ticks(before) + 1)
        self._last[instance_id] = label
        return label, before


def request_message(
    *,
    request_id: str,
    operation: str,
    input: str | None,
    signal: bool,
    now: datetime,
    parent: str | None = None,
    parent_execution: str | None = None,
    label: tuple[str, str] | None = None,
) -> str:
    """Return the input of the EventSent that sends an operation.

    ``input`` becomes ``OperationRequest.input``. ``label`` is a result of ``OutgoingLabels.next``.
    """
    message: dict[str, object] = {"$type": _REQUEST, "op": operation}
    if signal:
        message["signal"] = True
    if input is not None:
        message["input"] = input
    message["id"] = request_id
    if parent is not None:
        message["parent"] = parent
        message["parentExecution"] = parent_execution
    if label:
        message["Timestamp"], message["Predecessor"] = label
    message["requestTime"] = format_utc(now, "+00:00")
    return compact(message)


def response_message(result: str, is_error: bool) -> str:
    """Return the input of the EventRaised that responds to a call. ``result`` is JSON."""
    message = {"$type": _RESPONSE, "result": result}
    if is_error:
        message["exceptionType"] = "Error"
    return compact(message)


def _ticks(label: str) -> int:
    whole, _, fraction = label.rstrip("Z").partition(".")
    time = datetime.strptime(whole, "%Y-%m-%dT%H:%M:%S").replace(tzinfo=UTC)
    return int((time - _EPOCH).total_seconds()) * _TICKS + int((fraction or "0").ljust(7, "0")[:7])


def _tick_text(ticks: int) -> str:
    whole = _EPOCH + timedelta(seconds=ticks // _TICKS)
    return f"{whole:%Y-%m-%dT%H:%M:%S}.{ticks % _TICKS:07d}".rstrip("0").rstrip(".")
