"""The steps of an orchestration: calls, timers, external events and suspensions."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
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
"""A scheduling event that an action of the orchestrator caused in a turn."""


class CallKind(str, Enum):
    """The kind of a call."""

    ACTIVITY = "activity"
    HTTP = "http"
    """A request of ``call_http``."""
    SUB_ORCHESTRATION = "subOrchestration"
    ENTITY = "entity"
    """A call or a signal to an entity."""
    LOCK = "lock"
    """The lock request of a critical section. It completes when all entities are locked."""
    RELEASE = "release"
    """The release of the lock of one entity."""
    SENT_EVENT = "sentEvent"
    """An external event that the orchestrator sends to another instance."""


class Outcome(str, Enum):
    """The outcome of a step."""

    OPEN = "open"
    COMPLETED = "completed"
    FAILED = "failed"
    ABANDONED = "abandoned"
    """The step was open when the execution ended."""


@dataclass(frozen=True)
class Call:
    """One attempt of a call. A retried call has one object for each attempt."""

    kind: CallKind
    id: int
    """``event_id`` of the scheduling event."""
    name: str
    """Name of the function, of the operation of an entity, or of the sent event.

    The name of a lock request is ``lock``, and that of a release is ``release``.
    """
    scheduled_at: datetime
    finished_at: datetime | None = None
    """Time of the completion. It is None for an open or abandoned call."""
    outcome: Outcome = Outcome.OPEN
    attempt: int | None = None
    """Number of the attempt, counted from 1, or None if the history does not show a retry."""
    instance_id: str | None = None
    """Id of the sub-orchestration, of the entity, or of the instance that receives an event.

    For a lock request, it is the id of the first entity.
    """
    input: str | None = None
    """Recorded JSON of the input, or None if inputs are not recorded.

    For an activity it is a JSON array that contains the input.
    """
    result: str | None = None
    """Recorded JSON of the result. It is None for a call that has not completed."""
    error: str | None = None
    """Reason of the failure. With SDK 2.x, it is the class and the message of the exception."""
    details: str | None = None
    """Stack trace of the failure and of its causes, if it was recorded."""
    is_signal: bool = False
    """True for a signal, a release or a sent event, which completes at once without a response."""
    entities: tuple[str, ...] = ()
    """Ids of the entities that a lock request locks, in the order in which they are locked."""
    event: int = field(default=-1, compare=False)
    """Index of the scheduling event in the history."""
    completion: int | None = field(default=None, compare=False)
    """Index of the completion or response in the history, or None if there is none."""
    started_at: datetime | None = field(default=None, compare=False)
    """Time at which a completed activity began to run, if it waited for a place before."""

    @property
    def is_open(self) -> bool:
        """True if the call has no completion and the execution has not ended."""
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
    """Name of the retried function."""
    event: int = field(default=-1, compare=False)
    """Index of the scheduling event in the history."""

    @property
    def is_open(self) -> bool:
        """True if the timer has not fired and the execution has not ended."""
        return self.outcome is Outcome.OPEN


@dataclass(frozen=True)
class Suspension:
    """The time between ExecutionSuspended and ExecutionResumed."""

    reason: str | None
    suspended_at: datetime
    resumed_at: datetime | None = None
    """Time of the resumption. It is None for a suspension that has not ended."""
    outcome: Outcome = Outcome.OPEN


Step = Call | Timer | EventRaised | Suspension
"""A step of an orchestration.

An EventRaised step is an external event. The responses to entity calls and lock requests are parts
of these steps.
"""


@dataclass(frozen=True)
class Turn:
    """A turn: the events that the orchestrator received, and its actions."""

    messages: Sequence[HistoryEvent]
    """All events except actions, OrchestratorCompleted and ExecutionCompleted."""
    actions: Sequence[Action]
    completed: OrchestratorCompleted | None
    """The end of the turn, or None if it was not recorded."""
    is_continuation: bool
    """True for the first turn after continue-as-new. This turn does not wait for a message."""
    started_at: datetime
    queued_at: datetime
    """Time at which the first message was sent."""

    @property
    def finished_at(self) -> datetime | None:
        """Time of the end of the turn, or None if it was not recorded."""
        return self.completed.occurred_at if self.completed else None

    @property
    def queue_time(self) -> timedelta:
        """Time between the first message and the start of the turn."""
        return max(self.started_at - self.queued_at, timedelta(0))
