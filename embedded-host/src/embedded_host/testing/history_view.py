"""An instance's recorded history, as something to assert on."""

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


@dataclass(frozen=True)
class Call:
    """A call of an activity or a sub-orchestration; a retried call is one of these for each try."""

    name: str
    input: Any
    result: Any = None
    error: str | None = None
    """What it failed with."""
    at: datetime | None = None
    finished_at: datetime | None = None
    """None while it runs."""
    instance_id: str | None = None
    """Of a sub-orchestration."""


@dataclass(frozen=True)
class Timer:
    due: datetime
    at: datetime
    fired: bool = False


@dataclass(frozen=True)
class RaisedEvent:
    name: str
    value: Any
    at: datetime


@dataclass(frozen=True)
class EntityCall:
    """An operation that was sent to an entity."""

    entity: str
    """``@counter@key``"""
    operation: str
    input: Any
    signal: bool


class RecordedSteps(Sequence[Event]):
    """The history's events, as they are recorded: a sequence of dicts with ``EventType`` (a number) and the extension's other
    keys. The properties say the same in fewer words. After a continue-as-new it is that of the last execution."""

    def __init__(self, events: Sequence[Event], instance_id: str = "", name: str = "", status: str = "") -> None:
        self.events = list(events)
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
        """How many turns the orchestrator had."""
        return sum(1 for _ in self._of(EventType.ORCHESTRATOR_COMPLETED))

    @property
    def activities(self) -> list[Call]:
        """In the order in which they were scheduled."""
        return [self._call(e) for e in self._of(EventType.TASK_SCHEDULED) if e["Name"] != HTTP_ACTIVITY]

    @property
    def http_calls(self) -> list[Call]:
        """``call_http``: ``input`` is the request, ``result`` the response."""
        return [self._call(e) for e in self._of(EventType.TASK_SCHEDULED) if e["Name"] == HTTP_ACTIVITY]

    @property
    def sub_orchestrations(self) -> list[Call]:
        return [self._call(e) for e in self._of(EventType.SUB_ORCHESTRATION_CREATED)]

    @property
    def timers(self) -> list[Timer]:
        fired = {e["TimerId"] for e in self._of(EventType.TIMER_FIRED)}
        return [
            Timer(parse_moment(e["FireAt"]), parse_moment(e["Timestamp"]), e["EventId"] in fired)
            for e in self._of(EventType.TIMER_CREATED)
        ]

    @property
    def raised_events(self) -> list[RaisedEvent]:
        """External events that have come, in order."""
        replies = {json.loads(e["Input"]).get("id") for e in self._of(EventType.EVENT_SENT)}
        return [
            RaisedEvent(e["Name"], stored_value(e["Input"]), parse_moment(e["Timestamp"]))
            for e in self._of(EventType.EVENT_RAISED)
            if e["Name"] not in replies
        ]

    @property
    def entity_calls(self) -> list[EntityCall]:
        """Calls of entities and signals to them."""
        found = []
        for event in self._of(EventType.EVENT_SENT):
            sent = json.loads(event["Input"])
            value = _json(sent.get("input"))
            value = stored_value(value) if isinstance(value, str) else value
            found.append(EntityCall(event["InstanceId"], sent.get("op", ""), value, bool(sent.get("signal"))))
        return found

    def save(self, path: str | Path) -> Path:
        """Write it to a file that ``replay`` and ``embedded-host replay`` read."""
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

    def _call(self, scheduled: Event) -> Call:
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
        return Call(
            name=scheduled["Name"],
            input=stored_value(given) if isinstance(given, str) else given,
            result=stored_value(over["Result"]) if over is not None and succeeded else None,
            error=over["Reason"] if over is not None and not succeeded else None,
            at=parse_moment(scheduled["Timestamp"]),
            finished_at=parse_moment(over["Timestamp"]) if over is not None else None,
            instance_id=scheduled.get("InstanceId"),
        )


def _json(text: str | None) -> Any:
    """What holds a JSON text of the SDK's, which is not to be taken for it; as it is where it is no JSON."""
    try:
        return None if text is None else json.loads(text)
    except ValueError:
        return text
