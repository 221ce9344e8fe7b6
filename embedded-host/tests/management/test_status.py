"""Status objects and histories, against recordings of the Azure Functions host."""

from __future__ import annotations

import json
import re
from dataclasses import replace
from datetime import datetime, timezone
from functools import partial
from pathlib import Path
from typing import Any

import pytest
from msgspec import structs

from embedded_host.engine import history as h
from embedded_host.engine.events import HistoryEvent
from embedded_host.engine.json_codec import compact
from embedded_host.management.status import (
    LARGE,
    history_events,
    shown_value,
    status_object,
    status_text,
)
from embedded_host.store.interface import InstanceRow
from tests.support.recorded_turns import recorded_history, run_recorded_turns

RECORDINGS = Path(__file__).parents[1] / "conformance" / "golden.json"
RECORDINGS_2X = RECORDINGS.with_name("golden-2x.json")
T0 = datetime(2026, 1, 2, 3, 4, 5, 600_000, timezone.utc)
AT = "2026-01-02T03:04:05.6Z"


def recorded(case: str, step: int) -> dict[str, Any]:
    body: dict[str, Any] = json.loads(RECORDINGS.read_text(encoding="utf-8"))[case][step]["body"]
    return body


def row(**fields: Any) -> InstanceRow:
    return replace(InstanceRow(1, "H", "i", "N", "Running", T0, T0, "e"), **fields)


@pytest.mark.parametrize(
    ("text", "value"),
    [
        *(
            (None, None),
            ("", ""),
            (" \n", ""),
            ("1", 1),
            ('"x"', "x"),
            ("[1, null]", [1, None]),
            ("plain", "plain"),
        ),
        *(
            ('{"a":', '{"a":'),
            ("2026-01-02T03:04:05Z", "2026-01-02T03:04:05Z"),
            ("[" * 9000, "[" * 9000),
        ),
        ("[" * 100_000 + "]" * 100_000, "[" * 100_000 + "]" * 100_000),
    ],
)
def test_a_stored_value_is_shown_as_its_json_value(text: str | None, value: object) -> None:
    assert shown_value(text) == value


def test_a_status_object_has_the_recorded_keys_in_their_order() -> None:
    result = status_object(row(custom_status='{"a":1}', output="why"), lambda: "2")
    assert list(result) == list(recorded("orch/Chain", 0))
    assert result == {
        "name": "N",
        "instanceId": "i",
        "runtimeStatus": "Running",
        "input": 2,
        "customStatus": {"a": 1},
        "output": "why",
        "createdTime": "2026-01-02T03:04:05Z",
        "lastUpdatedTime": "2026-01-02T03:04:05Z",
    }
    assert status_object(row(), None)["input"] is None


def test_only_a_sub_orchestration_has_the_id_of_its_parent() -> None:
    parent = h.parent_instance("Parent", "p", "pe", 0)
    assert list(status_object(row(parent=parent), None).items())[1:4] == [
        ("instanceId", "i"),
        ("parentInstanceId", "p"),
        ("runtimeStatus", "Running"),
    ]
    assert "parentInstanceId" not in status_object(row(), None)


STARTED = h.execution_started(T0, instance_id="i", execution_id="e", name="Chain", input=None)


def chain() -> list[HistoryEvent]:
    events: list[HistoryEvent] = [h.orchestrator_started(T0), STARTED]
    for number, city in enumerate(("Tokyo", "Seattle", "London")):
        events += [
            h.task_scheduled(T0, number, "Echo"),
            h.orchestrator_completed(T0),
            h.orchestrator_started(T0),
            h.task_completed(T0, number, json.dumps(city)),
        ]
    completed = h.execution_completed(T0, 3, "Completed", '["Tokyo","Seattle","London"]')
    return [*events, completed, h.orchestrator_completed(T0)]


def with_placeholders(result: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Replace the times with the placeholders of the recordings."""
    stamps = {"Timestamp": "<time.Z>", "ScheduledTime": "<time.+00:00>", "FireAt": "<time.Z>"}
    return [{key: stamps.get(key, value) for key, value in e.items()} for e in result]


def test_a_history_is_shown_as_recorded() -> None:
    result = with_placeholders(history_events(chain(), show_output=True, show_input=True))
    expected = recorded("orch/Chain", 1)["historyEvents"]
    assert [list(e.items()) for e in result] == [list(e.items()) for e in expected]


def test_a_completion_has_scheduled_time_and_timestamp() -> None:
    result = history_events(chain(), show_output=True, show_input=True)[1]
    assert (result["Timestamp"], result["ScheduledTime"]) == (AT, "2026-01-02T03:04:05.6+00:00")


def test_outputs_and_inputs_are_left_out_on_request() -> None:
    result = history_events(chain(), show_output=False, show_input=False)
    assert not any("Result" in e or "Input" in e for e in result)


def test_a_failed_call_is_shown_as_recorded() -> None:
    expected = recorded("orch/ActFail", 1)["historyEvents"]
    failed = next(e for e in expected if e["EventType"] == "TaskFailed")
    events: list[HistoryEvent] = [
        h.task_scheduled(T0, 0, failed["FunctionName"]),
        h.task_failed(T0, 0, failed["Reason"], failed["Details"]),
    ]
    assert [
        list(e.items())
        for e in with_placeholders(history_events(events, show_output=True, show_input=True))
    ] == [list(failed.items())]


def test_the_completion_of_a_sub_orchestration_has_its_instance_id() -> None:
    expected = recorded("orch/Sub", 1)["historyEvents"][1]
    events: list[HistoryEvent] = [
        h.sub_orchestration_created(T0, 0, expected["FunctionName"], expected["InstanceId"], None),
        h.sub_orchestration_completed(T0, 0, json.dumps(expected["Result"])),
    ]
    assert [
        list(e.items())
        for e in with_placeholders(history_events(events, show_output=True, show_input=True))
    ] == [list(expected.items())]


def test_an_open_call_keeps_its_scheduled_event() -> None:
    events: list[HistoryEvent] = [STARTED, h.task_scheduled(T0, 0, "Echo")]
    assert history_events(events, show_output=True, show_input=True)[1] == {
        "EventType": "TaskScheduled",
        "Name": "Echo",
        "Input": None,
        "ParentTraceContext": None,
        "Tags": None,
        "Timestamp": AT,
    }


RESUMED = "go on"  # codespell:ignore
"""The reason in the recording."""


@pytest.mark.parametrize(
    ("case", "event_type", "event"),
    [
        ("orch/Timer", "TimerCreated", h.timer_created(T0, 0, T0)),
        ("orch/Timer", "TimerFired", h.timer_fired(T0, 0, T0)),
        ("life/suspend-resume", "ExecutionSuspended", h.execution_suspended(T0, "pausing")),
        ("life/suspend-resume", "ExecutionResumed", h.execution_resumed(T0, RESUMED)),
        ("life/terminate", "ExecutionTerminated", h.execution_terminated(T0, "enough")),
    ],
)
def test_each_kind_of_event_is_shown_as_recorded(
    case: str, event_type: str, event: HistoryEvent
) -> None:
    steps = json.loads(RECORDINGS.read_text(encoding="utf-8"))[case]
    bodies = [s["body"] for s in steps if isinstance(s.get("body"), dict)]
    expected = next(
        e for body in bodies for e in body.get("historyEvents", ()) if e["EventType"] == event_type
    )
    result = with_placeholders(history_events([event], show_output=False, show_input=True))[0]
    assert list(result) == list(expected)
    assert {k: v for k, v in result.items() if k != "Timestamp"} == {
        k: v for k, v in expected.items() if k != "Timestamp"
    }


@pytest.mark.parametrize(
    "output",
    [
        *(None, "1", '"short"', "plain text", "plain text " * LARGE, "[" * LARGE),
        *('"' + "x" * LARGE + '"', '["' + "é" * LARGE + '",1.5,null]', "[" + "[1]," * LARGE + "2]"),
        "[" * 100_000 + "]" * 100_000,
    ],
    ids=range(10),
)
def test_a_large_output_is_shown_like_a_small_one(output: str | None) -> None:
    done = row(status="Completed", output=output, custom_status='"é"')
    assert (
        status_text(done, lambda: '{"a": 1}')
        == compact(status_object(done, lambda: '{"a": 1}')).encode()
    )


# -- SDK 2.x ---------------------------------------------------------------------------------------


def recorded_2x(case: str) -> dict[str, Any]:
    """Return the recorded status with a history."""
    steps = json.loads(RECORDINGS_2X.read_text(encoding="utf-8"))[case]
    return next(
        s["body"] for s in steps if isinstance(s["body"], dict) and "historyEvents" in s["body"]
    )


def comparable(value: object) -> object:
    """Replace ids and times. Remove members that the recorded turns do not contain."""
    text = json.dumps(value)
    for pattern, placeholder in (
        (r"[0-9a-f]{8}-([0-9a-f]{4}-){3}[0-9a-f]{12}", "<uuid>"),
        (r"[0-9a-f]{32}", "<id>"),
        (r"\d{4}-\d\d-\d\dT[\d:.]+(Z|\+00:00)|<time\.(Z|\+00:00)>", "<time>"),
        ("0001-01-01T00:00:00", "<time>"),
        ("<id>:0001: Activity", "<id>: Activity"),  # a child in the recorded turns
        (r'"Properties": (null|\{\})', '"Properties": null'),
        (r'"Reason": "[^"]*"', '"Reason": null'),
    ):
        text = re.sub(pattern, placeholder, text)
    return json.loads(text)


@pytest.mark.parametrize(
    ("case", "orchestrator"),
    [
        ("orch/Hello", "Hello"),
        ("orch/Chain", "Chain"),
        ("orch/FanAny", "FanAny"),
        ("orch/Sub", "Sub"),
        ("orch/SubFail", "SubFail"),
        ("orch/ActFail", "ActFail"),
        ("orch/ActFailCaught", "ActFailCaught"),
        ("orch/RaiseHere", "RaiseHere"),
        ("orch/RaiseLater", "RaiseLater"),
        ("orch/Timer", "Timer"),
        ("orch/EntityCall", "EntityCall"),
        ("orch/EntityFail", "EntityFail"),
        ("events/order-and-buffer", "TwoEvents"),
        ("native/NativeChain", "NativeChain"),
        ("native/NativeCaught", "NativeCaught"),
        ("native/NativeEntityFailsThrough", "NativeEntityFailsThrough"),
        ("native/NativeRaises", "NativeRaises"),
        ("native/NativeWrongOrder", "NativeWrongOrder"),
    ],
)
def test_a_status_of_sdk_2x_is_shown_as_recorded(case: str, orchestrator: str) -> None:
    state = run_recorded_turns(orchestrator)
    result = status_object(
        row(status=state.status.value, output=state.output, custom_status=state.custom_status),
        None,
    )
    expected = recorded_2x(case)
    for member in ("runtimeStatus", "customStatus", "output"):
        assert comparable(result[member]) == comparable(expected[member]), member
    shown = history_events(state.history.events, show_output=True, show_input=True)
    for event, other in zip(shown, expected["historyEvents"], strict=True):
        assert list(event) == list(other), event
        assert comparable(event) == comparable(other)


def test_each_attempt_of_sdk_2x_has_its_own_completion() -> None:
    """The Azure Functions host refuses to show such a history."""
    result = history_events(recorded_history("NativeRetry"), show_output=True, show_input=True)
    assert [event["EventType"] for event in result] == [
        "ExecutionStarted",
        "TaskFailed",
        "TimerCreated",
        "TimerFired",
        "TaskFailed",
        "TimerCreated",
        "TimerFired",
        "TaskCompleted",
    ]
    attempts = [event for event in result if "ScheduledTime" in event]
    assert [event["FunctionName"] for event in attempts] == ["Flaky"] * 3
    assert len({event["ScheduledTime"] for event in attempts}) == 3


def test_an_open_attempt_of_sdk_2x_keeps_its_scheduled_event() -> None:
    events = recorded_history("NativeRetry")[:-1]
    result = history_events(events, show_output=True, show_input=True)
    assert (result[-1]["EventType"], result[-1]["Name"]) == ("TaskScheduled", "Flaky")
    assert sum(event["EventType"] == "TaskScheduled" for event in result) == 1


@pytest.mark.parametrize("output", ["1e+100", f'["{"x" * LARGE}",1e+100]'])
def test_numbers_have_the_exponents_of_the_azure_functions_host(output: str) -> None:
    assert b"1E+100" in status_text(row(output=output), None)


def test_the_history_omits_the_private_fields_of_completions() -> None:
    scheduled = h.task_scheduled(T0, 0, "Step")
    failed = h.task_failed(T0, 0, "boom", None)
    private = structs.replace(failed, started_at="2026-01-01T00:00:00Z", failed_input="1")
    shown = partial(history_events, show_output=True, show_input=True)
    assert shown([scheduled, private]) == shown([scheduled, failed])
