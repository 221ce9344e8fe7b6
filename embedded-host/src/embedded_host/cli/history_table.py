"""The table of the command ``get-history``."""

from __future__ import annotations

from embedded_host.cli.output import format_cell
from embedded_host.cli.reader import InstanceStatus
from embedded_host.engine.entity_messages import LockRelease, LockRequest, OperationRequest
from embedded_host.engine.events import (
    EventRaised,
    EventSent,
    ExecutionCompleted,
    ExecutionStarted,
    FailureEvent,
    HistoryEvent,
    SubOrchestrationInstanceCreated,
    TaskCompletionEvent,
    TaskScheduled,
)
from embedded_host.history import Call, HistoryView, failure_text
from embedded_host.management.status import shown_value

_CALLS = (TaskScheduled, SubOrchestrationInstanceCreated)
_DETAILS = ("result", "reason", "fire_at", "data", "input")


def history_rows(status: InstanceStatus) -> list[tuple[str, str, str, str]]:
    """Return the time, type, name and detail of each event, in the order of the API.

    A completed call has only one row, the row of its completion event.
    """
    view = HistoryView.of(status.events_as_shown())
    requests = {call.completion: call for call in view.calls}
    return [
        (
            event.timestamp,
            type(event).__name__,
            _name(index, event, view),
            format_cell(_detail(event, requests.get(index), view)),
        )
        for index, event in enumerate(view.events)
        if not (isinstance(event, _CALLS) and index in view.matched.completions)
    ]


def _name(index: int, event: HistoryEvent, view: HistoryView) -> str:
    if isinstance(event, TaskCompletionEvent):
        scheduled = view.matched.scheduled.get(index)
        return "" if scheduled is None else _name(scheduled, view.events[scheduled], view)
    if isinstance(event, SubOrchestrationInstanceCreated) and event.instance_id:
        return f"{event.name} ({event.instance_id})"
    if isinstance(event, EventSent):
        return event.instance_id
    return event.name if isinstance(event, (ExecutionStarted, EventRaised, *_CALLS)) else ""


def _detail(event: HistoryEvent, request: Call | None, view: HistoryView) -> object:
    """Return the detail of an event. ``request`` is the request that the event completes."""
    if isinstance(event, EventSent):
        return _sent(event, view)
    if isinstance(event, EventRaised) and request is not None:
        return request.result if request.error is None else f"error: {request.error}"
    if isinstance(event, (FailureEvent, ExecutionCompleted)) and event.failure_details is not None:
        return failure_text(event.failure_details)
    detail = next(
        (value for name in _DETAILS if (value := getattr(event, name, None)) is not None), None
    )
    return shown_value(detail)


def _sent(event: EventSent, view: HistoryView) -> object:
    """Return the detail of an event for an entity or for another instance."""
    message = view.entity_messages.get(event.event_id)
    if isinstance(message, LockRequest):
        return f"lock {', '.join(map(str, message.lock_set))}"
    if isinstance(message, LockRelease):
        return "release"
    if isinstance(message, OperationRequest):
        input = _operation_input(message.input)
        operation = f"{message.operation} {input}" if input is not None else message.operation
        return f"{operation} (signal)" if message.signal else operation
    value = shown_value(event.input)
    return f"{event.name} {value}" if value is not None else event.name


def _operation_input(input: str | None) -> object:
    """Return the value of an operation's input. The SDK encodes this input as JSON twice."""
    value = shown_value(input)
    return shown_value(value) if isinstance(value, str) else value
