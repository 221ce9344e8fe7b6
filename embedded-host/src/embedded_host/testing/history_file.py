"""Readers of recorded histories.

A history is an export of the embedded host, the list that ``func durable get-history`` prints, or a
status of the management API. Keys and event types are case-insensitive. An event type may be a name
or a number.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import get_args

from embedded_host.engine.events import (
    CompletionEvent,
    ExecutionCompleted,
    ExecutionStarted,
    ExecutionTerminated,
    HistoryEvent,
    SchedulingEvent,
    SubOrchestrationInstanceCompleted,
    TaskCompleted,
    TimerFired,
    event_from,
)
from embedded_host.engine.json_codec import compact
from embedded_host.history import HistoryView, Turn, events_as_shown, infer_turns
from embedded_host.testing.errors import UnreadableHistoryError
from embedded_host.testing.instance_history import InstanceHistory

__tracebackhide__ = True

Fields = dict[str, object]
"""The JSON object of an event. The keys are spelled as in the Durable extension."""

_TYPES: dict[str, type] = {cls.__name__.lower(): cls for cls in get_args(HistoryEvent)}
_TYPES |= {
    name.replace("instance", ""): cls
    for name, cls in _TYPES.items()
    if name.startswith("suborchestration")
}
_TYPES |= {str(cls.__struct_config__.tag): cls for cls in get_args(HistoryEvent)}
_TYPES["generic"] = _TYPES["genericevent"]
_SPELLING = (
    "EventType EventId IsPlayed Timestamp Name FunctionName Input Result Reason Details "
    "TaskScheduledId TimerId FireAt InstanceId OrchestrationInstance ParentInstance "
    "OrchestrationStatus ScheduledTime Version Data"
)
_KEYS = {key.lower(): key for key in _SPELLING.split()}
_STATUSES = {
    0: "Running",
    1: "Completed",
    2: "ContinuedAsNew",
    3: "Failed",
    4: "Canceled",
    5: "Terminated",
}
"""The numbers of DurableTask's OrchestrationStatus."""


@dataclass(frozen=True)
class RecordedHistory:
    """A history to replay."""

    source: str
    """The path of the file, or the string ``the history``, for messages."""
    name: str
    """The orchestrator's name."""
    instance_id: str
    started: ExecutionStarted
    turns: Sequence[Turn]
    is_numbered: bool
    """True if the events have ids. If False, ids and turns are inferred from names and times."""
    outcome: str | None
    """The final status, for example ``Completed``, or None if the instance has not finished."""


def read_history(history: object, name: str | None = None) -> RecordedHistory:
    """Read a history from the path of a file, from parsed JSON, or from an InstanceHistory.

    ``name`` is the orchestrator's name. By default, the name is read from the history. Raises
    UnreadableHistoryError, or OSError if the file cannot be read.
    """
    source = str(history) if isinstance(history, (str, Path)) else "the history"
    try:
        return _read(history, source, name)
    except UnreadableHistoryError:
        raise
    except (ArithmeticError, AttributeError, LookupError, TypeError, ValueError) as error:
        raise UnreadableHistoryError(
            f"{source} is incomplete: {type(error).__name__}: {error} [EH606]"
        ) from error


def _read(history: object, source: str, name: str | None) -> RecordedHistory:
    if isinstance(history, InstanceHistory):
        turns = HistoryView.of(history).turns
        return _recorded(
            source, name or history.name, history.instance_id, history, turns, is_numbered=True
        )
    if isinstance(history, (str, Path)):
        history = _parsed(Path(history), source)
    instance_id = ""
    if isinstance(history, Mapping):
        document = {str(key).lower(): value for key, value in history.items()}
        recorded_name = document.get("name") or document.get("orchestratorname")
        name = name or (recorded_name if isinstance(recorded_name, str) else None)
        instance_id = str(document.get("instanceid") or document.get("id") or "")
    items = [item for item in map(_fields, _list_of_events(history, source)) if item is not None]
    if all(map(_is_numbered, items)):
        events = [event_from(_complete(item)) for item in items]
        turns = HistoryView.of(events).turns
        return _recorded(source, name, instance_id, events, turns, is_numbered=True)
    if not _has_results(items):
        raise UnreadableHistoryError(
            f"{source} contains no results of activities and sub-orchestrations. Request the "
            "status with showHistory=true&showHistoryOutput=true. [EH606]"
        )
    status = {
        "instanceId": instance_id,
        "name": name or "",
        "runtimeStatus": "Completed",
        "historyEvents": items,
    }
    events = events_as_shown(status, "replayed")
    return _recorded(source, name, instance_id, events, infer_turns(events), is_numbered=False)


def _parsed(file: Path, source: str) -> object:
    try:
        document: object = json.loads(file.read_text(encoding="utf-8-sig"))
    except ValueError as error:
        raise UnreadableHistoryError(f"{source} is not valid JSON: {error} [EH606]") from error
    return document


def _recorded(
    source: str,
    name: str | None,
    instance_id: str,
    events: Sequence[HistoryEvent],
    turns: Sequence[Turn],
    *,
    is_numbered: bool,
) -> RecordedHistory:
    view = HistoryView.of(events)
    started = view.started
    if started is None:
        raise UnreadableHistoryError(
            f"{source} is not a complete history: the event ExecutionStarted is missing. [EH606]"
        )
    name = name or started.name
    if not name:
        raise UnreadableHistoryError(
            f"{source} does not contain the orchestrator's name. Pass the name: "
            "app.replay(..., name=...), or embedded-host replay --name. [EH606]"
        )
    instance_id = instance_id or started.orchestration_instance.instance_id or "replayed"
    return RecordedHistory(source, name, instance_id, started, turns, is_numbered, _outcome(view))


def _outcome(view: HistoryView) -> str | None:
    if any(isinstance(event, ExecutionTerminated) for event in view.events):
        return "Terminated"
    return view.ended.orchestration_status if isinstance(view.ended, ExecutionCompleted) else None


def _list_of_events(history: object, source: str) -> list[Mapping[str, object]]:
    """Return the list of events: the document itself, or a value in its first two levels."""
    for level in (history, *(history.values() if isinstance(history, Mapping) else ())):
        for value in (level, *(level.values() if isinstance(level, Mapping) else ())):
            if (
                not isinstance(value, list)
                or not value
                or not all(isinstance(item, Mapping) for item in value)
            ):
                continue
            if any(key.lower() == "eventtype" for key in value[0]):
                return value
    raise UnreadableHistoryError(
        f"{source} contains no history. Get a history with `embedded-host export`, with "
        "`func durable get-history`, or from the status URL with "
        "showHistory=true&showHistoryOutput=true. [EH606]"
    )


def _fields(item: Mapping[str, object]) -> Fields | None:
    """Return an event's fields, or None for an event type that a replay does not need."""
    fields = {_KEYS.get(key.lower(), key): value for key, value in item.items()}
    cls = _TYPES.get(str(fields.get("EventType")).replace("_", "").lower())
    if cls is None:
        return None
    fields["EventType"] = cls.__name__
    return fields


def _type(fields: Fields) -> type:
    return _TYPES[str(fields["EventType"]).lower()]


def _is_numbered(fields: Fields) -> bool:
    cls = _type(fields)
    if issubclass(cls, ExecutionStarted):
        return bool(fields.get("OrchestrationInstance"))
    if issubclass(cls, SchedulingEvent):
        event_id = fields.get("EventId")
        return isinstance(event_id, int) and event_id >= 0
    if issubclass(cls, CompletionEvent):
        return isinstance(fields.get("TimerId" if cls is TimerFired else "TaskScheduledId"), int)
    return True


def _has_results(items: Sequence[Fields]) -> bool:
    completed = [
        item for item in items if _type(item) in (TaskCompleted, SubOrchestrationInstanceCompleted)
    ]
    return not completed or any("Result" in item for item in completed)


def _complete(fields: Fields) -> Fields:
    """Return a numbered event in the format of the recorded history.

    The event type is a number, JSON values are strings, and no field is missing.
    """
    cls = _type(fields)
    strings = {
        key: compact(fields[key])
        for key in ("Input", "Result", "Details", "Reason")
        if fields.get(key) is not None and not isinstance(fields[key], str)
    }
    complete = {
        "Timestamp": "",
        "IsPlayed": False,
        **fields,
        **strings,
        "EventType": cls.__struct_config__.tag,  # type: ignore[attr-defined]
    }
    if cls is ExecutionStarted:
        complete["Name"] = fields.get("Name") or fields.get("FunctionName") or ""
    elif cls is ExecutionCompleted:
        status = fields.get("OrchestrationStatus")
        complete["OrchestrationStatus"] = (
            _STATUSES.get(status, "Completed")
            if isinstance(status, int)
            else str(status or "Completed")
        )
    elif "InstanceId" not in fields or fields["InstanceId"] is None:
        # Durable extensions before 3.19.0 omit the instance id of a sub-orchestration.
        complete["InstanceId"] = ""
    return complete
