"""The recorded keys of each type of event (functions-host.md#history-events)."""

from __future__ import annotations

import json
from typing import Any, get_args

import msgspec
import pytest

from embedded_host.engine import history as h
from embedded_host.engine.events import (
    CompletionEvent,
    ExecutionStarted,
    HistoryEvent,
    SchedulingEvent,
    decode_event,
    decode_events,
    encode_event,
    encode_events,
    event_from,
    event_object,
)
from tests.engine.scenario import PARENT, T0, after

STARTED = h.execution_started(
    T0, instance_id="i", execution_id="e", name="Main", input="1", parent=PARENT, version="2"
)

EVENTS: list[tuple[HistoryEvent, int, int, dict[str, Any]]] = [
    (
        STARTED,
        0,
        -1,
        {
            "OrchestrationInstance": {"InstanceId": "i", "ExecutionId": "e"},
            "ParentInstance": {
                "Name": "Parent",
                "OrchestrationInstance": {
                    "InstanceId": "parent-1",
                    "ExecutionId": "parent-execution",
                },
                "TaskScheduleId": 4,
                "Version": None,
            },
            "Name": "Main",
            "Version": "2",
            "Input": "1",
            "Tags": None,
            "Correlation": None,
            "ParentTraceContext": None,
            "ScheduledStartTime": None,
            "Generation": 0,
            "GenerateNewTrace": False,
        },
    ),
    (h.orchestrator_started(T0), 12, -1, {}),
    (h.orchestrator_completed(T0), 13, -1, {}),
    (
        h.execution_completed(T0, 7, "Completed", "1"),
        1,
        7,
        {"OrchestrationStatus": "Completed", "Result": "1", "FailureDetails": None},
    ),
    (
        h.execution_completed(T0, 7, "Failed", "why", "Traceback …"),
        1,
        7,
        {
            "OrchestrationStatus": "Failed",
            "Result": "why",
            "FailureDetails": None,
            "Stack": "Traceback …",
        },
    ),
    (h.execution_terminated(T0, "why"), 3, -1, {"Input": "why"}),
    (h.execution_suspended(T0, "why"), 19, -1, {"Reason": "why"}),
    (h.execution_resumed(T0, "why"), 20, -1, {"Reason": "why"}),
    (
        h.task_scheduled(T0, 3, "A"),
        4,
        3,
        {"Name": "A", "Version": "", "Input": None, "ParentTraceContext": None, "Tags": None},
    ),
    (h.task_completed(T0, 3, "1"), 5, -1, {"TaskScheduledId": 3, "Result": "1"}),
    (
        h.task_failed(T0, 3, "why", "where"),
        6,
        -1,
        {"TaskScheduledId": 3, "Reason": "why", "Details": "where", "FailureDetails": None},
    ),
    (
        h.sub_orchestration_created(T0, 3, "C", "id", None),
        7,
        3,
        {
            "Name": "C",
            "Version": None,
            "InstanceId": "id",
            "Input": None,
            "ClientSpanId": None,
            "Tags": None,
        },
    ),
    (h.sub_orchestration_completed(T0, 3, "1"), 8, -1, {"TaskScheduledId": 3, "Result": "1"}),
    (
        h.sub_orchestration_failed(T0, 3, "why", "where"),
        9,
        -1,
        {"TaskScheduledId": 3, "Reason": "why", "Details": "where", "FailureDetails": None},
    ),
    (h.timer_created(T0, 3, after(1)), 10, 3, {"FireAt": "2026-01-02T03:04:06Z"}),
    (
        h.timer_created(T0, 3, after(1), retry_of=2),
        10,
        3,
        {"FireAt": "2026-01-02T03:04:06Z", "RetryOf": 2},
    ),
    (h.timer_fired(T0, 3, after(1)), 11, -1, {"TimerId": 3, "FireAt": "2026-01-02T03:04:06Z"}),
    (
        h.event_sent(T0, 3, "@a@b", "op", "{}"),
        14,
        3,
        {"InstanceId": "@a@b", "Name": "op", "Input": "{}"},
    ),
    (
        h.event_raised(T0, "Go", "1"),
        15,
        -1,
        {"Name": "Go", "Input": "1", "ParentTraceContext": None},
    ),
    (h.generic(T0, "data"), 17, -1, {"Data": "data"}),
]
IDS = [type(event).__name__ for event, *_ in EVENTS]


@pytest.mark.parametrize(("event", "number", "event_id", "fields"), EVENTS, ids=IDS)
def test_an_event_is_written_with_its_recorded_keys(
    event: HistoryEvent, number: int, event_id: int, fields: dict[str, Any]
) -> None:
    document = {
        "EventType": number,
        "EventId": event_id,
        "IsPlayed": False,
        "Timestamp": "2026-01-02T03:04:05Z",
        **fields,
    }
    assert json.loads(encode_event(event)) == event_object(event) == document
    assert decode_event(encode_event(event)) == event_from(document) == event


def test_every_event_type_has_a_test_case() -> None:
    assert {type(event) for event, *_ in EVENTS} == set(get_args(HistoryEvent))


def test_scheduling_events_have_ids_and_completions_refer_to_them() -> None:
    for event, _, event_id, _ in EVENTS:
        assert isinstance(event, SchedulingEvent) == (event_id == 3)
        if isinstance(event, CompletionEvent):
            assert event.scheduled_id == 3


def test_the_events_of_a_turn_are_a_json_array() -> None:
    events = [event for event, *_ in EVENTS]
    assert decode_events(encode_events(events)) == events
    assert encode_events([]) == "[]"


def test_unknown_keys_and_values_in_unused_fields_are_accepted() -> None:
    document = {**event_object(h.task_scheduled(T0, 3, "A")), "Tags": {"a": "b"}, "Novelty": [1]}
    assert event_from(document).event_id == 3
    assert decode_event(json.dumps(document)).event_id == 3


def test_a_timestamp_keeps_every_digit() -> None:
    event = event_from({"EventType": 12, "Timestamp": "2026-01-02T03:04:05.1234567Z"})
    assert json.loads(encode_event(event))["Timestamp"] == "2026-01-02T03:04:05.1234567Z"
    assert event.occurred_at.microsecond == 123456


def test_a_lone_surrogate_survives_encoding() -> None:
    event = h.event_raised(T0, "Go", "\ud800")
    assert encode_event(event).isascii()
    assert decode_event(encode_event(event)) == event
    assert decode_events(encode_events([event])) == [event]


@pytest.mark.parametrize(
    "text", ["", "[]", "{}", '{"EventType":2,"Timestamp":""}', '{"EventType":4,"Timestamp":""}']
)
def test_an_invalid_event_raises_a_value_error(text: str) -> None:
    with pytest.raises(ValueError, match=r"."):
        decode_event(text)


def test_events_are_immutable() -> None:
    with pytest.raises(AttributeError):
        STARTED.name = "Other"  # type: ignore[misc]
    assert isinstance(STARTED, ExecutionStarted)
    assert isinstance(STARTED, msgspec.Struct)
