"""An instance's status and history as the management API shows them (recorded; contract, 1.4)."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import replace
from typing import Any

from embedded_host.engine.history import COMPLETIONS, RETRY_OF, STACK, Event, EventType
from embedded_host.engine.json_codec import compact
from embedded_host.engine.timestamps import seconds_text
from embedded_host.http.management_values import check_json, json_value
from embedded_host.store.interface import InstanceRow

_SHOWN = {
    EventType.EXECUTION_STARTED: "ExecutionStarted",
    EventType.EXECUTION_COMPLETED: "ExecutionCompleted",
    EventType.EXECUTION_TERMINATED: "ExecutionTerminated",
    EventType.TASK_SCHEDULED: "TaskScheduled",
    EventType.TASK_COMPLETED: "TaskCompleted",
    EventType.TASK_FAILED: "TaskFailed",
    EventType.SUB_ORCHESTRATION_CREATED: "SubOrchestrationInstanceCreated",
    EventType.SUB_ORCHESTRATION_COMPLETED: "SubOrchestrationInstanceCompleted",
    EventType.SUB_ORCHESTRATION_FAILED: "SubOrchestrationInstanceFailed",
    EventType.TIMER_CREATED: "TimerCreated",
    EventType.TIMER_FIRED: "TimerFired",
    EventType.EVENT_SENT: "EventSent",
    EventType.EVENT_RAISED: "EventRaised",
    EventType.GENERIC: "GenericEvent",
    EventType.EXECUTION_SUSPENDED: "ExecutionSuspended",
    EventType.EXECUTION_RESUMED: "ExecutionResumed",
}
_DROPPED = {
    RETRY_OF,
    STACK,
    "EventId",
    "IsPlayed",
    "TaskScheduledId",
    "TimerId",
    "Version",
    "OrchestrationInstance",
    "ParentInstance",
    "EventType",
    "Timestamp",
}
_SCHEDULING = (EventType.TASK_SCHEDULED, EventType.SUB_ORCHESTRATION_CREATED)


LARGE = 4096
"""Characters."""


def shown_value(text: str | None) -> Any:
    """A stored text as a JSON value: parsed, as it is where it is no JSON, ``""`` where it is blank."""
    if text is None:
        return None
    if not text.strip():
        return ""
    try:
        return json_value(text)
    except ValueError:
        return text


def status_text(row: InstanceRow, input: Callable[[], str | None] | None) -> bytes:
    """``status_object`` as compact JSON. A large output, compact already as it is stored, is not made into a value first."""
    if not _is_large_value(row.output):
        return compact(status_object(row, input)).encode()
    members = status_object(replace(row, output=None), input)
    texts = [f"{compact(key)}:{row.output if key == 'output' else compact(value)}" for key, value in members.items()]
    return f"{{{','.join(texts)}}}".encode()


def _is_large_value(text: str | None) -> bool:
    try:
        if text is None or len(text) < LARGE:
            return False
        check_json(text)
    except ValueError:
        return False
    return True


def status_object(row: InstanceRow, input: Callable[[], str | None] | None) -> dict[str, Any]:
    """Return the status with its keys in the recorded order. ``input`` None leaves the input out.

    Only the status of a sub-orchestration has ``parentInstanceId`` (extension 3.19.0).
    """
    parent = {} if row.parent is None else {"parentInstanceId": row.parent["OrchestrationInstance"]["InstanceId"]}
    return {
        "name": row.name,
        "instanceId": row.id,
        **parent,
        "runtimeStatus": row.status,
        "input": shown_value(input()) if input else None,
        "customStatus": shown_value(row.custom_status),
        "output": shown_value(row.output),
        "createdTime": seconds_text(row.created),
        "lastUpdatedTime": seconds_text(row.updated),
    }


def history_events(events: Iterable[Event], *, show_output: bool, show_input: bool) -> list[dict[str, Any]]:
    """Completions take in what they complete; turns' marks are left out."""
    events = list(events)
    scheduled = {e["EventId"]: e for e in events if e["EventType"] in _SCHEDULING}
    settled = {e[COMPLETIONS[e["EventType"]]] for e in events if e["EventType"] in COMPLETIONS}
    shown = []
    for event in events:
        kind = event["EventType"]
        if kind not in _SHOWN or (kind in _SCHEDULING and event["EventId"] in settled):
            continue
        fields: dict[str, Any] = {"EventType": _SHOWN[kind]}
        for key, value in event.items():
            if key == "Result":
                if show_output:
                    fields[key] = shown_value(value)
            elif key not in _DROPPED and not (kind == EventType.EXECUTION_STARTED and key in ("Name", "Tags")):
                fields[key] = value
        fields["Timestamp"] = event["Timestamp"]
        if kind == EventType.EXECUTION_STARTED:
            fields["FunctionName"] = event["Name"]
        elif kind in COMPLETIONS and kind != EventType.TIMER_FIRED:
            source = scheduled.get(event["TaskScheduledId"])
            if source is not None:
                fields["ScheduledTime"] = source["Timestamp"].replace("Z", "+00:00")
                fields["FunctionName"] = source["Name"]
                if source["EventType"] == EventType.SUB_ORCHESTRATION_CREATED:
                    fields["InstanceId"] = source["InstanceId"]
                fields["Input"] = source["Input"]
        if not show_input:
            fields.pop("Input", None)
        shown.append(fields)
    return shown
