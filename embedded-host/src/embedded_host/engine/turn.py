"""One turn of an orchestration.

The input is the instance's state and its inbox. The result is the events to record and the messages
to send (functions-host.md#event-order-in-a-turn and #orchestrator-response).
"""

from __future__ import annotations

import traceback
from collections.abc import Callable, Generator, Sequence
from datetime import datetime
from uuid import uuid4

from embedded_host.engine import history as h
from embedded_host.engine.decisions import (
    CreateSubOrchestration,
    Decision,
    NonDeterministicError,
    ScheduleTask,
    SendOperation,
    StartTimer,
)
from embedded_host.engine.entity_messages import (
    EntityId,
    OutgoingLabels,
    request_message,
    response_message,
)
from embedded_host.engine.events import (
    ExecutionResumed,
    ExecutionStarted,
    ExecutionSuspended,
    ExecutionTerminated,
    HistoryEvent,
    SubOrchestrationInstanceFailed,
)
from embedded_host.engine.execution import Execution
from embedded_host.engine.failures import (
    UserError,
    activity_reason,
    orchestrator_failed,
    parent_details,
)
from embedded_host.engine.functions import HTTP_ACTIVITY
from embedded_host.engine.invocations import (
    InvocationFailure,
    OrchestratorInput,
    OrchestratorOutput,
)
from embedded_host.engine.json_codec import compact, is_json
from embedded_host.engine.messages import (
    Deliver,
    Message,
    Outgoing,
    StartActivity,
    StartOrchestration,
)
from embedded_host.engine.orchestration import Orchestration, TurnResult, TurnSettings
from embedded_host.engine.status import Status

CUSTOM_STATUS_LIMIT = 16 * 1024
"""Maximum size of a custom status in bytes of UTF-16 (functions-host.md#response-object)."""


Clock = Callable[[], datetime]


def turn(
    state: Orchestration, messages: Sequence[Message], settings: TurnSettings, clock: Clock
) -> Generator[OrchestratorInput, OrchestratorOutput | InvocationFailure, TurnResult]:
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
    if state.name not in settings.functions.orchestrators:
        return run.fail(settings.functions.orchestrators.missing(state.name))
    # A worker that has received events has already parsed the input.
    if not state.seen and state.input is not None and not is_json(state.input):
        return run.fail(
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
        http_sleep_ms=settings.http_sleep_ms,
    )
    run.seen = input.size
    output = yield input
    if isinstance(output, InvocationFailure):
        result = run.fail(output.message, output.stack)
        result.host_error = output.host_error
        return result
    try:
        return run.interpret(output)
    except Exception as error:  # an unforeseen output must fail its own instance, not the host
        result = run.fail(
            "the host cannot process the output of the orchestrator: "
            f"{type(error).__name__}: {error}"
        )
        result.host_error = traceback.format_exc()
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
        self.outgoing: list[Outgoing] = []
        self.custom_status = state.custom_status
        self.seen = 0
        self.kept = state.execution
        """The execution of the previous turn.

        ``state`` may drop the execution while the worker runs. The turn still needs it, because the
        worker received only the newer events.
        """
        self.execution: Execution | None = None

    # -- the output --------------------------------------------------------------------------------

    def interpret(self, output: OrchestratorOutput) -> TurnResult:
        """Match the orchestrator's actions with the history, and record the new decisions."""
        state = self.state
        status_size = (
            0 if output.custom_status is None else len(output.custom_status.encode("utf-16-le"))
        )
        if status_size > CUSTOM_STATUS_LIMIT:
            return self.fail(
                f"The size of the custom status is {status_size} bytes of UTF-16, but it must not "
                f"exceed {CUSTOM_STATUS_LIMIT}."
            )
        if output.custom_status is not None or not state.continued:
            self.custom_status = output.custom_status
        events = self.events if self.kept else state.history.events + self.events
        execution = self.kept or Execution(state.instance_id, state.execution_id)
        try:
            execution.replay(output.actions, events, output.progress)
        except NonDeterministicError as error:
            return self.fail(str(error))
        self.execution = execution
        execution.returned = output.is_done or output.error is not None
        for decision in sorted(execution.pending.values(), key=lambda decision: decision.id):
            missing = self.record(decision)
            if missing:
                return self.fail(missing)
        execution.pending.clear()
        if execution.finished:
            if output.error:
                return self.fail(output.error, output.stack)
            if execution.continue_with is not None:
                return self.continue_as_new(execution.continue_with.input)
            if output.is_done:
                return self.complete(Status.COMPLETED, output.output, "")
        return self.wait()

    def wait(self) -> TurnResult:
        """Return the result of an execution that has not finished."""
        control = next(
            (
                e
                for e in reversed(self.events)
                if isinstance(e, (ExecutionSuspended, ExecutionResumed))
            ),
            None,
        )
        suspended = self.execution is not None and self.execution.suspended
        return self.result(
            Status.SUSPENDED if suspended else Status.RUNNING,
            control.reason if control else self.state.output,
        )

    # -- decisions ---------------------------------------------------------------------------------

    def record(self, decision: Decision) -> str | None:
        """Append the scheduling event of a decision and send its message.

        Returns the message of an error that makes the instance fail, or None.
        """
        now, functions = self.clock(), self.settings.functions
        if isinstance(decision, ScheduleTask):
            stored = compact([decision.input]) if self.settings.store_inputs else None
            self.events.append(h.task_scheduled(now, decision.id, decision.name, stored))
            if decision.name == HTTP_ACTIVITY or decision.name in functions.activities:
                self.outgoing.append(
                    StartActivity(
                        decision.id, decision.name, decision.input, self.state.execution_id
                    )
                )
            else:
                error = UserError("ValueError", functions.activities.missing(decision.name))
                self.to_self(
                    h.task_failed(now, decision.id, activity_reason(decision.name, error), "")
                )
        elif isinstance(decision, StartTimer):
            self.events.append(
                h.timer_created(now, decision.id, decision.fire_at, decision.retry_of)
            )
            fired = h.timer_fired(now, decision.id, decision.fire_at)
            self.to_self(fired, due=decision.fire_at)
        elif isinstance(decision, CreateSubOrchestration):
            self.start_child(decision, now)
        else:
            return self.send_operation(decision, now)
        return None

    def start_child(self, decision: CreateSubOrchestration, now: datetime) -> None:
        """Start a sub-orchestration, or deliver its failure if it cannot be started."""
        input = None if decision.input is None else compact(decision.input)
        stored = input if self.settings.store_inputs else None
        self.events.append(
            h.sub_orchestration_created(
                now, decision.id, decision.name, decision.instance_id, stored
            )
        )
        orchestrators = self.settings.functions.orchestrators
        error = None
        if decision.name not in orchestrators:
            error = orchestrators.missing(decision.name)
        elif decision.instance_id in (self.state.instance_id, self.state.parent_instance_id):
            error = (
                f"The sub-orchestration cannot have the id '{decision.instance_id}': it is the id "
                "of the calling instance or of its parent."
            )
        elif decision.instance_id.startswith("@"):
            error = (
                f"The sub-orchestration cannot have the id '{decision.instance_id}': ids of "
                "entities start with '@'."
            )
        if error:
            self.to_self(self._child_failed(decision, now, error))
            return
        taken = (
            "An Orchestration instance with the status Running already exists: "
            f"'{decision.instance_id}' cannot be started as a sub-orchestration. Use another id, "
            "or omit the id to generate one."
        )
        started = h.execution_started(
            now,
            instance_id=decision.instance_id,
            execution_id=uuid4().hex,
            name=orchestrators.registered(decision.name),
            input=input,
            parent=h.parent_instance(
                self.state.name, self.state.instance_id, self.state.execution_id, decision.id
            ),
            generation=None,
            version=self.settings.default_version if decision.version is None else decision.version,
        )
        if_taken = Message(self._child_failed(decision, now, taken), self.state.execution_id)
        self.outgoing.append(StartOrchestration(decision.instance_id, started, if_taken))

    def _child_failed(
        self, decision: CreateSubOrchestration, now: datetime, why: str
    ) -> SubOrchestrationInstanceFailed:
        return h.sub_orchestration_failed(
            now, decision.id, orchestrator_failed(decision.name, why), parent_details(why)
        )

    def send_operation(self, decision: SendOperation, now: datetime) -> str | None:
        """Send an operation to an entity. Returns an error message as ``record`` does."""
        operation, state = decision.operation, self.state
        entities = self.settings.functions.entities
        try:
            entity_name = EntityId.parse(operation.instance_id).name
            missing = None if entity_name in entities else entities.missing(entity_name)
        except ValueError as error:
            missing = str(error)
        if missing and operation.signal:
            return missing
        assert self.execution is not None
        labels = self.execution.labels
        if labels is None:  # read the history once, because there may be thousands of operations
            labels = self.execution.labels = OutgoingLabels([*state.history.events, *self.events])
        text = request_message(
            request_id=decision.request_id,
            operation=operation.operation,
            input=None if operation.input is None else compact(operation.input),
            signal=operation.signal,
            now=now,
            parent=state.instance_id,
            parent_execution=state.execution_id,
            label=labels.next(operation.instance_id, self.now),
        )
        self.events.append(h.event_sent(now, decision.id, operation.instance_id, "op", text))
        if missing:
            self.to_self(
                h.event_raised(now, decision.request_id, response_message(compact(missing), True))
            )
        else:
            raised = h.event_raised(now, "op", text)
            self.outgoing.append(
                Deliver(operation.instance_id, Message(raised, None, operation.fire_at))
            )
        return None

    def to_self(self, event: HistoryEvent, due: datetime | None = None) -> None:
        """Send a message to the inbox of the instance itself."""
        self.outgoing.append(
            Deliver(self.state.instance_id, Message(event, self.state.execution_id, due))
        )

    # -- the end of an execution -------------------------------------------------------------------

    def fail(self, error: str, stack: str = "") -> TurnResult:
        """Fail the instance. The stored output consists of the function's name and ``error``.

        Source: functions-host.md#errors.
        """
        return self.complete(
            Status.FAILED, orchestrator_failed(self.state.name, error), error, stack
        )

    def complete(
        self, status: Status, output: str | None, error: str, stack: str = ""
    ) -> TurnResult:
        """Finish the execution, and send its result or ``error`` to the parent."""
        now, state = self.clock(), self.state
        last = (
            self.execution.take_id()
            if self.execution
            else _next_id(state.history.events + self.events)
        )
        self.events.append(h.execution_completed(now, last, status.value, output, stack))
        if state.parent:
            task_id = state.parent.task_schedule_id
            if status is Status.COMPLETED:
                event: HistoryEvent = h.sub_orchestration_completed(now, task_id, output)
            else:
                reason = output if output is not None else ""
                event = h.sub_orchestration_failed(
                    now, task_id, reason, parent_details(error, stack)
                )
            parent = state.parent.orchestration_instance
            self.outgoing.append(Deliver(parent.instance_id, Message(event, parent.execution_id)))
        result = self.result(status, output)
        result.execution = None
        return result

    def continue_as_new(self, input: str | None) -> TurnResult:
        """Replace the history with that of the next execution. Keep the unconsumed events."""
        state, now = self.state, self.clock()
        assert self.execution is not None
        unconsumed = {id(event) for event in self.execution.unconsumed_events}
        carried = [event for event in state.history.events + self.events if id(event) in unconsumed]
        started = h.execution_started(
            now,
            instance_id=state.instance_id,
            execution_id=uuid4().hex,
            name=state.name,
            input=None if input is None else compact(input),
            parent=state.parent,
            generation=None,
            version=next(
                (
                    e.version
                    for e in state.history.events + self.events
                    if isinstance(e, ExecutionStarted)
                ),
                None,
            ),
        )
        self.events = [h.orchestrator_started(now), started, *carried]
        result = self.result(Status.RUNNING, None)
        result.replaces, result.continued_as, result.execution = True, started, None
        return result

    def result(self, status: Status, output: str | None) -> TurnResult:
        """Record the end of the turn and return its result."""
        now = self.clock()
        self.events.append(h.orchestrator_completed(now))
        return TurnResult(
            self.events,
            False,
            status,
            output,
            self.custom_status,
            now,
            self.execution,
            self.outgoing,
            seen=self.seen,
        )


def _next_id(events: Sequence[HistoryEvent]) -> int:
    return 1 + max((event.event_id for event in events), default=-1)
