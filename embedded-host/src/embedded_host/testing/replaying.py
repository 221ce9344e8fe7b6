"""Recorded histories against today's code: the guard against orchestrators that have changed under running instances."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from embedded_host.engine.actions import Answer, MalformedAnswerError, parse_answer
from embedded_host.engine.decisions import Decision, NonDeterministicError, SendOperation, StartTimer, mismatch
from embedded_host.engine.events import HistoryEvent, SchedulingEvent, event_from
from embedded_host.engine.execution import Execution
from embedded_host.engine.failures import UserError, out_of_proc_state
from embedded_host.engine.payload import TurnPayload
from embedded_host.engine.raw_events import COMPLETIONS, DECISIONS, Event, EventType
from embedded_host.history import HistoryView, execution_waits
from embedded_host.testing.errors import HistoryMismatchError
from embedded_host.testing.history_file import RecordedHistory, RecordedTurn
from embedded_worker.orchestrator_sessions import OrchestratorSession
from embedded_worker.runner import error_data

__tracebackhide__ = True


@dataclass(frozen=True)
class Replayed:
    """The result of replaying a history that matches the code."""

    name: str
    """The orchestrator's name."""
    instance_id: str
    steps: int
    """The number of compared steps: calls, timers and the like."""
    turns: int
    """The number of compared turns."""
    is_finished: bool
    """Whether the orchestrator finished."""
    output: Any
    """The orchestrator's result; None if it has not finished."""


def replay_history(code: Any, root: Path, recorded: RecordedHistory) -> Replayed:
    """Replay a history with an orchestrator's code. Raises HistoryMismatchError."""
    try:
        return _Replay(code, root, recorded, counted=True).run()
    except HistoryMismatchError as first:
        if not recorded.exact:
            raise
        # The Functions host numbers some steps in another order than the SDK (docs/differences.md). Both are right.
        try:
            return _Replay(code, root, recorded, counted=False).run()
        except HistoryMismatchError:
            raise first from None


class _Replay:
    def __init__(self, code: Any, root: Path, what: RecordedHistory, *, counted: bool) -> None:
        self._code, self._root, self._what, self._counted = code, root, what, counted
        execution_id = what.started["OrchestrationInstance"]["ExecutionId"]
        self._execution = Execution(what.instance_id, execution_id)
        self._execution_id = execution_id
        self._session: OrchestratorSession | None = None
        self._answer: Answer | None = None
        self._failure = ""
        self._fed: list[HistoryEvent] = []
        self._step = 0

    def run(self) -> Replayed:
        what = self._what
        before: RecordedTurn | None = None
        for turn, group in enumerate(what.groups, 1):
            if any(e["EventType"] == EventType.EXECUTION_TERMINATED for e in group.messages):
                break
            if before is not None and self._is_over:
                raise self._mismatch(turn, self._goes_on(group), self._code_ends)
            self._feed(before, group, turn)
            self._compare(group, turn)
            before = group
        self._compare_ending(len(what.groups))
        answer = self._answer
        output = json.loads(answer.output) if answer and self._is_over and answer.output is not None else None
        return Replayed(what.name, what.instance_id, self._step, len(what.groups), self._is_over, output)

    # -- one turn ----------------------------------------------------------------------------------

    def _feed(self, before: RecordedTurn | None, group: RecordedTurn, turn: int) -> None:
        """Hand the code what it has not seen, and the execution its answer."""
        past = [*before.decisions, *([before.closed] if before.closed else [])] if before else []
        events = [_clean(event) for event in (*past, *group.messages)]
        typed = [_typed(event) for event in events]
        if self._session is None:
            payload = TurnPayload(
                self._what.instance_id,
                self._execution_id,
                typed if group.continued else (),
                () if group.continued else typed,
                self._what.started.get("Input"),
                ((self._what.started.get("ParentInstance") or {}).get("OrchestrationInstance") or {}).get("InstanceId"),
                fresh=group.continued,
            )
            self._session = OrchestratorSession(self._code, payload.text(), self._root)
            answer = self._asked(None)
        else:
            answer = self._asked(json.dumps(events))
        self._fed += typed
        known = self._execution.program[: self._session.known]
        counts = self._session.counts[-len(events) :] if self._counted else None
        if counts is not None and len(counts) < len(events):
            counts = None
        try:
            self._execution.replay(known + answer.actions, typed, counts)
        except NonDeterministicError as error:
            raise self._mismatch(turn, self._goes_on(group), str(error)) from None
        self._execution.returned = answer.is_done or answer.error is not None
        self._answer = answer

    def _asked(self, events: str | None) -> Answer:
        assert self._session is not None
        try:
            return parse_answer(self._session.answer(events))
        except MalformedAnswerError as malformed:
            return Answer(False, (), error=str(malformed))
        except Exception as raised:
            data = error_data(raised)
            failure = UserError(data.type, data.message, data.stack)
            hidden = out_of_proc_state(failure)
            if hidden:
                answer = parse_answer(hidden)
            else:  # it has no actions: they are those of the turn before
                answer = Answer(False, self._execution.program[self._session.known :], error=failure.text)
            self._failure = data.stack or answer.error or failure.text
            return answer

    def _compare(self, group: RecordedTurn, turn: int) -> None:
        pending = self._execution.pending
        left = sorted(pending.values(), key=lambda decision: decision.id)
        for event in group.decisions:
            self._step += 1
            if self._what.exact:
                decision: Decision | None = pending.get(event["EventId"])
            else:
                decision = next((d for d in left if not _differs(event, d)), None)
            if decision is None or _differs(event, decision):
                other = decision or next(iter(left), None)
                raise self._mismatch(turn, _event_words(event), _words(other) if other else self._code_ends)
            event["EventId"] = decision.id
            event.update(_target(event, decision))
            left.remove(decision)
        if left and self._what.exact and (group.closed or self._what.ending):
            self._step += 1
            raise self._mismatch(turn, self._nothing_more(turn), _words(left[0]))

    def _compare_ending(self, turns: int) -> None:
        ending = self._what.ending
        if ending in ("Terminated", "Canceled", "ContinuedAsNew"):
            return
        pending = sorted(self._execution.pending.values(), key=lambda decision: decision.id)
        self._step += 1
        if not self._what.exact and pending and ending:
            raise self._mismatch(turns, f"it ends here: {ending}", _words(pending[0]))
        failed = self._answer is not None and self._answer.error is not None
        if ending is None and self._is_over and self._what.groups[-1].closed:
            raise self._mismatch(turns, "it waits here", self._code_ends)
        if ending == "Completed" and (failed or not self._is_over):
            raise self._mismatch(turns, "it ends here: Completed", self._code_ends if failed else self._code_waits)
        if ending == "Failed" and not failed:
            raise self._mismatch(turns, "it ends here: Failed", self._code_ends if self._is_over else self._code_waits)
        self._step -= 1

    # -- words -------------------------------------------------------------------------------------

    @property
    def _is_over(self) -> bool:
        answer = self._answer
        if answer is None:
            return False
        return (answer.is_done or answer.error is not None) and self._execution.finished

    @property
    def _code_ends(self) -> str:
        answer = self._answer
        if answer is None or not (answer.is_done or answer.error):
            return self._code_waits
        if answer.error:
            last = (self._failure or answer.error).strip().splitlines()
            return "it fails: " + "\n    ".join(last[-4:])
        return f"it returns {answer.output}"

    @property
    def _code_waits(self) -> str:
        found = execution_waits(HistoryView.of(e for e in self._fed if e.timestamp), self._execution)
        return "it waits for " + (" and ".join(wait.sentence for wait in found) or "nothing that comes")

    def _goes_on(self, group: RecordedTurn) -> str:
        return _event_words(group.decisions[0]) if group.decisions else "it goes on here"

    def _nothing_more(self, turn: int) -> str:
        later = [e for group in self._what.groups[turn:] for e in group.decisions]
        if later:
            return f"{_event_words(later[0])} is next, in a later turn"
        return f"it ends here: {self._what.ending}" if self._what.ending else "nothing more in this turn"

    def _mismatch(self, turn: int, expected: str, found: str) -> HistoryMismatchError:
        what, step = self._what, max(self._step, 1)
        return HistoryMismatchError(
            f"{what.source} does not replay: {what.name} '{what.instance_id}' differs at step {step} (turn {turn}).\n"
            f"  the history: {expected}\n"
            f"  the code:    {found}\n"
            'Instances that have come this far will fail with "Non-Deterministic workflow detected" when this code is '
            "deployed. [EH600]",
            step=step,
            turn=turn,
            expected=expected,
            found=found,
        )


def _differs(event: Event, decision: Decision) -> bool:
    typed = _typed(_clean({**event, "EventId": decision.id, **_target(event, decision)}))
    assert isinstance(typed, SchedulingEvent)
    return mismatch(typed, decision) is not None


def _target(event: Event, decision: Decision) -> dict[str, Any]:
    """Return the id of a sub-orchestration that the history does not name (Durable extensions before 3.19.0 omit it)."""
    if event["EventType"] == EventType.SUB_ORCHESTRATION_CREATED and not event.get("InstanceId"):
        return {"InstanceId": getattr(decision, "instance_id", "")}
    return {}


def _clean(event: Event) -> Event:
    """As the SDK reads it; a completion that was worked out gets the number of its call."""
    decided = event.get("_of")
    shown = {key: value for key, value in event.items() if not key.startswith("_")}
    if decided is not None:
        shown[COMPLETIONS[event["EventType"]]] = decided["EventId"]
    shown.setdefault("EventId", -1)
    shown.setdefault("IsPlayed", False)
    return shown


def _typed(event: Event) -> HistoryEvent:
    texts = {
        key: json.dumps(event[key])
        for key in ("Input", "Result", "Details", "Reason")
        if event.get(key) is not None and not isinstance(event[key], str)
    }
    return event_from({"Timestamp": "", **event, **texts})


_KIND = {
    EventType.TASK_SCHEDULED: "activity",
    EventType.SUB_ORCHESTRATION_CREATED: "sub-orchestration",
    EventType.TIMER_CREATED: "timer",
    EventType.EVENT_SENT: "operation for the entity",
}


def _event_words(event: Event) -> str:
    kind = EventType(event["EventType"])
    assert kind in DECISIONS
    if kind == EventType.TIMER_CREATED:
        return f"timer due at {event.get('FireAt')}"
    return f"{_KIND[kind]} '{event['InstanceId'] if kind == EventType.EVENT_SENT else event['Name']}'"


def _kind_of(decision: Decision) -> EventType:
    tag = decision.event_type.__struct_config__.tag
    assert isinstance(tag, int)
    return EventType(tag)


def _words(decision: Decision) -> str:
    if isinstance(decision, StartTimer):
        return f"timer due at {decision.fire_at.isoformat().replace('+00:00', 'Z')}"
    name = decision.instance_id if isinstance(decision, SendOperation) else decision.name
    return f"{_KIND[_kind_of(decision)]} '{name}'"
