"""The recorded history of an instance, for assertions."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any, overload

from embedded_host.engine.events import HistoryEvent, event_object
from embedded_host.history import Call, CallKind, HistoryView
from embedded_host.testing.fakes import BUILT_IN_HTTP_ORCHESTRATOR
from embedded_host.testing.values import call_input, stored_value

__tracebackhide__ = True


@dataclass(frozen=True)
class RecordedCall:
    """A call of an activity, a sub-orchestration or a URL.

    Each attempt of a retried call is a separate ``RecordedCall``.
    """

    name: str
    """The function's name.

    The name of an HTTP call is ``BuiltIn::HttpActivity``, or ``BuiltIn__HttpPollOrchestrator`` with
    SDK 2.x.
    """
    input: Any
    """The input of the function, or the request to the URL."""
    result: Any = None
    """The result, or None if the call has failed or has not finished."""
    error: str | None = None
    """The error message of a failed call."""
    at: datetime | None = None
    """The time when the call was scheduled."""
    finished_at: datetime | None = None
    """The time when the call completed or failed, or None while the call runs."""
    instance_id: str | None = None
    """The instance id of a sub-orchestration."""
    attempt: int | None = None
    """The number of the attempt of a retried call, from 1."""


@dataclass(frozen=True)
class RecordedTimer:
    """A durable timer."""

    due: datetime
    """The time when the timer is due."""
    at: datetime
    """The time when the timer was created."""
    fired: bool = False
    """True if the timer has fired."""


@dataclass(frozen=True)
class RecordedEvent:
    """An external event that was raised."""

    name: str
    """The event's name."""
    value: Any
    """The event's value."""
    at: datetime
    """The time when the event was raised."""


@dataclass(frozen=True)
class RecordedEntityCall:
    """An operation that was sent to an entity."""

    entity: str
    """The entity's id, for example ``@counter@key``."""
    operation: str
    """The operation's name."""
    input: Any
    """The operation's input."""
    signal: bool
    """True for a signal, which has no response."""


@dataclass(frozen=True)
class RecordedLock:
    """A critical section: a request for the locks of entities."""

    entities: tuple[str, ...]
    """The ids of the entities, in the order in which they are locked."""
    at: datetime
    """The time of the request."""
    locked_at: datetime | None = None
    """The time when all entities were locked, or None while the instance waits for the locks."""


@dataclass(frozen=True)
class RecordedSentEvent:
    """An external event that the orchestrator sent to another instance."""

    instance_id: str
    """The id of the instance that receives the event."""
    name: str
    """The event's name."""
    value: Any
    """The event's value."""
    at: datetime
    """The time when the event was sent."""


class InstanceHistory(Sequence[HistoryEvent]):
    """The recorded events of an instance, and properties that summarize them.

    The events are objects of the classes in ``embedded_host.testing.events``. After
    continue-as-new, the history contains only the events of the last execution.

    Example:
        ```python
        order = await durable_app.run("OrderFlow", {"item": "book"})
        assert [call.name for call in order.history.activities] == ["ChargeCard", "Ship"]
        ```
    """

    def __init__(
        self,
        events: Sequence[HistoryEvent],
        instance_id: str = "",
        name: str = "",
        status: str = "",
    ) -> None:
        """Create a history from events.

        Args:
            events: The events, in order.
            instance_id: The instance's id.
            name: The orchestrator's name.
            status: The instance's runtime status, for example ``Completed``.
        """
        self._view = HistoryView.of(events)
        self.instance_id = instance_id
        """The instance's id."""
        self.name = name
        """The orchestrator's name."""
        self.status = status
        """The instance's runtime status."""

    def __len__(self) -> int:
        return len(self._view.events)

    def __iter__(self) -> Iterator[HistoryEvent]:
        return iter(self._view.events)

    @overload
    def __getitem__(self, index: int) -> HistoryEvent: ...

    @overload
    def __getitem__(self, index: slice) -> Sequence[HistoryEvent]: ...

    def __getitem__(self, index: int | slice) -> HistoryEvent | Sequence[HistoryEvent]:
        return self._view.events[index]

    def __repr__(self) -> str:
        events = ", ".join(type(event).__name__ for event in self)
        return f"<history of '{self.instance_id}': {events}>"

    @property
    def turns(self) -> int:
        """The number of completed turns of the orchestrator."""
        return sum(1 for turn in self._view.turns if turn.completed is not None)

    @property
    def activities(self) -> list[RecordedCall]:
        """Calls of activities, in the order of their scheduling."""
        return [_recorded_call(call) for call in self._view.calls_of(CallKind.ACTIVITY)]

    @property
    def http_calls(self) -> list[RecordedCall]:
        """Calls of ``context.call_http``. ``input`` is the request, ``result`` is the response."""
        return [_recorded_call(call) for call in self._view.calls if _is_http(call)]

    @property
    def sub_orchestrations(self) -> list[RecordedCall]:
        """Calls of sub-orchestrations, in the order of their creation."""
        calls = self._view.calls_of(CallKind.SUB_ORCHESTRATION)
        return [_recorded_call(call) for call in calls if not _is_http(call)]

    @property
    def timers(self) -> list[RecordedTimer]:
        """Durable timers, in the order of their creation. The delay of a retry is also a timer."""
        return [
            RecordedTimer(timer.due_at, timer.created_at, timer.fired_at is not None)
            for timer in self._view.timers
        ]

    @property
    def raised_events(self) -> list[RecordedEvent]:
        """External events, in the order of their arrival."""
        return [
            RecordedEvent(event.name, stored_value(event.input), event.occurred_at)
            for event in self._view.raised_events
        ]

    @property
    def entity_calls(self) -> list[RecordedEntityCall]:
        """Operations that were sent to entities: calls and signals."""
        return [
            RecordedEntityCall(
                call.instance_id or "", call.name, call_input(call.input), call.is_signal
            )
            for call in self._view.calls_of(CallKind.ENTITY)
        ]

    @property
    def locks(self) -> list[RecordedLock]:
        """Critical sections of SDK 2.x, in the order of their requests."""
        return [
            RecordedLock(call.entities, call.scheduled_at, call.finished_at)
            for call in self._view.calls_of(CallKind.LOCK)
        ]

    @property
    def sent_events(self) -> list[RecordedSentEvent]:
        """External events that an orchestrator of SDK 2.x sent to other instances, in order."""
        return [
            RecordedSentEvent(
                call.instance_id or "", call.name, stored_value(call.input), call.scheduled_at
            )
            for call in self._view.calls_of(CallKind.SENT_EVENT)
        ]

    def save(self, path: str | Path) -> Path:
        """Write a JSON file for ``DurableApp.replay`` and ``embedded-host replay``.

        Args:
            path: The file's path. An existing file is replaced.

        Returns:
            The file's path.

        Raises:
            OSError: The file cannot be written.
        """
        document = {
            "instanceId": self.instance_id,
            "name": self.name,
            "runtimeStatus": self.status,
            "history": [event_object(event) for event in self],
        }
        path = Path(path)
        path.write_text(json.dumps(document, indent=1, ensure_ascii=False), encoding="utf-8")
        return path


def _is_http(call: Call) -> bool:
    """Return True for a call of ``call_http``, which SDK 2.x makes in a sub-orchestration."""
    return call.kind is CallKind.HTTP or call.name == BUILT_IN_HTTP_ORCHESTRATOR


def _recorded_call(call: Call) -> RecordedCall:
    return RecordedCall(
        name=call.name,
        input=call_input(call.input, in_array=call.kind is not CallKind.SUB_ORCHESTRATION),
        result=stored_value(call.result),
        error=call.error,
        at=call.scheduled_at,
        finished_at=call.finished_at,
        instance_id=call.instance_id,
        attempt=call.attempt,
    )
