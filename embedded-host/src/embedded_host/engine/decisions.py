"""What an execution decides: each decision is one event of the history, and one message or piece of work."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime

from embedded_host.engine.actions import EntityOperation
from embedded_host.engine.history import Event, EventType
from embedded_host.errors import EmbeddedHostError


class NonDeterministicError(EmbeddedHostError):
    """The history holds a step that the orchestrator, replayed, does not take."""


@dataclass(frozen=True)
class ScheduleTask:
    id: int
    name: str
    input: str
    event_type: EventType = EventType.TASK_SCHEDULED


@dataclass(frozen=True)
class CreateSubOrchestration:
    id: int
    name: str
    input: str | None
    instance_id: str
    version: str | None
    event_type: EventType = EventType.SUB_ORCHESTRATION_CREATED


@dataclass(frozen=True)
class StartTimer:
    id: int
    fire_at: datetime
    retry_of: int | None = field(default=None, compare=False)
    """The try that it follows, if it is a retry's wait."""
    event_type: EventType = EventType.TIMER_CREATED
    name: str = ""


@dataclass(frozen=True)
class SendOperation:
    """An operation for an entity; ``request_id`` names the reply to a call."""

    id: int
    instance_id: str
    request_id: str
    operation: EntityOperation
    event_type: EventType = EventType.EVENT_SENT
    name: str = "op"


Decision = ScheduleTask | CreateSubOrchestration | StartTimer | SendOperation

_WORDS = {
    EventType.TASK_SCHEDULED: "an activity task",
    EventType.SUB_ORCHESTRATION_CREATED: "a sub-orchestration",
    EventType.TIMER_CREATED: "a timer",
    EventType.EVENT_SENT: "an event",
}


def mismatch(event: Event, decision: Decision | None) -> str | None:
    """What is wrong if the replayed orchestrator does not decide what the history says it decided."""
    if decision is not None and decision.event_type == event["EventType"] and _same_name(decision, event):
        return None
    kind = EventType(event["EventType"])
    named = f" and name '{event['Name']}'" if event.get("Name") and kind != EventType.EVENT_SENT else ""
    text = (
        f"Non-Deterministic workflow detected: A previous execution of this orchestration scheduled {_WORDS[kind]} with "
        f"sequence ID {event['EventId']}{named}, but the current replay execution "
    )
    if decision is None:
        text += "hasn't (yet?) scheduled this task."
    else:
        asked = f" named '{decision.name}'" if decision.name and decision.event_type != EventType.EVENT_SENT else ""
        text += f"instead scheduled {_WORDS[decision.event_type]}{asked} with this sequence number."
    return text + " Was a change made to the orchestrator code after this instance had already started running?"


def _same_name(decision: Decision, event: Event) -> bool:
    if isinstance(decision, StartTimer):
        return True
    if isinstance(decision, SendOperation):
        return str(event["InstanceId"]).lower() == decision.instance_id.lower()
    return str(event["Name"]).lower() == decision.name.lower()
