"""What can be said of any history, whatever its orchestrator does: no turn took effect twice, none by half."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from enum import IntEnum
from typing import Any


class EventType(IntEnum):
    EXECUTION_STARTED = 0
    EXECUTION_COMPLETED = 1
    EXECUTION_TERMINATED = 3
    TASK_SCHEDULED = 4
    TASK_COMPLETED = 5
    TASK_FAILED = 6
    SUB_ORCHESTRATION_CREATED = 7
    SUB_ORCHESTRATION_COMPLETED = 8
    SUB_ORCHESTRATION_FAILED = 9
    TIMER_CREATED = 10
    TIMER_FIRED = 11
    ORCHESTRATOR_STARTED = 12
    ORCHESTRATOR_COMPLETED = 13
    EVENT_SENT = 14
    EVENT_RAISED = 15
    GENERIC = 17
    EXECUTION_SUSPENDED = 19
    EXECUTION_RESUMED = 20


DECISIONS = frozenset(
    {EventType.TASK_SCHEDULED, EventType.SUB_ORCHESTRATION_CREATED, EventType.TIMER_CREATED, EventType.EVENT_SENT}
)
COMPLETIONS: Mapping[int, str] = {
    EventType.TASK_COMPLETED: "TaskScheduledId",
    EventType.TASK_FAILED: "TaskScheduledId",
    EventType.SUB_ORCHESTRATION_COMPLETED: "TaskScheduledId",
    EventType.SUB_ORCHESTRATION_FAILED: "TaskScheduledId",
    EventType.TIMER_FIRED: "TimerId",
}

_SETTLED_BY = {
    EventType.TASK_SCHEDULED: (EventType.TASK_COMPLETED, EventType.TASK_FAILED),
    EventType.SUB_ORCHESTRATION_CREATED: (
        EventType.SUB_ORCHESTRATION_COMPLETED,
        EventType.SUB_ORCHESTRATION_FAILED,
    ),
    EventType.TIMER_CREATED: (EventType.TIMER_FIRED,),
}


def wrong_in_history(turns: Sequence[Sequence[dict[str, Any]]], *, completed: bool) -> Iterator[str]:
    """One sentence for each thing that is wrong. ``completed``: all that was decided must have been settled."""
    events = [event for turn in turns for event in turn]
    kinds = [EventType(event["EventType"]) for event in events]
    once = (EventType.EXECUTION_STARTED, EventType.EXECUTION_COMPLETED)
    yield from (f"{kinds.count(kind)} {kind.name} events" for kind in once if kinds.count(kind) > 1)
    if events and EventType.EXECUTION_STARTED not in kinds:
        yield "no EXECUTION_STARTED"
    for number, turn in enumerate(turns):
        marks = [e["EventType"] for e in turn if e["EventType"] in (12, 13)]
        # The first turn after continue-as-new has no OrchestratorStarted of its own; a rewound history is one row.
        if marks not in ([12, 13], [13]) and not (number == 0 and marks == [12, 13] * (len(marks) // 2)):
            yield f"turn {number} is no whole turn: {[EventType(e['EventType']).name for e in turn]}"

    decided = {e["EventId"]: EventType(e["EventType"]) for e in events if e["EventType"] in DECISIONS}
    ids = Counter(e["EventId"] for e in events if e["EventType"] in DECISIONS)
    yield from (f"decision {id} was taken {n} times" for id, n in ids.items() if n > 1)
    settled = Counter(e[COMPLETIONS[e["EventType"]]] for e in events if e["EventType"] in COMPLETIONS)
    yield from (f"decision {id} was settled {n} times" for id, n in settled.items() if n > 1)
    for event, kind in zip(events, kinds, strict=True):
        if kind not in COMPLETIONS:
            continue
        decision = decided.get(event[COMPLETIONS[kind]])
        if decision is None or kind not in _SETTLED_BY.get(decision, ()):
            yield f"{kind.name} of {event[COMPLETIONS[kind]]}, which was never decided"
    raised = Counter((e["Name"], e["Input"]) for e in events if e["EventType"] == EventType.EVENT_RAISED)
    yield from (
        f"the event {name} {input} was raised {n} times"
        for (name, input), n in raised.items()
        if n > 1 and input != '"done"'
    )
    if completed:
        for id, kind in decided.items():
            if kind in _SETTLED_BY and not settled[id]:
                yield f"{kind.name} {id} was never settled, though the instance has completed"
