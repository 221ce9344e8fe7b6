"""Decisions of an execution. Each becomes one scheduling event of the history, and one message or activity."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime

from embedded_host.engine.actions import EntityOperation
from embedded_host.engine.events import (
    EventSent,
    SchedulingEvent,
    SubOrchestrationInstanceCreated,
    TaskScheduled,
    TimerCreated,
)
from embedded_host.errors import EmbeddedHostError


class NonDeterministicError(EmbeddedHostError):
    """The history has a step that the replayed orchestrator does not take."""


@dataclass(frozen=True)
class ScheduleTask:
    id: int
    name: str
    input: str
    event_type: type[SchedulingEvent] = TaskScheduled


@dataclass(frozen=True)
class CreateSubOrchestration:
    id: int
    name: str
    input: str | None
    instance_id: str
    version: str | None
    event_type: type[SchedulingEvent] = SubOrchestrationInstanceCreated


@dataclass(frozen=True)
class StartTimer:
    id: int
    fire_at: datetime
    retry_of: int | None = field(default=None, compare=False)
    """Id of the failed attempt that the timer follows, if it is the delay of a retry."""
    event_type: type[SchedulingEvent] = TimerCreated
    name: str = ""


@dataclass(frozen=True)
class SendOperation:
    """An operation for an entity. The response to a call has the name ``request_id``."""

    id: int
    instance_id: str
    request_id: str
    operation: EntityOperation
    event_type: type[SchedulingEvent] = EventSent
    name: str = "op"


Decision = ScheduleTask | CreateSubOrchestration | StartTimer | SendOperation

_DESCRIPTIONS: dict[type[SchedulingEvent], str] = {
    TaskScheduled: "an activity task",
    SubOrchestrationInstanceCreated: "a sub-orchestration",
    TimerCreated: "a timer",
    EventSent: "an event",
}


def mismatch(event: SchedulingEvent, decision: Decision | None) -> str | None:
    """Return why the replayed orchestrator's decision does not match the recorded event; None if it does."""
    if decision is not None and decision.event_type is type(event) and _same_name(decision, event):
        return None
    name = event.name if isinstance(event, (TaskScheduled, SubOrchestrationInstanceCreated)) else ""
    named = f" and name '{name}'" if name else ""
    text = (
        f"Non-Deterministic workflow detected: A previous execution of this orchestration scheduled {_DESCRIPTIONS[type(event)]} with "
        f"sequence ID {event.event_id}{named}, but the current replay execution "
    )
    if decision is None:
        text += "hasn't (yet?) scheduled this task."
    else:
        named = (
            f" named '{decision.name}'"
            if decision.name and decision.event_type is not EventSent
            else ""
        )
        text += f"instead scheduled {_DESCRIPTIONS[decision.event_type]}{named} with this sequence number."
    return (
        text
        + " Was a change made to the orchestrator code after this instance had already started running?"
    )


def _same_name(decision: Decision, event: SchedulingEvent) -> bool:
    if isinstance(event, EventSent) and isinstance(decision, SendOperation):
        return event.instance_id.lower() == decision.instance_id.lower()
    if isinstance(event, (TaskScheduled, SubOrchestrationInstanceCreated)):
        return event.name.lower() == decision.name.lower()
    return True
