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
    """The execution that the message is for, or None for the current one."""
    due: datetime | None = None
    """Earliest time of delivery, or None for immediate delivery."""


@dataclass(frozen=True)
class Deliver:
    """Put ``message`` into the inbox of an instance.

    A missing entity is created. A message for a missing orchestration is dropped.
    """

    instance_id: str
    message: Message


@dataclass(frozen=True)
class StartActivity:
    """Run an activity and deliver its result to the execution that scheduled it."""

    task_id: int
    name: str
    input: str
    execution_id: str
    trace_context: object = None
    """The trace context of the TaskScheduled event."""


@dataclass(frozen=True)
class StartOrchestration:
    """Create an orchestration with ``started`` as its first message.

    If an unfinished instance has the same id, no orchestration is created and the sender receives
    ``if_taken``. On the Azure Functions host, the parent would wait forever.
    """

    instance_id: str
    started: ExecutionStarted
    if_taken: Message | None
    """None if the sender is an entity, which does not wait for the orchestration."""
    due: datetime | None = None
    """Earliest time of the start, or None for an immediate start."""


Outgoing = Deliver | StartActivity | StartOrchestration
