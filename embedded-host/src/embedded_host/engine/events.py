"""The events of an orchestration's history.

The classes and their JSON keys have the names of the Durable Functions extension
(functions-host.md#serialization and #history-events). The tag ``EventType`` is DurableTask's number
for the type of the event. Unknown keys of imported histories are ignored.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from datetime import datetime
from typing import TypeVar

import msgspec
from msgspec import UNSET, Struct, UnsetType

from embedded_host.engine.json_codec import compact_plain
from embedded_host.engine.timestamps import parse_utc

T = TypeVar("T")


class OrchestrationInstance(Struct, frozen=True, kw_only=True, gc=False, rename="pascal"):
    """The identity of one execution of an instance."""

    instance_id: str
    execution_id: str


class ParentInstance(Struct, frozen=True, kw_only=True, gc=False, rename="pascal"):
    """The execution that created a sub-orchestration."""

    name: str
    orchestration_instance: OrchestrationInstance
    task_schedule_id: int
    """Event id of the parent's SubOrchestrationInstanceCreated."""
    version: str | None = None


class FailureDetails(Struct, frozen=True, kw_only=True, gc=False, rename="pascal"):
    """The failure of a function of SDK 2.x, as the Durable Functions extension records it."""

    error_type: str
    """The class of the exception. For orchestrators and entities, it includes the module."""
    error_message: str
    stack_trace: str | None = None
    inner_failure: FailureDetails | None = None
    """The failure that caused this one, for example that of an activity."""
    is_non_retriable: bool = False
    properties: object = None


class EventBase(
    Struct, frozen=True, kw_only=True, gc=False, rename="pascal", tag_field="EventType"
):
    """The fields of every history event. Timestamps are ISO 8601 in UTC, as recorded."""

    event_id: int = -1
    """Sequence number of a scheduling event or of ExecutionCompleted. It is -1 in other events."""
    is_played: bool = False
    """True if an earlier turn delivered the event.

    The field is set only in the payload of a turn. In a stored history it is always false.
    """
    timestamp: str

    @property
    def occurred_at(self) -> datetime:
        """``timestamp`` as a datetime in UTC."""
        return parse_utc(self.timestamp)


class SchedulingEvent(EventBase, frozen=True, kw_only=True, gc=False):
    """The record of a decision. Its ``event_id`` is the id of the decision."""


class CompletionEvent(EventBase, frozen=True, kw_only=True, gc=False):
    """An event that completes the scheduling event ``scheduled_id``."""

    @property
    def scheduled_id(self) -> int:
        """The ``event_id`` of the scheduling event that this event completes."""
        raise NotImplementedError


class TaskCompletionEvent(CompletionEvent, frozen=True, kw_only=True, gc=False):
    """The completion of an activity or of a sub-orchestration."""

    task_scheduled_id: int

    @property
    def scheduled_id(self) -> int:
        """The ``event_id`` of the scheduling event that this event completes."""
        return self.task_scheduled_id


class FailureEvent(TaskCompletionEvent, frozen=True, kw_only=True, gc=False):
    """The failure of an activity or of a sub-orchestration."""

    reason: str | None = None
    details: str | None = None
    failure_details: FailureDetails | None = None


class ExecutionStarted(EventBase, frozen=True, kw_only=True, gc=False, tag=0):
    """The start of an execution.

    ``generation`` is None in a sub-orchestration and after continue-as-new.
    """

    orchestration_instance: OrchestrationInstance
    parent_instance: ParentInstance | None = None
    name: str
    version: str | None = None
    input: str | None = None
    tags: dict[str, str] | None = None
    correlation: object = None
    parent_trace_context: object = None
    scheduled_start_time: object = None
    generation: int | None = 0
    generate_new_trace: bool = False


class ExecutionCompleted(EventBase, frozen=True, kw_only=True, gc=False, tag=1):
    """The end of an execution: Completed, Failed or Terminated."""

    orchestration_status: str
    result: str | None = None
    failure_details: FailureDetails | None = None
    stack: str | UnsetType = UNSET
    """Python traceback of a failed orchestrator. Only the dashboard shows it."""


class ExecutionTerminated(EventBase, frozen=True, kw_only=True, gc=False, tag=3):
    """A request to terminate. ``input`` is the reason."""

    input: str | None = None
    recurse: bool | UnsetType = UNSET
    """True if the unfinished sub-orchestrations are terminated too."""


class TaskScheduled(SchedulingEvent, frozen=True, kw_only=True, gc=False, tag=4):
    """An activity call."""

    name: str
    version: str | None = ""
    input: str | None = None
    """JSON array that contains the input.

    It is None unless host.json sets ``storeInputsInOrchestrationHistory``.
    """
    parent_trace_context: object = None
    tags: object = None


class TaskCompleted(TaskCompletionEvent, frozen=True, kw_only=True, gc=False, tag=5):
    """The result of an activity."""

    result: str | None = None
    started_at: str | UnsetType = UNSET
    """Time at which the activity began to run, if it waited for a place before.

    Payloads for the worker and responses of the management API omit this field.
    """


class TaskFailed(FailureEvent, frozen=True, kw_only=True, gc=False, tag=6):
    """The failure of an activity. Only the dashboard and the command line show both fields."""

    started_at: str | UnsetType = UNSET
    """As ``TaskCompleted.started_at``."""
    failed_input: str | UnsetType = UNSET
    """The start of the activity's input as JSON, which TaskScheduled does not always contain."""


class SubOrchestrationInstanceCreated(SchedulingEvent, frozen=True, kw_only=True, gc=False, tag=7):
    """The creation of a sub-orchestration."""

    name: str
    version: str | None = None
    instance_id: str
    input: str | None = None
    client_span_id: object = None
    tags: object = None


class SubOrchestrationInstanceCompleted(
    TaskCompletionEvent, frozen=True, kw_only=True, gc=False, tag=8
):
    """The result of a sub-orchestration."""

    result: str | None = None


class SubOrchestrationInstanceFailed(FailureEvent, frozen=True, kw_only=True, gc=False, tag=9):
    """The failure of a sub-orchestration."""


class TimerCreated(SchedulingEvent, frozen=True, kw_only=True, gc=False, tag=10):
    """A durable timer."""

    fire_at: str
    retry_of: int | UnsetType = UNSET
    """Decision id of the failed attempt, if the timer delays a retry.

    Payloads for the worker and responses of the management API omit this field.
    """

    @property
    def due_at(self) -> datetime:
        """``fire_at`` as a datetime in UTC."""
        return parse_utc(self.fire_at)


class TimerFired(CompletionEvent, frozen=True, kw_only=True, gc=False, tag=11):
    """The firing of a timer. As in the extension, ``timestamp`` is the timer's creation time."""

    timer_id: int
    fire_at: str

    @property
    def scheduled_id(self) -> int:
        """The ``event_id`` of the TimerCreated."""
        return self.timer_id

    @property
    def due_at(self) -> datetime:
        """``fire_at`` as a datetime in UTC."""
        return parse_utc(self.fire_at)


class OrchestratorStarted(EventBase, frozen=True, kw_only=True, gc=False, tag=12):
    """The start of a turn. Its ``timestamp`` is the orchestrator's current time."""


class OrchestratorCompleted(EventBase, frozen=True, kw_only=True, gc=False, tag=13):
    """The end of a turn."""


class EventSent(SchedulingEvent, frozen=True, kw_only=True, gc=False, tag=14):
    """An event for another instance.

    If the recipient is an entity, ``input`` is the JSON of a request message.
    """

    instance_id: str
    name: str
    input: str


class EventRaised(EventBase, frozen=True, kw_only=True, gc=False, tag=15):
    """An external event, an operation for an entity, or the response of an entity.

    The name of a response is the id of the request.
    """

    name: str
    input: str | None = None
    parent_trace_context: object = None


class GenericEvent(EventBase, frozen=True, kw_only=True, gc=False, tag=17):
    """An event that the orchestrator ignores. A rewind replaces failures with generic events."""

    data: str | None = None


class ExecutionSuspended(EventBase, frozen=True, kw_only=True, gc=False, tag=19):
    """A request to suspend."""

    reason: str | None = None


class ExecutionResumed(EventBase, frozen=True, kw_only=True, gc=False, tag=20):
    """A request to resume."""

    reason: str | None = None


HistoryEvent = (
    ExecutionStarted
    | ExecutionCompleted
    | ExecutionTerminated
    | TaskScheduled
    | TaskCompleted
    | TaskFailed
    | SubOrchestrationInstanceCreated
    | SubOrchestrationInstanceCompleted
    | SubOrchestrationInstanceFailed
    | TimerCreated
    | TimerFired
    | OrchestratorStarted
    | OrchestratorCompleted
    | EventSent
    | EventRaised
    | GenericEvent
    | ExecutionSuspended
    | ExecutionResumed
)

_parent = msgspec.json.Decoder(ParentInstance)
_event: msgspec.json.Decoder[HistoryEvent] = msgspec.json.Decoder(HistoryEvent)
_events: msgspec.json.Decoder[list[HistoryEvent]] = msgspec.json.Decoder(list[HistoryEvent])


def encode_parent(parent: ParentInstance) -> str:
    """Return the recorded JSON of a ParentInstance."""
    return compact_plain(parent)


def decode_parent(text: str) -> ParentInstance:
    """Parse a recorded ParentInstance. Raises ValueError for invalid JSON."""
    return _decode(_parent, text)


def encode_event(event: HistoryEvent) -> str:
    """Return the recorded JSON of an event."""
    return compact_plain(event)


def encode_events(events: Iterable[HistoryEvent]) -> str:
    """Return the JSON array of one turn's events."""
    return compact_plain(list(events))


def decode_event(text: str) -> HistoryEvent:
    """Parse one recorded event. Raises ValueError if the JSON is not a known event."""
    return _decode(_event, text)


def decode_events(text: str) -> list[HistoryEvent]:
    """Parse the JSON array of one turn's events. Raises ValueError for invalid JSON."""
    return _decode(_events, text)


def _decode(decoder: msgspec.json.Decoder[T], text: str) -> T:
    try:
        return decoder.decode(text)
    except msgspec.ValidationError:
        raise
    except (msgspec.DecodeError, UnicodeEncodeError):  # json.loads accepts lone surrogates
        value: T = msgspec.convert(json.loads(text), decoder.type)
        return value


def event_from(document: Mapping[str, object]) -> HistoryEvent:
    """Return the event of a parsed JSON object. Raises ValueError for an invalid object."""
    event: HistoryEvent = msgspec.convert(document, HistoryEvent)
    return event


def event_object(event: HistoryEvent) -> dict[str, object]:
    """Return the JSON object of an event, with its recorded keys."""
    document: dict[str, object] = msgspec.to_builtins(event)
    return document
