from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from embedded_host.engine import history as h
from embedded_host.engine.events import (
    ExecutionCompleted,
    ExecutionStarted,
    HistoryEvent,
    event_object,
)
from embedded_host.history import HistoryView, Outcome, events_of_status, failure_text
from embedded_host.management.status import history_events
from tests.engine.scenario import T0, after
from tests.support.recorded_turns import recorded_history

RECORDINGS = Path(__file__).parents[1] / "conformance"
GOLDEN = json.loads((RECORDINGS / "golden.json").read_text(encoding="utf-8"))
GOLDEN_2X = json.loads((RECORDINGS / "golden-2x.json").read_text(encoding="utf-8"))


def status(*events: HistoryEvent, **more: Any) -> dict[str, Any]:
    shown = history_events(events, show_output=True, show_input=True)
    return {
        "name": "Main",
        "instanceId": "i",
        "runtimeStatus": "Running",
        "historyEvents": shown,
        **more,
    }


STARTED = h.execution_started(T0, instance_id="i", execution_id="e", name="Main", input='"1"')
EVENTS: list[HistoryEvent] = [
    STARTED,
    h.task_scheduled(after(1), 0, "Echo", '["x"]'),
    h.sub_orchestration_created(after(2), 1, "Child", "c-1", None),
    h.timer_created(after(3), 2, after(9)),
    h.task_failed(after(4), 0, "boom", "Traceback"),
    h.event_sent(after(5), 3, "@a@b", "op", '{"id": "r", "op": "add"}'),
    h.sub_orchestration_completed(after(6), 1, '{"a":1}'),
    h.event_raised(after(7), "Go", "true"),
    h.execution_suspended(after(8), "lunch"),
    h.execution_resumed(after(9), "continue"),
    h.timer_fired(after(10), 2, after(9)),
    h.generic(after(11), "data"),
    h.execution_terminated(after(12), "enough"),
    h.execution_completed(after(13), 4, "Terminated", None),
]


def test_the_events_of_a_status_are_those_of_the_history() -> None:
    events = events_of_status(status(*EVENTS), "e")
    unknown = {"ParentTraceContext", "Tags", "FailureDetails", "Version", "ClientSpanId"}
    assert [{k: v for k, v in event_object(e).items() if k not in unknown} for e in events] == [
        {k: v for k, v in event_object(e).items() if k not in unknown} for e in EVENTS
    ]


def test_a_status_without_a_history_has_no_events() -> None:
    assert events_of_status({"name": "Main", "instanceId": "i", "runtimeStatus": "Pending"}) == []


def test_open_calls_stay_open() -> None:
    view = HistoryView.of(events_of_status(status(STARTED, h.task_scheduled(after(1), 0, "Echo"))))
    assert [(call.name, call.outcome) for call in view.calls] == [("Echo", Outcome.OPEN)]


def test_equal_calls_have_different_ids() -> None:
    calls = [
        e
        for n in (0, 1)
        for e in (h.task_scheduled(T0, n, "Echo"), h.task_completed(after(n), n, str(n)))
    ]
    view = HistoryView.of(events_of_status(status(STARTED, *calls)))
    assert [(call.name, call.result) for call in view.calls] == [("Echo", "0"), ("Echo", "1")]


def test_two_timers_with_the_same_due_time_have_different_ids() -> None:
    timers = [h.timer_created(after(n), n, after(9)) for n in (0, 1)]
    view = HistoryView.of(
        events_of_status(status(STARTED, *timers, h.timer_fired(after(0), 0, after(9))))
    )
    assert [timer.outcome for timer in view.timers] == [Outcome.COMPLETED, Outcome.OPEN]


def test_values_that_are_not_strings_become_json() -> None:
    shown = {
        "EventType": "ExecutionStarted",
        "Timestamp": "2026-01-01T00:00:00Z",
        "Input": {"a": 1},
    }
    [event] = events_of_status({"name": "Main", "instanceId": "i", "historyEvents": [shown]})
    assert isinstance(event, ExecutionStarted)
    assert (event.name, event.input, event.generation) == ("Main", '{"a":1}', None)


def test_unknown_event_types_are_left_out() -> None:
    shown = {"EventType": "EntityLockAcquired", "Timestamp": "2026-01-01T00:00:00Z"}
    assert events_of_status({"name": "Main", "instanceId": "i", "historyEvents": [shown]}) == []


@pytest.mark.parametrize(
    "shown", [{}, {"EventType": "EventRaised"}, {"EventType": "EventRaised", "Timestamp": "x"}]
)
def test_an_invalid_event_raises_value_error(shown: dict[str, Any]) -> None:
    with pytest.raises(ValueError, match=r"EventType|Timestamp|x"):
        events_of_status({"name": "Main", "instanceId": "i", "historyEvents": [shown]})


RECORDED = [
    pytest.param(step["body"], id=f"{file}-{case}-{number}")
    for file, golden in (("1x", GOLDEN), ("2x", GOLDEN_2X))
    for case, steps in golden.items()
    for number, step in enumerate(steps)
    if isinstance(step, dict)
    and isinstance(step.get("body"), dict)
    and step["body"].get("historyEvents")
]


def with_times(recorded: dict[str, Any]) -> dict[str, Any]:
    body: dict[str, Any] = json.loads(
        json.dumps(recorded)
        .replace("<time.Z>", "2026-01-02T03:04:05.1234567Z")
        .replace("<time.+00:00>", "2026-01-02T03:04:05.1234567+00:00")
    )
    return body


@pytest.mark.parametrize("recorded", RECORDED)
def test_recorded_histories_of_the_functions_host_are_converted(recorded: dict[str, Any]) -> None:
    body = with_times(recorded)
    events = events_of_status(body, "e")
    shown = body["historyEvents"]
    assert sum(isinstance(e, ExecutionCompleted) for e in events) == sum(
        e["EventType"] == "ExecutionCompleted" for e in shown
    )
    view = HistoryView.of(events)
    completed = sum(
        e["EventType"].endswith(("Completed", "Failed")) and "ScheduledTime" in e for e in shown
    )
    assert sum(call.finished_at is not None for call in view.calls) >= completed


@pytest.mark.parametrize(
    ("case", "error"),
    [
        ("orch/ActFail", "ValueError: activity failed: boom"),
        (
            "orch/SubFail",
            "durabletask.task.TaskFailedError: <id>:0001: Activity task #1 failed: "
            "activity failed: boom",
        ),
        ("orch/EntityFail", "builtins.ValueError: entity exploded"),
    ],
)
def test_failure_details_of_sdk_2x_are_kept(case: str, error: str) -> None:
    body = with_times(GOLDEN_2X[case][1]["body"])
    view = HistoryView.of(events_of_status(body))
    assert [call.error for call in view.calls] == [error]
    ended = view.ended
    assert isinstance(ended, ExecutionCompleted)
    assert ended.failure_details is not None
    assert failure_text(ended.failure_details) == body["output"]
    assert ended.result is None


def test_each_attempt_of_sdk_2x_is_a_call() -> None:
    shown = history_events(recorded_history("NativeRetry"), show_output=True, show_input=True)
    view = HistoryView.of(
        events_of_status({"name": "Main", "instanceId": "i", "historyEvents": shown})
    )
    assert [(call.id, call.outcome, call.error) for call in view.calls] == [
        (0, Outcome.FAILED, "RuntimeError: attempt 1"),
        (2, Outcome.FAILED, "RuntimeError: attempt 2"),
        (4, Outcome.COMPLETED, None),
    ]
    assert [timer.outcome for timer in view.timers] == [Outcome.COMPLETED] * 2
