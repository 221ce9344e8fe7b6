"""The state of an instance that was exported from the management API.

Its status lacks the ids of steps and, on the Functions host, inputs of activities. It is enough for an instance that has
finished, and for one that has not scheduled anything yet.
"""

from __future__ import annotations

from typing import Any
from uuid import uuid4

from embedded_host.cli.command import CommandError
from embedded_host.cli.instance_document import (
    InstanceDocument,
    InstanceRecord,
    MessageRecord,
    RecordedState,
)
from embedded_host.cli.reader import Json
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
from embedded_host.engine.status import FINISHED
from embedded_host.engine.timestamps import format_utc, parse_utc
from embedded_host.history import HistoryView, events_as_shown, events_of_status

_MESSAGES = (ExecutionStarted, EventRaised, ExecutionSuspended, ExecutionResumed)
"""Events that reach an orchestrator before it has scheduled anything."""


def state_to_import(document: InstanceDocument) -> RecordedState:
    """Return the state with which an exported instance continues.

    Raises CommandError for an incomplete document, and for an unfinished instance whose state the status does not have."""
    if document.state is not None:
        return document.state
    try:
        return _recorded_state(document.status or {})
    except (KeyError, TypeError, ValueError, AttributeError, RecursionError) as error:
        raise CommandError(
            f"The exported instance is not whole: {type(error).__name__}: {error}. Export it again. [EH540]"
        ) from error


def _recorded_state(status: Json) -> RecordedState:
    execution_id = str(uuid4())
    if status["runtimeStatus"] in FINISHED:
        return _finished(status, execution_id)
    events = events_as_shown(status, execution_id)
    if begun := next((event for event in events if not isinstance(event, _MESSAGES)), None):
        raise CommandError(
            f"'{status['instanceId']}' had not finished ({status['runtimeStatus']}) and had begun something "
            f"({_event_text(begun)}). The management API, from which it was exported, tells neither the inputs of activities nor "
            "the numbers of steps that it needs to go on. Export it again when it has finished, or from a state file; or start it "
            f"anew with its input: embedded-host start-new --function-name {status['name']} --input ... [EH541]"
        )
    return _unstarted(status, execution_id)


def _event_text(event: HistoryEvent) -> str:
    detail = event.fire_at if isinstance(event, TimerCreated) else getattr(event, "name", "")
    return f"{type(event).__name__} {detail}"


def _unstarted(status: Json, execution_id: str) -> RecordedState:
    """Return the state of an instance that has scheduled nothing, for example one that waits for an event. It takes its first
    turn where it is imported, with all events that were raised since."""
    events = events_of_status(status, execution_id)
    started = HistoryView.of(events).started
    if started is None:  # the API shows no history before the first turn
        started = h.execution_started(
            parse_utc(status["createdTime"]),
            instance_id=str(status["instanceId"]),
            execution_id=execution_id,
            name=str(status["name"]),
            input=_json(status.get("input")),
        )
        events.insert(0, started)
    return RecordedState(
        history=[],
        instance=InstanceRecord(
            name=str(status["name"]),
            status="Pending",
            created=started.timestamp,
            updated=format_utc(parse_utc(status["lastUpdatedTime"])),
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


def _finished(status: Json, execution_id: str) -> RecordedState:
    shown = events_as_shown(status, execution_id)
    events = sorted(shown, key=lambda event: event.occurred_at)
    started = HistoryView.of(events).started
    return RecordedState(
        history=events,
        instance=InstanceRecord(
            name=str(status["name"]),
            status=status["runtimeStatus"],
            created=events[0].timestamp if events else str(status["createdTime"]),
            updated=shown[-1].timestamp
            if shown
            else format_utc(parse_utc(status["lastUpdatedTime"])),
            execution_id=execution_id,
            generation=started.generation if started else 0,
            parent=None,
            continued=False,
            custom_status=_json(status.get("customStatus")),
            output=_output(status),
            input=started.input if started else None,
        ),
        messages=[],
        activities=[],
        entity=None,
    )


def _json(value: Any) -> str | None:
    return None if value is None else compact(value)


def _output(status: Json) -> str | None:
    """Return the output as a store keeps it: the error's message or the reason unchanged, a result as JSON."""
    output = status.get("output")
    if status["runtimeStatus"] != "Completed" and isinstance(output, str):
        return output
    return _json(output)
