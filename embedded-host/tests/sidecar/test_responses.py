"""The encoded responses."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime, timezone
from typing import Any

import msgspec

from embedded_host.engine import history as h
from embedded_host.engine.events import ExecutionCompleted, event_from
from embedded_host.sidecar import responses as r
from embedded_host.store.interface import InstanceRow
from embedded_host.task_hub.entity_queries import EntityStatus

T0 = datetime(2026, 1, 2, 3, 4, 5, 120000, tzinfo=timezone.utc)
ROW = InstanceRow(1, "Hub", "i-1", "Any", "Failed", T0, T0, "e", output="text")


def encoded(response: r.RpcResponse) -> Any:
    return msgspec.json.decode(msgspec.json.encode(response))


def test_default_values_are_omitted() -> None:
    running = r.orchestration_state(replace(ROW, status="Running"), with_values=False)
    assert encoded(running) == {
        "instanceId": "i-1",
        "name": "Any",
        "createdTimestamp": "2026-01-02T03:04:05.12Z",
        "lastUpdatedTimestamp": "2026-01-02T03:04:05.12Z",
    }
    assert encoded(r.GetResponse()) == {}


def test_a_history_without_events_is_not_omitted() -> None:
    assert encoded(r.HistoryResponse(())) == {"events": []}


def test_the_events_of_a_history_keep_their_recorded_keys() -> None:
    event = h.event_raised(T0, "é", None)
    (document,) = encoded(r.HistoryResponse((event,)))["events"]
    assert document == {
        "EventType": 15,
        "EventId": -1,
        "IsPlayed": False,
        "Timestamp": "2026-01-02T03:04:05.12Z",
        "Name": "é",
        "Input": None,
        "ParentTraceContext": None,
    }


def test_failure_details_include_inner_failures() -> None:
    inner = {
        "ErrorType": "ValueError",
        "ErrorMessage": "boom",
        "StackTrace": None,
        "InnerFailure": None,
        "IsNonRetriable": True,
        "Properties": {"code": 7, "nested": {"a": [1.5, None]}},
    }
    outer = {
        "ErrorType": "durabletask.task.TaskFailedError",
        "ErrorMessage": "failed",
        "StackTrace": "stack",
        "InnerFailure": inner,
        "IsNonRetriable": False,
        "Properties": {},
    }
    completed = event_from(
        {
            "EventType": 1,
            "Timestamp": "2026-01-02T03:04:05Z",
            "OrchestrationStatus": "Failed",
            "FailureDetails": outer,
        }
    )
    assert isinstance(completed, ExecutionCompleted)
    assert encoded(r.failure_details(ROW, completed)) == {
        "errorType": "durabletask.task.TaskFailedError",
        "errorMessage": "failed",
        "stackTrace": "stack",
        "innerFailure": {
            "errorType": "ValueError",
            "errorMessage": "boom",
            "isNonRetriable": True,
            "properties": {"code": 7, "nested": {"a": [1.5, None]}},
        },
    }


def test_the_message_of_a_failure_without_details_is_the_output() -> None:
    plain = h.execution_completed(T0, 0, "Failed", "text")
    for event in (None, plain):
        assert encoded(r.failure_details(ROW, event)) == {"errorMessage": "text"}


def test_the_metadata_of_an_entity() -> None:
    status = EntityStatus(replace(ROW, id="@a@b"), "5", backlog=2, locked_by="i-9")
    assert encoded(r.entity_metadata(status, include_state=True)) == {
        "instanceId": "@a@b",
        "lastModifiedTime": "2026-01-02T03:04:05.12Z",
        "backlogQueueSize": 2,
        "lockedBy": "i-9",
        "serializedState": "5",
    }
    assert "serializedState" not in encoded(r.entity_metadata(status, include_state=False))
