"""What an execution waits for, read from its history and its place in it."""

from __future__ import annotations

import json
from collections.abc import Iterable
from typing import Any

from embedded_host.engine.execution import Execution
from embedded_host.engine.history import DECISIONS, Event, EventType

_KIND = {
    EventType.TASK_SCHEDULED: "activity",
    EventType.TIMER_CREATED: "timer",
    EventType.SUB_ORCHESTRATION_CREATED: "subOrchestration",
    EventType.EVENT_SENT: "entity",
}


def waits(events: Iterable[Event], execution: Execution) -> list[dict[str, Any]]:
    """One object for each thing awaited: ``kind`` (activity, timer, subOrchestration, entity, event), ``since``, and what
    tells it: ``name``, ``taskId``, ``attempt`` (of a retry), ``due``, ``instanceId``, ``operation``."""
    events = list(events)
    last = next((e["Timestamp"] for e in reversed(events)), "")
    decided = {e["EventId"]: e for e in events if e["EventType"] in DECISIONS}
    sent = {json.loads(e["Input"])["id"]: e for e in events if e["EventType"] == EventType.EVENT_SENT}
    found: list[dict[str, Any]] = []
    for task_id in execution.open_tasks:
        event = decided.get(task_id)
        if event is None:
            continue
        wait: dict[str, Any] = {"kind": _KIND[EventType(event["EventType"])], "since": event["Timestamp"]}
        if event["EventType"] == EventType.TIMER_CREATED:
            wait["due"] = event["FireAt"]
        else:
            wait["name"] = event["Name"]
        if event["EventType"] == EventType.SUB_ORCHESTRATION_CREATED:
            wait["instanceId"] = event["InstanceId"]
        wait["taskId"] = task_id
        if task_id in execution.attempts:
            wait["attempt"] = execution.attempts[task_id]
        found.append(wait)
    for request_id in execution.open_calls:
        if event := sent.get(request_id):
            operation = json.loads(event["Input"]).get("op")
            found.append(
                {
                    "kind": "entity",
                    "since": event["Timestamp"],
                    "instanceId": event["InstanceId"],
                    "operation": operation,
                }
            )
    found += [{"kind": "event", "since": last, "name": name} for name in execution.awaited_events]
    return found


def sentence(wait: dict[str, Any]) -> str:
    """``the event 'Approval' since 2026-01-02T03:04:05Z``"""
    kind, since = wait["kind"], wait["since"]
    state = f" ({wait['state']})" if wait.get("state") else ""
    if kind == "activity":
        attempt = f", attempt {wait['attempt']}" if "attempt" in wait else ""
        what = f"the activity '{wait['name']}'{attempt}"
    elif kind == "timer":
        what = f"the timer due at {wait['due']}"
    elif kind == "subOrchestration":
        what = f"the sub-orchestration '{wait['name']}' with the id '{wait['instanceId']}'"
    elif kind == "entity":
        what = f"the entity '{wait['instanceId']}' to answer '{wait['operation']}'"
    elif kind == "event":
        what = f"the external event '{wait['name']}'"
    else:
        what = wait["text"]
    return f"{what}{state} since {since}"
