"""The open work of an execution, derived from its history.

SDK 2.x compares the orchestrator's actions with the history, so the engine does not need an
``Execution``. ``RecordedExecution`` has the same properties as ``Execution`` for the open work.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable

from embedded_host.engine.entity_messages import LockRequest, OperationRequest, parse_message
from embedded_host.engine.events import (
    CompletionEvent,
    EventRaised,
    EventSent,
    HistoryEvent,
    SchedulingEvent,
    SubOrchestrationInstanceCreated,
    TaskScheduled,
)


class RecordedExecution:
    """The decisions of one execution that have no completion."""

    returned = False
    """Always False, because an execution of SDK 2.x ends as soon as its orchestrator returns."""

    def __init__(self, events: Iterable[HistoryEvent] = ()) -> None:
        self.awaited_events: list[str] = []
        """Names of the awaited events that the worker reported after the last turn."""
        self.undelivered_names: list[str] = []
        """Names of the received events that the orchestrator has not waited for."""
        self.reports_events = True
        """False if the worker does not report the awaited events."""
        self._open: dict[int, None] = {}
        self._calls: dict[str, str] = {}
        """Entity ids of the requests without a response, by request id."""
        self._scheduled: Counter[int] = Counter()
        self.extend(events)

    def extend(self, events: Iterable[HistoryEvent]) -> None:
        """Process the events that a turn has appended to the history."""
        for event in events:
            if isinstance(event, EventSent):
                self._sent(event)
            elif isinstance(event, SchedulingEvent):
                self._open[event.event_id] = None
                if isinstance(event, (TaskScheduled, SubOrchestrationInstanceCreated)):
                    self._scheduled[event.event_id] += 1
            elif isinstance(event, CompletionEvent):
                self._open.pop(event.scheduled_id, None)
            elif isinstance(event, EventRaised):
                self._calls.pop(event.name, None)

    def await_events(self, names: Iterable[str] | None, undelivered: Iterable[str] = ()) -> None:
        """Set the names of the awaited and of the undelivered events after a turn.

        ``names`` is None if the worker does not report them.
        """
        self.awaited_events = list(names or ())
        self.undelivered_names = list(undelivered)
        self.reports_events = names is not None

    def _sent(self, event: EventSent) -> None:
        if not event.instance_id.startswith("@"):
            return
        try:
            message = parse_message(event.name, event.input)
        except ValueError:
            return
        if isinstance(message, LockRequest) or (
            isinstance(message, OperationRequest) and not message.signal
        ):
            self._calls[message.id] = event.instance_id

    def close(self) -> None:
        """Do nothing: the object has no reference cycles."""

    @property
    def attempts(self) -> dict[int, int]:
        """Number of the current attempt of each retried call, counted from 1, by decision id."""
        return {id: count for id, count in self._scheduled.items() if count > 1}

    @property
    def open_tasks(self) -> list[int]:
        """Ids of the decisions without a completion."""
        return list(self._open)

    @property
    def open_calls(self) -> list[str]:
        """Request ids of the entity calls and lock requests without a response."""
        return list(self._calls)

    @property
    def called_entities(self) -> list[str]:
        """Entity ids of the entity calls and lock requests without a response."""
        return list(self._calls.values())
