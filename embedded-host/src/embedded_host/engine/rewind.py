"""Rewind: the failures are removed from the history, so that a failed execution can continue.

Source: functions-host.md#effects-of-actions.
"""

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
    """The result of ``rewind``."""

    events: list[HistoryEvent]
    """The new history."""
    failed_children: list[str] = field(default_factory=list)
    """Instance ids of the failed sub-orchestrations. The caller must rewind them too."""


def rewind(
    events: Sequence[HistoryEvent], reason: str | None, not_failed: Collection[str] = ()
) -> Rewound:
    """Return the history with each failure replaced by a GenericEvent.

    The function replaces the failure and the scheduling event of each failed activity, the timers
    that delayed retries, the failures of sub-orchestrations, and the end of the execution.

    ``not_failed`` contains the ids of sub-orchestrations that cannot be rewound, because they were
    purged or started again. Their scheduling events are replaced too, so that the next turn creates
    these sub-orchestrations again.
    """
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
            if created.instance_id in not_failed:
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
