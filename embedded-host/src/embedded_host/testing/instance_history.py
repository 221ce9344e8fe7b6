"""The recorded history of an instance, for assertions."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

from embedded_host.engine.functions import HTTP_ACTIVITY
from embedded_host.engine.raw_events import COMPLETIONS, Event, EventType
from embedded_host.engine.timestamps import parse_moment
from embedded_host.testing.values import stored_value

__tracebackhide__ = True


@dataclass(frozen=True)
class RecordedCall:
    """A call of an activity, a sub-orchestration or a URL. Each attempt of a retried call is one."""

    name: str
    input: Any
    result: Any = None
    error: str | None = None
    """Why it failed."""
    at: datetime | None = None
    """When it was scheduled."""
    finished_at: datetime | None = None
    """None while it runs."""
    instance_id: str | None = None
    """The id of a sub-orchestration."""


@dataclass(frozen=True)
class RecordedTimer:
    """A durable timer."""

    due: datetime
    at: datetime
    """When it was created."""
    fired: bool = False


@dataclass(frozen=True)
class RecordedEvent:
    """An external event that was raised."""

    name: str
    value: Any
    at: datetime


@dataclass(frozen=True)
class RecordedEntityCall:
    """An operation that was sent to an entity."""

    entity: str
    """The entity's id, ``@counter@key``."""
    operation: str
    input: Any
    signal: bool
    """Sent without waiting for a response."""


class InstanceHistory(Sequence[Event]):
    """The recorded events of an instance, and properties that summarize them.

    After continue-as-new it has the events of the last execution.
    """

    def __init__(self, events: Sequence[Event], instance_id: str = "", name: str = "", status: str = "") -> None:
        self.events = list(events)
        """The events as dicts: ``EventType`` is DurableTask's number, the other keys are the extension's."""
        self.instance_id, self.name, self.status = instance_id, name, status

    def __len__(self) -> int:
        return len(self.events)

    def __iter__(self) -> Iterator[Event]:
        return iter(self.events)

    def __getitem__(self, at: Any) -> Any:
        return self.events[at]

    def __repr__(self) -> str:
        return (
            f"<history of '{self.instance_id}': " + ", ".join(EventType(e["EventType"]).name for e in self.events) + ">"
        )

    @property
    def turns(self) -> int:
        """The number of the orchestrator's turns."""
        return sum(1 for _ in self._of(EventType.ORCHESTRATOR_COMPLETED))

    @property
    def activities(self) -> list[RecordedCall]:
        """Calls of activities, in the order of their scheduling."""
        return [self._call(e) for e in self._of(EventType.TASK_SCHEDULED) if e["Name"] != HTTP_ACTIVITY]

    @property
    def http_calls(self) -> list[RecordedCall]:
        """Calls of ``context.call_http``. ``input`` is the request, ``result`` the response."""
        return [self._call(e) for e in self._of(EventType.TASK_SCHEDULED) if e["Name"] == HTTP_ACTIVITY]

    @property
    def sub_orchestrations(self) -> list[RecordedCall]:
        """Calls of sub-orchestrations, in the order of their creation."""
        return [self._call(e) for e in self._of(EventType.SUB_ORCHESTRATION_CREATED)]

    @property
    def timers(self) -> list[RecordedTimer]:
        """Durable timers, in the order of their creation. A retry's pause is one, too."""
        fired = {e["TimerId"] for e in self._of(EventType.TIMER_FIRED)}
        return [
            RecordedTimer(parse_moment(e["FireAt"]), parse_moment(e["Timestamp"]), e["EventId"] in fired)
            for e in self._of(EventType.TIMER_CREATED)
        ]

    @property
    def raised_events(self) -> list[RecordedEvent]:
        """External events, in the order of their arrival."""
        replies = {json.loads(e["Input"]).get("id") for e in self._of(EventType.EVENT_SENT)}
        return [
            RecordedEvent(e["Name"], stored_value(e["Input"]), parse_moment(e["Timestamp"]))
            for e in self._of(EventType.EVENT_RAISED)
            if e["Name"] not in replies
        ]

    @property
    def entity_calls(self) -> list[RecordedEntityCall]:
        """Operations sent to entities: calls and signals."""
        found = []
        for event in self._of(EventType.EVENT_SENT):
            sent = json.loads(event["Input"])
            value = _json(sent.get("input"))
            value = stored_value(value) if isinstance(value, str) else value
            found.append(RecordedEntityCall(event["InstanceId"], sent.get("op", ""), value, bool(sent.get("signal"))))
        return found

    def save(self, path: str | Path) -> Path:
        """Write a file for ``DurableApp.replay`` and ``embedded-host replay``, and return its path. Raises OSError."""
        document = {
            "instanceId": self.instance_id,
            "name": self.name,
            "runtimeStatus": self.status,
            "history": self.events,
        }
        path = Path(path)
        path.write_text(json.dumps(document, indent=1, ensure_ascii=False), encoding="utf-8")
        return path

    def _of(self, kind: EventType) -> Iterator[Event]:
        return (event for event in self.events if event["EventType"] == kind)

    def _call(self, scheduled: Event) -> RecordedCall:
        completed = (EventType.TASK_COMPLETED, EventType.SUB_ORCHESTRATION_COMPLETED)
        is_activity = scheduled["EventType"] == EventType.TASK_SCHEDULED
        own = (
            (EventType.TASK_COMPLETED, EventType.TASK_FAILED)
            if is_activity
            else (EventType.SUB_ORCHESTRATION_COMPLETED, EventType.SUB_ORCHESTRATION_FAILED)
        )
        over = next(
            (
                e
                for e in self.events
                if e["EventType"] in own and e[COMPLETIONS[e["EventType"]]] == scheduled["EventId"]
            ),
            None,
        )
        given = _json(scheduled.get("Input"))
        if (
            is_activity and isinstance(given, list) and len(given) == 1
        ):  # the host keeps an activity's input in an array
            given = given[0]
        succeeded = over is not None and over["EventType"] in completed
        return RecordedCall(
            name=scheduled["Name"],
            input=stored_value(given) if isinstance(given, str) else given,
            result=stored_value(over["Result"]) if over is not None and succeeded else None,
            error=over["Reason"] if over is not None and not succeeded else None,
            at=parse_moment(scheduled["Timestamp"]),
            finished_at=parse_moment(over["Timestamp"]) if over is not None else None,
            instance_id=scheduled.get("InstanceId"),
        )


def _json(text: str | None) -> Any:
    """Parse the outer JSON of a value that the SDK encodes twice. Return a string that is not JSON unchanged."""
    try:
        return None if text is None else json.loads(text)
    except ValueError:
        return text
