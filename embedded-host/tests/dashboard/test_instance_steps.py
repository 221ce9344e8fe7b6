from __future__ import annotations

from typing import Any

from embedded_host.dashboard.instance_steps import interpretation
from embedded_host.engine import history as h
from embedded_host.engine.entity_messages import request_message, response_message
from embedded_host.engine.events import FailureDetails, HistoryEvent
from tests.engine.scenario import T0, after
from tests.support.recorded_turns import recorded_history

STARTED = h.execution_started(T0, instance_id="i", execution_id="e", name="Main", input=None)
BEGIN = int(T0.timestamp() * 1000)


def interpreted(
    *events: HistoryEvent, output: str | None = None, now: float = 60
) -> dict[str, Any]:
    return interpretation([h.orchestrator_started(T0), STARTED, *events], output, after(now))


def steps(*events: HistoryEvent) -> list[dict[str, Any]]:
    """Return the steps with times in milliseconds since the start of the instance."""
    result: list[dict[str, Any]] = interpreted(*events)["steps"]
    times = ("start", "end", "due")
    return [
        {k: v - BEGIN if k in times and v is not None else v for k, v in step.items()}
        for step in result
    ]


def test_a_call_has_its_times_and_the_indexes_of_its_events() -> None:
    assert steps(h.task_scheduled(after(1), 0, "Echo"), h.task_completed(after(3), 0, "1")) == [
        {
            "kind": "activity",
            "name": "Echo",
            "attempt": None,
            "instanceId": None,
            "label": None,
            "began": None,
            "event": 2,
            "completion": 3,
            "start": 1000,
            "end": 3000,
            "state": "completed",
        }
    ]


def test_an_entity_call_is_completed_by_its_response() -> None:
    request = request_message(request_id="r", operation="add", input="5", signal=False, now=T0)
    [step] = steps(
        h.event_sent(after(1), 0, "@counter@k", "op", request),
        h.event_raised(after(2), "r", response_message("6", False)),
    )
    assert (step["kind"], step["name"], step["event"], step["completion"]) == (
        "entity",
        "@counter@k add",
        2,
        3,
    )
    assert (step["state"], step["end"]) == ("completed", 2000)


def test_each_kind_of_step_has_its_fields() -> None:
    result = steps(
        h.task_scheduled(T0, 0, "Flaky"),
        h.task_failed(after(1), 0, "boom", None),
        h.timer_created(after(1), 1, after(6), retry_of=0),
        h.sub_orchestration_created(after(1), 2, "Child", "c-1", None),
        h.timer_created(after(1), 3, after(9)),
        h.event_raised(after(2), "Go", "1"),
        h.execution_suspended(after(3), "lunch"),
    )
    assert [(s["kind"], s["name"], s["state"]) for s in result] == [
        ("activity", "Flaky", "failed"),
        ("retry", "Flaky", "open"),
        ("child", "Child", "open"),
        ("timer", "Timer", "open"),
        ("event", "Go", "completed"),
        ("suspended", "lunch", "open"),
    ]
    assert (result[0]["attempt"], result[1]["due"], result[2]["instanceId"], result[4]["end"]) == (
        1,
        6000,
        "c-1",
        2000,
    )


def test_steps_that_are_open_at_the_end_are_abandoned() -> None:
    [step] = steps(
        h.task_scheduled(T0, 0, "Echo"), h.execution_completed(after(4), 1, "Completed", None)
    )
    assert (step["state"], step["end"], step["completion"]) == ("abandoned", 4000, None)


def test_turns_and_time_spent_are_measured() -> None:
    result = interpreted(
        h.task_scheduled(after(1), 0, "Echo"), h.orchestrator_completed(after(2)), now=10
    )
    assert (result["start"], result["end"]) == (BEGIN, None)
    assert result["turns"] == [[BEGIN, BEGIN + 2000]]
    assert result["spent"] == {"code": 2000, "work": 8000, "wait": 0, "total": 10_000}


def test_an_empty_history_has_no_steps() -> None:
    assert interpretation([], None, T0) == {
        "start": None,
        "end": None,
        "turns": [],
        "steps": [],
        "groups": [],
        "spent": {"code": 0, "work": 0, "wait": 0, "total": 0},
        "cause": None,
    }


def test_the_cause_is_the_stack_of_the_failed_call_that_the_output_quotes() -> None:
    failed = (
        h.task_scheduled(T0, 0, "Echo"),
        h.task_failed(after(1), 0, "boom", "Traceback of Echo"),
    )
    ended = h.execution_completed(after(2), 1, "Failed", "why", "Traceback of Main")
    assert interpreted(*failed, ended, output="Main failed: boom")["cause"] == "Traceback of Echo"
    assert interpreted(*failed, ended, output="Main failed: why")["cause"] == "Traceback of Main"
    assert interpreted(*failed, output="Main failed: why")["cause"] is None


def recorded_steps(orchestrator: str) -> list[dict[str, Any]]:
    events = recorded_history(orchestrator)
    result: list[dict[str, Any]] = interpretation(events, None, after(0))["steps"]  # type: ignore[assignment]
    return result


def test_each_attempt_of_sdk_2x_has_its_own_events() -> None:
    assert [
        (s["kind"], s["name"], s.get("attempt"), s["event"], s.get("completion"), s["state"])
        for s in recorded_steps("NativeRetry")
    ] == [
        ("activity", "Flaky", 1, 2, 5, "failed"),
        ("retry", "Flaky", None, 6, None, "completed"),
        ("activity", "Flaky", 2, 10, 13, "failed"),
        ("retry", "Flaky", None, 14, None, "completed"),
        ("activity", "Flaky", 3, 18, 21, "completed"),
    ]


def test_locks_releases_and_sent_events_have_their_own_kinds() -> None:
    first, second = (f"@tally@b2b33ec1768b419d8c0711b9d1ea117a-{key}" for key in "ab")
    locked = recorded_steps("NativeLock")
    assert (locked[0]["kind"], locked[0]["name"]) == ("lock", f"{first}, {second} lock")
    assert (locked[0]["event"], locked[0]["completion"]) == (2, 5)
    assert (locked[3]["kind"], locked[3]["name"]) == ("release", f"{first} release")
    [sent] = steps(h.event_sent(after(1), 1, "other", "Approval", "1"))
    assert (sent["kind"], sent["name"], sent["end"]) == ("sent", "other Approval", 1000)


def test_the_cause_of_a_failure_of_sdk_2x_contains_all_traces() -> None:
    cause = FailureDetails(error_type="ValueError", error_message="boom", stack_trace="in Echo")
    failure = FailureDetails(
        error_type="TaskFailedError",
        error_message="Activity task #1 failed: boom",
        stack_trace="in Main",
        inner_failure=cause,
    )
    ended = h.execution_completed(after(2), 1, "Failed", None, failure=failure)
    result = interpreted(ended, output="TaskFailedError: Activity task #1 failed: boom")
    assert result["cause"] == "in Main\n\nCaused by ValueError: boom\nin Echo"


def test_an_open_activity_is_queued_until_it_has_a_place() -> None:
    events: list[HistoryEvent] = [h.orchestrator_started(T0), STARTED]
    events += [h.task_scheduled(after(1), id, "Echo") for id in range(3)]
    began = {0: None, 1: after(3), 2: after(1)}
    result: Any = interpretation(events, None, after(9), began.__getitem__)
    steps: list[dict[str, Any]] = result["steps"]
    assert [(s["began"] and s["began"] - BEGIN, s.get("queued")) for s in steps] == [
        (None, True),
        (3000, None),
        (None, None),
    ]


def test_similar_steps_are_a_group_with_the_failed_ones_first() -> None:
    result = interpreted(
        *(h.task_scheduled(after(1), id, "Echo", f'["{id}"]') for id in range(4)),
        h.task_failed(after(2), 2, "boom", None),
        h.task_completed(after(4), 3, "1"),
    )
    assert [step["label"] for step in result["steps"]] == ["0", "1", "2", "3"]
    assert result["groups"] == [
        {
            "rows": [[2], [0], [1], [3]],
            "name": "Echo",
            "summary": "1 ok, 1 failed, 2 open",
            "state": "open",
            "failed": 1,
            "p50": 3000.0,
            "max": 3000.0,
        }
    ]
