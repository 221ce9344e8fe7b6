"""The steps of an instance in the format of the dashboard, from ``embedded_host.history``."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from contextlib import suppress
from datetime import datetime, timedelta

from msgspec import UNSET

from embedded_host.engine.events import EventRaised, ExecutionCompleted, HistoryEvent
from embedded_host.history import (
    Call,
    CallKind,
    HistoryView,
    Outcome,
    Step,
    StepGroup,
    Suspension,
    Timer,
    failure_trace,
    input_label,
    positions,
    step_groups,
)

RunningSince = Callable[[int], datetime | None]
SHOWN_WAIT = timedelta(milliseconds=10)
"""Minimum wait of an activity that the page shows."""
_MILLISECOND = timedelta(milliseconds=1)
_CALL_KINDS = {
    CallKind.ACTIVITY: "activity",
    CallKind.HTTP: "activity",
    CallKind.SUB_ORCHESTRATION: "child",
    CallKind.ENTITY: "entity",
    CallKind.LOCK: "lock",
    CallKind.RELEASE: "release",
    CallKind.SENT_EVENT: "sent",
}


def _unknown(task_id: int) -> datetime | None:
    raise LookupError(task_id)


def interpretation(
    events: Iterable[HistoryEvent],
    output: str | None,
    now: datetime,
    running_since: RunningSince = _unknown,
) -> dict[str, object]:
    """Return the steps, turns and times of a history, and the traceback of a failure.

    ``groups`` are the rows of the page: ``rows`` of a group has the indexes of the steps of each
    row, which are the attempts of one call and the delays between them.
    Times are milliseconds since 1970. ``event`` and ``completion`` of a step are the indexes of two
    events in the history. The page reads the input and the result from these events.
    ``running_since`` returns the time at which an open activity began to run, or None while it
    waits for a place. It raises LookupError if the time is not known.
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
        "steps": [_step(step, indexes, end, running_since) for step in view.steps],
        "groups": _groups(view),
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


def _groups(view: HistoryView) -> list[dict[str, object]]:
    groups = step_groups(view)
    return [
        {"rows": rows, **(_summary(group) if group.is_folded else {})}
        for group, rows in zip(groups, positions(view, groups), strict=True)
    ]


def _summary(group: StepGroup) -> dict[str, object]:
    times = group.run_times
    return {
        "name": group.name,
        "summary": group.summary,
        "state": group.outcome.value,
        "failed": group.count(Outcome.FAILED),
        "p50": group.median / _MILLISECOND if group.median is not None else None,
        "max": times[-1] / _MILLISECOND if times else None,
    }


def _step(
    step: Step, indexes: dict[int, int], end: datetime | None, running_since: RunningSince
) -> dict[str, object]:
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
    return _call(step, end, running_since)


def _call(call: Call, end: datetime | None, running_since: RunningSince) -> dict[str, object]:
    began, queued = call.started_at, {}
    if call.is_open and call.kind is CallKind.ACTIVITY:
        with suppress(LookupError):
            began = running_since(call.id)
            queued = {} if began else {"queued": True}
    if began is not None and began - call.scheduled_at < SHOWN_WAIT:
        began = None
    return {
        "kind": _CALL_KINDS[call.kind],
        "name": _name(call),
        "attempt": call.attempt,
        "instanceId": call.instance_id,
        "label": input_label(call),
        "began": began and _milliseconds(began),
        **queued,
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
