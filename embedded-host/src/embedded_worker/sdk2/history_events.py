"""Converts the host's JSON of history events to the protobuf messages that the SDK reads.

The JSON has the keys of ``embedded_host.engine.events``. The functions call the constructors of the
messages, because ``google.protobuf.json_format`` takes several times longer.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import TypedDict

import durabletask.internal.orchestrator_service_pb2 as pb
from durabletask.internal.helpers import protobuf_value_from_python
from google.protobuf.wrappers_pb2 import StringValue

from embedded_worker.sdk2.timestamps import timestamp


class InstanceJson(TypedDict, total=False):
    """An ``OrchestrationInstance``."""

    InstanceId: str
    ExecutionId: str | None


class ParentJson(TypedDict, total=False):
    """A ``ParentInstance``."""

    Name: str | None
    OrchestrationInstance: InstanceJson
    TaskScheduleId: int
    Version: str | None


class FailureJson(TypedDict, total=False):
    """The ``FailureDetails`` of a failed task or execution."""

    ErrorType: str | None
    ErrorMessage: str | None
    StackTrace: str | None
    InnerFailure: FailureJson | None
    IsNonRetriable: bool | None
    Properties: Mapping[str, object] | None


class EventJson(TypedDict, total=False):
    """A history event. Each type of event has some of these keys."""

    EventType: int
    EventId: int
    Timestamp: str
    Name: str
    Version: str | None
    Input: str | None
    Result: str | None
    Reason: str | None
    Details: str | None
    Data: str | None
    InstanceId: str
    FireAt: str
    TimerId: int
    TaskScheduledId: int
    OrchestrationStatus: str
    OrchestrationInstance: InstanceJson
    ParentInstance: ParentJson | None
    ParentExecutionId: str | None
    ParentTraceContext: Mapping[str, object] | None
    ScheduledStartTime: str | None
    FailureDetails: FailureJson | None
    Tags: Mapping[str, str] | None


def history_events(events: Iterable[EventJson]) -> list[pb.HistoryEvent]:
    """Return the messages of ``events``."""
    return [history_event(event) for event in events]


def history_event(event: EventJson) -> pb.HistoryEvent:
    """Return the message of ``event``. Raises ValueError if its type is unknown."""
    fill = _FILL.get(event["EventType"])
    if fill is None:
        raise ValueError(f"the history has an event of the unknown type {event['EventType']}")
    message = pb.HistoryEvent(
        eventId=event.get("EventId", -1), timestamp=timestamp(event["Timestamp"])
    )
    fill(message, event)
    return message


def _text(value: str | None) -> StringValue | None:
    """Return the message of a string. Return None for None, so that the field stays unset."""
    return None if value is None else StringValue(value=value)


def _version(value: str | None) -> StringValue | None:
    """Return the message of a version. Return None if the instance has no version."""
    return StringValue(value=value) if value else None


def _instance(instance: InstanceJson) -> pb.OrchestrationInstance:
    return pb.OrchestrationInstance(
        instanceId=instance["InstanceId"], executionId=_text(instance.get("ExecutionId"))
    )


def _parent(parent: ParentJson | None) -> pb.ParentInstanceInfo | None:
    if parent is None:
        return None
    return pb.ParentInstanceInfo(
        taskScheduledId=parent["TaskScheduleId"],
        name=_text(parent.get("Name")),
        version=_version(parent.get("Version")),
        orchestrationInstance=_instance(parent["OrchestrationInstance"]),
    )


def _trace_context(context: Mapping[str, object] | None) -> pb.TraceContext | None:
    """Return the message of a W3C trace context. The id of its span is part of ``TraceParent``."""
    if not context:
        return None
    values = {key.lower(): value for key, value in context.items() if isinstance(value, str)}
    parent = values.get("traceparent", "")
    parts = parent.split("-")
    return pb.TraceContext(
        traceParent=parent,
        spanID=values.get("spanid") or (parts[2] if len(parts) > 2 else ""),
        traceState=_text(values.get("tracestate")),
    )


def failure_details(failure: FailureJson) -> pb.TaskFailureDetails:
    """Return the message of the details of a failure."""
    inner = failure.get("InnerFailure")
    message = pb.TaskFailureDetails(
        errorType=failure.get("ErrorType") or "",
        errorMessage=failure.get("ErrorMessage") or "",
        stackTrace=_text(failure.get("StackTrace")),
        innerFailure=failure_details(inner) if inner else None,
        isNonRetriable=bool(failure.get("IsNonRetriable")),
    )
    for key, value in (failure.get("Properties") or {}).items():
        message.properties[key].CopyFrom(protobuf_value_from_python(value))
    return message


def _failure_of(event: EventJson) -> pb.TaskFailureDetails | None:
    """Return the details of a failed task.

    If the event has no details, they consist of its reason and its traceback, if it has one.
    """
    failure = event.get("FailureDetails")
    if failure:
        return failure_details(failure)
    if not event.get("Reason") and not event.get("Details"):
        return None
    return pb.TaskFailureDetails(
        errorMessage=event.get("Reason") or "", stackTrace=_text(event.get("Details"))
    )


_Fill = Callable[[pb.HistoryEvent, EventJson], object]
"""A function that sets the field of a message that belongs to the type of the event."""


def _execution_started(message: pb.HistoryEvent, event: EventJson) -> None:
    start = event.get("ScheduledStartTime")
    message.executionStarted.CopyFrom(
        pb.ExecutionStartedEvent(
            name=event["Name"],
            version=_version(event.get("Version")),
            input=_text(event.get("Input")),
            orchestrationInstance=_instance(event["OrchestrationInstance"]),
            parentInstance=_parent(event.get("ParentInstance")),
            scheduledStartTimestamp=timestamp(start) if start else None,
            parentTraceContext=_trace_context(event.get("ParentTraceContext")),
            tags=event.get("Tags"),
        )
    )


_STATUS = {
    "Running": pb.ORCHESTRATION_STATUS_RUNNING,
    "Completed": pb.ORCHESTRATION_STATUS_COMPLETED,
    "ContinuedAsNew": pb.ORCHESTRATION_STATUS_CONTINUED_AS_NEW,
    "Failed": pb.ORCHESTRATION_STATUS_FAILED,
    "Canceled": pb.ORCHESTRATION_STATUS_CANCELED,
    "Terminated": pb.ORCHESTRATION_STATUS_TERMINATED,
    "Pending": pb.ORCHESTRATION_STATUS_PENDING,
    "Suspended": pb.ORCHESTRATION_STATUS_SUSPENDED,
}


def _execution_completed(message: pb.HistoryEvent, event: EventJson) -> None:
    failure = event.get("FailureDetails")
    message.executionCompleted.CopyFrom(
        pb.ExecutionCompletedEvent(
            orchestrationStatus=_STATUS[event["OrchestrationStatus"]],
            result=_text(event.get("Result")),
            failureDetails=failure_details(failure) if failure else None,
        )
    )


def _task_scheduled(message: pb.HistoryEvent, event: EventJson) -> None:
    scheduled = message.taskScheduled
    scheduled.name = event["Name"]
    if version := event.get("Version"):
        scheduled.version.value = version
    if (text := event.get("Input")) is not None:
        scheduled.input.value = text
    if context := _trace_context(event.get("ParentTraceContext")):
        scheduled.parentTraceContext.CopyFrom(context)
    if tags := event.get("Tags"):
        scheduled.tags.update(tags)


def _task_completed(message: pb.HistoryEvent, event: EventJson) -> None:
    completed = message.taskCompleted
    completed.taskScheduledId = event["TaskScheduledId"]
    if (text := event.get("Result")) is not None:
        completed.result.value = text


def _task_failed(message: pb.HistoryEvent, event: EventJson) -> None:
    message.taskFailed.CopyFrom(
        pb.TaskFailedEvent(
            taskScheduledId=event["TaskScheduledId"], failureDetails=_failure_of(event)
        )
    )


def _child_created(message: pb.HistoryEvent, event: EventJson) -> None:
    message.subOrchestrationInstanceCreated.CopyFrom(
        pb.SubOrchestrationInstanceCreatedEvent(
            instanceId=event["InstanceId"],
            name=event["Name"],
            version=_version(event.get("Version")),
            input=_text(event.get("Input")),
            parentTraceContext=_trace_context(event.get("ParentTraceContext")),
            tags=event.get("Tags"),
        )
    )


def _child_completed(message: pb.HistoryEvent, event: EventJson) -> None:
    completed = message.subOrchestrationInstanceCompleted
    completed.taskScheduledId = event["TaskScheduledId"]
    if (text := event.get("Result")) is not None:
        completed.result.value = text


def _child_failed(message: pb.HistoryEvent, event: EventJson) -> None:
    message.subOrchestrationInstanceFailed.CopyFrom(
        pb.SubOrchestrationInstanceFailedEvent(
            taskScheduledId=event["TaskScheduledId"], failureDetails=_failure_of(event)
        )
    )


def _timer_created(message: pb.HistoryEvent, event: EventJson) -> None:
    message.timerCreated.fireAt.CopyFrom(timestamp(event["FireAt"]))


def _timer_fired(message: pb.HistoryEvent, event: EventJson) -> None:
    message.timerFired.timerId = event["TimerId"]
    message.timerFired.fireAt.CopyFrom(timestamp(event["FireAt"]))


def _event_sent(message: pb.HistoryEvent, event: EventJson) -> None:
    message.eventSent.CopyFrom(
        pb.EventSentEvent(
            instanceId=event["InstanceId"], name=event["Name"], input=_text(event.get("Input"))
        )
    )


def _event_raised(message: pb.HistoryEvent, event: EventJson) -> None:
    message.eventRaised.name = event["Name"]
    if (text := event.get("Input")) is not None:
        message.eventRaised.input.value = text


def _execution_terminated(message: pb.HistoryEvent, event: EventJson) -> None:
    message.executionTerminated.CopyFrom(
        pb.ExecutionTerminatedEvent(input=_text(event.get("Input")))
    )


def _execution_rewound(message: pb.HistoryEvent, event: EventJson) -> None:
    message.executionRewound.CopyFrom(
        pb.ExecutionRewoundEvent(
            reason=_text(event.get("Reason")),
            parentExecutionId=_text(event.get("ParentExecutionId")),
            instanceId=_text(event.get("InstanceId")),
            parentTraceContext=_trace_context(event.get("ParentTraceContext")),
            name=_text(event.get("Name")),
            version=_version(event.get("Version")),
            input=_text(event.get("Input")),
            parentInstance=_parent(event.get("ParentInstance")),
            tags=event.get("Tags"),
        )
    )


_FILL: dict[int, _Fill] = {
    0: _execution_started,
    1: _execution_completed,
    3: _execution_terminated,
    4: _task_scheduled,
    5: _task_completed,
    6: _task_failed,
    7: _child_created,
    8: _child_completed,
    9: _child_failed,
    10: _timer_created,
    11: _timer_fired,
    12: lambda message, event: message.orchestratorStarted.SetInParent(),
    13: lambda message, event: message.orchestratorCompleted.SetInParent(),
    14: _event_sent,
    15: _event_raised,
    16: lambda message, event: message.continueAsNew.CopyFrom(
        pb.ContinueAsNewEvent(input=_text(event.get("Result")))
    ),
    17: lambda message, event: message.genericEvent.CopyFrom(
        pb.GenericEvent(data=_text(event.get("Data")))
    ),
    18: lambda message, event: message.historyState.SetInParent(),
    19: lambda message, event: message.executionSuspended.CopyFrom(
        pb.ExecutionSuspendedEvent(input=_text(event.get("Reason")))
    ),
    20: lambda message, event: message.executionResumed.CopyFrom(
        pb.ExecutionResumedEvent(input=_text(event.get("Reason")))
    ),
    21: _execution_rewound,
}
"""The functions by the number of the type (``EventType``)."""
