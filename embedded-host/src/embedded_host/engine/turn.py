"""One turn of an orchestration.

The input is the instance's state and its inbox. The result is the events to record and the messages
to send (functions-host.md#event-order-in-a-turn and #orchestrator-response).
"""

from __future__ import annotations

import traceback
from collections.abc import Generator, Sequence
from datetime import datetime
from uuid import uuid4

from embedded_host.engine import history as h
from embedded_host.engine.critical_sections import open_critical_sections
from embedded_host.engine.decision_recorder import Clock, DecisionRecorder
from embedded_host.engine.decisions import NonDeterministicError, ReleaseLock, mismatch
from embedded_host.engine.events import (
    ExecutionResumed,
    ExecutionStarted,
    ExecutionSuspended,
    ExecutionTerminated,
    FailureDetails,
    HistoryEvent,
    SchedulingEvent,
)
from embedded_host.engine.execution import Execution
from embedded_host.engine.failures import (
    UserError,
    child_failed,
    failure_of,
    orchestrator_failed,
)
from embedded_host.engine.invocations import (
    Continuation,
    InvocationFailure,
    OrchestratorDecisions,
    OrchestratorInput,
    OrchestratorOutput,
    OrchestratorResult,
)
from embedded_host.engine.json_codec import compact, is_json
from embedded_host.engine.message_labels import OutgoingLabels
from embedded_host.engine.messages import Deliver, Message
from embedded_host.engine.observations import Difference, Observation
from embedded_host.engine.orchestration import (
    ExecutionState,
    Orchestration,
    TurnResult,
    TurnSettings,
)
from embedded_host.engine.recorded_execution import RecordedExecution
from embedded_host.engine.sdk_protocols import SDK_1X
from embedded_host.engine.status import Status
from embedded_host.engine.trace_contexts import continued_context
from embedded_host.engine.values_on_azure import changed_value
from embedded_host.engine.versions import is_newer

CUSTOM_STATUS_LIMIT = 16 * 1024
"""Maximum size of a custom status in bytes of UTF-16 (functions-host.md#response-object)."""


def turn(
    state: Orchestration, messages: Sequence[Message], settings: TurnSettings, clock: Clock
) -> Generator[OrchestratorInput, OrchestratorResult, TurnResult]:
    """Run one turn: yield the orchestrator's input at most once and receive its output.

    ``messages`` are the result of ``deliverable``. ``clock`` returns the current time in UTC. The
    turn does not change ``state``, so that the caller may run it again if a worker is lost.
    """
    now = clock()
    new: list[HistoryEvent] = (
        [] if state.continued and not messages else [h.orchestrator_started(now)]
    )
    new += [message.event for message in messages]
    past = state.history.events
    run = _Run(state, settings, clock, now, new)
    terminated = next((e for e in new if isinstance(e, ExecutionTerminated)), None)
    if terminated is not None:
        return run.complete(Status.TERMINATED, terminated.input, terminated.input or "")
    if (refused := run.refused_version()) and settings.strict:
        return run.refuse(refused)
    if state.name not in settings.functions.orchestrators:
        return run.refuse(settings.functions.orchestrators.missing(state.name))
    protocol = settings.functions.protocol
    # SDK 2.x parses the input itself. A worker with earlier events has already parsed it.
    if (
        protocol == SDK_1X
        and not state.seen
        and state.input is not None
        and not is_json(state.input)
    ):
        return run.refuse(
            "One or more errors occurred. "
            f"(Exception while executing function: Functions.{state.name})"
        )
    input = OrchestratorInput(
        instance_id=state.instance_id,
        execution_id=state.execution_id,
        past=past,
        new=tuple(new),
        input=state.input,
        parent_instance_id=state.parent_instance_id,
        seen=state.seen,
        is_continuation=state.continued,
        is_replay=state.is_replayed,
        http_sleep_ms=settings.http_sleep_ms,
        protocol=protocol,
    )
    run.seen = input.size
    output = yield input
    if isinstance(output, InvocationFailure):
        result = run.fail_invocation(output)
        result.host_error = output.host_error
        return result
    try:
        if isinstance(output, OrchestratorDecisions):
            result = run.decide(output)
        else:
            result = run.interpret(output)
    except Exception as error:  # an unforeseen output must fail its own instance, not the host
        result = run.fail(
            "the host cannot process the output of the orchestrator: "
            f"{type(error).__name__}: {error}"
        )
        result.host_error = traceback.format_exc()
    result.lines = output.lines
    return result


class _Run:
    """The second half of a turn. It derives the result from the orchestrator's output."""

    def __init__(
        self,
        state: Orchestration,
        settings: TurnSettings,
        clock: Clock,
        now: datetime,
        new: list[HistoryEvent],
    ) -> None:
        self.state, self.settings, self.clock, self.now = state, settings, clock, now
        self.events = new
        self.recorder = DecisionRecorder(state, settings, clock, now, new, self._labels)
        self.custom_status = state.custom_status
        self.seen = 0
        self.kept = state.execution
        """The execution of the previous turn.

        ``state`` may drop the execution while the worker runs. The turn still needs it, because the
        worker received only the newer events.
        """
        self.execution: ExecutionState | None = None

    def _labels(self) -> OutgoingLabels:
        """Return the labels of the messages to entities.

        This property reads the history once, because a turn can send thousands of operations.
        """
        assert isinstance(self.execution, Execution)
        labels = self.execution.labels
        if labels is None:
            labels = OutgoingLabels([*self.state.history.events, *self.events])
            self.execution.labels = labels
        return labels

    def refused_version(self) -> str | None:
        """Observe in the first turn that the Azure Functions host does not run this version.

        Returns an error message, or None if that host runs it.
        """
        rule, past = self.settings.version_rule, self.state.history.events
        if past and not self.state.continued:
            return None
        events = (*past, *self.events)
        started = next((e for e in events if isinstance(e, ExecutionStarted)), None)
        if started is None or not rule.refuses(started.version):
            return None
        newer = is_newer(started.version, rule.default_version)
        self.recorder.observations.append(
            Observation(Difference.NEWER_VERSION if newer else Difference.OTHER_VERSION)
        )
        return (
            f"The version '{started.version or ''}' does not match the defaultVersion "
            f"'{rule.default_version or ''}' with the versionMatchStrategy {rule.match_strategy}. "
            "On the Azure Functions host, the instance stays Pending forever."
        )

    # -- the output --------------------------------------------------------------------------------

    def interpret(self, output: OrchestratorOutput) -> TurnResult:
        """Match the orchestrator's actions with the history, and record the new decisions."""
        state = self.state
        if problem := _custom_status_problem(output.custom_status):
            return self.refuse(problem)
        if output.custom_status is not None or not state.continued:
            self.custom_status = self._read(output.custom_status, is_status=True)
        kept = self.kept if isinstance(self.kept, Execution) else None
        events = self.events if kept else state.history.events + self.events
        execution = kept or Execution(state.instance_id, state.execution_id, self.settings.strict)
        try:
            execution.replay(output.actions, events, output.progress, new=len(self.events))
        except NonDeterministicError as error:
            return self.fail_replay(error)
        self.execution = execution
        execution.returned = output.is_done or output.error is not None
        for decision in sorted(execution.pending.values(), key=lambda decision: decision.id):
            missing = self.recorder.record(decision)
            if missing:
                return self.refuse(missing)
        execution.pending.clear()
        if execution.finished:
            if output.error:
                return self.fail(output.error, output.stack)
            if execution.continue_with is not None:
                carried = self._carried(execution)
                input = execution.continue_with.input
                return self.continue_as_new(None if input is None else compact(input), carried)
            if output.is_done:
                return self.complete(Status.COMPLETED, self._read(output.output), "")
        return self.wait(execution.suspended)

    def _read(self, value: str | None, *, is_status: bool = False) -> str | None:
        """Return an output or custom status of SDK 1.x, and observe its differences.

        With ``--parity strict``, the value is the value of the Azure Functions host.
        """
        if value is None:
            return None
        changed = changed_value(value, has_metadata=not is_status)
        read = changed.text if changed and self.settings.strict else value
        # An orchestrator in memory returns the same custom status in each turn.
        if changed is not None and not (is_status and read == self.state.custom_status):
            self.recorder.observations += changed.observations
        return read

    def _carried(self, execution: Execution) -> list[HistoryEvent]:
        """Return the events that the next execution receives, and observe lost events.

        The Azure Functions host passes on the events after the request to continue as new. It
        replays the whole history with all actions.
        """
        events = self.state.history.events + self.events
        undelivered = list(execution.undelivered_events)
        if not (undelivered or self.settings.strict):
            return []
        on_azure = Execution(self.state.instance_id, self.state.execution_id, is_strict=True)
        try:
            on_azure.replay(execution.program, events)
        except NonDeterministicError:
            on_azure = execution
        late = {id(event) for event in on_azure.late_events}
        if lost := dict.fromkeys(event.name for event in undelivered if id(event) not in late):
            execution.observations.append(Observation(Difference.CARRIED_EVENT, tuple(lost)))
        carried = late if self.settings.strict else {id(event) for event in undelivered}
        on_azure.close()
        return [event for event in events if id(event) in carried]

    def decide(self, output: OrchestratorDecisions) -> TurnResult:
        """Record the decisions of an orchestrator of SDK 2.x."""
        if problem := _custom_status_problem(output.custom_status):
            return self.refuse(problem)
        self.custom_status = output.custom_status
        kept = self.kept if isinstance(self.kept, RecordedExecution) else None
        execution = kept or RecordedExecution(self.state.history.events)
        self.execution = execution
        for decision in output.decisions:
            if problem := self.recorder.record(decision):
                return self.refuse_call(problem)
        end = output.end
        if isinstance(end, Continuation):
            now = self.clock()
            carried = [h.event_raised(now, name, input) for name, input in end.carried]
            return self.continue_as_new(end.input, carried, end.version)
        if end is not None and end.failure is not None:
            error = f"{end.failure.error_type}: {end.failure.error_message}"
            result = self.complete(Status.FAILED, error, error, failure=end.failure, id=end.id)
            result.differs_at = output.lines.differs_at if output.lines else None
            return result
        if end is not None:
            return self.complete(end.status, end.output, "", id=end.id)
        execution.extend(self.events)
        execution.await_events(output.awaited_events, output.undelivered_events)
        return self.wait(self._is_suspended())

    def _is_suspended(self) -> bool:
        control = self._last_control_event()
        if control is None:
            return self.state.status is Status.SUSPENDED
        return isinstance(control, ExecutionSuspended)

    def _last_control_event(self) -> ExecutionSuspended | ExecutionResumed | None:
        for event in reversed(self.events):
            if isinstance(event, (ExecutionSuspended, ExecutionResumed)):
                return event
        return None

    def wait(self, suspended: bool) -> TurnResult:
        """Return the result of an execution that has not finished."""
        control = self._last_control_event()
        return self.result(
            Status.SUSPENDED if suspended else Status.RUNNING,
            control.reason if control else self.state.output,
        )

    # -- the end of an execution -------------------------------------------------------------------

    def refuse(self, error: str) -> TurnResult:
        """Fail the instance because of a mistake that the host has found, and log ``error``."""
        result = self.fail(error)
        result.problem = error
        return result

    def refuse_call(self, error: str) -> TurnResult:
        """Fail the instance of SDK 2.x because of a call, and log ``error``.

        The output has the recorded form of an exception that the Durable extension raises.
        """
        message = f"Function '{self.state.name}' failed with an unhandled exception."
        output = compact({"message": message, "details": error})
        # The SDK reads the failure only in a parent. The recorded event has none.
        failure = failure_of(UserError("Exception", error)) if self.state.parent else None
        result = self.complete(Status.FAILED, output, error, failure=failure)
        result.problem = error
        return result

    def fail_replay(self, error: NonDeterministicError) -> TurnResult:
        """Fail the instance because its replay differs from the history.

        The output has no name of a function (functions-host.md#replay).
        """
        result = self.complete(Status.FAILED, str(error), str(error))
        result.problem, result.differs_at = str(error), error.id
        return result

    def fail_invocation(self, failure: InvocationFailure) -> TurnResult:
        """Fail the instance because its orchestrator returned no usable output.

        Without the state of SDK 1.x, the Azure Functions host finds no actions for its history.
        """
        message = failure.message
        events = self.state.history.events
        scheduled = next((event for event in events if isinstance(event, SchedulingEvent)), None)
        if failure.lacks_state and scheduled is not None:
            self.recorder.observations.append(Observation(Difference.LOST_ACTIONS))
            if self.settings.strict and (lost := mismatch(scheduled, None)):
                message = lost
        return self.fail(message, failure.stack)

    def fail(self, error: str, stack: str = "") -> TurnResult:
        """Fail the instance outside its orchestrator.

        The stored output consists of the function's name and ``error``
        (functions-host.md#errors). With SDK 2.x, the output is a JSON object (recorded).
        """
        if self.settings.functions.protocol == SDK_1X:
            output = orchestrator_failed(self.state.name, error)
            return self.complete(Status.FAILED, output, error, stack)
        failure = failure_of(UserError("Exception", error, stack))
        output = compact({"message": error, "details": None})
        return self.complete(Status.FAILED, output, error, stack, failure=failure)

    def complete(
        self,
        status: Status,
        output: str | None,
        error: str,
        stack: str = "",
        *,
        failure: FailureDetails | None = None,
        id: int | None = None,
    ) -> TurnResult:
        """Finish the execution, and send its result or ``error`` to the parent.

        ``id`` is the id of the decision, or None for the next free id. If there is a ``failure``,
        the event has no result, as on the Azure Functions host.
        """
        now, state = self.clock(), self.state
        if id is None:
            id = (
                self.execution.take_id()
                if isinstance(self.execution, Execution)
                else self._release_locks(_next_id(state.history.events + self.events))
            )
        recorded = None if failure else output
        self.events.append(h.execution_completed(now, id, status.value, recorded, stack, failure))
        if state.parent:
            task_id = state.parent.task_schedule_id
            if status is Status.COMPLETED:
                event: HistoryEvent = h.sub_orchestration_completed(now, task_id, output)
            else:
                reason = output if output is not None else ""
                event = child_failed(now, task_id, reason, error, failure, stack)
            parent = state.parent.orchestration_instance
            self.recorder.outgoing.append(
                Deliver(parent.instance_id, Message(event, parent.execution_id))
            )
        result = self.result(status, output)
        result.execution = None
        return result

    def _release_locks(self, next_id: int) -> int:
        """Release the entities that the orchestrator has locked. Return the next decision id.

        If an orchestrator returns or raises an exception, the SDK releases the entities. This
        method releases them if the instance is terminated, or fails outside its orchestrator.
        """
        if self.settings.functions.protocol == SDK_1X:  # SDK 1.x has no locks
            return next_id
        for section in open_critical_sections(self.state.history.events + self.events):
            for entity in section.lock_set:
                self.recorder.record(ReleaseLock(next_id, section.id, str(entity)))
                next_id += 1
        return next_id

    def continue_as_new(
        self, input: str | None, carried: Sequence[HistoryEvent], version: str | None = None
    ) -> TurnResult:
        """Start the next execution with an empty history and the ``carried`` events."""
        state, now = self.state, self.clock()
        events = state.history.events + self.events
        previous = next((e for e in events if isinstance(e, ExecutionStarted)), None)
        started = h.execution_started(
            now,
            instance_id=state.instance_id,
            execution_id=uuid4().hex,
            name=state.name,
            input=input,
            parent=state.parent,
            generation=None,
            version=version or (previous.version if previous else None),
            tags=previous.tags if previous else None,
            trace_context=continued_context(events, previous.parent_trace_context)
            if previous
            else None,
        )
        self.events = [h.orchestrator_started(now), started, *carried]
        result = self.result(Status.RUNNING, None)
        result.replaces, result.continued_as, result.execution = True, started, None
        return result

    def result(self, status: Status, output: str | None) -> TurnResult:
        """Record the end of the turn and return its result."""
        now = self.clock()
        self.events.append(h.orchestrator_completed(now))
        observations = list(self.recorder.observations)
        if isinstance(self.execution, Execution):
            observations = [*self.execution.observations, *observations]
        return TurnResult(
            self.events,
            False,
            status,
            output,
            self.custom_status,
            now,
            self.execution,
            self.recorder.outgoing,
            seen=self.seen,
            observations=observations,
        )


def _next_id(events: Sequence[HistoryEvent]) -> int:
    return 1 + max((event.event_id for event in events), default=-1)


def _custom_status_problem(custom_status: str | None) -> str | None:
    """Return an error message if the custom status is too large, else None."""
    size = 0 if custom_status is None else len(custom_status.encode("utf-16-le"))
    if size <= CUSTOM_STATUS_LIMIT:
        return None
    return (
        f"The size of the custom status is {size} bytes of UTF-16, but it must not exceed "
        f"{CUSTOM_STATUS_LIMIT}."
    )
