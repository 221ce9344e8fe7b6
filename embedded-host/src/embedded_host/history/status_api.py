"""Typed events from the ``historyEvents`` of the management API.

The API omits turns and event ids. For a completed call it returns only the completion, which
contains the time of the call. This module adds the scheduling events of such calls. It numbers all
scheduling events in order of time, and completions refer to these numbers. Times, names, inputs and
results are copied from the API. The module adds no events for the start and the end of a turn.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import NamedTuple

from msgspec import Struct, convert
from msgspec.structs import replace

from embedded_host.engine.events import (
    EventRaised,
    EventSent,
    ExecutionCompleted,
    ExecutionResumed,
    ExecutionStarted,
    ExecutionSuspended,
    ExecutionTerminated,
    FailureDetails,
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


class _ShownEvent(Struct, rename="pascal"):
    """A history event as the API shows it (functions-host.md#history-events).

    Payloads (``object``) may be any JSON value.
    """

    event_type: str
    timestamp: str
    scheduled_time: str | None = None
    fire_at: str | None = None
    function_name: str | None = None
    name: str | None = None
    instance_id: str | None = None
    generation: int | None = None
    orchestration_status: str | None = None
    input: object = None
    result: object = None
    reason: object = None
    details: object = None
    data: object = None
    failure_details: FailureDetails | None = None


class _Status(Struct, rename="camel"):
    """A status object of the management API."""

    instance_id: str = ""
    name: str | None = None
    runtime_status: str | None = None
    history_events: list[_ShownEvent] | None = None


def events_of_status(status: Mapping[str, object], execution_id: str = "") -> list[HistoryEvent]:
    """Return the events of a status object in order of time, without events of unknown types.

    Request the status with ``showHistory=true&showHistoryOutput=true``. Raises ValueError if the
    object is not a valid status.
    """
    return sorted(events_as_shown(status, execution_id), key=lambda event: event.occurred_at)


def events_as_shown(status: Mapping[str, object], execution_id: str = "") -> list[HistoryEvent]:
    """Return the events of ``events_of_status`` in the API's order.

    The scheduling event of a completed call is directly before the completion, even if other events
    occurred between them.
    """
    parsed = convert(status, _Status)
    return _numbered(
        [
            entry
            for shown in parsed.history_events or ()
            for entry in _entries(shown, parsed, execution_id)
        ]
    )


class _Entry(NamedTuple):
    event: HistoryEvent
    scheduled: SchedulingEvent | None = None
    """The scheduling event of a completion."""


def _entries(shown: _ShownEvent, status: _Status, execution_id: str) -> Iterator[_Entry]:
    kind, timestamp = shown.event_type, _timestamp(shown.timestamp)
    name, input = _name(shown), _string(shown.input)
    if kind == "ExecutionStarted":
        instance = OrchestrationInstance(instance_id=status.instance_id, execution_id=execution_id)
        yield _Entry(
            ExecutionStarted(
                orchestration_instance=instance,
                name=name or status.name or "",
                input=input,
                generation=shown.generation,
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
            instance_id=shown.instance_id or "",
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
    elif event := _single(shown, input, timestamp, status):
        yield _Entry(event)


def _single(
    shown: _ShownEvent, input: str | None, timestamp: str, status: _Status
) -> HistoryEvent | None:
    """Return the event for an object that represents one event, or None for an unknown type."""
    kind, name = shown.event_type, _name(shown)
    if kind == "TaskScheduled":
        return TaskScheduled(name=name, input=input, timestamp=timestamp)
    if kind == "SubOrchestrationInstanceCreated":
        return SubOrchestrationInstanceCreated(
            name=name, instance_id=shown.instance_id or "", input=input, timestamp=timestamp
        )
    if kind == "TimerCreated":
        return TimerCreated(fire_at=_timestamp(shown.fire_at), timestamp=timestamp)
    if kind == "TimerFired":
        return TimerFired(timer_id=-1, fire_at=_timestamp(shown.fire_at), timestamp=timestamp)
    if kind == "EventSent":
        return EventSent(
            instance_id=shown.instance_id or "",
            name=name,
            input=input or "null",
            timestamp=timestamp,
        )
    if kind == "EventRaised":
        return EventRaised(name=name, input=input, timestamp=timestamp)
    if kind == "GenericEvent":
        return GenericEvent(data=_string(shown.data), timestamp=timestamp)
    if kind == "ExecutionSuspended":
        return ExecutionSuspended(reason=_string(shown.reason), timestamp=timestamp)
    if kind == "ExecutionResumed":
        return ExecutionResumed(reason=_string(shown.reason), timestamp=timestamp)
    if kind == "ExecutionTerminated":
        return ExecutionTerminated(input=input, timestamp=timestamp)
    if kind == "ExecutionCompleted":
        return ExecutionCompleted(
            orchestration_status=shown.orchestration_status or status.runtime_status or "",
            result=_json(shown.result),
            failure_details=shown.failure_details,
            timestamp=timestamp,
        )
    return None


def _completion(
    completed: type[TaskCompleted] | type[SubOrchestrationInstanceCompleted],
    failed: type[TaskFailed] | type[SubOrchestrationInstanceFailed],
    has_failed: bool,
    shown: _ShownEvent,
    timestamp: str,
) -> HistoryEvent:
    if has_failed:
        return failed(
            task_scheduled_id=-1,
            reason=_string(shown.reason),
            details=_string(shown.details),
            failure_details=shown.failure_details,
            timestamp=timestamp,
        )
    return completed(task_scheduled_id=-1, result=_json(shown.result), timestamp=timestamp)


def _numbered(entries: Sequence[_Entry]) -> list[HistoryEvent]:
    """Assign ids to scheduling events in order of time, and copy the ids to the completions."""
    ids: dict[int, int] = {}
    """Event ids by the ``id()`` of the event, because equal events may be different calls."""
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


def _name(shown: _ShownEvent) -> str:
    return shown.function_name or shown.name or ""


def _scheduled_time(shown: _ShownEvent) -> str:
    return _timestamp(shown.scheduled_time or shown.timestamp)


def _timestamp(time: str | None) -> str:
    """Return the timestamp in the form of recorded events. Raises ValueError if it is invalid."""
    if time is None:
        raise ValueError("a timestamp is missing")
    return format_utc(parse_utc(time))


def _string(value: object) -> str | None:
    """Return a string unchanged and any other value as JSON."""
    return value if value is None or isinstance(value, str) else compact(value)


def _json(value: object) -> str | None:
    return None if value is None else compact(value)
