"""Turns of SDK 2.x that were recorded on the Azure Functions host (conformance/wire-2x.json)."""

from __future__ import annotations

import json
import re
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

from embedded_host.engine.events import (
    ExecutionStarted,
    HistoryEvent,
    event_from,
    event_object,
)
from embedded_host.engine.functions import DurableFunctions
from embedded_host.engine.messages import Message
from embedded_host.engine.orchestration import Orchestration, TurnSettings
from embedded_host.engine.timestamps import UTC
from embedded_host.engine.turn import turn
from embedded_host.protocols import v2

RECORDING = Path(__file__).parents[1] / "conformance" / "wire-2x.json"
_TIME = "2026-11-29T00:00:00Z"


def recorded_orchestrators() -> dict[str, list[dict[str, Any]]]:
    """Return the recorded turns of one instance of each orchestrator, by its name."""
    document = json.loads(RECORDING.read_text(encoding="utf-8"))
    turns: dict[str, list[dict[str, Any]]] = document["orchestrators"]
    return turns


def recorded_history(orchestrator: str) -> list[HistoryEvent]:
    """Return the history of an orchestrator up to its last recorded turn."""
    request = recorded_orchestrators()[orchestrator][-1]["request"]
    events = [*request.get("pastEvents", ()), *request["newEvents"]]
    return [engine_event(event) for event in events]


def run_recorded_turns(orchestrator: str) -> Orchestration:
    """Run the recorded turns of an orchestrator. Return its last state."""
    recorded = recorded_orchestrators()
    names = re.findall(r'"name": "([A-Za-z_]+)"', json.dumps(recorded))
    functions = DurableFunctions.of([*recorded, *names], names, ["tally", "counter"], 2)
    start = datetime(2026, 11, 29, tzinfo=UTC)
    clock = iter(start + timedelta(milliseconds=n) for n in range(10_000))
    state = Orchestration("i", orchestrator, "e", start, start, protocol=2)
    for one in recorded[orchestrator]:
        events = [
            engine_event(event)
            for event in one["request"]["newEvents"]
            if "orchestratorStarted" not in event
        ]
        for event in events:
            if isinstance(event, ExecutionStarted):
                state.instance_id = event.orchestration_instance.instance_id
        running = turn(
            state,
            [Message(event) for event in events],
            TurnSettings(functions),
            lambda: next(clock),
        )
        next(running)
        try:
            running.send(v2.orchestrator_result(json.dumps(one["response"]), None))
        except StopIteration as stop:
            stop.value.apply(state)
    return state


def engine_event(recorded: dict[str, Any]) -> HistoryEvent:
    """Return the engine's event of a recorded protobuf event in JSON form."""
    kind = next(key for key in recorded if key not in ("eventId", "timestamp"))
    members = {_pascal(key): _value(key, value) for key, value in recorded[kind].items()}
    if "ParentInstance" in members:
        members["ParentInstance"].setdefault("TaskScheduleId", 0)
    return event_from(
        {
            "EventType": _NUMBERS[_pascal(kind)],
            "EventId": recorded.get("eventId", 0),
            "Timestamp": recorded["timestamp"],
            **members,
        }
    )


def recorded_form(event: HistoryEvent) -> dict[str, Any]:
    """Return the recorded form of an engine's event, without its time."""
    document = event_object(event)
    kind = type(event).__name__
    form: dict[str, Any] = {}
    for key in _FIELDS.get(kind, ()):
        value = document.get(_pascal(key))
        if value not in (None, ""):
            form[key] = _camel(value) if isinstance(value, dict) else value
    return {"eventId": event.event_id, kind[0].lower() + kind[1:]: form}


def comparable(recorded: dict[str, Any]) -> dict[str, Any]:
    """Return a recorded event without its times, and without fields that the engine adds."""
    kind = next(key for key in recorded if key not in ("eventId", "timestamp"))
    fields = _FIELDS.get(_pascal(kind), ())
    form = {key: value for key, value in recorded[kind].items() if key in fields}
    return {"eventId": recorded.get("eventId", 0), kind: form}


_FIELDS = {
    "ExecutionStarted": ("name", "input"),
    "TaskScheduled": ("name",),
    "TaskCompleted": ("taskScheduledId", "result"),
    "TaskFailed": ("taskScheduledId",),
    "SubOrchestrationInstanceCreated": ("instanceId", "name"),
    "SubOrchestrationInstanceCompleted": ("taskScheduledId", "result"),
    "SubOrchestrationInstanceFailed": ("taskScheduledId",),
    "TimerFired": ("timerId",),
    "EventSent": ("instanceId", "name", "input"),
    "EventRaised": ("name", "input"),
}
"""The compared fields. Times differ, and failure details contain paths."""
_NUMBERS = {
    "ExecutionStarted": 0,
    "ExecutionCompleted": 1,
    "ExecutionTerminated": 3,
    "TaskScheduled": 4,
    "TaskCompleted": 5,
    "TaskFailed": 6,
    "SubOrchestrationInstanceCreated": 7,
    "SubOrchestrationInstanceCompleted": 8,
    "SubOrchestrationInstanceFailed": 9,
    "TimerCreated": 10,
    "TimerFired": 11,
    "OrchestratorStarted": 12,
    "OrchestratorCompleted": 13,
    "EventSent": 14,
    "EventRaised": 15,
    "ExecutionSuspended": 19,
    "ExecutionResumed": 20,
}


def _pascal(name: str) -> str:
    return name[0].upper() + name[1:]


def _value(key: str, value: Any) -> Any:
    if key == "failureDetails":
        return {
            "ErrorType": value.get("errorType", ""),
            "ErrorMessage": value.get("errorMessage", ""),
            "StackTrace": value.get("stackTrace"),
            "InnerFailure": (
                _value(key, value["innerFailure"]) if "innerFailure" in value else None
            ),
        }
    if isinstance(value, dict):
        return {_pascal(k): _value(k, v) for k, v in value.items()}
    return value


def _camel(value: dict[str, Any]) -> dict[str, Any]:
    return {
        key[0].lower() + key[1:]: _camel(member) if isinstance(member, dict) else member
        for key, member in value.items()
    }
