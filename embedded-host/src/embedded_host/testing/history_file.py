"""Reads recorded histories: exports of the embedded host, lists of ``func durable get-history``, statuses of the management
API. Keys and event types are read without regard to case; event types may be names or numbers."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, get_args

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

Fields = dict[str, Any]
"""A JSON object, with the extension's spelling of keys."""

_TYPES: dict[str, type] = {cls.__name__.lower(): cls for cls in get_args(HistoryEvent)}
_TYPES |= {
    name.replace("instance", ""): cls
    for name, cls in _TYPES.items()
    if name.startswith("suborchestration")
}
_TYPES |= {str(cls.__struct_config__.tag): cls for cls in get_args(HistoryEvent)}
_TYPES["generic"] = _TYPES["genericevent"]
_SPELLING = (
    "EventType EventId IsPlayed Timestamp Name FunctionName Input Result Reason Details TaskScheduledId TimerId FireAt "
    "InstanceId OrchestrationInstance ParentInstance OrchestrationStatus ScheduledTime Version Data"
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
"""DurableTask's OrchestrationStatus."""


@dataclass(frozen=True)
class RecordedHistory:
    """A history to replay."""

    source: str
    """The file's path, or ``the history``."""
    name: str
    """The orchestrator's name."""
    instance_id: str
    started: ExecutionStarted
    turns: Sequence[Turn]
    is_numbered: bool
    """The events have ids. Otherwise ids and turns are derived from names and times."""
    outcome: str | None
    """``Completed``, ``Failed``, ``Terminated`` and the like; None if the execution has not ended."""


def read_history(source: Any, name: str | None = None) -> RecordedHistory:
    """Read a history from a file, its parsed content, or an InstanceHistory. ``name`` is the orchestrator's name.

    Raises UnreadableHistoryError, or OSError if the file cannot be read."""
    shown = str(source) if isinstance(source, (str, Path)) else "the history"
    try:
        return _read(source, shown, name)
    except UnreadableHistoryError:
        raise
    except (ArithmeticError, AttributeError, LookupError, TypeError, ValueError) as error:
        raise UnreadableHistoryError(
            f"{shown} is not whole: {type(error).__name__}: {error} [EH606]"
        ) from error


def _read(source: Any, shown: str, name: str | None) -> RecordedHistory:
    if isinstance(source, InstanceHistory):
        return _recorded(
            shown,
            name or source.name,
            source.instance_id,
            source,
            HistoryView.of(source).turns,
            True,
        )
    if isinstance(source, (str, Path)):
        try:
            source = json.loads(Path(source).read_text(encoding="utf-8-sig"))
        except ValueError as error:
            raise UnreadableHistoryError(f"{shown} is no JSON: {error} [EH606]") from error
    instance_id = ""
    if isinstance(source, Mapping):
        document = {str(key).lower(): value for key, value in source.items()}
        found = document.get("name") or document.get("orchestratorname")
        name = name or (found if isinstance(found, str) else None)
        instance_id = str(document.get("instanceid") or document.get("id") or "")
    items = [item for item in map(_fields, _list_of_events(source, shown)) if item is not None]
    if all(map(_is_numbered, items)):
        events = [event_from(_complete(item)) for item in items]
        return _recorded(shown, name, instance_id, events, HistoryView.of(events).turns, True)
    if not _has_results(items):
        raise UnreadableHistoryError(
            f"{shown} has no results: ask for it with showHistory=true&showHistoryOutput=true. [EH606]"
        )
    status = {
        "instanceId": instance_id,
        "name": name or "",
        "runtimeStatus": "Completed",
        "historyEvents": items,
    }
    events = events_as_shown(status, "replayed")
    return _recorded(shown, name, instance_id, events, infer_turns(events), False)


def _recorded(
    shown: str,
    name: str | None,
    instance_id: str,
    events: Sequence[HistoryEvent],
    turns: Sequence[Turn],
    is_numbered: bool,
) -> RecordedHistory:
    view = HistoryView.of(events)
    started = view.started
    if started is None:
        raise UnreadableHistoryError(
            f"{shown} has no ExecutionStarted: it is not the whole history. [EH606]"
        )
    name = name or started.name
    if not name:
        raise UnreadableHistoryError(
            f"{shown} does not say which orchestrator it is of: name it. [EH606]"
        )
    instance_id = instance_id or started.orchestration_instance.instance_id or "replayed"
    return RecordedHistory(shown, name, instance_id, started, turns, is_numbered, _outcome(view))


def _outcome(view: HistoryView) -> str | None:
    if any(isinstance(event, ExecutionTerminated) for event in view.events):
        return "Terminated"
    return view.ended.orchestration_status if isinstance(view.ended, ExecutionCompleted) else None


def _list_of_events(source: Any, shown: str) -> list[Any]:
    """Find the list of events in a document: itself, or up to two levels below."""
    for level in (source, *(source.values() if isinstance(source, Mapping) else ())):
        for found in (level, *(level.values() if isinstance(level, Mapping) else ())):
            if (
                not isinstance(found, list)
                or not found
                or not all(isinstance(item, Mapping) for item in found)
            ):
                continue
            if any(key.lower() == "eventtype" for key in found[0]):
                return found
    raise UnreadableHistoryError(
        f"{shown} holds no history. Make one with `embedded-host export`, `func durable get-history`, or ask the status URL with "
        "showHistory=true&showHistoryOutput=true. [EH606]"
    )


def _fields(item: Mapping[str, Any]) -> Fields | None:
    """Return an event's fields with the spelling of the extension; None for a type without meaning for a replay."""
    fields = {_KEYS.get(key.lower(), key): value for key, value in item.items()}
    cls = _TYPES.get(str(fields.get("EventType")).replace("_", "").lower())
    if cls is None:
        return None
    fields["EventType"] = cls.__name__
    return fields


def _type(fields: Fields) -> type:
    return _TYPES[fields["EventType"].lower()]


def _is_numbered(fields: Fields) -> bool:
    cls = _type(fields)
    if issubclass(cls, ExecutionStarted):
        return bool(fields.get("OrchestrationInstance"))
    if issubclass(cls, SchedulingEvent):
        return isinstance(fields.get("EventId"), int) and fields["EventId"] >= 0
    if issubclass(cls, CompletionEvent):
        return isinstance(fields.get("TimerId" if cls is TimerFired else "TaskScheduledId"), int)
    return True


def _has_results(items: Sequence[Fields]) -> bool:
    completed = [
        item for item in items if _type(item) in (TaskCompleted, SubOrchestrationInstanceCompleted)
    ]
    return not completed or any("Result" in item for item in completed)


def _complete(fields: Fields) -> Fields:
    """Return the recorded form of a numbered event: its number as the type, JSON values as strings, no missing fields."""
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
        complete["InstanceId"] = (
            ""  # Durable extensions before 3.19.0 omit a sub-orchestration's id
        )
    return complete
