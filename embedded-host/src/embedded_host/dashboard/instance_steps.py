"""The steps of an instance in the format of the dashboard, from ``embedded_host.history``."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import datetime

from msgspec import UNSET

from embedded_host.engine.events import EventRaised, ExecutionCompleted, HistoryEvent
from embedded_host.history import (
    Call,
    CallKind,
    HistoryView,
    Outcome,
    Step,
    Suspension,
    Timer,
    failure_trace,
)

_CALL_KINDS = {
    CallKind.ACTIVITY: "activity",
    CallKind.HTTP: "activity",
    CallKind.SUB_ORCHESTRATION: "child",
    CallKind.ENTITY: "entity",
    CallKind.LOCK: "lock",
    CallKind.RELEASE: "release",
    CallKind.SENT_EVENT: "sent",
}


def interpretation(
    events: Iterable[HistoryEvent], output: str | None, now: datetime
) -> dict[str, object]:
    """Return the steps, turns and times of a history, and the traceback of a failure.

    Times are milliseconds since 1970. ``event`` and ``completion`` of a step are the indexes of two
    events in the history. The page reads the input and the result from these events.
    """
    view = HistoryView.of(events)
    spent = view.time_spent(now)
    indexes = {id(event): index for index, event in enumerate(view.events)}
    end = view.ended_at
    return {
        "start": view.started_at and _milliseconds(view.started_at),
        "end": end and _milliseconds(end),
        "turns": [
            [_milliseconds(turn.started_at), _milliseconds(turn.finished_at)]
            for turn in view.turns
            if turn.finished_at
        ],
        "steps": [_step(step, indexes, end) for step in view.steps],
        "spent": {
            name: int(part.total_seconds() * 1000)
            for name, part in (
                ("code", spent.code),
                ("work", spent.work),
                ("wait", spent.wait),
                ("total", spent.total),
            )
        },
        "cause": _cause(view, output or ""),
    }


def _step(step: Step, indexes: dict[int, int], end: datetime | None) -> dict[str, object]:
    if isinstance(step, EventRaised):
        time = _milliseconds(step.occurred_at)
        return {
            "kind": "event",
            "name": step.name,
            "start": time,
            "end": time,
            "state": "completed",
            "event": indexes[id(step)],
        }
    if isinstance(step, Suspension):
        name, start, finished = step.reason or "Suspended", step.suspended_at, step.resumed_at
        return {"kind": "suspended", "name": name, **_span(start, finished, step.outcome, end)}
    if isinstance(step, Timer):
        retried = step.name is not None
        return {
            "kind": "retry" if retried else "timer",
            "name": step.name if retried else "Timer",
            "due": _milliseconds(step.due_at),
            "event": step.event,
            **_span(step.created_at, step.fired_at, step.outcome, end),
        }
    return _call(step, end)


def _call(call: Call, end: datetime | None) -> dict[str, object]:
    return {
        "kind": _CALL_KINDS[call.kind],
        "name": _name(call),
        "attempt": call.attempt,
        "instanceId": call.instance_id,
        "event": call.event,
        "completion": call.completion,
        **_span(call.scheduled_at, call.finished_at, call.outcome, end),
    }


def _name(call: Call) -> str:
    if call.kind in (CallKind.ENTITY, CallKind.RELEASE, CallKind.SENT_EVENT):
        return f"{call.instance_id} {call.name}"
    if call.kind is CallKind.LOCK:
        return f"{', '.join(call.entities)} {call.name}"
    return call.name


def _span(
    start: datetime, finished: datetime | None, outcome: Outcome, end: datetime | None
) -> dict[str, object]:
    until = finished if outcome is not Outcome.ABANDONED else end
    return {
        "start": _milliseconds(start),
        "end": until and _milliseconds(until),
        "state": outcome.value,
    }


def _cause(view: HistoryView, output: str) -> str | None:
    """Return the traceback of the failure, or None if there is none.

    If the output contains the error of a failed call, the result is the traceback of the call.
    Otherwise, it is the traceback of the orchestrator's exception. With SDK 2.x, this traceback
    includes the traceback of the failed call.
    """
    ended = view.ended
    if isinstance(ended, ExecutionCompleted) and ended.failure_details is not None:
        return failure_trace(ended.failure_details) or (
            None if ended.stack is UNSET else ended.stack
        )
    quoted: Sequence[Call] = [call for call in view.calls if call.error and call.error in output]
    if quoted:
        return quoted[-1].details
    return (
        ended.stack if isinstance(ended, ExecutionCompleted) and ended.stack is not UNSET else None
    )


def _milliseconds(time: datetime) -> int:
    return int(time.timestamp() * 1000)
