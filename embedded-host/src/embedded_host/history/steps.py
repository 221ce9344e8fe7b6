"""What an orchestration did, one object for each step of its history."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import Enum

from embedded_host.engine.events import (
    EventRaised,
    EventSent,
    HistoryEvent,
    OrchestratorCompleted,
    SubOrchestrationInstanceCreated,
    TaskScheduled,
    TimerCreated,
)

Action = TaskScheduled | SubOrchestrationInstanceCreated | TimerCreated | EventSent
"""A scheduling event: what the orchestrator did in a turn."""


class CallKind(str, Enum):
    ACTIVITY = "activity"
    HTTP = "http"
    """``call_http``."""
    SUB_ORCHESTRATION = "subOrchestration"
    ENTITY = "entity"
    """A call of an entity, or a signal to it."""


class Outcome(str, Enum):
    OPEN = "open"
    COMPLETED = "completed"
    FAILED = "failed"
    ABANDONED = "abandoned"
    """Open when the execution ended."""


@dataclass(frozen=True)
class Call:
    """One attempt of a call. A retried call is one object for each attempt."""

    kind: CallKind
    id: int
    """``event_id`` of the scheduling event."""
    name: str
    """The function's name; the operation's for an entity."""
    scheduled_at: datetime
    finished_at: datetime | None = None
    """None while it is open, and if it was abandoned."""
    outcome: Outcome = Outcome.OPEN
    attempt: int | None = None
    """The attempt's number from 1, if the history shows that the call is retried."""
    instance_id: str | None = None
    """Id of the sub-orchestration or of the entity."""
    input: str | None = None
    """As recorded. Of an activity, a JSON array that holds the input; None if inputs are not recorded."""
    result: str | None = None
    """As recorded; None unless it completed."""
    error: str | None = None
    """The reason of the failure."""
    details: str | None = None
    """The stack trace of the failure, if one was recorded."""
    is_signal: bool = False
    """True for a signal, which has no response: it completes at once."""

    @property
    def is_open(self) -> bool:
        return self.outcome is Outcome.OPEN


@dataclass(frozen=True)
class Timer:
    """A durable timer."""

    id: int
    created_at: datetime
    due_at: datetime
    fired_at: datetime | None = None
    outcome: Outcome = Outcome.OPEN
    retry_of: int | None = None
    """Id of the failed attempt, if the timer is the delay of a retry."""
    name: str | None = None
    """Name of the function that is retried."""

    @property
    def is_open(self) -> bool:
        return self.outcome is Outcome.OPEN


@dataclass(frozen=True)
class Suspension:
    """The time between ExecutionSuspended and ExecutionResumed."""

    reason: str | None
    suspended_at: datetime
    resumed_at: datetime | None = None
    """None while it is suspended, and if the execution ended suspended."""
    outcome: Outcome = Outcome.OPEN


Step = Call | Timer | EventRaised | Suspension
"""An EventRaised is an external event. Responses of entities belong to their calls."""


@dataclass(frozen=True)
class Turn:
    """One turn: the events that were delivered to the orchestrator, and the actions that it took."""

    messages: Sequence[HistoryEvent]
    """All events but the actions and the two ends, OrchestratorStarted included."""
    actions: Sequence[Action]
    completed: OrchestratorCompleted | None
    """None if the turn was not recorded to its end."""
    is_continuation: bool
    """True for the first turn of an execution that continued as new. It has no message to wait for."""
    started_at: datetime
    queued_at: datetime
    """When its first message was sent."""

    @property
    def finished_at(self) -> datetime | None:
        return self.completed.occurred_at if self.completed else None

    @property
    def queue_time(self) -> timedelta:
        """How long the turn's first message waited for the turn."""
        return max(self.started_at - self.queued_at, timedelta(0))
