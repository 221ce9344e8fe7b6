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

_DESCRIPTIONS: dict[type[SchedulingEvent], str] = {
    TaskScheduled: "an activity task",
    SubOrchestrationInstanceCreated: "a sub-orchestration",
    TimerCreated: "a timer",
    EventSent: "an event",
}


def mismatch(event: SchedulingEvent, decision: MatchedDecision | None) -> str | None:
    """Return an error message if ``event`` does not record ``decision``, else None.

    ``decision`` is the replayed decision with the id of ``event``, or None if the replay made no
    decision with this id. The message has the wording of DurableTask.
    """
    if decision is not None and decision.event_type is type(event) and _same_name(decision, event):
        return None
    name = event.name if isinstance(event, (TaskScheduled, SubOrchestrationInstanceCreated)) else ""
    named = f" and name '{name}'" if name else ""
    message = (
        "Non-Deterministic workflow detected: A previous execution of this orchestration "
        f"scheduled {_DESCRIPTIONS[type(event)]} with sequence ID {event.event_id}{named}, but "
        "the current replay execution "
    )
    if decision is None:
        message += "hasn't (yet?) scheduled this task."
    else:
        named = (
            f" named '{decision.name}'"
            if decision.name and decision.event_type is not EventSent
            else ""
        )
        message += (
            f"instead scheduled {_DESCRIPTIONS[decision.event_type]}{named} with this sequence "
            "number."
        )
    return (
        f"{message} Was a change made to the orchestrator code after this instance had already "
        "started running?"
    )


def _same_name(decision: MatchedDecision, event: SchedulingEvent) -> bool:
    if isinstance(event, EventSent) and isinstance(decision, SendOperation):
        return event.instance_id.lower() == decision.instance_id.lower()
    if isinstance(event, (TaskScheduled, SubOrchestrationInstanceCreated)):
        return event.name.lower() == decision.name.lower()
    return True
