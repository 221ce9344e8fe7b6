"""What an execution waits for, read from its history and its place in it."""

from __future__ import annotations

import json
from collections.abc import Iterable
from typing import Any

from embedded_host.engine.events import (
    EventSent,
    HistoryEvent,
    SchedulingEvent,
    SubOrchestrationInstanceCreated,
    TaskScheduled,
    TimerCreated,
)
from embedded_host.engine.execution import Execution

_KIND: dict[type[SchedulingEvent], str] = {
    TaskScheduled: "activity",
    TimerCreated: "timer",
    SubOrchestrationInstanceCreated: "subOrchestration",
}


def waits(events: Iterable[HistoryEvent], execution: Execution) -> list[dict[str, Any]]:
    """One object for each thing awaited: ``kind`` (activity, timer, subOrchestration, entity, event), ``since``, and what
    tells it: ``name``, ``taskId``, ``attempt`` (of a retry), ``due``, ``instanceId``, ``operation``."""
    events = list(events)
    last = events[-1].timestamp if events else ""
    scheduled = {e.event_id: e for e in events if isinstance(e, SchedulingEvent)}
    sent = {json.loads(e.input)["id"]: e for e in events if isinstance(e, EventSent)}
    found: list[dict[str, Any]] = []
    for task_id in execution.open_tasks:
        event = scheduled.get(task_id)
        if event is None:
            continue
        wait: dict[str, Any] = {"kind": _KIND[type(event)], "since": event.timestamp}
        if isinstance(event, TimerCreated):
            wait["due"] = event.fire_at
        elif isinstance(event, (TaskScheduled, SubOrchestrationInstanceCreated)):
            wait["name"] = event.name
        if isinstance(event, SubOrchestrationInstanceCreated):
            wait["instanceId"] = event.instance_id
        wait["taskId"] = task_id
        if task_id in execution.attempts:
            wait["attempt"] = execution.attempts[task_id]
        found.append(wait)
    for request_id in execution.open_calls:
        if request := sent.get(request_id):
            operation = json.loads(request.input).get("op")
            found.append(
                {
                    "kind": "entity",
                    "since": request.timestamp,
                    "instanceId": request.instance_id,
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
