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
from embedded_host.engine.messages import Message, Outgoing
from embedded_host.engine.status import Status


@dataclass
class Orchestration:
    """The engine's state of one instance. ``input``, ``output`` and ``custom_status`` are texts as stored."""

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
    """True after continue-as-new until the next turn, which delivers no messages."""
    history: History = field(default_factory=History)
    execution: Execution | None = None
    """Kept between turns to avoid a replay; may be dropped at any time."""
    seen: int = 0
    """Number of events that the worker has seen; 0 if the next turn must send all."""

    @property
    def parent_instance_id(self) -> str | None:
        return self.parent.orchestration_instance.instance_id if self.parent else None

    def drop_execution(self) -> None:
        """Make the next turn replay the whole history."""
        if self.execution is not None:
            self.execution.close()
        self.execution, self.seen = None, 0


@dataclass(frozen=True)
class TurnSettings:
    functions: DurableFunctions = field(default_factory=DurableFunctions)
    store_inputs: bool = False
    http_sleep_ms: int = 30000
    default_version: str | None = None


@dataclass
class TurnResult:
    """The result of one turn. ``apply`` changes the instance once the result is durable."""

    events: list[HistoryEvent]
    """Events to append to the history, or to replace it."""
    replaces: bool
    status: Status
    output: str | None
    custom_status: str | None
    updated_at: datetime
    execution: Execution | None = None
    outgoing: list[Outgoing] = field(default_factory=list)
    continued_as: ExecutionStarted | None = None
    """The ExecutionStarted of the next execution."""
    seen: int = 0
    host_error: str = ""
    """The traceback of an error in the host that failed the turn, for the log."""

    def apply(self, state: Orchestration) -> None:
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
    """Return the messages that this execution takes: none of another execution, and no completion twice."""
    taken: list[Message] = []
    settled: set[int] = set()
    for message in inbox:
        event = message.event
        if message.execution_id is not None and message.execution_id != state.execution_id:
            continue
        if isinstance(event, ExecutionStarted) and len(state.history):
            continue
        if isinstance(event, CompletionEvent):
            if state.history.settles_again(event) or event.scheduled_id in settled:
                continue
            settled.add(event.scheduled_id)
        taken.append(message)
    return taken
