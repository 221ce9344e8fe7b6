"""The history of one execution, and constructors of its events.

``now`` is the timestamp of the event. Inputs and results are JSON.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import datetime

from msgspec import UNSET

from embedded_host.engine.events import (
    CompletionEvent,
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
    OrchestratorCompleted,
    OrchestratorStarted,
    ParentInstance,
    SchedulingEvent,
    SubOrchestrationInstanceCompleted,
    SubOrchestrationInstanceCreated,
    SubOrchestrationInstanceFailed,
    TaskCompleted,
    TaskFailed,
    TaskScheduled,
    TimerCreated,
    TimerFired,
)
from embedded_host.engine.timestamps import format_utc


def orchestrator_started(now: datetime) -> OrchestratorStarted:
    """Create the first event of a turn."""
    return OrchestratorStarted(timestamp=format_utc(now))


def orchestrator_completed(now: datetime) -> OrchestratorCompleted:
    """Create the last event of a turn."""
    return OrchestratorCompleted(timestamp=format_utc(now))


def execution_started(
    now: datetime,
    *,
    instance_id: str,
    execution_id: str,
    name: str,
    input: str | None,
    parent: ParentInstance | None = None,
    generation: int | None = 0,
    version: str | None = None,
    tags: dict[str, str] | None = None,
    trace_context: object = None,
    start_at: datetime | None = None,
) -> ExecutionStarted:
    """Create the first message of an execution.

    ``generation`` is None in a sub-orchestration and after continue-as-new. ``start_at`` is the
    time of a delayed start.
    """
    return ExecutionStarted(
        orchestration_instance=OrchestrationInstance(
            instance_id=instance_id, execution_id=execution_id
        ),
        parent_instance=parent,
        name=name,
        version=version,
        input=input,
        tags=tags,
        parent_trace_context=trace_context,
        scheduled_start_time=None if start_at is None else format_utc(start_at),
        generation=generation,
        timestamp=format_utc(now),
    )


def parent_instance(name: str, instance_id: str, execution_id: str, task_id: int) -> ParentInstance:
    """Create the reference from a sub-orchestration to its parent."""
    return ParentInstance(
        name=name,
        orchestration_instance=OrchestrationInstance(
            instance_id=instance_id, execution_id=execution_id
        ),
        task_schedule_id=task_id,
    )


def execution_completed(
    now: datetime,
    event_id: int,
    status: str,
    result: str | None,
    stack: str = "",
    failure: FailureDetails | None = None,
) -> ExecutionCompleted:
    """Create the last event of an execution. ``status`` is a value of ``Status``."""
    return ExecutionCompleted(
        event_id=event_id,
        orchestration_status=status,
        result=result,
        failure_details=failure,
        stack=stack or UNSET,
        timestamp=format_utc(now),
    )


def execution_terminated(
    now: datetime, reason: str | None, *, recurse: bool = False
) -> ExecutionTerminated:
    """Create a request to terminate.

    If ``recurse`` is True, the sub-orchestrations are terminated too.
    """
    return ExecutionTerminated(
        input=reason, recurse=True if recurse else UNSET, timestamp=format_utc(now)
    )


def execution_suspended(now: datetime, reason: str | None) -> ExecutionSuspended:
    """Create a request to suspend."""
    return ExecutionSuspended(reason=reason, timestamp=format_utc(now))


def execution_resumed(now: datetime, reason: str | None) -> ExecutionResumed:
    """Create a request to resume."""
    return ExecutionResumed(reason=reason, timestamp=format_utc(now))


def task_scheduled(
    now: datetime,
    task_id: int,
    name: str,
    input: str | None = None,
    tags: dict[str, str] | None = None,
    trace_context: object = None,
) -> TaskScheduled:
    """Create the scheduling event of an activity."""
    return TaskScheduled(
        event_id=task_id,
        name=name,
        input=input,
        tags=tags,
        parent_trace_context=trace_context,
        timestamp=format_utc(now),
    )


def task_completed(now: datetime, task_id: int, result: str | None) -> TaskCompleted:
    """Create the completion of an activity."""
    return TaskCompleted(task_scheduled_id=task_id, result=result, timestamp=format_utc(now))


def task_failed(
    now: datetime,
    task_id: int,
    reason: str,
    details: str | None,
    failure: FailureDetails | None = None,
) -> TaskFailed:
    """Create the failure of an activity."""
    return TaskFailed(
        task_scheduled_id=task_id,
        reason=reason,
        details=details,
        failure_details=failure,
        timestamp=format_utc(now),
    )


def sub_orchestration_created(
    now: datetime,
    task_id: int,
    name: str,
    instance_id: str,
    input: str | None,
    tags: dict[str, str] | None = None,
    client_span_id: str | None = None,
) -> SubOrchestrationInstanceCreated:
    """Create the scheduling event of a sub-orchestration."""
    return SubOrchestrationInstanceCreated(
        event_id=task_id,
        name=name,
        instance_id=instance_id,
        input=input,
        client_span_id=client_span_id,
        tags=tags,
        timestamp=format_utc(now),
    )


def sub_orchestration_completed(
    now: datetime, task_id: int, result: str | None
) -> SubOrchestrationInstanceCompleted:
    """Create the completion of a sub-orchestration."""
    return SubOrchestrationInstanceCompleted(
        task_scheduled_id=task_id, result=result, timestamp=format_utc(now)
    )


def sub_orchestration_failed(
    now: datetime,
    task_id: int,
    reason: str | None,
    details: str | None,
    failure: FailureDetails | None = None,
) -> SubOrchestrationInstanceFailed:
    """Create the failure of a sub-orchestration."""
    return SubOrchestrationInstanceFailed(
        task_scheduled_id=task_id,
        reason=reason,
        details=details,
        failure_details=failure,
        timestamp=format_utc(now),
    )


def timer_created(
    now: datetime, timer_id: int, fire_at: datetime, retry_of: int | None = None
) -> TimerCreated:
    """Create the scheduling event of a timer.

    ``retry_of`` is the decision id of the failed attempt, if the timer delays a retry.
    """
    return TimerCreated(
        event_id=timer_id,
        fire_at=format_utc(fire_at),
        retry_of=UNSET if retry_of is None else retry_of,
        timestamp=format_utc(now),
    )


def timer_fired(now: datetime, timer_id: int, fire_at: datetime) -> TimerFired:
    """Create the completion of a timer."""
    return TimerFired(timer_id=timer_id, fire_at=format_utc(fire_at), timestamp=format_utc(now))


def event_sent(now: datetime, event_id: int, instance_id: str, name: str, input: str) -> EventSent:
    """Create the scheduling event of an event or operation for another instance."""
    return EventSent(
        event_id=event_id,
        instance_id=instance_id,
        name=name,
        input=input,
        timestamp=format_utc(now),
    )


def event_raised(
    now: datetime, name: str, input: str | None, trace_context: object = None
) -> EventRaised:
    """Create an external event, an operation for an entity, or the response of an entity."""
    return EventRaised(
        name=name, input=input, parent_trace_context=trace_context, timestamp=format_utc(now)
    )


def generic(now: datetime, data: str) -> GenericEvent:
    """Create an event that the orchestrator ignores."""
    return GenericEvent(data=data, timestamp=format_utc(now))


def is_continuation_mark(events: Sequence[HistoryEvent], at: int) -> bool:
    """Return true if the event at index ``at`` is an OrchestratorCompleted inside a turn.

    After continue-as-new, a history starts with OrchestratorStarted, ExecutionStarted, the
    undelivered external events, and an OrchestratorCompleted that does not end the turn.
    """
    return (
        isinstance(events[at], OrchestratorCompleted)
        and at + 1 < len(events)
        and not isinstance(events[at + 1], OrchestratorStarted)
    )


class History:
    """The events of one execution in order, and the ids of its scheduling events that are done."""

    def __init__(self, events: Iterable[HistoryEvent] = ()) -> None:
        self.events: list[HistoryEvent] = []
        self.completed_ids: set[int] = set()
        """Ids of the scheduling events with a completion. A second completion is a duplicate."""
        self.extend(events)

    def extend(self, events: Iterable[HistoryEvent]) -> None:
        """Append events."""
        for event in events:
            self.events.append(event)
            if isinstance(event, CompletionEvent):
                self.completed_ids.add(event.scheduled_id)
            elif isinstance(event, SchedulingEvent):
                # SDK 2.x schedules each attempt of a retried call with the same id.
                self.completed_ids.discard(event.event_id)

    def is_duplicate(self, event: HistoryEvent) -> bool:
        """Return true if ``event`` is a second completion of a scheduling event."""
        return isinstance(event, CompletionEvent) and event.scheduled_id in self.completed_ids

    def __len__(self) -> int:
        return len(self.events)
