"""The check of a history, independent of the orchestrator: each turn took effect exactly once."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence

from embedded_host.engine.events import (
    CompletionEvent,
    EventRaised,
    ExecutionCompleted,
    ExecutionStarted,
    HistoryEvent,
    OrchestratorCompleted,
    OrchestratorStarted,
    SchedulingEvent,
    SubOrchestrationInstanceCompleted,
    SubOrchestrationInstanceCreated,
    SubOrchestrationInstanceFailed,
    TaskCompleted,
    TaskFailed,
    TaskScheduled,
    TimerCreated,
    TimerFired,
)

_COMPLETED_BY: dict[type, tuple[type, ...]] = {
    TaskScheduled: (TaskCompleted, TaskFailed),
    SubOrchestrationInstanceCreated: (
        SubOrchestrationInstanceCompleted,
        SubOrchestrationInstanceFailed,
    ),
    TimerCreated: (TimerFired,),
}
_MARKS = (OrchestratorStarted, OrchestratorCompleted)


def history_faults(turns: Sequence[Sequence[HistoryEvent]], *, completed: bool) -> Iterator[str]:
    """Yield one sentence for each fault.

    ``completed`` means that every scheduling event must have its completion.
    """
    events = [event for turn in turns for event in turn]
    types = Counter(type(event) for event in events)
    once = (ExecutionStarted, ExecutionCompleted)
    yield from (f"{types[cls]} {cls.__name__} events" for cls in once if types[cls] > 1)
    if events and not types[ExecutionStarted]:
        yield "no ExecutionStarted"
    for number, turn in enumerate(turns):
        marks = [type(event) for event in turn if isinstance(event, _MARKS)]
        # The first turn after continue-as-new has no OrchestratorStarted. A rewound history is one
        # row with several turns.
        is_complete = marks in ([*_MARKS], [OrchestratorCompleted])
        if not is_complete and not (number == 0 and marks == [*_MARKS] * (len(marks) // 2)):
            yield f"turn {number} is incomplete: {[type(event).__name__ for event in turn]}"

    scheduled = {
        event.event_id: type(event) for event in events if isinstance(event, SchedulingEvent)
    }
    ids = Counter(event.event_id for event in events if isinstance(event, SchedulingEvent))
    yield from (f"action {id} was taken {n} times" for id, n in ids.items() if n > 1)
    completions = Counter(
        event.scheduled_id for event in events if isinstance(event, CompletionEvent)
    )
    yield from (f"action {id} was completed {n} times" for id, n in completions.items() if n > 1)
    for event in events:
        if isinstance(event, CompletionEvent):
            action = scheduled.get(event.scheduled_id)
            if action is None or not isinstance(event, _COMPLETED_BY.get(action, ())):
                yield f"{type(event).__name__} of {event.scheduled_id}, which was never scheduled"
    raised = Counter(
        (event.name, event.input) for event in events if isinstance(event, EventRaised)
    )
    yield from (
        f"the event {name} {input} was raised {n} times"
        for (name, input), n in raised.items()
        if n > 1 and input != '"done"'
    )
    if completed:
        for id, action in scheduled.items():
            if action in _COMPLETED_BY and not completions[id]:
                yield f"{action.__name__} {id} was never completed, but the instance completed"
