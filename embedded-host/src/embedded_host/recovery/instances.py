"""An instance as it was found: its row and its history, or a row that is put together from its history."""

from __future__ import annotations

import json
from collections.abc import Iterable
from dataclasses import dataclass

from embedded_host.engine.orchestration import Status
from embedded_host.engine.raw_events import Event, EventType
from embedded_host.engine.timestamps import parse_moment
from embedded_host.recovery.rows import Row, events_of
from embedded_host.store.epoch import micros

FINAL = frozenset(status.value for status in Status if status.is_terminal)


@dataclass
class Instance:
    row: Row
    turns: dict[int, str]
    events: list[Event]
    """Of the turns that follow each other from the first on."""

    @property
    def key(self) -> int:
        return int(self.row[0])

    @property
    def hub(self) -> str:
        return str(self.row[1])

    @property
    def id(self) -> str:
        return str(self.row[2])

    @property
    def status(self) -> str:
        return str(self.row[4])

    @property
    def is_final(self) -> bool:
        return self.status in FINAL


def following(turns: dict[int, str]) -> list[Event]:
    """The events of the turns that follow each other from the first on."""
    events: list[Event] = []
    turn = 0
    while turn in turns:
        events += events_of(turns[turn]) or ()
        turn += 1
    return events


def started(events: Iterable[Event]) -> Event | None:
    return next((e for e in events if e["EventType"] == EventType.EXECUTION_STARTED), None)


def id_of(execution_started: Event) -> str | None:
    try:
        return str(execution_started["OrchestrationInstance"]["InstanceId"])
    except (KeyError, TypeError):
        return None


def row_from_history(key: int, events: list[Event], hub: str | None, id: str | None, status: str | None) -> Row | None:
    """None if the events do not say enough, or are another instance's. ``hub``, ``id`` and ``status`` are what is known of it
    from elsewhere."""
    begin = started(events)
    if begin is None or hub is None or (id is not None and id_of(begin) != id):
        return None
    try:
        ended = next((e for e in reversed(events) if e["EventType"] == EventType.EXECUTION_COMPLETED), None)
        terminated = next((e for e in events if e["EventType"] == EventType.EXECUTION_TERMINATED), None)
        created = micros(parse_moment(begin["Timestamp"]))
        updated = micros(parse_moment(events[-1]["Timestamp"]))
        found = "Running"
        output = None
        if ended is not None:
            found, output = str(ended["OrchestrationStatus"]), ended["Result"]
        elif terminated is not None:
            found, output = "Terminated", terminated["Input"]
        if found not in FINAL or (status in FINAL and found != status):
            found, output = "Running", None
        parent = begin["ParentInstance"]
        return (
            *(key, hub, id_of(begin), str(begin["Name"]), found, created, updated),
            str(begin["OrchestrationInstance"]["ExecutionId"]),
            begin["Generation"] if isinstance(begin["Generation"], int) else None,
            *(None if parent is None else json.dumps(parent), 0, None, None if output is None else str(output)),
        )
    except (KeyError, TypeError, ValueError):
        return None
