"""Rewind of a failed execution: its failures are removed from the history, and it continues from before them
(functions-host.md#effects-of-actions)."""

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
    """Ids of failed sub-orchestrations. They are rewound first, and complete again."""


def rewind(
    events: Sequence[HistoryEvent], reason: str | None, gone: Collection[str] = ()
) -> Rewound:
    """Replace failures by GenericEvents: failed activities with their scheduling events and retry timers, failures of
    sub-orchestrations, and the end of the execution.

    Sub-orchestrations in ``gone`` cannot be rewound, and are created again."""
    scheduled = {e.event_id: i for i, e in enumerate(events) if isinstance(e, SchedulingEvent)}
    fired = {e.timer_id: i for i, e in enumerate(events) if isinstance(e, TimerFired)}
    failed = {e.task_scheduled_id for e in events if isinstance(e, FailureEvent)}
    replaced: set[int] = set()
    children: list[str] = []
    for index, event in enumerate(events):
        if isinstance(event, TaskFailed):
            replaced |= {index, scheduled[event.task_scheduled_id]}
        elif isinstance(event, SubOrchestrationInstanceFailed):
            replaced.add(index)
            at = scheduled[event.task_scheduled_id]
            created = events[at]
            assert isinstance(created, SubOrchestrationInstanceCreated)
            if created.instance_id in gone:
                replaced.add(at)
            else:
                children.append(created.instance_id)
        elif isinstance(event, TimerCreated) and event.retry_of in failed:
            replaced |= {index, fired.get(event.event_id, index)}
        elif isinstance(event, ExecutionCompleted):
            replaced.add(index)
    return Rewound(
        [_generic(e, reason) if i in replaced else e for i, e in enumerate(events)], children
    )


def _generic(event: HistoryEvent, reason: str | None) -> GenericEvent:
    data = f"Rewound: {type(event).__name__}" + (f" ({reason})" if reason else "")
    return GenericEvent(data=data, timestamp=event.timestamp)
