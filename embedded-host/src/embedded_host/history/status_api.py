"""Typed events from the ``historyEvents`` of the management API.

The API leaves out turns and event ids, and shows a call that has completed only in its completion. The events that this
module returns have ids: scheduling events are numbered in the order of their time, and completions refer to them. Times,
names, inputs and results are those of the API; turns are missing.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any, NamedTuple

from msgspec.structs import replace

from embedded_host.engine.events import (
    EventRaised,
    EventSent,
    ExecutionCompleted,
    ExecutionResumed,
    ExecutionStarted,
    ExecutionSuspended,
    ExecutionTerminated,
    GenericEvent,
    HistoryEvent,
    OrchestrationInstance,
    SchedulingEvent,
    SubOrchestrationInstanceCompleted,
    SubOrchestrationInstanceCreated,
    SubOrchestrationInstanceFailed,
    TaskCompleted,
    TaskCompletionEvent,
    TaskFailed,
    TaskScheduled,
    TimerCreated,
    TimerFired,
)
from embedded_host.engine.json_codec import compact
from embedded_host.engine.timestamps import format_utc, parse_utc


def events_of_status(status: Mapping[str, Any], execution_id: str = "") -> list[HistoryEvent]:
    """Return the events of a status object that was requested with ``showHistory=true&showHistoryOutput=true``, in the order
    of their time. Unknown event types are left out. Raises KeyError, TypeError or ValueError for objects of another form."""
    return sorted(events_as_shown(status, execution_id), key=lambda event: event.occurred_at)


def events_as_shown(status: Mapping[str, Any], execution_id: str = "") -> list[HistoryEvent]:
    """Return the events of ``events_of_status`` in the API's order. The event that scheduled a completed call is directly
    before its completion, however earlier its time is."""
    return _numbered(
        [
            entry
            for shown in status.get("historyEvents") or ()
            for entry in _entries(shown, status, execution_id)
        ]
    )


class _Entry(NamedTuple):
    event: HistoryEvent
    scheduled: SchedulingEvent | None = None
    """Of a completion: the event that it completes."""


def _entries(
    shown: Mapping[str, Any], status: Mapping[str, Any], execution_id: str
) -> Iterator[_Entry]:
    kind, timestamp = shown["EventType"], _timestamp(shown["Timestamp"])
    name = str(shown.get("FunctionName") or shown.get("Name") or "")
    input = _text(shown.get("Input"))
    if kind == "ExecutionStarted":
        instance = OrchestrationInstance(
            instance_id=str(status["instanceId"]), execution_id=execution_id
        )
        generation = shown.get("Generation")
        yield _Entry(
            ExecutionStarted(
                orchestration_instance=instance,
                name=name or str(status["name"]),
                input=input,
                generation=generation if isinstance(generation, int) else None,
                timestamp=timestamp,
            )
        )
    elif kind in ("TaskCompleted", "TaskFailed"):
        scheduled = TaskScheduled(name=name, input=input, timestamp=_scheduled_time(shown))
        yield _Entry(scheduled)
        yield _Entry(
            _completion(TaskCompleted, TaskFailed, kind == "TaskFailed", shown, timestamp),
            scheduled,
        )
    elif kind in ("SubOrchestrationInstanceCompleted", "SubOrchestrationInstanceFailed"):
        created = SubOrchestrationInstanceCreated(
            name=name,
            instance_id=_instance_id(shown),
            input=input,
            timestamp=_scheduled_time(shown),
        )
        yield _Entry(created)
        failed = kind == "SubOrchestrationInstanceFailed"
        yield _Entry(
            _completion(
                SubOrchestrationInstanceCompleted,
                SubOrchestrationInstanceFailed,
                failed,
                shown,
                timestamp,
            ),
            created,
        )
    elif event := _single(kind, shown, name, input, timestamp, status):
        yield _Entry(event)


def _single(
    kind: str,
    shown: Mapping[str, Any],
    name: str,
    input: str | None,
    timestamp: str,
    status: Mapping[str, Any],
) -> HistoryEvent | None:
    """Return the event of an object that stands for one event; None for an unknown type."""
    if kind == "TaskScheduled":
        return TaskScheduled(name=name, input=input, timestamp=timestamp)
    if kind == "SubOrchestrationInstanceCreated":
        return SubOrchestrationInstanceCreated(
            name=name, instance_id=_instance_id(shown), input=input, timestamp=timestamp
        )
    if kind == "TimerCreated":
        return TimerCreated(fire_at=_timestamp(shown["FireAt"]), timestamp=timestamp)
    if kind == "TimerFired":
        return TimerFired(timer_id=-1, fire_at=_timestamp(shown["FireAt"]), timestamp=timestamp)
    if kind == "EventSent":
        return EventSent(
            instance_id=_instance_id(shown), name=name, input=input or "null", timestamp=timestamp
        )
    if kind == "EventRaised":
        return EventRaised(name=name, input=input, timestamp=timestamp)
    if kind == "GenericEvent":
        return GenericEvent(data=_text(shown.get("Data")), timestamp=timestamp)
    if kind == "ExecutionSuspended":
        return ExecutionSuspended(reason=_text(shown.get("Reason")), timestamp=timestamp)
    if kind == "ExecutionResumed":
        return ExecutionResumed(reason=_text(shown.get("Reason")), timestamp=timestamp)
    if kind == "ExecutionTerminated":
        return ExecutionTerminated(input=input, timestamp=timestamp)
    if kind == "ExecutionCompleted":
        ended = str(shown.get("OrchestrationStatus") or status["runtimeStatus"])
        return ExecutionCompleted(
            orchestration_status=ended, result=_json(shown.get("Result")), timestamp=timestamp
        )
    return None


def _completion(
    completed: type[TaskCompleted] | type[SubOrchestrationInstanceCompleted],
    failed: type[TaskFailed] | type[SubOrchestrationInstanceFailed],
    has_failed: bool,
    shown: Mapping[str, Any],
    timestamp: str,
) -> HistoryEvent:
    if has_failed:
        reason, details = str(shown.get("Reason") or ""), _text(shown.get("Details"))
        return failed(task_scheduled_id=-1, reason=reason, details=details, timestamp=timestamp)
    return completed(task_scheduled_id=-1, result=_json(shown.get("Result")), timestamp=timestamp)


def _numbered(entries: Sequence[_Entry]) -> list[HistoryEvent]:
    """Number scheduling events in the order of their time, and set the ids in completions."""
    ids: dict[int, int] = {}
    """By the object's identity: equal events are different calls."""
    timers: dict[str, list[int]] = {}
    scheduling = [event for event, _ in entries if isinstance(event, SchedulingEvent)]
    for scheduled_event in sorted(scheduling, key=lambda event: event.occurred_at):
        if isinstance(scheduled_event, TimerCreated):
            timers.setdefault(scheduled_event.fire_at, []).append(len(ids))
        ids[id(scheduled_event)] = len(ids)
    events: list[HistoryEvent] = []
    for event, scheduled in entries:
        if isinstance(event, SchedulingEvent):
            event = replace(event, event_id=ids[id(event)])
        elif scheduled is not None and isinstance(event, TaskCompletionEvent):
            event = replace(event, task_scheduled_id=ids[id(scheduled)])
        elif isinstance(event, TimerFired) and timers.get(event.fire_at):
            event = replace(event, timer_id=timers[event.fire_at].pop(0))
        elif isinstance(event, ExecutionCompleted):
            event = replace(event, event_id=len(ids))
        events.append(event)
    return events


def _scheduled_time(shown: Mapping[str, Any]) -> str:
    return _timestamp(shown.get("ScheduledTime") or shown["Timestamp"])


def _instance_id(shown: Mapping[str, Any]) -> str:
    return str(shown.get("InstanceId") or "")


def _timestamp(text: Any) -> str:
    return format_utc(parse_utc(str(text)))


def _text(value: Any) -> str | None:
    """Return a string unchanged, anything else as JSON."""
    return value if value is None or isinstance(value, str) else compact(value)


def _json(value: Any) -> str | None:
    return None if value is None else compact(value)
