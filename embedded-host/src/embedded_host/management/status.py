"""The status and history of an instance in the recorded format of the management API.

See functions-host.md#instance-status.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import replace

from embedded_host.engine.events import (
    ExecutionStarted,
    HistoryEvent,
    OrchestratorCompleted,
    OrchestratorStarted,
    SubOrchestrationInstanceCreated,
    TaskCompletionEvent,
    TaskScheduled,
    event_object,
)
from embedded_host.engine.json_codec import compact, with_exponents
from embedded_host.engine.timestamps import format_utc_seconds
from embedded_host.history import HistoryView
from embedded_host.management.json_text import check_json, json_value
from embedded_host.store.interface import InstanceRow

_HIDDEN_EVENTS = (OrchestratorStarted, OrchestratorCompleted)
_HIDDEN_FIELDS = {
    "RetryOf",
    "StartedAt",
    "FailedInput",
    "Stack",
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
_CALLS = (TaskScheduled, SubOrchestrationInstanceCreated)
LARGE = 4096
"""Minimum number of characters of an output that is copied into the response unparsed."""


def shown_value(text: str | None) -> object:
    """Return the value of a stored JSON document.

    If ``text`` is invalid JSON, return ``text`` itself. If it is blank, return "".
    """
    if text is None:
        return None
    if not text.strip():
        return ""
    try:
        return json_value(text)
    except ValueError:
        return text


def status_text(row: InstanceRow, input: Callable[[], str | None] | None) -> bytes:
    """Return ``status_object`` as compact JSON.

    A large output is copied unparsed, because it is stored as compact JSON.
    """
    if not _is_large_value(row.output):
        return with_exponents(compact(status_object(row, input))).encode()
    members = status_object(replace(row, output=None), input)
    texts = [
        f"{compact(key)}:{row.output if key == 'output' else compact(value)}"
        for key, value in members.items()
    ]
    return with_exponents(f"{{{','.join(texts)}}}").encode()


def _is_large_value(text: str | None) -> bool:
    try:
        if text is None or len(text) < LARGE:
            return False
        check_json(text)
    except ValueError:
        return False
    return True


def status_object(row: InstanceRow, input: Callable[[], str | None] | None) -> dict[str, object]:
    """Return the status with its keys in the recorded order.

    ``input`` is a function that returns the stored input. If ``input`` is None, the status contains
    null instead of the input. Only the status of a sub-orchestration has ``parentInstanceId``
    (extension 3.19.0).
    """
    parent = (
        {}
        if row.parent is None
        else {"parentInstanceId": row.parent.orchestration_instance.instance_id}
    )
    return {
        "name": row.name,
        "instanceId": row.id,
        **parent,
        "runtimeStatus": row.status,
        "input": shown_value(input()) if input else None,
        "customStatus": shown_value(row.custom_status),
        "output": shown_value(row.output),
        "createdTime": format_utc_seconds(row.created),
        "lastUpdatedTime": format_utc_seconds(row.updated),
    }


def history_events(
    events: Iterable[HistoryEvent], *, show_output: bool, show_input: bool
) -> list[dict[str, object]]:
    """Return the objects of ``historyEvents``.

    The completion of a call includes fields of the scheduling event. The list therefore omits the
    scheduling event of a completed call. It also omits OrchestratorStarted and
    OrchestratorCompleted.
    """
    view = HistoryView.of(events)
    matched = view.matched
    result = []
    for index, event in enumerate(view.events):
        if isinstance(event, _HIDDEN_EVENTS) or (
            isinstance(event, _CALLS) and index in matched.completions
        ):
            continue
        fields: dict[str, object] = {"EventType": type(event).__name__}
        is_start = isinstance(event, ExecutionStarted)
        for key, value in event_object(event).items():
            if key == "Result":
                if show_output:
                    fields[key] = shown_value(value if isinstance(value, str) else None)
            elif key not in _HIDDEN_FIELDS and not (is_start and key in ("Name", "Tags")):
                fields[key] = value
        fields["Timestamp"] = event.timestamp
        if isinstance(event, ExecutionStarted):
            fields["FunctionName"] = event.name
        elif isinstance(event, TaskCompletionEvent):
            scheduled = matched.scheduled.get(index)
            call = None if scheduled is None else view.events[scheduled]
            if isinstance(call, _CALLS):
                fields["ScheduledTime"] = call.timestamp.replace("Z", "+00:00")
                fields["FunctionName"] = call.name
                if isinstance(call, SubOrchestrationInstanceCreated):
                    fields["InstanceId"] = call.instance_id
                fields["Input"] = call.input
        if not show_input:
            fields.pop("Input", None)
        result.append(fields)
    return result
