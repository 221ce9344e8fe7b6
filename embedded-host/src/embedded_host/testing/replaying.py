"""Replay of recorded histories with the app's current code."""

from __future__ import annotations

import json
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from msgspec.structs import replace

from embedded_host.engine.decisions import (
    Decision,
    NonDeterministicError,
    ReleaseLock,
    RequestLocks,
    SendEvent,
    SendOperation,
    StartTimer,
)
from embedded_host.engine.entity_messages import LockRelease, LockRequest, parse_message
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
)
from embedded_host.engine.sdk_protocols import SDK_1X, SDK_2X
from embedded_host.history import Action, HistoryView, Turn, execution_waits
from embedded_host.testing.errors import HistoryMismatchError
from embedded_host.testing.history_file import RecordedHistory
from embedded_host.testing.replayed_code import OpenSession, as_decided, replayed_code

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


def replay_history(open_session: OpenSession, recorded: RecordedHistory, protocol: int) -> Replayed:
    """Replay a history with an orchestrator's current code.

    ``protocol`` is the version of the SDK's protocol. Raises HistoryMismatchError, and the
    exceptions of ``open_session``.
    """
    try:
        return _Replay(open_session, recorded, protocol, counted=True).run()
    except HistoryMismatchError as first:
        if _first_id(recorded) == 1 - _FIRST_IDS[protocol]:
            other = SDK_1X if protocol == SDK_2X else SDK_2X
            expected, actual = f"steps of SDK {other}.x", f"steps of SDK {protocol}.x"
            raise HistoryMismatchError(
                f"{recorded.source} was recorded with SDK {other}.x, but SDK {protocol}.x is "
                "installed. The two versions number the steps of an orchestrator differently. "
                f"Replay the history with SDK {other}.x. Before an app changes the version, its "
                "instances must finish. [EH600]",
                step=1,
                turn=1,
                expected=expected,
                actual=actual,
            ) from None
        if not recorded.is_numbered or protocol != SDK_1X:
            raise
        # The Azure Functions host numbers some steps in another order than SDK 1.x
        # (docs/reference/known-differences.md). A history may have either order.
        try:
            return _Replay(open_session, recorded, protocol, counted=False).run()
        except HistoryMismatchError:
            raise first from None


_FIRST_IDS = {1: 0, 2: 1}
"""The id of the first step, by the version of the SDK's protocol."""


def _first_id(recorded: RecordedHistory) -> int | None:
    """Return the lowest id of a recorded step, or None if the ids were not recorded."""
    if not recorded.is_numbered:
        return None
    ids = (action.event_id for turn in recorded.turns for action in turn.actions)
    return min(ids, default=None)


class _Replay:
    def __init__(
        self, open_session: OpenSession, recorded: RecordedHistory, protocol: int, *, counted: bool
    ) -> None:
        """Prepare a replay. ``counted`` has the same meaning as in ``replayed_code``."""
        self._recorded = recorded
        self._code = replayed_code(open_session, recorded, protocol, counted=counted)
        self._delivered: list[HistoryEvent] = []
        self._decisions: dict[int, Decision] = {}
        """The decisions of the code, by the id of the matching recorded event."""
        self._left: list[Decision] = []
        """The decisions of the last turn without a recorded event."""
        self._step = 0

    def run(self) -> Replayed:
        recorded = self._recorded
        previous: Turn | None = None
        for number, turn in enumerate(recorded.turns, 1):
            if any(isinstance(event, ExecutionTerminated) for event in turn.messages):
                break
            if previous is not None and self._code.is_finished:
                raise self._mismatch(number, _first_action(turn), self._end_of_code)
            self._deliver(previous, turn, number)
            self._compare(turn, number)
            previous = turn
        self._compare_outcome(len(recorded.turns))
        output = None
        if self._code.is_finished and self._code.output is not None:
            output = json.loads(self._code.output)
        return Replayed(
            recorded.name,
            recorded.instance_id,
            self._step,
            len(recorded.turns),
            self._code.is_finished,
            output,
        )

    # -- one turn ----------------------------------------------------------------------------------

    def _deliver(self, previous: Turn | None, turn: Turn, number: int) -> None:
        """Run the code with the actions of the previous turn and the messages of this turn."""
        past: list[HistoryEvent] = []
        if previous is not None:
            past = [*previous.actions, *([previous.completed] if previous.completed else [])]
        events = [self._with_decided_ids(event) for event in (*past, *turn.messages)]
        self._delivered += events
        try:
            self._code.run(events, is_continuation=turn.is_continuation)
        except NonDeterministicError as error:
            raise self._mismatch(number, _first_action(turn), str(error)) from None

    def _with_decided_ids(self, event: HistoryEvent) -> HistoryEvent:
        """Return a recorded event with the id of the matching decision of the code.

        The ids differ if the history is not numbered.
        """
        if isinstance(event, SchedulingEvent):
            decision = self._decisions.get(event.event_id)
            return event if decision is None else as_decided(event, decision)
        if isinstance(event, TaskCompletionEvent) and event.task_scheduled_id in self._decisions:
            return replace(event, task_scheduled_id=self._decisions[event.task_scheduled_id].id)
        if isinstance(event, TimerFired) and event.timer_id in self._decisions:
            return replace(event, timer_id=self._decisions[event.timer_id].id)
        return event

    def _compare(self, turn: Turn, number: int) -> None:
        pending = self._code.pending
        left = self._left = _in_order(pending.values())
        for event in turn.actions:
            self._step += 1
            if self._recorded.is_numbered:
                decision = pending.get(event.event_id)
            else:
                decision = next(
                    (other for other in left if not self._code.differs(event, other)), None
                )
            if decision is None or self._code.differs(event, decision):
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
        self._step += 1
        if not self._recorded.is_numbered and self._left and outcome:
            raise self._mismatch(turns, f"it ends here: {outcome}", _decision_text(self._left[0]))
        failed, is_finished = self._code.error is not None, self._code.is_finished
        if outcome is None and is_finished and self._recorded.turns[-1].completed:
            raise self._mismatch(turns, "it waits here", self._end_of_code)
        if outcome == "Completed" and (failed or not is_finished):
            raise self._mismatch(
                turns, "it ends here: Completed", self._end_of_code if failed else self._waits
            )
        if outcome == "Failed" and not failed:
            raise self._mismatch(
                turns, "it ends here: Failed", self._end_of_code if is_finished else self._waits
            )
        self._step -= 1

    # -- messages ----------------------------------------------------------------------------------

    @property
    def _end_of_code(self) -> str:
        if not self._code.has_returned:
            return self._waits
        if (error := self._code.error) is not None:
            return "it fails: " + "\n    ".join(error.strip().splitlines()[-4:])
        return f"it returns {self._code.output}"

    @property
    def _waits(self) -> str:
        view = HistoryView.of(event for event in self._delivered if event.timestamp)
        waits = execution_waits(view, self._code.execution)
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
            f'Instances that have reached this step will fail with "{self._code.non_determinism}" '
            "when this code is deployed. [EH600]",
            step=step,
            turn=turn,
            expected=expected,
            actual=actual,
        )


def _in_order(decisions: Iterable[Decision]) -> list[Decision]:
    return sorted(decisions, key=lambda decision: decision.id)


def _first_action(turn: Turn) -> str:
    return _event_text(turn.actions[0]) if turn.actions else "it continues here"


_KINDS: dict[type[SchedulingEvent], str] = {
    TaskScheduled: "activity",
    SubOrchestrationInstanceCreated: "sub-orchestration",
    TimerCreated: "timer",
}


def _event_text(event: Action) -> str:
    if isinstance(event, TimerCreated):
        return f"timer due at {event.fire_at}"
    if not isinstance(event, EventSent):
        return f"{_KINDS[type(event)]} '{event.name}'"
    try:
        message = parse_message(event.name, event.input)
    except ValueError:
        message = None
    if isinstance(message, LockRequest):
        return _lock_text(event.instance_id)
    if isinstance(message, LockRelease):
        return _release_text(event.instance_id)
    if event.instance_id.startswith("@"):
        return _operation_text(event.instance_id)
    return _sent_text(event.name, event.instance_id)


def _decision_text(decision: Decision) -> str:
    if isinstance(decision, StartTimer):
        return f"timer due at {decision.fire_at.isoformat().replace('+00:00', 'Z')}"
    if isinstance(decision, RequestLocks):
        return _lock_text(decision.lock_set[0])
    if isinstance(decision, ReleaseLock):
        return _release_text(decision.instance_id)
    if isinstance(decision, SendOperation):
        return _operation_text(decision.instance_id)
    if isinstance(decision, SendEvent):
        return _sent_text(decision.name, decision.instance_id)
    return f"{_KINDS[decision.event_type]} '{decision.name}'"


def _operation_text(instance_id: str) -> str:
    return f"operation for the entity '{instance_id}'"


def _lock_text(instance_id: str) -> str:
    return f"lock of the entity '{instance_id}'"


def _release_text(instance_id: str) -> str:
    return f"release of the entity '{instance_id}'"


def _sent_text(name: str, instance_id: str) -> str:
    return f"event '{name}' for the instance '{instance_id}'"
