"""History events: what an orchestration remembers, in the extension's own JSON (contract, 3.2 and 3.3).

An event is a dict whose keys stand in the recorded order. ``IsPlayed`` is kept ``False`` here; what the worker sees is
worked out when a payload is made (``payload.py``), because it depends on the turn and not on the event.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import datetime
from enum import IntEnum
from typing import Any

from embedded_host.engine.json_codec import compact_plain
from embedded_host.engine.timestamps import utc_text

Event = dict[str, Any]
RETRY_OF = "RetryOf"
STACK = "Stack"
"""ExecutionCompleted has it, and nobody but the dashboard is shown it: the Python traceback of an orchestrator that failed."""


class EventType(IntEnum):
    EXECUTION_STARTED = 0
    EXECUTION_COMPLETED = 1
    EXECUTION_TERMINATED = 3
    TASK_SCHEDULED = 4
    TASK_COMPLETED = 5
    TASK_FAILED = 6
    SUB_ORCHESTRATION_CREATED = 7
    SUB_ORCHESTRATION_COMPLETED = 8
    SUB_ORCHESTRATION_FAILED = 9
    TIMER_CREATED = 10
    TIMER_FIRED = 11
    ORCHESTRATOR_STARTED = 12
    ORCHESTRATOR_COMPLETED = 13
    EVENT_SENT = 14
    EVENT_RAISED = 15
    GENERIC = 17
    EXECUTION_SUSPENDED = 19
    EXECUTION_RESUMED = 20


DECISIONS = frozenset(
    {EventType.TASK_SCHEDULED, EventType.SUB_ORCHESTRATION_CREATED, EventType.TIMER_CREATED, EventType.EVENT_SENT}
)
"""Events that an orchestrator decided; their EventId is their place in the execution's one counter."""
COMPLETIONS: Mapping[int, str] = {
    EventType.TASK_COMPLETED: "TaskScheduledId",
    EventType.TASK_FAILED: "TaskScheduledId",
    EventType.SUB_ORCHESTRATION_COMPLETED: "TaskScheduledId",
    EventType.SUB_ORCHESTRATION_FAILED: "TaskScheduledId",
    EventType.TIMER_FIRED: "TimerId",
}
"""Events that settle a decision, and the key that names it."""


def _event(kind: EventType, now: datetime, fields: Mapping[str, Any], event_id: int = -1) -> Event:
    return {
        "EventType": int(kind),
        **fields,
        "EventId": event_id,
        "IsPlayed": False,
        "Timestamp": utc_text(now),
    }


def orchestrator_started(now: datetime) -> Event:
    return _event(EventType.ORCHESTRATOR_STARTED, now, {})


def orchestrator_completed(now: datetime) -> Event:
    return _event(EventType.ORCHESTRATOR_COMPLETED, now, {})


def execution_started(
    now: datetime,
    *,
    instance_id: str,
    execution_id: str,
    name: str,
    input: str | None,
    parent: Mapping[str, Any] | None = None,
    generation: int | None = 0,
    version: str | None = None,
) -> Event:
    """``parent`` is the event's ParentInstance; ``generation`` is None in a sub-orchestration and after continue-as-new."""
    return {
        "OrchestrationInstance": {"InstanceId": instance_id, "ExecutionId": execution_id},
        "EventType": int(EventType.EXECUTION_STARTED),
        "ParentInstance": dict(parent) if parent else None,
        "Name": name,
        "Version": version,
        "Input": input,
        "Tags": None,
        "Correlation": None,
        "ParentTraceContext": None,
        "ScheduledStartTime": None,
        "Generation": generation,
        "GenerateNewTrace": False,
        "EventId": -1,
        "IsPlayed": False,
        "Timestamp": utc_text(now),
    }


def parent_instance(name: str, instance_id: str, execution_id: str, task_id: int) -> dict[str, Any]:
    return {
        "Name": name,
        "OrchestrationInstance": {"InstanceId": instance_id, "ExecutionId": execution_id},
        "TaskScheduleId": task_id,
        "Version": None,
    }


def execution_completed(now: datetime, event_id: int, status: str, result: str | None, stack: str = "") -> Event:
    fields = {"OrchestrationStatus": status, "Result": result, "FailureDetails": None} | (
        {STACK: stack} if stack else {}
    )
    return _event(EventType.EXECUTION_COMPLETED, now, fields, event_id)


def execution_terminated(now: datetime, reason: str | None) -> Event:
    return _event(EventType.EXECUTION_TERMINATED, now, {"Input": reason})


def execution_suspended(now: datetime, reason: str | None) -> Event:
    return _event(EventType.EXECUTION_SUSPENDED, now, {"Reason": reason})


def execution_resumed(now: datetime, reason: str | None) -> Event:
    return _event(EventType.EXECUTION_RESUMED, now, {"Reason": reason})


def task_scheduled(now: datetime, task_id: int, name: str, input: str | None = None) -> Event:
    fields = {"Name": name, "Version": "", "Input": input, "ParentTraceContext": None, "Tags": None}
    return _event(EventType.TASK_SCHEDULED, now, fields, task_id)


def task_completed(now: datetime, task_id: int, result: str | None) -> Event:
    return _event(EventType.TASK_COMPLETED, now, {"TaskScheduledId": task_id, "Result": result})


def task_failed(now: datetime, task_id: int, reason: str, details: str | None) -> Event:
    return _failed(EventType.TASK_FAILED, now, task_id, reason, details)


def sub_orchestration_created(now: datetime, task_id: int, name: str, instance_id: str, input: str | None) -> Event:
    fields = {
        "Name": name,
        "Version": None,
        "InstanceId": instance_id,
        "Input": input,
        "ClientSpanId": None,
        "Tags": None,
    }
    return _event(EventType.SUB_ORCHESTRATION_CREATED, now, fields, task_id)


def sub_orchestration_completed(now: datetime, task_id: int, result: str | None) -> Event:
    return _event(EventType.SUB_ORCHESTRATION_COMPLETED, now, {"TaskScheduledId": task_id, "Result": result})


def sub_orchestration_failed(now: datetime, task_id: int, reason: str, details: str | None) -> Event:
    return _failed(EventType.SUB_ORCHESTRATION_FAILED, now, task_id, reason, details)


def _failed(kind: EventType, now: datetime, task_id: int, reason: str, details: str | None) -> Event:
    fields = {"TaskScheduledId": task_id, "Reason": reason, "Details": details, "FailureDetails": None}
    return _event(kind, now, fields)


def timer_created(now: datetime, timer_id: int, fire_at: datetime, retry_of: int | None = None) -> Event:
    """``retry_of``: the failed try that this timer follows; kept for a rewind, and shown to nobody."""
    fields = {"FireAt": utc_text(fire_at)} | ({RETRY_OF: retry_of} if retry_of is not None else {})
    return _event(EventType.TIMER_CREATED, now, fields, timer_id)


def timer_fired(now: datetime, timer_id: int, fire_at: datetime) -> Event:
    return _event(EventType.TIMER_FIRED, now, {"TimerId": timer_id, "FireAt": utc_text(fire_at)})


def event_sent(now: datetime, event_id: int, instance_id: str, name: str, input: str) -> Event:
    return _event(EventType.EVENT_SENT, now, {"InstanceId": instance_id, "Name": name, "Input": input}, event_id)


def event_raised(now: datetime, name: str, input: str | None) -> Event:
    return _event(EventType.EVENT_RAISED, now, {"Name": name, "Input": input, "ParentTraceContext": None})


def generic(now: datetime, data: str) -> Event:
    return _event(EventType.GENERIC, now, {"Data": data})


def events_text(events: Iterable[Event]) -> str:
    """The JSON array that the store keeps, one for each turn."""
    return compact_plain(list(events))


class History:
    """The events of one execution, in order, with what a turn asks of them at once."""

    def __init__(self, events: Iterable[Event] = ()) -> None:
        self.events: list[Event] = []
        self.settled: set[int] = set()
        """The decisions whose completion is here: a second one is a duplicate."""
        self.extend(events)

    def extend(self, events: Iterable[Event]) -> None:
        for event in events:
            self.events.append(event)
            key = COMPLETIONS.get(event["EventType"])
            if key:
                self.settled.add(event[key])

    def settles_again(self, event: Event) -> bool:
        """Whether ``event`` completes what is complete already (delivered twice)."""
        key = COMPLETIONS.get(event["EventType"])
        return key is not None and event[key] in self.settled

    def __len__(self) -> int:
        return len(self.events)
