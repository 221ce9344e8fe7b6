"""What an execution decides: each decision is one event of the history, and one message or piece of work."""

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
    """The history holds a step that the orchestrator, replayed, does not take."""


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
    """The try that it follows, if it is a retry's wait."""
    event_type: type[SchedulingEvent] = TimerCreated
    name: str = ""


@dataclass(frozen=True)
class SendOperation:
    """An operation for an entity; ``request_id`` names the reply to a call."""

    id: int
    instance_id: str
    request_id: str
    operation: EntityOperation
    event_type: type[SchedulingEvent] = EventSent
    name: str = "op"


Decision = ScheduleTask | CreateSubOrchestration | StartTimer | SendOperation

_WORDS: dict[type[SchedulingEvent], str] = {
    TaskScheduled: "an activity task",
    SubOrchestrationInstanceCreated: "a sub-orchestration",
    TimerCreated: "a timer",
    EventSent: "an event",
}


def mismatch(event: SchedulingEvent, decision: Decision | None) -> str | None:
    """What is wrong if the replayed orchestrator does not decide what the history says it decided."""
    if decision is not None and decision.event_type is type(event) and _same_name(decision, event):
        return None
    name = event.name if isinstance(event, (TaskScheduled, SubOrchestrationInstanceCreated)) else ""
    named = f" and name '{name}'" if name else ""
    text = (
        f"Non-Deterministic workflow detected: A previous execution of this orchestration scheduled {_WORDS[type(event)]} with "
        f"sequence ID {event.event_id}{named}, but the current replay execution "
    )
    if decision is None:
        text += "hasn't (yet?) scheduled this task."
    else:
        asked = f" named '{decision.name}'" if decision.name and decision.event_type is not EventSent else ""
        text += f"instead scheduled {_WORDS[decision.event_type]}{asked} with this sequence number."
    return text + " Was a change made to the orchestrator code after this instance had already started running?"


def _same_name(decision: Decision, event: SchedulingEvent) -> bool:
    if isinstance(event, EventSent) and isinstance(decision, SendOperation):
        return event.instance_id.lower() == decision.instance_id.lower()
    if isinstance(event, (TaskScheduled, SubOrchestrationInstanceCreated)):
        return event.name.lower() == decision.name.lower()
    return True
