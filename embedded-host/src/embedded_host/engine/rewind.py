"""Rewinding a failed execution: its failures are struck out of the history, and it goes on from before them (contract, 4.4)."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass, field

from embedded_host.engine.history import DECISIONS, RETRY_OF, Event, EventType


@dataclass(frozen=True)
class Rewound:
    events: list[Event]
    failed_children: list[str] = field(default_factory=list)
    """Ids of failed sub-orchestrations: they are rewound first and answer again."""


def rewind(events: Sequence[Event], reason: str | None, gone: Collection[str] = ()) -> Rewound:
    """Every failed activity (its scheduling and its retries' timers too), the failures of sub-orchestrations and the end
    itself become GenericEvents. Of sub-orchestrations in ``gone`` nothing is left to rewind: they are begun again."""
    decided = {e["EventId"]: i for i, e in enumerate(events) if e["EventType"] in DECISIONS}
    fired = {e["TimerId"]: i for i, e in enumerate(events) if e["EventType"] == EventType.TIMER_FIRED}
    failed = {e["TaskScheduledId"] for e in events if e["EventType"] in _FAILURES}
    struck: set[int] = set()
    children: list[str] = []
    for index, event in enumerate(events):
        kind = event["EventType"]
        if kind == EventType.TASK_FAILED:
            struck |= {index, decided[event["TaskScheduledId"]]}
        elif kind == EventType.SUB_ORCHESTRATION_FAILED:
            struck.add(index)
            created = decided[event["TaskScheduledId"]]
            child = str(events[created]["InstanceId"])
            if child in gone:
                struck.add(created)
            else:
                children.append(child)
        elif kind == EventType.TIMER_CREATED and event.get(RETRY_OF) in failed:
            struck |= {index, fired.get(event["EventId"], index)}
        elif kind == EventType.EXECUTION_COMPLETED:
            struck.add(index)
    return Rewound([_struck(e, reason) if i in struck else e for i, e in enumerate(events)], children)


_FAILURES = (EventType.TASK_FAILED, EventType.SUB_ORCHESTRATION_FAILED)


def _struck(event: Event, reason: str | None) -> Event:
    was = EventType(event["EventType"]).name.title().replace("_", "")
    return {
        "EventType": int(EventType.GENERIC),
        "Data": f"Rewound: {was}" + (f" ({reason})" if reason else ""),
        "EventId": -1,
        "IsPlayed": False,
        "Timestamp": event["Timestamp"],
    }
