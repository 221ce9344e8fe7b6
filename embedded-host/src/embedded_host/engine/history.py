"""The history of one execution, and constructors of its events."""

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
    GenericEvent,
    HistoryEvent,
    OrchestrationInstance,
    OrchestratorCompleted,
    OrchestratorStarted,
    ParentInstance,
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
    return OrchestratorStarted(timestamp=format_utc(now))


def orchestrator_completed(now: datetime) -> OrchestratorCompleted:
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
) -> ExecutionStarted:
    """``generation`` is None in a sub-orchestration and after continue-as-new."""
    return ExecutionStarted(
        orchestration_instance=OrchestrationInstance(
            instance_id=instance_id, execution_id=execution_id
        ),
        parent_instance=parent,
        name=name,
        version=version,
        input=input,
        generation=generation,
        timestamp=format_utc(now),
    )


def parent_instance(name: str, instance_id: str, execution_id: str, task_id: int) -> ParentInstance:
    return ParentInstance(
        name=name,
        orchestration_instance=OrchestrationInstance(
            instance_id=instance_id, execution_id=execution_id
        ),
        task_schedule_id=task_id,
    )


def execution_completed(
    now: datetime, event_id: int, status: str, result: str | None, stack: str = ""
) -> ExecutionCompleted:
    return ExecutionCompleted(
        event_id=event_id,
        orchestration_status=status,
        result=result,
        stack=stack or UNSET,
        timestamp=format_utc(now),
    )


def execution_terminated(now: datetime, reason: str | None) -> ExecutionTerminated:
    return ExecutionTerminated(input=reason, timestamp=format_utc(now))


def execution_suspended(now: datetime, reason: str | None) -> ExecutionSuspended:
    return ExecutionSuspended(reason=reason, timestamp=format_utc(now))


def execution_resumed(now: datetime, reason: str | None) -> ExecutionResumed:
    return ExecutionResumed(reason=reason, timestamp=format_utc(now))


def task_scheduled(
    now: datetime, task_id: int, name: str, input: str | None = None
) -> TaskScheduled:
    return TaskScheduled(event_id=task_id, name=name, input=input, timestamp=format_utc(now))


def task_completed(now: datetime, task_id: int, result: str | None) -> TaskCompleted:
    return TaskCompleted(task_scheduled_id=task_id, result=result, timestamp=format_utc(now))


def task_failed(now: datetime, task_id: int, reason: str, details: str | None) -> TaskFailed:
    return TaskFailed(
        task_scheduled_id=task_id, reason=reason, details=details, timestamp=format_utc(now)
    )


def sub_orchestration_created(
    now: datetime, task_id: int, name: str, instance_id: str, input: str | None
) -> SubOrchestrationInstanceCreated:
    return SubOrchestrationInstanceCreated(
        event_id=task_id, name=name, instance_id=instance_id, input=input, timestamp=format_utc(now)
    )


def sub_orchestration_completed(
    now: datetime, task_id: int, result: str | None
) -> SubOrchestrationInstanceCompleted:
    return SubOrchestrationInstanceCompleted(
        task_scheduled_id=task_id, result=result, timestamp=format_utc(now)
    )


def sub_orchestration_failed(
    now: datetime, task_id: int, reason: str, details: str | None
) -> SubOrchestrationInstanceFailed:
    return SubOrchestrationInstanceFailed(
        task_scheduled_id=task_id, reason=reason, details=details, timestamp=format_utc(now)
    )


def timer_created(
    now: datetime, timer_id: int, fire_at: datetime, retry_of: int | None = None
) -> TimerCreated:
    """``retry_of`` is the id of the failed attempt that the timer follows."""
    return TimerCreated(
        event_id=timer_id,
        fire_at=format_utc(fire_at),
        retry_of=UNSET if retry_of is None else retry_of,
        timestamp=format_utc(now),
    )


def timer_fired(now: datetime, timer_id: int, fire_at: datetime) -> TimerFired:
    return TimerFired(timer_id=timer_id, fire_at=format_utc(fire_at), timestamp=format_utc(now))


def event_sent(now: datetime, event_id: int, instance_id: str, name: str, input: str) -> EventSent:
    return EventSent(
        event_id=event_id,
        instance_id=instance_id,
        name=name,
        input=input,
        timestamp=format_utc(now),
    )


def event_raised(now: datetime, name: str, input: str | None) -> EventRaised:
    return EventRaised(name=name, input=input, timestamp=format_utc(now))


def generic(now: datetime, data: str) -> GenericEvent:
    return GenericEvent(data=data, timestamp=format_utc(now))


def is_continuation_mark(events: Sequence[HistoryEvent], at: int) -> bool:
    """Return true for an OrchestratorCompleted that does not end a turn.

    It ends the events that an execution begins with after continue-as-new."""
    return (
        isinstance(events[at], OrchestratorCompleted)
        and at + 1 < len(events)
        and not isinstance(events[at + 1], OrchestratorStarted)
    )


class History:
    """The events of one execution, in order, and the ids of its completed scheduling events."""

    def __init__(self, events: Iterable[HistoryEvent] = ()) -> None:
        self.events: list[HistoryEvent] = []
        self.settled: set[int] = set()
        """Ids of scheduling events that have a completion. A second completion is a duplicate."""
        self.extend(events)

    def extend(self, events: Iterable[HistoryEvent]) -> None:
        for event in events:
            self.events.append(event)
            if isinstance(event, CompletionEvent):
                self.settled.add(event.scheduled_id)

    def settles_again(self, event: HistoryEvent) -> bool:
        """Return true if ``event`` is a second completion (a message that was delivered twice)."""
        return isinstance(event, CompletionEvent) and event.scheduled_id in self.settled

    def __len__(self) -> int:
        return len(self.events)
