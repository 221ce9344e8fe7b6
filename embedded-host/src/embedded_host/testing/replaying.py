"""Replay of recorded histories with the app's current code."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any

from msgspec.structs import replace

from embedded_host.engine.decisions import (
    MatchedDecision,
    NonDeterministicError,
    SendOperation,
    StartTimer,
    mismatch,
)
from embedded_host.engine.events import (
    EventSent,
    ExecutionTerminated,
    HistoryEvent,
    SchedulingEvent,
    SubOrchestrationInstanceCreated,
    TaskCompletionEvent,
    TaskScheduled,
    TimerCreated,
    TimerFired,
    encode_events,
)
from embedded_host.engine.execution import Execution
from embedded_host.engine.failures import UserError
from embedded_host.engine.invocations import (
    InvocationFailure,
    OrchestratorInput,
    OrchestratorOutput,
    ReplayProgress,
)
from embedded_host.history import Action, HistoryView, Turn, execution_waits
from embedded_host.protocols.v1 import orchestrator_result
from embedded_host.testing.errors import HistoryMismatchError
from embedded_host.testing.history_file import RecordedHistory
from embedded_worker.orchestrator_sessions import OrchestratorSession
from embedded_worker.runner import error_data

__tracebackhide__ = True


@dataclass(frozen=True)
class Replayed:
    """The result of replaying a history that matches the code."""

    name: str
    """The orchestrator's name."""
    instance_id: str
    """The instance's id in the history."""
    steps: int
    """The number of compared steps: calls, timers and entity operations."""
    turns: int
    """The number of compared turns."""
    is_finished: bool
    """True if the orchestrator has finished."""
    output: Any
    """The orchestrator's result, or None if the orchestrator has not finished."""


OpenSession = Callable[[OrchestratorInput], OrchestratorSession]
"""A function that opens a session of the orchestrator's current code."""


def replay_history(open_session: OpenSession, recorded: RecordedHistory) -> Replayed:
    """Replay a history with an orchestrator's current code.

    Raises HistoryMismatchError, and the exceptions of ``open_session``.
    """
    try:
        return _Replay(open_session, recorded, counted=True).run()
    except HistoryMismatchError as first:
        if not recorded.is_numbered:
            raise
        # The Azure Functions host numbers some steps in another order than the SDK
        # (docs/reference/known-differences.md). A history may have either order.
        try:
            return _Replay(open_session, recorded, counted=False).run()
        except HistoryMismatchError:
            raise first from None


class _Replay:
    def __init__(
        self, open_session: OpenSession, recorded: RecordedHistory, *, counted: bool
    ) -> None:
        """Prepare a replay.

        If ``counted`` is True, decisions have the numbers of the SDK's tasks. If ``counted`` is
        False, decisions are numbered in the order of the actions.
        """
        self._open_session, self._recorded, self._counted = open_session, recorded, counted
        self._execution_id = recorded.started.orchestration_instance.execution_id
        self._execution = Execution(recorded.instance_id, self._execution_id)
        self._session: OrchestratorSession | None = None
        self._output: OrchestratorOutput | None = None
        """The output of the code in the last turn."""
        self._failure = ""
        self._delivered: list[HistoryEvent] = []
        self._decisions: dict[int, MatchedDecision] = {}
        """The decisions of the code, by the id of the matching recorded event."""
        self._step = 0

    def run(self) -> Replayed:
        recorded = self._recorded
        previous: Turn | None = None
        for number, turn in enumerate(recorded.turns, 1):
            if any(isinstance(event, ExecutionTerminated) for event in turn.messages):
                break
            if previous is not None and self._is_finished:
                raise self._mismatch(number, _first_action(turn), self._end_of_code)
            self._deliver(previous, turn, number)
            self._compare(turn, number)
            previous = turn
        self._compare_outcome(len(recorded.turns))
        output = None
        if self._is_finished and self._output is not None and self._output.output is not None:
            output = json.loads(self._output.output)
        return Replayed(
            recorded.name,
            recorded.instance_id,
            self._step,
            len(recorded.turns),
            self._is_finished,
            output,
        )

    # -- one turn ----------------------------------------------------------------------------------

    def _deliver(self, previous: Turn | None, turn: Turn, number: int) -> None:
        """Run the code with the actions of the previous turn and the messages of this turn."""
        past: list[HistoryEvent] = []
        if previous is not None:
            past = [*previous.actions, *([previous.completed] if previous.completed else [])]
        events = [self._with_decided_ids(event) for event in (*past, *turn.messages)]
        if self._session is None:
            started = self._recorded.started
            parent = started.parent_instance
            input = OrchestratorInput(
                self._recorded.instance_id,
                self._execution_id,
                events if turn.is_continuation else (),
                () if turn.is_continuation else events,
                started.input,
                parent.orchestration_instance.instance_id if parent else None,
                is_continuation=turn.is_continuation,
            )
            self._session = self._open_session(input)
            output = self._run_code(None)
        else:
            output = self._run_code(encode_events(events))
        self._delivered += events
        progress = ReplayProgress(
            self._session.counts if self._counted else None, self._session.known
        )
        try:
            self._execution.replay(output.actions, events, progress)
        except NonDeterministicError as error:
            raise self._mismatch(number, _first_action(turn), str(error)) from None
        self._execution.returned = output.is_done or output.error is not None
        self._output = output

    def _with_decided_ids(self, event: HistoryEvent) -> HistoryEvent:
        """Return a recorded event with the id of the matching decision of the code.

        The ids differ if the history is not numbered.
        """
        if isinstance(event, SchedulingEvent):
            decision = self._decisions.get(event.event_id)
            return event if decision is None else _as_decided(event, decision)
        if isinstance(event, TaskCompletionEvent) and event.task_scheduled_id in self._decisions:
            return replace(event, task_scheduled_id=self._decisions[event.task_scheduled_id].id)
        if isinstance(event, TimerFired) and event.timer_id in self._decisions:
            return replace(event, timer_id=self._decisions[event.timer_id].id)
        return event

    def _run_code(self, events: str | None) -> OrchestratorOutput:
        assert self._session is not None
        try:
            result = orchestrator_result(self._session.run_turn(events))
        except Exception as raised:
            data = error_data(raised)
            failure = UserError(data.type, data.message, data.stack)
            result = orchestrator_result(failure)
            if isinstance(result, InvocationFailure):
                # A failure contains no actions, so the actions of the previous turn remain.
                result = OrchestratorOutput(
                    False, self._execution.program[self._session.known :], error=result.message
                )
            self._failure = data.stack or result.error or failure.text
            return result
        if isinstance(result, InvocationFailure):
            return OrchestratorOutput(False, (), error=result.message)
        return result

    def _compare(self, turn: Turn, number: int) -> None:
        pending = self._execution.pending
        left = _in_order(pending.values())
        for event in turn.actions:
            self._step += 1
            if self._recorded.is_numbered:
                decision = pending.get(event.event_id)
            else:
                decision = next((other for other in left if not _differs(event, other)), None)
            if decision is None or _differs(event, decision):
                other = decision or next(iter(left), None)
                actual = _decision_text(other) if other else self._end_of_code
                raise self._mismatch(number, _event_text(event), actual)
            self._decisions[event.event_id] = decision
            left.remove(decision)
        if left and self._recorded.is_numbered and (turn.completed or self._recorded.outcome):
            self._step += 1
            raise self._mismatch(number, self._no_more_actions(number), _decision_text(left[0]))

    def _compare_outcome(self, turns: int) -> None:
        outcome = self._recorded.outcome
        if outcome in ("Terminated", "Canceled", "ContinuedAsNew"):
            return
        pending = _in_order(self._execution.pending.values())
        self._step += 1
        if not self._recorded.is_numbered and pending and outcome:
            raise self._mismatch(turns, f"it ends here: {outcome}", _decision_text(pending[0]))
        failed = self._output is not None and self._output.error is not None
        if outcome is None and self._is_finished and self._recorded.turns[-1].completed:
            raise self._mismatch(turns, "it waits here", self._end_of_code)
        if outcome == "Completed" and (failed or not self._is_finished):
            raise self._mismatch(
                turns, "it ends here: Completed", self._end_of_code if failed else self._waits
            )
        if outcome == "Failed" and not failed:
            raise self._mismatch(
                turns,
                "it ends here: Failed",
                self._end_of_code if self._is_finished else self._waits,
            )
        self._step -= 1

    # -- messages ----------------------------------------------------------------------------------

    @property
    def _is_finished(self) -> bool:
        output = self._output
        if output is None:
            return False
        return (output.is_done or output.error is not None) and self._execution.finished

    @property
    def _end_of_code(self) -> str:
        output = self._output
        if output is None or not (output.is_done or output.error):
            return self._waits
        if output.error:
            last = (self._failure or output.error).strip().splitlines()
            return "it fails: " + "\n    ".join(last[-4:])
        return f"it returns {output.output}"

    @property
    def _waits(self) -> str:
        view = HistoryView.of(event for event in self._delivered if event.timestamp)
        waits = execution_waits(view, self._execution)
        if not waits:
            return "it waits for a task that never completes"
        return "it waits for " + " and ".join(wait.description for wait in waits)

    def _no_more_actions(self, number: int) -> str:
        later = [event for turn in self._recorded.turns[number:] for event in turn.actions]
        if later:
            return f"{_event_text(later[0])} is next, in a later turn"
        outcome = self._recorded.outcome
        return f"it ends here: {outcome}" if outcome else "no further step in this turn"

    def _mismatch(self, turn: int, expected: str, actual: str) -> HistoryMismatchError:
        recorded, step = self._recorded, max(self._step, 1)
        return HistoryMismatchError(
            f"{recorded.source} does not match the code: {recorded.name} "
            f"'{recorded.instance_id}' differs at step {step} (turn {turn}).\n"
            f"  the history: {expected}\n"
            f"  the code:    {actual}\n"
            'Instances that have reached this step will fail with "Non-Deterministic workflow '
            'detected" when this code is deployed. [EH600]',
            step=step,
            turn=turn,
            expected=expected,
            actual=actual,
        )


def _in_order(decisions: Iterable[MatchedDecision]) -> list[MatchedDecision]:
    return sorted(decisions, key=lambda decision: decision.id)


def _differs(event: Action, decision: MatchedDecision) -> bool:
    return mismatch(_as_decided(event, decision), decision) is not None


def _as_decided(event: Action, decision: MatchedDecision) -> Action:
    """Return the event with the decision's id.

    If the event of a sub-orchestration has no instance id, it also receives the decision's id.
    """
    if isinstance(event, SubOrchestrationInstanceCreated) and not event.instance_id:
        return replace(
            event, event_id=decision.id, instance_id=getattr(decision, "instance_id", "")
        )
    return replace(event, event_id=decision.id)


def _first_action(turn: Turn) -> str:
    return _event_text(turn.actions[0]) if turn.actions else "it continues here"


_KINDS: dict[type[SchedulingEvent], str] = {
    TaskScheduled: "activity",
    SubOrchestrationInstanceCreated: "sub-orchestration",
    TimerCreated: "timer",
    EventSent: "operation for the entity",
}


def _event_text(event: Action) -> str:
    if isinstance(event, TimerCreated):
        return f"timer due at {event.fire_at}"
    if isinstance(event, EventSent):
        return f"{_KINDS[EventSent]} '{event.instance_id}'"
    return f"{_KINDS[type(event)]} '{event.name}'"


def _decision_text(decision: MatchedDecision) -> str:
    if isinstance(decision, StartTimer):
        return f"timer due at {decision.fire_at.isoformat().replace('+00:00', 'Z')}"
    name = decision.instance_id if isinstance(decision, SendOperation) else decision.name
    return f"{_KINDS[decision.event_type]} '{name}'"
