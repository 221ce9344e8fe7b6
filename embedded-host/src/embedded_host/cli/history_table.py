"""The table of the command ``get-history``."""

from __future__ import annotations

from embedded_host.cli.output import format_cell
from embedded_host.cli.reader import InstanceStatus
from embedded_host.engine.entity_messages import OperationResponse
from embedded_host.engine.events import (
    EventRaised,
    EventSent,
    ExecutionStarted,
    HistoryEvent,
    SubOrchestrationInstanceCreated,
    TaskCompletionEvent,
    TaskScheduled,
)
from embedded_host.history import HistoryView
from embedded_host.management.status import shown_value

_CALLS = (TaskScheduled, SubOrchestrationInstanceCreated)
_DETAILS = ("result", "reason", "fire_at", "data", "input")


def history_rows(status: InstanceStatus) -> list[tuple[str, str, str, str]]:
    """Return the time, type, name and detail of each event, in the order of the API.

    A completed call has only one row, the row of its completion event.
    """
    view = HistoryView.of(status.events_as_shown())
    return [
        (
            event.timestamp,
            type(event).__name__,
            _name(event, view),
            format_cell(_detail(event, view)),
        )
        for event in view.events
        if not (isinstance(event, _CALLS) and event.event_id in view.completions)
    ]


def _name(event: HistoryEvent, view: HistoryView) -> str:
    if isinstance(event, TaskCompletionEvent):
        scheduled = view.scheduled.get(event.task_scheduled_id)
        return _name(scheduled, view) if isinstance(scheduled, _CALLS) else ""
    if isinstance(event, SubOrchestrationInstanceCreated) and event.instance_id:
        return f"{event.name} ({event.instance_id})"
    if isinstance(event, EventSent):  # the name is "op" or "release"
        return event.instance_id
    return event.name if isinstance(event, (ExecutionStarted, EventRaised, *_CALLS)) else ""


def _detail(event: HistoryEvent, view: HistoryView) -> object:
    if isinstance(event, EventSent) and event.event_id in view.operations:
        request = view.operations[event.event_id]
        input = _operation_input(request.input)
        operation = f"{request.operation} {input}" if input is not None else request.operation
        return f"{operation} (signal)" if request.signal else operation
    if isinstance(event, EventRaised) and event.name in view.responses:
        response = OperationResponse.parse(event.input)
        return f"error: {response.result}" if response.failed else response.result
    detail = next(
        (value for name in _DETAILS if (value := getattr(event, name, None)) is not None), None
    )
    return shown_value(detail)


def _operation_input(input: str | None) -> object:
    """Return the value of an operation's input. The SDK encodes this input as JSON twice."""
    value = shown_value(input)
    return shown_value(value) if isinstance(value, str) else value
