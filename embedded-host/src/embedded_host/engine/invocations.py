"""Inputs and outputs of orchestrators and entities, independent of the protocol's encoding."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime

from embedded_host.engine.actions import Action
from embedded_host.engine.decisions import Decision
from embedded_host.engine.entity_messages import EntityId, OperationRequest
from embedded_host.engine.events import FailureDetails, HistoryEvent
from embedded_host.engine.sdk_protocols import SDK_1X
from embedded_host.engine.status import Status


@dataclass(frozen=True)
class ReplayProgress:
    """The number of actions that an orchestrator had made after each event of its history.

    From these counts, the engine derives the ids of scheduling events. The ids are equal to those
    of the SDK's tasks. By default, ``counts`` is None: the worker does not report the counts.
    """

    counts: Sequence[int] | None = None
    """Number of actions after each of the latest events."""
    unchanged: int = 0
    """Number of leading actions that the output omits, because the previous turn had them too."""

    def counts_of_last(self, events: int) -> Sequence[int] | None:
        """Return the counts of the last ``events`` events, or None if there are fewer counts."""
        if self.counts is None or len(self.counts) < events:
            return None
        return self.counts[len(self.counts) - events :]


@dataclass(frozen=True)
class CallLines:
    """The lines of an orchestrator's calls. They explain a replay that differs from the history."""

    calls: Mapping[int, str] = field(default_factory=dict)
    """File and line of each call, such as ``flow/__init__.py line 7``, by decision id."""
    waits: str = ""
    """File and line where the orchestrator waits, or an empty string if it has ended."""
    differs_at: int | None = None
    """Id of the recorded decision that the replay does not make, if SDK 2.x has found one."""


@dataclass(frozen=True)
class OrchestratorInput:
    """The history of one execution, and the part of it that is new in this turn."""

    instance_id: str
    execution_id: str
    past: Sequence[HistoryEvent]
    new: Sequence[HistoryEvent]
    input: str | None
    """The orchestrator's input as JSON, or None without input."""
    parent_instance_id: str | None
    seen: int = 0
    """Number of events that the worker received in earlier turns, or 0 if it needs all events."""
    is_continuation: bool = False
    """True in the first turn after continue-as-new. No worker has received ``past`` yet.

    Source: functions-host.md#event-order-in-a-turn.
    """
    is_replay: bool = False
    """True if the worker must replay the whole history in each turn, and report its lines."""
    is_diagnosis: bool = False
    """True if the replay only derives a diagnosis. It logs nothing and changes nothing."""
    http_sleep_ms: int = 30000
    """Milliseconds between two requests of a ``call_http`` that polls for a result."""
    protocol: int = SDK_1X
    """Version of the SDK's protocol (``protocols``)."""

    @property
    def size(self) -> int:
        """Number of past and new events."""
        return len(self.past) + len(self.new)


@dataclass(frozen=True)
class OrchestratorOutput:
    """The result of one turn of an orchestrator."""

    is_done: bool
    actions: tuple[Action, ...]
    output: str | None = None
    """JSON, or None if the orchestrator returned None."""
    error: str | None = None
    """Message of the exception that the orchestrator raised."""
    custom_status: str | None = None
    """JSON, or None if the orchestrator has not set a custom status."""
    stack: str = ""
    """Traceback of the exception."""
    progress: ReplayProgress = field(default_factory=ReplayProgress)
    lines: CallLines | None = None
    """The lines of the calls if the input requested them."""


@dataclass(frozen=True)
class Completion:
    """The decision of an orchestrator to complete or to fail."""

    id: int
    status: Status
    output: str | None = None
    """JSON, or None if the orchestrator returned None or failed."""
    failure: FailureDetails | None = None


@dataclass(frozen=True)
class Continuation:
    """The decision of an orchestrator to continue as new. ``input`` is JSON."""

    id: int
    input: str | None
    version: str | None = None
    """The version of the next execution, or None for the version of this execution."""
    carried: tuple[tuple[str, str | None], ...] = ()
    """Name and input of the external events that the next execution receives."""


@dataclass(frozen=True)
class OrchestratorDecisions:
    """The result of one turn of an orchestrator of SDK 2.x.

    It contains only the decisions that the history does not contain, because the SDK has compared
    them with the history.
    """

    decisions: tuple[Decision, ...]
    end: Completion | Continuation | None = None
    custom_status: str | None = None
    """JSON, or None if the orchestrator has not set a custom status."""
    awaited_events: tuple[str, ...] | None = ()
    """Names of the external events that the orchestrator waits for.

    The value is None if the worker does not report them, as a worker of durabletask.
    """
    undelivered_events: tuple[str, ...] = ()
    """Names of the received events that the orchestrator has not waited for, in any case."""
    lines: CallLines | None = None
    """The lines of the calls if the input requested them."""


@dataclass(frozen=True)
class EntityInput:
    """A batch of operations for one entity."""

    id: EntityId
    exists: bool
    state: str | None
    """JSON, or None before the first operation."""
    operations: Sequence[OperationRequest]


@dataclass(frozen=True)
class OperationResult:
    """The result or the failure of one operation."""

    result: str | None
    """JSON: the result, or the message of a failure.

    With SDK 1.x, the string is never empty, because the SDK parses it
    (functions-host.md#effects-of-actions). With SDK 2.x, it is None or empty if there is no
    result.
    """
    failed: bool
    details: FailureDetails | None = None
    """The details of a failure for the response (SDK 2.x)."""


@dataclass(frozen=True)
class SendSignal:
    """A signal that an entity sends to another entity. ``input`` is JSON."""

    instance_id: str
    operation: str
    input: str | None = None
    due: datetime | None = None
    """Earliest time of delivery, or None for immediate delivery."""


@dataclass(frozen=True)
class StartNewOrchestration:
    """The start of an orchestration by an entity. ``input`` is JSON."""

    name: str
    instance_id: str | None = None
    """The id of the new instance, or None for a random id."""
    input: str | None = None
    version: str | None = None
    due: datetime | None = None
    """Earliest time of the start, or None for an immediate start."""


@dataclass(frozen=True)
class EntityOutput:
    """The result of a batch: one result for each operation in order, and the new state."""

    results: Sequence[OperationResult]
    exists: bool
    state: str | None
    actions: Sequence[SendSignal | StartNewOrchestration] = ()
    """The messages that the operations send, in order."""


@dataclass(frozen=True)
class InvocationFailure:
    """An invocation that failed as a whole, or returned a value that the host cannot use."""

    message: str
    stack: str = ""
    """Traceback of the user's exception."""
    host_error: str = ""
    """Traceback of an error in the host, for the log."""
    lacks_state: bool = False
    """True if SDK 1.x has run the function, but returned no state and no error that contains it."""


OrchestratorResult = OrchestratorOutput | OrchestratorDecisions | InvocationFailure
