"""The file that an instance is exported to: its form, and the way there and back.

``history`` has the events as the embedded host keeps them and an orchestrator is replayed from; it is there if the document
was made from a state file. ``status`` is the management API's, with ``historyEvents``, and is always there.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import datetime, timezone
from functools import partial
from typing import Any
from uuid import uuid4

from msgspec import convert, to_builtins
from msgspec.structs import replace

from embedded_host.cli.command import CommandError
from embedded_host.cli.reader import Json
from embedded_host.engine import history as h
from embedded_host.engine.events import (
    ExecutionStarted,
    HistoryEvent,
    ParentInstance,
    decode_events,
    encode_events,
    event_from,
    event_object,
)
from embedded_host.engine.json_codec import compact, encodable
from embedded_host.engine.status import FINISHED
from embedded_host.engine.timestamps import parse_moment, utc_text
from embedded_host.history.status_api import events_of_status
from embedded_host.management.status import history_events, status_object
from embedded_host.store.interface import (
    ActivityRow,
    AppendHistory,
    Change,
    InstanceRow,
    MessageRow,
    PutActivity,
    PutMessage,
    SaveEntity,
    SaveInstance,
    SetInput,
)
from embedded_host.store.state_reader import SqliteReader

FORMAT, VERSION = "embedded-host-instance", 1


def from_store(store: SqliteReader, row: InstanceRow, source: str) -> Json:
    """All of it, so that it can go on elsewhere."""
    events = [event for text in store.history(row.key) for event in decode_events(text)]
    status = status_object(row, partial(store.input, row.key))
    status["historyEvents"] = history_events(events, show_output=True, show_input=True)
    entity = store.entity(row.key)
    return {
        **_head(row.id, source, row.hub),
        "status": status,
        "history": [event_object(event) for event in events],
        "instance": {
            "name": row.name,
            "status": row.status,
            "created": utc_text(row.created),
            "updated": utc_text(row.updated),
            "executionId": row.execution_id,
            "generation": row.generation,
            "parent": row.parent and to_builtins(row.parent),
            "continued": row.continued,
            "customStatus": row.custom_status,
            "output": row.output,
            "input": store.input(row.key),
        },
        "messages": [
            {"executionId": m.execution_id, "due": m.due and utc_text(m.due), "event": event_object(m.event)}
            for m in store.messages(row.key)
        ],
        "activities": [
            {"executionId": a.execution_id, "taskId": a.task_id, "name": a.name, "input": a.input}
            for a, address in store.all_activities()
            if a.instance == row.key
        ],
        "entity": entity and {"hasState": entity[0], "state": entity[1]},
    }


def from_status(status: Json, source: str) -> Json:
    """What the management API gives."""
    return {**_head(str(status["instanceId"]), source, None), "status": status}


def _head(instance_id: str, source: str, hub: str | None) -> Json:
    now = utc_text(datetime.now(timezone.utc).replace(microsecond=0))
    return {
        "format": FORMAT,
        "version": VERSION,
        "instanceId": instance_id,
        "taskHub": hub,
        "exportedFrom": source,
        "exportedAt": now,
    }


def changes(document: Json, hub: str, instance_id: str, highest: tuple[int, int, int]) -> Iterable[Change]:
    """What makes the instance in a store whose highest keys are ``highest``. Raises CommandError for a document that is not whole."""
    try:
        complete = document if "instance" in document else _from_status(document["status"])
        return list(_changes(encodable(complete), hub, instance_id, highest))
    except (KeyError, TypeError, ValueError, AttributeError, RecursionError) as error:
        raise CommandError(
            f"The exported instance is not whole: {type(error).__name__}: {error}. Export it again. [EH540]"
        ) from error


def _changes(document: Json, hub: str, instance_id: str, highest: tuple[int, int, int]) -> Iterable[Change]:
    key, message_id, activity_id = highest[0] + 1, highest[1], highest[2]
    kept = document["instance"]
    row = InstanceRow(
        key=key,
        hub=hub,
        id=instance_id,
        name=str(kept["name"]),
        status=str(kept["status"]),
        created=parse_moment(kept["created"]),
        updated=parse_moment(kept["updated"]),
        execution_id=str(kept["executionId"]),
        generation=kept["generation"],
        parent=kept["parent"] and convert(kept["parent"], ParentInstance),
        continued=bool(kept["continued"]),
        custom_status=kept["customStatus"],
        output=kept["output"],
    )
    yield SaveInstance(row)
    if kept["input"] is not None:
        yield SetInput(key, kept["input"])
    events = [_under(event_from(event), instance_id) for event in document["history"]]
    if events:
        yield AppendHistory(key, 0, encode_events(events))
    for message in document["messages"]:
        message_id += 1
        due = message["due"] and parse_moment(message["due"])
        event = _under(event_from(message["event"]), instance_id)
        yield PutMessage(MessageRow(message_id, key, message["executionId"], due or None, event))
    for activity in document["activities"]:
        activity_id += 1
        name, input = str(activity["name"]), str(activity["input"])
        yield PutActivity(
            ActivityRow(activity_id, key, str(activity["executionId"]), int(activity["taskId"]), name, input)
        )
    if entity := document["entity"]:
        yield SaveEntity(key, bool(entity["hasState"]), entity["state"])


def _under(event: HistoryEvent, instance_id: str) -> HistoryEvent:
    """An ExecutionStarted names the instance that it starts."""
    if not isinstance(event, ExecutionStarted):
        return event
    return replace(event, orchestration_instance=replace(event.orchestration_instance, instance_id=instance_id))


# -- from the management API's form ------------------------------------------------------------------


_COME = {"ExecutionStarted", "EventRaised", "ExecutionSuspended", "ExecutionResumed"}
"""What comes to an orchestrator from outside, before it has decided anything."""


def _from_status(status: Json) -> Json:
    """Raises CommandError for an instance that cannot go on from what the management API tells."""
    shown: list[Json] = status.get("historyEvents") or []
    if status["runtimeStatus"] in FINISHED:
        return _completed(status, shown)
    if begun := next((event for event in shown if event["EventType"] not in _COME), None):
        what = str(begun.get("FunctionName") or begun.get("Name") or begun.get("FireAt") or "")
        raise CommandError(
            f"'{status['instanceId']}' had not finished ({status['runtimeStatus']}) and had begun something ({begun['EventType']} "
            f"{what}). The management API, from which it was exported, tells neither the inputs of activities nor the numbers of "
            "steps that it needs to go on. Export it again when it has finished, or from a state file; or start it anew with its "
            f"input: embedded-host start-new --function-name {status['name']} --input ... [EH541]"
        )
    return _not_begun(status)


def _not_begun(status: Json) -> Json:
    """An instance that has decided nothing yet, as one that waits for an event: it takes its first turn where it is imported,
    with all that has come since."""
    execution_id = str(uuid4())
    events = events_of_status(status, execution_id)
    started = next((event for event in events if isinstance(event, ExecutionStarted)), None)
    if started is None:  # one that waits for its first turn shows no history
        started = h.execution_started(
            parse_moment(status["createdTime"]),
            instance_id=str(status["instanceId"]),
            execution_id=execution_id,
            name=str(status["name"]),
            input=_text(status.get("input")),
        )
        events.insert(0, started)
    return {
        "instance": {
            "name": status["name"],
            "status": "Pending",
            "created": started.timestamp,
            "updated": utc_text(parse_moment(status["lastUpdatedTime"])),
            "executionId": execution_id,
            "generation": started.generation,
            "parent": None,
            "continued": False,
            "customStatus": None,
            "output": None,
            "input": started.input,
        },
        "history": [],
        "messages": [{"executionId": None, "due": None, "event": event_object(event)} for event in events],
        "activities": [],
        "entity": None,
    }


def _completed(status: Json, shown: Sequence[Json]) -> Json:
    """A finished instance as a store keeps it."""
    execution_id = str(uuid4())
    events = events_of_status(status, execution_id)
    started = next((event for event in events if isinstance(event, ExecutionStarted)), None)
    ended = parse_moment(shown[-1]["Timestamp"]) if shown else parse_moment(status["lastUpdatedTime"])
    return {
        "instance": {
            "name": status["name"],
            "status": status["runtimeStatus"],
            "created": events[0].timestamp if events else status["createdTime"],
            "updated": utc_text(ended),
            "executionId": execution_id,
            "generation": started.generation if started else 0,
            "parent": None,
            "continued": False,
            "customStatus": _text(status.get("customStatus")),
            "output": _output(status),
            "input": started.input if started else None,
        },
        "history": [event_object(event) for event in events],
        "messages": [],
        "activities": [],
        "entity": None,
    }


def _text(value: Any) -> str | None:
    return None if value is None else compact(value)


def _output(status: Json) -> str | None:
    """A failure's text and a reason are kept as they are, a result as JSON."""
    output = status.get("output")
    if status["runtimeStatus"] != "Completed" and isinstance(output, str):
        return output
    return _text(output)
