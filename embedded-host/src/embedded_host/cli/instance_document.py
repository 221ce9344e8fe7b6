"""The JSON document of an exported instance, and its conversion from and to a store.

Each document contains the instance's status in the format of the management API, with
``historyEvents``. A document from a state file also contains the recorded state. An unfinished
instance needs this state to continue after the import.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime, timezone
from functools import partial

from msgspec import Struct, convert, to_builtins
from msgspec.structs import replace

from embedded_host.cli.command import CommandError
from embedded_host.cli.reader import InstanceStatus, Json
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
    """A part of the document. Its members have camelCase names in JSON."""


class InstanceRecord(_Part, frozen=True, kw_only=True):
    """The instance's row in the store.

    Times are in ISO 8601 and UTC. Input, output and custom status are JSON. However, the output of
    a failed or terminated instance is a plain string.
    """

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
    tags: str | None = None


class MessageRecord(_Part, frozen=True, kw_only=True):
    """A message in the instance's inbox."""

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
    """The state of an entity as JSON, and its lock."""

    has_state: bool
    state: str | None
    locked_by: str | None = None


class RecordedState(_Part, frozen=True, kw_only=True):
    """The rows of an instance in a store."""

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
    """The task hub, or None in a document from the management API."""
    exported_from: str
    exported_at: str
    status: Json | None = None
    state: RecordedState | None = None
    """The rows, or None in a document from the management API.

    In JSON, the members of this object are members of the document itself.
    """

    def as_json(self) -> Json:
        """Return the JSON object of the document."""
        document: Json = to_builtins(self)
        state = document.pop("state", {})
        return {**document, **state}


def from_store(store: SqliteReader, row: InstanceRow, source: str) -> InstanceDocument:
    """Return the document of an instance in a state file. ``source`` is the file's path."""
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
            tags=row.tags,
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
        entity=EntityRecord(
            has_state=entity.has_state, state=entity.state, locked_by=entity.locked_by
        )
        if entity
        else None,
    )
    return _document(row.id, source, row.hub, status, state)


def from_status(status: InstanceStatus, source: str) -> InstanceDocument:
    """Return the document of a status from the management API. ``source`` is the host's URL."""
    return _document(status.instance_id, source, None, status.document, None)


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
    """Convert a JSON value to a document. ``source`` is the name of the file for messages.

    Raises CommandError if the value is incomplete or is not an export of this version.
    """
    if not isinstance(document, dict) or document.get("format") != FORMAT:
        raise CommandError(
            f'{source} is not an exported instance: it lacks "format": "{FORMAT}". Create one with '
            "embedded-host export. [EH540]"
        )
    if document.get("version") != VERSION:
        raise CommandError(
            f"{source} has version {document.get('version')} of the export format, but this "
            f"release supports version {VERSION}. Export the instance again. [EH540]"
        )
    try:
        members = {"taskHub": None, "exportedFrom": "", "exportedAt": "", **encodable(document)}
        state = members if "instance" in members else None
        return convert({**members, "state": state}, InstanceDocument)
    except (ValueError, RecursionError) as error:
        problem = str(error).replace("$.state", "$")  # the file has no member "state"
        raise CommandError(
            f"{source} is incomplete: {problem}. Export the instance again. [EH540]"
        ) from error


def changes(
    state: RecordedState, hub: str, instance_id: str, highest: tuple[int, int, int]
) -> list[Change]:
    """Return the changes that insert an instance into a store.

    ``highest`` contains the highest key of the instances, of the messages and of the activities in
    the store. Raises CommandError for an invalid time.
    """
    try:
        return list(_changes(state, hub, instance_id, highest))
    except ValueError as error:
        raise CommandError(
            f"The export is incomplete: {error}. Export the instance again. [EH540]"
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
            tags=record.tags,
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
        entity = state.entity
        yield SaveEntity(key, entity.has_state, entity.state, entity.locked_by)


def _renamed(event: HistoryEvent, instance_id: str) -> HistoryEvent:
    """Return the event for the imported instance: ExecutionStarted receives the new instance id."""
    if not isinstance(event, ExecutionStarted):
        return event
    return replace(
        event, orchestration_instance=replace(event.orchestration_instance, instance_id=instance_id)
    )
