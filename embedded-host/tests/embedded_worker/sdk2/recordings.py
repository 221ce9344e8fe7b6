"""The recorded turns of SDK 2.x, with the events as the host sends them to a worker."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any, cast

from embedded_worker.sdk2.history_events import EventJson

RECORDINGS = Path(__file__).parents[2] / "conformance" / "wire-2x.json"
_TYPES = {
    "executionStarted": 0,
    "executionTerminated": 3,
    "taskScheduled": 4,
    "taskCompleted": 5,
    "taskFailed": 6,
    "subOrchestrationInstanceCreated": 7,
    "subOrchestrationInstanceCompleted": 8,
    "subOrchestrationInstanceFailed": 9,
    "timerCreated": 10,
    "timerFired": 11,
    "orchestratorStarted": 12,
    "orchestratorCompleted": 13,
    "eventSent": 14,
    "eventRaised": 15,
    "genericEvent": 17,
    "executionSuspended": 19,
    "executionResumed": 20,
}


def recorded_turns() -> Iterator[tuple[str, dict[str, Any]]]:
    """Yield the name of each recorded orchestrator, and each of its turns."""
    document = json.loads(RECORDINGS.read_text(encoding="utf-8"))
    for name, turns in document["orchestrators"].items():
        for turn in turns:
            yield name, turn


def engine_event(event: dict[str, Any]) -> EventJson:
    """Return the engine's JSON of a recorded message."""
    [kind] = set(event) - {"eventId", "timestamp"}
    fields = {_key(key): _value(key, value) for key, value in event[kind].items()}
    if kind in ("executionSuspended", "executionResumed"):
        fields = {"Reason": fields.get("Input")}
    return cast(
        EventJson,
        {
            "EventType": _TYPES[kind],
            "EventId": event.get("eventId", 0),
            "Timestamp": event["timestamp"],
            **fields,
        },
    )


def _key(name: str) -> str:
    return name[0].upper() + name[1:]


def _value(key: str, value: Any) -> Any:
    if key == "parentInstance":
        return {
            "Name": value.get("name"),
            "TaskScheduleId": value.get("taskScheduledId", 0),
            "Version": value.get("version"),
            "OrchestrationInstance": _value("", value["orchestrationInstance"]),
        }
    if key not in ("tags", "properties") and isinstance(value, dict):
        return {_key(name): _value(name, part) for name, part in value.items()}
    return value
