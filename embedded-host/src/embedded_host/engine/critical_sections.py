"""The critical sections of an execution, in which it has locked entities."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from embedded_host.engine.entity_messages import (
    OPERATION,
    LockRelease,
    LockRequest,
    parse_message,
)
from embedded_host.engine.events import EventSent, HistoryEvent
from embedded_host.engine.json_codec import compact


def open_critical_sections(history: Iterable[HistoryEvent]) -> list[LockRequest]:
    """Return the lock requests of an execution whose locks it has not released.

    The execution may have locked none, some or all of the entities of a request.
    """
    requests: dict[str, LockRequest] = {}
    for event in history:
        if isinstance(event, EventSent) and event.instance_id.startswith("@"):
            try:
                message = parse_message(event.name, event.input)
            except ValueError:
                continue
            if isinstance(message, LockRequest):
                requests[message.id] = message
            elif isinstance(message, LockRelease):
                requests.pop(message.id, None)
    return list(requests.values())


def is_open(history: Sequence[HistoryEvent], request: LockRequest) -> bool:
    """Return true if an execution has sent the lock request and has not released the lock.

    This function is faster than ``open_critical_sections``, because the request is usually near the
    end of the history.
    """
    id = compact(request.id)
    for event in reversed(history):
        if isinstance(event, EventSent) and id in event.input:
            return event.name == OPERATION
    return False
