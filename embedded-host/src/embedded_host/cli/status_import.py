"""The state of an instance that was exported from the management API.

A status of the API contains no task ids. A status of the Azure Functions host also contains no
inputs of activities. Therefore an instance can be imported from a status only if it has finished or
has not scheduled any task yet.
"""

from __future__ import annotations

from uuid import uuid4

from embedded_host.cli.command import CommandError
from embedded_host.cli.instance_document import (
    InstanceDocument,
    InstanceRecord,
    MessageRecord,
    RecordedState,
)
from embedded_host.cli.reader import InstanceStatus
from embedded_host.engine import history as h
from embedded_host.engine.events import (
    EventRaised,
    ExecutionResumed,
    ExecutionStarted,
    ExecutionSuspended,
    HistoryEvent,
    TimerCreated,
)
from embedded_host.engine.json_codec import compact
from embedded_host.engine.timestamps import format_utc, parse_utc
from embedded_host.history import HistoryView

_MESSAGES = (ExecutionStarted, EventRaised, ExecutionSuspended, ExecutionResumed)
"""The types of the events that an orchestrator can receive before it has scheduled any task."""


def state_to_import(document: InstanceDocument) -> RecordedState:
    """Return the state of an exported instance for the import.

    Raises CommandError if the document is incomplete. Without a recorded state, also raises
    CommandError if the instance is unfinished and has scheduled tasks.
    """
    if document.state is not None:
        return document.state
    try:
        return _recorded_state(InstanceStatus(document.status or {}))
    except (KeyError, TypeError, ValueError, AttributeError, RecursionError) as error:
        raise CommandError(
            f"The export is incomplete: {type(error).__name__}: {error}. Export the instance "
            "again. [EH540]"
        ) from error


def _recorded_state(status: InstanceStatus) -> RecordedState:
    execution_id = str(uuid4())
    if status.is_finished:
        return _finished(status, execution_id)
    events = status.events_as_shown(execution_id)
    if task := next((event for event in events if not isinstance(event, _MESSAGES)), None):
        raise CommandError(
            f"The instance '{status.instance_id}' ({status.runtime_status}) was exported over HTTP "
            f"after it had scheduled a task ({_description(task)}). Such an export lacks data that "
            "the instance needs to continue. Export the instance from its state file, or export it "
            "after it has finished, or start it again: embedded-host start-new --function-name "
            f"{status.name} --input ... [EH541]"
        )
    return _unstarted(status, execution_id)


def _description(event: HistoryEvent) -> str:
    detail = event.fire_at if isinstance(event, TimerCreated) else getattr(event, "name", "")
    return f"{type(event).__name__} {detail}"


def _unstarted(status: InstanceStatus, execution_id: str) -> RecordedState:
    """Return the state of an instance that has not scheduled any task.

    Its first turn runs after the import and receives all events that were raised before the export.
    """
    events = status.events(execution_id)
    started = HistoryView.of(events).started
    if started is None:  # the API returns no history before the first turn
        started = h.execution_started(
            parse_utc(status.created),
            instance_id=status.instance_id,
            execution_id=execution_id,
            name=status.name,
            input=_json(status.input),
        )
        events.insert(0, started)
    return RecordedState(
        history=[],
        instance=InstanceRecord(
            name=status.name,
            status="Pending",
            created=started.timestamp,
            updated=format_utc(parse_utc(status.updated)),
            execution_id=execution_id,
            generation=started.generation,
            parent=None,
            continued=False,
            custom_status=None,
            output=None,
            input=started.input,
        ),
        messages=[MessageRecord(execution_id=None, due=None, event=event) for event in events],
        activities=[],
        entity=None,
    )


def _finished(status: InstanceStatus, execution_id: str) -> RecordedState:
    api_events = status.events_as_shown(execution_id)
    events = sorted(api_events, key=lambda event: event.occurred_at)
    started = HistoryView.of(events).started
    return RecordedState(
        history=events,
        instance=InstanceRecord(
            name=status.name,
            status=status.runtime_status,
            created=events[0].timestamp if events else status.created,
            updated=api_events[-1].timestamp
            if api_events
            else format_utc(parse_utc(status.updated)),
            execution_id=execution_id,
            generation=started.generation if started else 0,
            parent=None,
            continued=False,
            custom_status=_json(status.custom_status),
            output=_output(status),
            input=started.input if started else None,
        ),
        messages=[],
        activities=[],
        entity=None,
    )


def _json(value: object) -> str | None:
    return None if value is None else compact(value)


def _output(status: InstanceStatus) -> str | None:
    """Return the output in the store's format.

    A result is stored as JSON. An error message or a reason is stored unchanged.
    """
    if status.runtime_status != "Completed" and isinstance(status.output, str):
        return status.output
    return _json(status.output)
