"""The JSON document of an exported instance: its types, and the conversion from and to a store.

``status`` is that of the management API, with ``historyEvents``, and is always there. A document from a state file has the
recorded state besides, with which the instance continues where it is imported.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime, timezone
from functools import partial

from msgspec import Struct, convert, to_builtins
from msgspec.structs import replace

from embedded_host.cli.command import CommandError
from embedded_host.cli.reader import Json
from embedded_host.engine.events import (
    ExecutionStarted,
    HistoryEvent,
    ParentInstance,
)
from embedded_host.engine.json_codec import encodable
from embedded_host.engine.timestamps import format_utc, parse_utc
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


class _Part(Struct, frozen=True, kw_only=True, rename="camel"):
    pass


class InstanceRecord(_Part, frozen=True, kw_only=True):
    """The instance's row. Timestamps are ISO 8601 in UTC; input, output and custom status are stored JSON or text."""

    name: str
    status: str
    created: str
    updated: str
    execution_id: str
    generation: int | None
    parent: ParentInstance | None
    continued: bool
    custom_status: str | None
    output: str | None
    input: str | None


class MessageRecord(_Part, frozen=True, kw_only=True):
    """A message that the instance has not taken yet."""

    execution_id: str | None
    due: str | None
    event: HistoryEvent


class ActivityRecord(_Part, frozen=True, kw_only=True):
    """An activity that has not completed."""

    execution_id: str
    task_id: int
    name: str
    input: str


class EntityRecord(_Part, frozen=True, kw_only=True):
    has_state: bool
    state: str | None


class RecordedState(_Part, frozen=True, kw_only=True):
    """All that a store has of an instance."""

    history: list[HistoryEvent]
    instance: InstanceRecord
    messages: list[MessageRecord]
    activities: list[ActivityRecord]
    entity: EntityRecord | None


class InstanceDocument(_Part, frozen=True, kw_only=True, omit_defaults=True):
    """An exported instance."""

    format: str
    version: int
    instance_id: str
    task_hub: str | None
    """The task hub in the state file; None for a document of the management API."""
    exported_from: str
    exported_at: str
    status: Json | None = None
    state: RecordedState | None = None
    """None for a document of the management API. In the JSON its members are those of the document."""

    def as_json(self) -> Json:
        document: Json = to_builtins(self)
        state = document.pop("state", {})
        return {**document, **state}


def from_store(store: SqliteReader, row: InstanceRow, source: str) -> InstanceDocument:
    """Return the document of an instance in a state file."""
    events = [event for turn in store.history(row.key) for event in turn]
    status = status_object(row, partial(store.input, row.key))
    status["historyEvents"] = history_events(events, show_output=True, show_input=True)
    entity = store.entity(row.key)
    state = RecordedState(
        history=events,
        instance=InstanceRecord(
            name=row.name,
            status=row.status,
            created=format_utc(row.created),
            updated=format_utc(row.updated),
            execution_id=row.execution_id,
            generation=row.generation,
            parent=row.parent,
            continued=row.continued,
            custom_status=row.custom_status,
            output=row.output,
            input=store.input(row.key),
        ),
        messages=[
            MessageRecord(
                execution_id=m.execution_id, due=format_utc(m.due) if m.due else None, event=m.event
            )
            for m in store.messages(row.key)
        ],
        activities=[
            ActivityRecord(
                execution_id=a.execution_id, task_id=a.task_id, name=a.name, input=a.input
            )
            for a, _ in store.all_activities()
            if a.instance == row.key
        ],
        entity=EntityRecord(has_state=entity[0], state=entity[1]) if entity else None,
    )
    return _document(row.id, source, row.hub, status, state)


def from_status(status: Json, source: str) -> InstanceDocument:
    """Return the document of a status of the management API."""
    return _document(str(status["instanceId"]), source, None, status, None)


def _document(
    instance_id: str, source: str, hub: str | None, status: Json, state: RecordedState | None
) -> InstanceDocument:
    return InstanceDocument(
        format=FORMAT,
        version=VERSION,
        instance_id=instance_id,
        task_hub=hub,
        exported_from=source,
        exported_at=format_utc(datetime.now(timezone.utc).replace(microsecond=0)),
        status=status,
        state=state,
    )


def parse_document(document: object, source: str) -> InstanceDocument:
    """Return the document of parsed JSON. ``source`` is the file's name. Raises CommandError."""
    if not isinstance(document, dict) or document.get("format") != FORMAT:
        raise CommandError(
            f'{source} is no exported instance: it has not "format": "{FORMAT}". Make one with embedded-host export. [EH540]'
        )
    if document.get("version") != VERSION:
        raise CommandError(
            f"{source} was exported by another version of the embedded host ({document.get('version')}, not {VERSION}). [EH540]"
        )
    try:
        members = {"taskHub": None, "exportedFrom": "", "exportedAt": "", **encodable(document)}
        state = members if "instance" in members else None
        return convert({**members, "state": state}, InstanceDocument)
    except (ValueError, RecursionError) as error:
        text = str(error).replace("$.state", "$")  # its members are those of the document
        raise CommandError(
            f"{source} is not whole: {text}. Export the instance again. [EH540]"
        ) from error


def changes(
    state: RecordedState, hub: str, instance_id: str, highest: tuple[int, int, int]
) -> list[Change]:
    """Return the changes that insert an instance into a store whose highest keys are ``highest``.

    Raises CommandError for an invalid timestamp."""
    try:
        return list(_changes(state, hub, instance_id, highest))
    except ValueError as error:
        raise CommandError(
            f"The exported instance is not whole: {error}. Export it again. [EH540]"
        ) from error


def _changes(
    state: RecordedState, hub: str, instance_id: str, highest: tuple[int, int, int]
) -> Iterator[Change]:
    key, message_id, activity_id = highest[0] + 1, highest[1] + 1, highest[2] + 1
    record = state.instance
    yield SaveInstance(
        InstanceRow(
            key=key,
            hub=hub,
            id=instance_id,
            name=record.name,
            status=record.status,
            created=parse_utc(record.created),
            updated=parse_utc(record.updated),
            execution_id=record.execution_id,
            generation=record.generation,
            parent=record.parent,
            continued=record.continued,
            custom_status=record.custom_status,
            output=record.output,
        )
    )
    if record.input is not None:
        yield SetInput(key, record.input)
    if state.history:
        yield AppendHistory(key, 0, tuple(_renamed(event, instance_id) for event in state.history))
    for number, message in enumerate(state.messages, message_id):
        due = parse_utc(message.due) if message.due else None
        yield PutMessage(
            MessageRow(number, key, message.execution_id, due, _renamed(message.event, instance_id))
        )
    for number, activity in enumerate(state.activities, activity_id):
        yield PutActivity(
            ActivityRow(
                number, key, activity.execution_id, activity.task_id, activity.name, activity.input
            )
        )
    if state.entity is not None:
        yield SaveEntity(key, state.entity.has_state, state.entity.state)


def _renamed(event: HistoryEvent, instance_id: str) -> HistoryEvent:
    """Return an ExecutionStarted with the id under which its instance is imported; other events unchanged."""
    if not isinstance(event, ExecutionStarted):
        return event
    return replace(
        event, orchestration_instance=replace(event.orchestration_instance, instance_id=instance_id)
    )
