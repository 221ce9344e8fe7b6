"""Decisions of an execution.

The turn records each decision as one scheduling event and sends one message or starts one activity.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime

from embedded_host.engine.actions import EntityOperation
from embedded_host.engine.entity_messages import OPERATION
from embedded_host.engine.events import (
    EventSent,
    SchedulingEvent,
    SubOrchestrationInstanceCreated,
    TaskScheduled,
    TimerCreated,
)
from embedded_host.errors import EmbeddedHostError


class NonDeterministicError(EmbeddedHostError):
    """The replayed orchestrator does not make a decision that the history contains."""

    def __init__(self, message: str, id: int | None = None) -> None:
        """Create the error. ``id`` is the id of the decision, or None if it is unknown."""
        super().__init__(message)
        self.id = id


@dataclass(frozen=True)
class ScheduleTask:
    """The decision to schedule an activity. ``input`` is JSON."""

    id: int
    name: str
    input: str
    tags: dict[str, str] | None = None
    trace_context: object = None
    event_type: type[SchedulingEvent] = TaskScheduled


@dataclass(frozen=True)
class CreateSubOrchestration:
    """The decision to create a sub-orchestration. ``input`` is JSON."""

    id: int
    name: str
    input: str | None
    instance_id: str
    version: str | None
    tags: dict[str, str] | None = None
    trace_context: object = None
    event_type: type[SchedulingEvent] = SubOrchestrationInstanceCreated


@dataclass(frozen=True)
class StartTimer:
    """The decision to start a durable timer, or the timer that delays a retry."""

    id: int
    fire_at: datetime
    retry_of: int | None = field(default=None, compare=False)
    """Decision id of the failed attempt, if the timer delays a retry."""
    event_type: type[SchedulingEvent] = TimerCreated
    name: str = ""


@dataclass(frozen=True)
class SendOperation:
    """The decision to send an operation to an entity.

    The response to a call is an EventRaised with the name ``request_id``.
    """

    id: int
    instance_id: str
    request_id: str
    operation: EntityOperation
    event_type: type[SchedulingEvent] = EventSent
    name: str = OPERATION


@dataclass(frozen=True)
class SendEvent:
    """The decision to raise an external event of another instance. ``input`` is JSON."""

    id: int
    instance_id: str
    name: str
    input: str | None


@dataclass(frozen=True)
class RequestLocks:
    """The decision to request the locks of a critical section.

    The response is an EventRaised event with the name ``critical_section_id``.
    """

    id: int
    critical_section_id: str
    lock_set: tuple[str, ...]
    """Ids of the entities, in the order in which they are locked."""


@dataclass(frozen=True)
class ReleaseLock:
    """The decision to release the lock of one entity."""

    id: int
    critical_section_id: str
    instance_id: str


MatchedDecision = ScheduleTask | CreateSubOrchestration | StartTimer | SendOperation
"""A decision that ``execution`` derives from the actions of SDK 1.x."""
Decision = MatchedDecision | SendEvent | RequestLocks | ReleaseLock

_ACTIONS: dict[type[SchedulingEvent], str] = {
    TaskScheduled: "ScheduleTaskOrchestratorAction",
    SubOrchestrationInstanceCreated: "CreateSubOrchestrationAction",
    TimerCreated: "CreateTimerOrchestratorAction",
    EventSent: "SendEventOrchestratorAction",
}
"""The names of DurableTask's classes, which its messages contain."""


def mismatch(event: SchedulingEvent, decision: MatchedDecision | None) -> str | None:
    """Return an error message if ``event`` does not record ``decision``, else None.

    ``decision`` is the replayed decision with the id of ``event``, or None if the replay made no
    decision with this id. The message has the wording of DurableTask. As in DurableTask, the inputs
    of calls and the recipients of events are not compared.
    """
    if decision is not None and decision.event_type is type(event) and _same_name(decision, event):
        return None
    difference = _recorded(event, decision) + _replayed(event, decision)
    return (
        f"Non-Deterministic workflow detected: A previous execution of this orchestration "
        f"scheduled {difference} Was a change made to the orchestrator code after this instance "
        "had already started running?"
    )


def _recorded(event: SchedulingEvent, decision: MatchedDecision | None) -> str:
    """Return the part of the message that describes the recorded decision."""
    id = event.event_id
    if isinstance(event, TaskScheduled):
        if decision is None:
            return (
                f"an activity task with sequence ID {id} and name '{event.name}' "
                f"(version '{event.version or ''}'), "
            )
        return f"an activity task with sequence number {id} named '{event.name}', "
    if isinstance(event, TimerCreated):
        return f"a timer task with sequence number {id} " + ("" if decision is None else "named ")
    if isinstance(event, SubOrchestrationInstanceCreated):
        return (
            f"a sub-orchestration task with sequence ID {id} and name '{event.name}' "
            f"(version '{event.version or ''}', instance ID '{event.instance_id}'), "
        )
    assert isinstance(event, EventSent)
    return (
        f"a send event task with sequence ID {id}, type 'EventSent'"
        f"{'' if decision is None else ','} name '{event.name}', instance ID "
        f"'{event.instance_id}', "
    )


def _replayed(event: SchedulingEvent, decision: MatchedDecision | None) -> str:
    """Return the part of the message that describes the decision of the replay."""
    if decision is None:
        return "but the current replay execution hasn't (yet?) scheduled this task."
    start, kind = "but the current orchestration replay instead", type(event)
    action = _ACTIONS[decision.event_type]
    if decision.event_type is not kind:
        if kind is EventSent:
            return f"{start} scheduled a {action} task at this sequence number."
        at = "at" if kind is SubOrchestrationInstanceCreated else "with"
        return f"{start} produced a {action} action {at} this sequence number."
    if kind is SubOrchestrationInstanceCreated:
        return (
            f"{start} scheduled a sub-orchestration task with name {decision.name} at this "
            "sequence number."
        )
    return f"{start} scheduled an activity task named '{decision.name}' with this sequence number. "


def _same_name(decision: MatchedDecision, event: SchedulingEvent) -> bool:
    if isinstance(event, (TaskScheduled, SubOrchestrationInstanceCreated)):
        return event.name.lower() == decision.name.lower()
    return True
