"""Conversion of history events to the messages of SDK 2.x."""

from __future__ import annotations

from typing import Any, cast

import durabletask.internal.orchestrator_service_pb2 as pb
import pytest
from google.protobuf.json_format import MessageToDict, ParseDict

from embedded_host.engine import events
from embedded_worker.sdk2.history_events import (
    EventJson,
    history_event,
)
from tests.embedded_worker.sdk2.recordings import engine_event, recorded_turns

TIME = "2026-11-29T21:35:49.3509806Z"
TRACE = {"TraceParent": "00-0123456789abcdef0123456789abcdef-0123456789abcdef-01"}


def converted(**event: Any) -> dict[str, Any]:
    """Return the message of an event as JSON, without its id and time."""
    message = history_event(cast(EventJson, {"EventId": -1, "Timestamp": TIME, **event}))
    document: dict[str, Any] = MessageToDict(message)
    assert document.pop("timestamp") == "2026-11-29T21:35:49.350980600Z"
    document.pop("eventId")
    return document


def test_each_recorded_event_is_converted_to_the_recorded_message() -> None:
    count = 0
    for _, turn in recorded_turns():
        request = turn["request"]
        for event in [*request.get("pastEvents", []), *request["newEvents"]]:
            assert history_event(engine_event(event)) == ParseDict(event, pb.HistoryEvent())
            count += 1
    assert count > 900


def test_each_type_of_the_engine_is_converted() -> None:
    for kind in events.HistoryEvent.__args__:
        fields: dict[str, Any] = {
            "EventType": kind.__struct_config__.tag,
            "Name": "N",
            "TaskScheduledId": 1,
            "TimerId": 1,
            "FireAt": TIME,
            "InstanceId": "@a@b",
            "OrchestrationInstance": {"InstanceId": "i", "ExecutionId": "e"},
            "OrchestrationStatus": "Completed",
        }
        [name] = converted(**fields)
        assert name.lower() == kind.__name__.lower()


def test_an_unknown_type_is_refused() -> None:
    with pytest.raises(ValueError, match="unknown type 99"):
        converted(EventType=99)


def test_a_sub_orchestration_has_its_parent_tags_version_and_trace() -> None:
    parent = {
        "Name": "P",
        "TaskScheduleId": 3,
        "Version": None,
        "OrchestrationInstance": {"InstanceId": "p", "ExecutionId": "q"},
    }
    started = converted(
        EventType=0,
        Name="Child",
        Version="1.5",
        Input='"x"',
        OrchestrationInstance={"InstanceId": "i", "ExecutionId": "e"},
        ParentInstance=parent,
        Tags={"a": "b"},
        ParentTraceContext={**TRACE, "TraceState": "s=1"},
        ScheduledStartTime="2026-11-29T21:35:50Z",
    )
    assert started == {
        "executionStarted": {
            "name": "Child",
            "version": "1.5",
            "input": '"x"',
            "orchestrationInstance": {"instanceId": "i", "executionId": "e"},
            "parentInstance": {
                "taskScheduledId": 3,
                "name": "P",
                "orchestrationInstance": {"instanceId": "p", "executionId": "q"},
            },
            "scheduledStartTimestamp": "2026-11-29T21:35:50Z",
            "parentTraceContext": {
                "traceParent": TRACE["TraceParent"],
                "spanID": "0123456789abcdef",
                "traceState": "s=1",
            },
            "tags": {"a": "b"},
        }
    }


def test_an_instance_without_a_version_has_none() -> None:
    started = converted(
        EventType=0, Name="A", Version="", OrchestrationInstance={"InstanceId": "i"}
    )
    assert "version" not in started["executionStarted"]


def test_a_failure_has_its_details() -> None:
    details = {
        "ErrorType": "E",
        "ErrorMessage": "m",
        "StackTrace": "s",
        "InnerFailure": {"ErrorType": "F", "ErrorMessage": "n", "StackTrace": None},
        "IsNonRetriable": True,
        "Properties": {"code": 5, "list": [True, None, "x"], "map": {"a": 1.5}},
    }
    failed = converted(EventType=6, TaskScheduledId=2, Reason="r", FailureDetails=details)
    assert failed == {
        "taskFailed": {
            "taskScheduledId": 2,
            "failureDetails": {
                "errorType": "E",
                "errorMessage": "m",
                "stackTrace": "s",
                "innerFailure": {"errorType": "F", "errorMessage": "n"},
                "isNonRetriable": True,
                "properties": {"code": 5.0, "list": [True, None, "x"], "map": {"a": 1.5}},
            },
        }
    }


@pytest.mark.parametrize("kind", [6, 9])
def test_a_failure_without_details_has_its_reason(kind: int) -> None:
    [failed] = converted(EventType=kind, TaskScheduledId=2, Reason="r", Details="d").values()
    assert failed["failureDetails"] == {"errorMessage": "r", "stackTrace": "d"}
    [failed] = converted(EventType=kind, TaskScheduledId=2, Reason=None).values()
    assert "failureDetails" not in failed
