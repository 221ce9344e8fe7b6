"""An orchestration between turns, and the result of a turn."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime

from embedded_host.engine.events import (
    CompletionEvent,
    ExecutionStarted,
    HistoryEvent,
    ParentInstance,
)
from embedded_host.engine.execution import Execution
from embedded_host.engine.functions import DurableFunctions
from embedded_host.engine.history import History
from embedded_host.engine.invocations import CallLines
from embedded_host.engine.messages import Message, Outgoing
from embedded_host.engine.observations import Observation
from embedded_host.engine.recorded_execution import RecordedExecution
from embedded_host.engine.sdk_protocols import SDK_1X
from embedded_host.engine.status import Status
from embedded_host.engine.versions import VersionRule

ExecutionState = Execution | RecordedExecution
"""The open work of an execution: ``Execution`` for SDK 1.x, ``RecordedExecution`` for 2.x."""


@dataclass
class Orchestration:
    """The state of one instance between turns.

    ``input`` and ``custom_status`` are JSON. ``output`` is JSON, the message of a failure, or the
    reason of a request to terminate, suspend or resume.
    """

    instance_id: str
    name: str
    execution_id: str
    created_at: datetime
    updated_at: datetime
    input: str | None = None
    status: Status = Status.PENDING
    output: str | None = None
    custom_status: str | None = None
    parent: ParentInstance | None = None
    generation: int | None = 0
    continued: bool = False
    """True between continue-as-new and the next turn.

    The next turn delivers no message except a request to terminate.
    """
    history: History = field(default_factory=History)
    protocol: int = SDK_1X
    """Version of the SDK's protocol (``protocols``) that the first turn of the execution used."""
    execution: ExecutionState | None = None
    """The execution of the previous turn, or None if the next turn must replay the history."""
    seen: int = 0
    """Number of events that the worker has received, or 0 if the next turn must send all events."""
    is_replayed: bool = False
    """True if the next turn replays the whole history and reports the lines of the calls."""

    @property
    def parent_instance_id(self) -> str | None:
        """Instance id of the parent, or None without a parent."""
        return self.parent.orchestration_instance.instance_id if self.parent else None

    def drop_execution(self) -> None:
        """Drop the kept execution, so that the next turn replays the whole history."""
        if self.execution is not None:
            self.execution.close()
        self.execution, self.seen = None, 0


@dataclass(frozen=True)
class TurnSettings:
    """The parts of ``HubSettings`` that a turn needs."""

    functions: DurableFunctions = field(default_factory=DurableFunctions)
    store_inputs: bool = False
    http_sleep_ms: int = 30000
    default_version: str | None = None
    strict: bool = False
    """True if a turn has the effects of the Azure Functions host (``--parity strict``)."""
    uses_azure_storage: bool = True
    """False if host.json selects a storage provider on which timers do not fire early."""
    version_rule: VersionRule = field(default_factory=VersionRule)
    """The versions that the Azure Functions host runs."""


@dataclass
class TurnResult:
    """The result of one turn. Call ``apply`` when the result is durable.

    ``output`` and ``custom_status`` have the same meaning as in ``Orchestration``.
    """

    events: list[HistoryEvent]
    """Events to append to the history, or the new history if ``replaces`` is true."""
    replaces: bool
    status: Status
    output: str | None
    custom_status: str | None
    updated_at: datetime
    execution: ExecutionState | None = None
    outgoing: list[Outgoing] = field(default_factory=list)
    continued_as: ExecutionStarted | None = None
    """The ExecutionStarted of the next execution, if this one continued as new."""
    seen: int = 0
    observations: list[Observation] = field(default_factory=list)
    """The differences of the turn from the Azure Functions host."""
    host_error: str = ""
    """Traceback, for the log, of an error in the host that made the turn fail."""
    problem: str = ""
    """Message for the log: the mistake because of which the host failed the instance."""
    lines: CallLines | None = None
    """The lines of the orchestrator's calls, if the turn replayed the whole history."""
    differs_at: int | None = None
    """Id of the recorded decision that the replay did not make, if the replay differed."""

    def apply(self, state: Orchestration) -> None:
        """Copy the result into the instance's state."""
        if self.replaces:
            state.history = History(self.events)
        else:
            state.history.extend(self.events)
        state.status, state.output, state.custom_status = (
            self.status,
            self.output,
            self.custom_status,
        )
        state.updated_at, state.execution, state.continued = self.updated_at, self.execution, False
        state.seen = self.seen if self.execution else 0
        if self.continued_as:
            state.continued = True
            state.execution_id = self.continued_as.orchestration_instance.execution_id
            state.input, state.generation = self.continued_as.input, None
            state.created_at = self.continued_as.occurred_at


def deliverable(state: Orchestration, inbox: Sequence[Message]) -> list[Message]:
    """Return the messages of ``inbox`` that the current execution accepts.

    The execution does not accept messages for another execution, second completions or second
    starts.
    """
    accepted: list[Message] = []
    settled: set[int] = set()
    for message in inbox:
        event = message.event
        if message.execution_id is not None and message.execution_id != state.execution_id:
            continue
        if isinstance(event, ExecutionStarted) and len(state.history):
            continue
        if isinstance(event, CompletionEvent):
            if state.history.is_duplicate(event) or event.scheduled_id in settled:
                continue
            settled.add(event.scheduled_id)
        accepted.append(message)
    return accepted
