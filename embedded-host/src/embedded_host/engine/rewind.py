"""Rewinding a failed execution: its failures are struck out of the history, and it goes on from before them (contract, 4.4)."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass, field

from embedded_host.engine.events import (
    ExecutionCompleted,
    FailureEvent,
    GenericEvent,
    HistoryEvent,
    SchedulingEvent,
    SubOrchestrationInstanceCreated,
    SubOrchestrationInstanceFailed,
    TaskFailed,
    TimerCreated,
    TimerFired,
)


@dataclass(frozen=True)
class Rewound:
    events: list[HistoryEvent]
    failed_children: list[str] = field(default_factory=list)
    """Ids of failed sub-orchestrations: they are rewound first and answer again."""


def rewind(events: Sequence[HistoryEvent], reason: str | None, gone: Collection[str] = ()) -> Rewound:
    """Every failed activity (its scheduling and its retries' timers too), the failures of sub-orchestrations and the end
    itself become GenericEvents. Of sub-orchestrations in ``gone`` nothing is left to rewind: they are begun again."""
    scheduled = {e.event_id: i for i, e in enumerate(events) if isinstance(e, SchedulingEvent)}
    fired = {e.timer_id: i for i, e in enumerate(events) if isinstance(e, TimerFired)}
    failed = {e.task_scheduled_id for e in events if isinstance(e, FailureEvent)}
    struck: set[int] = set()
    children: list[str] = []
    for index, event in enumerate(events):
        if isinstance(event, TaskFailed):
            struck |= {index, scheduled[event.task_scheduled_id]}
        elif isinstance(event, SubOrchestrationInstanceFailed):
            struck.add(index)
            at = scheduled[event.task_scheduled_id]
            created = events[at]
            assert isinstance(created, SubOrchestrationInstanceCreated)
            if created.instance_id in gone:
                struck.add(at)
            else:
                children.append(created.instance_id)
        elif isinstance(event, TimerCreated) and event.retry_of in failed:
            struck |= {index, fired.get(event.event_id, index)}
        elif isinstance(event, ExecutionCompleted):
            struck.add(index)
    return Rewound([_struck(e, reason) if i in struck else e for i, e in enumerate(events)], children)


def _struck(event: HistoryEvent, reason: str | None) -> GenericEvent:
    data = f"Rewound: {type(event).__name__}" + (f" ({reason})" if reason else "")
    return GenericEvent(data=data, timestamp=event.timestamp)
