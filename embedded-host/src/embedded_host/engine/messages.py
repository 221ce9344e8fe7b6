"""Messages in an instance's inbox, and the messages that a turn sends."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from embedded_host.engine.events import ExecutionStarted, HistoryEvent


@dataclass(frozen=True)
class Message:
    """An event for an instance."""

    event: HistoryEvent
    execution_id: str | None = None
    """The execution that the message is for; None for any."""
    due: datetime | None = None
    """Earliest time of delivery; None for at once."""


@dataclass(frozen=True)
class Deliver:
    """Put ``message`` into an instance's inbox. An entity is created if needed; an orchestration must exist."""

    instance_id: str
    message: Message


@dataclass(frozen=True)
class StartActivity:
    """Run an activity, and deliver its result to the sender's execution."""

    task_id: int
    name: str
    input: str
    execution_id: str


@dataclass(frozen=True)
class StartOrchestration:
    """Create a sub-orchestration with ``started`` as its first message.

    If a live instance has its id, the parent gets ``if_taken`` instead. On the Functions host it would wait forever."""

    instance_id: str
    started: ExecutionStarted
    if_taken: Message


Outgoing = Deliver | StartActivity | StartOrchestration
