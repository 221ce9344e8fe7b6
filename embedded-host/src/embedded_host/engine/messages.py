"""What goes into an instance's inbox and what a turn sends out."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from embedded_host.engine.events import ExecutionStarted, HistoryEvent


@dataclass(frozen=True)
class Message:
    """An event on its way to an instance."""

    event: HistoryEvent
    execution_id: str | None = None
    """Only for this execution of the instance; None is for any."""
    due: datetime | None = None
    """Not to be delivered before."""


@dataclass(frozen=True)
class Deliver:
    """Put ``message`` into an instance's inbox. An entity comes into being by it; an orchestration must exist."""

    instance_id: str
    message: Message


@dataclass(frozen=True)
class StartActivity:
    """Run an activity and deliver its result to the sender's execution."""

    task_id: int
    name: str
    input: str
    execution_id: str


@dataclass(frozen=True)
class StartOrchestration:
    """Create a child with ``started`` as its first message. If a live instance has its id, the parent is sent
    ``if_taken`` instead: on the real host it would wait for ever."""

    instance_id: str
    started: ExecutionStarted
    if_taken: Message


Outgoing = Deliver | StartActivity | StartOrchestration
