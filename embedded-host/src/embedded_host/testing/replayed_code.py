"""The current code of an orchestrator, which processes the recorded events turn by turn.

With SDK 1.x, the host compares the code's actions with the history. SDK 2.x compares them itself,
and returns only the actions that the history does not contain.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Protocol

from msgspec.structs import replace

from embedded_host.engine.decisions import (
    Decision,
    NonDeterministicError,
    ReleaseLock,
    RequestLocks,
    SendEvent,
    SendOperation,
    mismatch,
)
from embedded_host.engine.entity_messages import (
    LockRelease,
    LockRequest,
    OperationRequest,
    parse_message,
)
from embedded_host.engine.events import (
    EventSent,
    HistoryEvent,
    SubOrchestrationInstanceCreated,
    TaskScheduled,
    encode_events,
)
from embedded_host.engine.execution import Execution
from embedded_host.engine.failures import UserError
from embedded_host.engine.invocations import (
    InvocationFailure,
    OrchestratorDecisions,
    OrchestratorInput,
    OrchestratorOutput,
    OrchestratorResult,
    ReplayProgress,
)
from embedded_host.engine.orchestration import ExecutionState
from embedded_host.engine.recorded_execution import RecordedExecution
from embedded_host.engine.sdk_protocols import SDK_1X
from embedded_host.history import Action
from embedded_host.protocols import adapter
from embedded_host.testing.history_file import RecordedHistory
from embedded_worker.failed_calls import error_data
from embedded_worker.session_cache import Session

__tracebackhide__ = True

OpenSession = Callable[[OrchestratorInput], Session]
"""A function that opens a session of the orchestrator's current code."""


class ReplayedCode(Protocol):
    """The code of an orchestrator after the turns that it has run."""

    non_determinism: str
    """The error of an instance whose history does not match the code."""

    def run(self, events: Sequence[HistoryEvent], *, is_continuation: bool) -> None:
        """Run a turn with the next recorded events.

        ``is_continuation`` is True for the first turn after continue-as-new. Raises
        NonDeterministicError if the code does not contain a step of the history.
        """

    @property
    def pending(self) -> Mapping[int, Decision]:
        """The decisions that the recorded events do not contain, by id."""

    def differs(self, event: Action, decision: Decision) -> bool:
        """Return True if ``event`` does not match ``decision``. Their ids are not compared."""

    @property
    def has_returned(self) -> bool:
        """True if the orchestrator has returned or failed. Its tasks may still be open."""

    @property
    def is_finished(self) -> bool:
        """True if the execution has ended."""

    @property
    def output(self) -> str | None:
        """The orchestrator's result as JSON, or None."""

    @property
    def error(self) -> str | None:
        """The error of a failed orchestrator, with its traceback, or None."""

    @property
    def execution(self) -> ExecutionState:
        """The open tasks of the execution."""


def replayed_code(
    open_session: OpenSession, recorded: RecordedHistory, protocol: int, *, counted: bool
) -> ReplayedCode:
    """Return the code of a recorded orchestrator before its first turn.

    ``counted`` has an effect only for SDK 1.x. If it is True, decisions have the numbers of the
    SDK's tasks. If it is False, decisions are numbered in the order of the actions.
    """
    if protocol == SDK_1X:
        return _CodeFor1x(open_session, recorded, counted)
    return _CodeFor2x(open_session, recorded, protocol)


def _input(
    recorded: RecordedHistory,
    past: Sequence[HistoryEvent],
    new: Sequence[HistoryEvent],
    protocol: int,
    *,
    is_continuation: bool,
) -> OrchestratorInput:
    started = recorded.started
    parent = started.parent_instance
    return OrchestratorInput(
        recorded.instance_id,
        started.orchestration_instance.execution_id,
        past,
        new,
        started.input,
        parent.orchestration_instance.instance_id if parent else None,
        is_continuation=is_continuation,
        protocol=protocol,
    )


def as_decided(event: Action, decision: Decision) -> Action:
    """Return the event with the decision's id.

    If the event of a sub-orchestration has no instance id, it also receives the decision's id.
    """
    if isinstance(event, SubOrchestrationInstanceCreated) and not event.instance_id:
        return replace(
            event, event_id=decision.id, instance_id=getattr(decision, "instance_id", "")
        )
    return replace(event, event_id=decision.id)


class _CodeFor1x:
    non_determinism = "Non-Deterministic workflow detected"

    def __init__(self, open_session: OpenSession, recorded: RecordedHistory, counted: bool) -> None:
        self._open_session, self._recorded, self._counted = open_session, recorded, counted
        self.execution = Execution(
            recorded.instance_id, recorded.started.orchestration_instance.execution_id
        )
        self._session: Session | None = None
        self._output: OrchestratorOutput | None = None
        """The output of the code in the last turn."""
        self._failure = ""

    def run(self, events: Sequence[HistoryEvent], *, is_continuation: bool) -> None:
        if self._session is None:
            past, new = (events, ()) if is_continuation else ((), events)
            input = _input(self._recorded, past, new, 1, is_continuation=is_continuation)
            self._session = self._open_session(input)
            output = self._run_code(self._session, None)
        else:
            output = self._run_code(self._session, encode_events(events))
        progress = ReplayProgress(
            self._session.counts if self._counted else None, self._session.known
        )
        self.execution.replay(output.actions, events, progress)
        self.execution.returned = output.is_done or output.error is not None
        self._output = output

    def _run_code(self, session: Session, events: str | None) -> OrchestratorOutput:
        result, failure = _run(session, events, 1)
        if failure is not None and isinstance(result, InvocationFailure):
            # A failed turn returns no actions, so the actions of the previous turn remain.
            result = OrchestratorOutput(
                False, self.execution.program[session.known :], error=result.message
            )
        elif isinstance(result, InvocationFailure):
            result = OrchestratorOutput(False, (), error=result.message)
        assert isinstance(result, OrchestratorOutput)
        if failure is not None:
            self._failure = failure.stack or result.error or failure.text
        return result

    @property
    def pending(self) -> Mapping[int, Decision]:
        return self.execution.pending

    def differs(self, event: Action, decision: Decision) -> bool:
        if isinstance(decision, (SendEvent, RequestLocks, ReleaseLock)):
            return True  # no decisions of SDK 1.x
        return mismatch(as_decided(event, decision), decision) is not None

    @property
    def has_returned(self) -> bool:
        output = self._output
        return output is not None and (output.is_done or output.error is not None)

    @property
    def is_finished(self) -> bool:
        return self.has_returned and self.execution.finished

    @property
    def output(self) -> str | None:
        return None if self._output is None else self._output.output

    @property
    def error(self) -> str | None:
        if self._output is None or self._output.error is None:
            return None
        return self._failure or self._output.error


class _CodeFor2x:
    non_determinism = "NonDeterminismError"

    def __init__(self, open_session: OpenSession, recorded: RecordedHistory, protocol: int) -> None:
        self._open_session, self._recorded, self._protocol = open_session, recorded, protocol
        self.execution = RecordedExecution()
        self._session: Session | None = None
        self._result: OrchestratorDecisions | InvocationFailure | None = None
        """The result of the code in the last turn."""

    def run(self, events: Sequence[HistoryEvent], *, is_continuation: bool) -> None:
        input = _input(self._recorded, (), events, self._protocol, is_continuation=is_continuation)
        if self._session is None:
            self._session = self._open_session(input)
            result, _ = _run(self._session, None, self._protocol)
        else:
            seen = adapter(self._protocol).unseen_events(input)
            result, _ = _run(self._session, seen, self._protocol)
        assert isinstance(result, (OrchestratorDecisions, InvocationFailure))
        self.execution.extend(events)
        if isinstance(result, OrchestratorDecisions):
            failure = getattr(result.end, "failure", None)
            if failure is not None and failure.error_type.endswith(self.non_determinism):
                raise NonDeterministicError(failure.error_message)
            self.execution.await_events(result.awaited_events)
        self._result = result

    @property
    def pending(self) -> Mapping[int, Decision]:
        if not isinstance(self._result, OrchestratorDecisions):
            return {}
        return {decision.id: decision for decision in self._result.decisions}

    def differs(self, event: Action, decision: Decision) -> bool:
        if isinstance(event, EventSent):
            return _sent(event) != _to_send(decision)
        if isinstance(decision, (SendEvent, RequestLocks, ReleaseLock)):
            return True
        if type(event) is not decision.event_type:
            return True
        if isinstance(event, (TaskScheduled, SubOrchestrationInstanceCreated)):
            return event.name != decision.name
        return False

    @property
    def has_returned(self) -> bool:
        result = self._result
        return isinstance(result, InvocationFailure) or (
            result is not None and result.end is not None
        )

    @property
    def is_finished(self) -> bool:
        return self.has_returned

    @property
    def output(self) -> str | None:
        return getattr(getattr(self._result, "end", None), "output", None)

    @property
    def error(self) -> str | None:
        if isinstance(self._result, InvocationFailure):
            return self._result.stack or self._result.message
        failure = getattr(getattr(self._result, "end", None), "failure", None)
        if failure is None:
            return None
        text = f"{failure.error_type}: {failure.error_message}"
        return f"{failure.stack_trace.rstrip()}\n{text}" if failure.stack_trace else text


def _run(
    session: Session, events: str | None, protocol: int
) -> tuple[OrchestratorResult, UserError | None]:
    """Run a turn. Return its result, and the exception that the session raised, if any."""
    try:
        return adapter(protocol).orchestrator_result(session.run_turn(events), None), None
    except Exception as raised:
        data = error_data(raised)
        failure = UserError(data.type, data.message, data.stack)
        return adapter(protocol).orchestrator_result(failure, None), failure


def _sent(event: EventSent) -> tuple[str, ...]:
    """Return the parts of a recorded message that SDK 2.x compares with a decision."""
    try:
        message = parse_message(event.name, event.input)
    except ValueError:
        message = None
    if event.instance_id.startswith("@"):
        if isinstance(message, LockRequest):
            return ("lock", event.instance_id)
        if isinstance(message, LockRelease):
            return ("release", event.instance_id)
        if isinstance(message, OperationRequest):
            return ("signal" if message.signal else "call", event.instance_id)
    return ("event", event.instance_id, event.name.casefold())


def _to_send(decision: Decision) -> tuple[str, ...] | None:
    """Return the parts of a decision that ``_sent`` returns, or None if it sends no message."""
    if isinstance(decision, RequestLocks):
        return ("lock", decision.lock_set[0])
    if isinstance(decision, ReleaseLock):
        return ("release", decision.instance_id)
    if isinstance(decision, SendOperation):
        return ("signal" if decision.operation.signal else "call", decision.instance_id)
    if isinstance(decision, SendEvent):
        return ("event", decision.instance_id, decision.name.casefold())
    return None
