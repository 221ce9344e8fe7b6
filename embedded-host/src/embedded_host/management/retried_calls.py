"""Histories with a retried call of SDK 2.x, which the Azure Functions host cannot return."""

from __future__ import annotations

from collections.abc import Iterable

from embedded_host.engine.events import (
    HistoryEvent,
    SubOrchestrationInstanceCreated,
    TaskScheduled,
)


def repeated_key(events: Iterable[HistoryEvent]) -> str | None:
    """Return the key of the first call with a second attempt, or None without such a call.

    SDK 2.x gives all attempts of a call one event id. The Azure Functions host uses the type and
    the id of an event as a key, and its error names the key, as in ``TaskScheduled_1`` (recorded).
    """
    seen: set[str] = set()
    for event in events:
        if isinstance(event, (TaskScheduled, SubOrchestrationInstanceCreated)):
            key = f"{type(event).__name__}_{event.event_id}"
            if key in seen:
                return key
            seen.add(key)
    return None
