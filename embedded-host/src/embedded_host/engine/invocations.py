"""What orchestrators and entities are invoked with, and what they return, without any protocol's encoding."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

from embedded_host.engine.actions import Action
from embedded_host.engine.entity_messages import EntityId, OperationRequest
from embedded_host.engine.events import HistoryEvent


@dataclass(frozen=True)
class ReplayProgress:
    """How an orchestrator's actions grew while it replayed its history.

    With it, scheduling events are numbered exactly as the SDK numbers its tasks. The default is "unknown"."""

    counts: Sequence[int] | None = None
    """Number of actions after each event; the last is the last event's. None if the worker does not know it."""
    unchanged: int = 0
    """Number of leading actions of the turn before that are left out because they are the same."""

    def counts_of_last(self, events: int) -> Sequence[int] | None:
        """Return the counts of the last ``events`` events; None if there are not so many."""
        if self.counts is None or len(self.counts) < events:
            return None
        return self.counts[len(self.counts) - events :]


@dataclass(frozen=True)
class OrchestratorInput:
    """The history of one execution, and the part of it that is new in this turn."""

    instance_id: str
    execution_id: str
    past: Sequence[HistoryEvent]
    new: Sequence[HistoryEvent]
    input: str | None
    """JSON text, as stored."""
    parent_instance_id: str | None
    seen: int = 0
    """Number of events that the worker has been handed in the execution's last turn; 0 if it must be handed all."""
    is_continuation: bool = False
    """The first turn after continue-as-new: ``past`` was handed to no worker (functions-host.md#event-order-in-a-turn)."""
    http_sleep_ms: int = 30000
    """Milliseconds between two polls of ``call_http``."""

    @property
    def size(self) -> int:
        """Number of events."""
        return len(self.past) + len(self.new)


@dataclass(frozen=True)
class OrchestratorOutput:
    """The result of one turn of an orchestrator."""

    is_done: bool
    actions: tuple[Action, ...]
    output: str | None = None
    """JSON text; None if there is none."""
    error: str | None = None
    """Message of the exception that the orchestrator raised."""
    custom_status: str | None = None
    """JSON text; None if there is none."""
    stack: str = ""
    """Traceback of the exception."""
    progress: ReplayProgress = field(default_factory=ReplayProgress)


@dataclass(frozen=True)
class EntityInput:
    """A batch of operations for one entity."""

    id: EntityId
    exists: bool
    state: str | None
    """JSON text; None before the first operation."""
    operations: Sequence[OperationRequest]


@dataclass(frozen=True)
class OperationResult:
    result: str
    """JSON text; of a failure, its message. Never empty, because the SDK needs a value (functions-host.md#effects-of-actions)."""
    failed: bool


@dataclass(frozen=True)
class EntityOutput:
    """The result of a batch: one result for each operation, in order, and the new state."""

    results: Sequence[OperationResult]
    exists: bool
    state: str | None


@dataclass(frozen=True)
class InvocationFailure:
    """An invocation that failed as a whole, or returned a value that the host cannot use."""

    message: str
    stack: str = ""
    """Traceback of the user's exception."""
    host_error: str = ""
    """Traceback of an error in the host, for the log."""
