from __future__ import annotations

import json

import pytest

from embedded_host.cli.history_table import history_rows
from embedded_host.cli.reader import InstanceStatus
from embedded_host.engine import history as h
from embedded_host.engine.entity_messages import request_message
from embedded_host.engine.events import FailureDetails, HistoryEvent
from embedded_host.management.status import history_events
from tests.cli.states import after, started
from tests.support.recorded_turns import recorded_history


def rows(*events: HistoryEvent) -> list[tuple[str, ...]]:
    """Return the type, name and detail of all rows except the first row."""
    api_events = history_events([started(), *events], show_output=True, show_input=True)
    status = InstanceStatus(
        {
            "name": "Order",
            "instanceId": "o-1",
            "runtimeStatus": "Running",
            "historyEvents": api_events,
        }
    )
    return [row[1:] for row in history_rows(status)[1:]]


def sent(id: str, input: str | None, *, signal: bool = False) -> HistoryEvent:
    text = request_message(request_id=id, operation="add", input=input, signal=signal, now=after(1))
    return h.event_sent(after(1), 0, "@counter@k", "op", text)


def test_a_completed_call_is_one_row_with_name_and_result() -> None:
    assert rows(
        h.task_scheduled(after(1), 0, "Charge", "[7]"), h.task_completed(after(2), 0, '"paid"')
    ) == [("TaskCompleted", "Charge", "paid")]


def test_the_row_of_a_failed_call_has_the_reason() -> None:
    assert rows(
        h.task_scheduled(after(1), 0, "Charge"), h.task_failed(after(2), 0, "no", None)
    ) == [("TaskFailed", "Charge", "no")]


def test_the_row_of_a_sub_orchestration_has_its_name_and_id() -> None:
    created = h.sub_orchestration_created(after(1), 0, "Child", "c-1", None)
    assert rows(created) == [("SubOrchestrationInstanceCreated", "Child (c-1)", "")]
    assert rows(created, h.sub_orchestration_completed(after(2), 0, "1")) == [
        ("SubOrchestrationInstanceCompleted", "Child (c-1)", "1")
    ]


def test_rows_of_timers_have_the_due_time_and_rows_of_events_the_value() -> None:
    assert rows(
        h.timer_created(after(1), 0, after(9)), h.event_raised(after(2), "Approval", '{"by":"me"}')
    ) == [
        ("TimerCreated", "", "2026-01-02T03:04:14Z"),
        ("EventRaised", "Approval", '{"by": "me"}'),
    ]


@pytest.mark.parametrize(
    ("event", "detail"),
    [
        (sent("r", json.dumps("5")), "add 5"),
        (sent("r", json.dumps('{"n": 1}')), "add {'n': 1}"),
        (sent("r", "{"), "add {"),
        (sent("r", None), "add"),
        (sent("r", json.dumps("5"), signal=True), "add 5 (signal)"),
    ],
)
def test_an_operation_is_shown_with_its_input(event: HistoryEvent, detail: str) -> None:
    assert rows(event) == [("EventSent", "@counter@k", detail)]


@pytest.mark.parametrize(
    ("response", "detail"),
    [
        ({"$type": "X.ResponseMessage, X", "result": "8"}, "8"),
        (
            {"$type": "X.ResponseMessage, X", "result": '"no"', "exceptionType": "Error"},
            'error: "no"',
        ),
    ],
)
def test_a_response_is_shown_with_its_result_or_error(
    response: dict[str, str], detail: str
) -> None:
    raised = h.event_raised(after(2), "r", json.dumps(response))
    assert rows(sent("r", None), raised)[1] == ("EventRaised", "r", detail)


def recorded_rows(orchestrator: str) -> list[tuple[str, ...]]:
    """Return the rows of a recorded history of SDK 2.x, except the first row."""
    _, *events = recorded_history(orchestrator)
    return rows(*events)[1:]


def test_each_attempt_of_sdk_2x_is_a_row_with_its_failure() -> None:
    table = recorded_rows("NativeRetry")
    assert [row for row in table if row[0].startswith("Task")] == [
        ("TaskFailed", "Flaky", "RuntimeError: attempt 1"),
        ("TaskFailed", "Flaky", "RuntimeError: attempt 2"),
        ("TaskCompleted", "Flaky", "succeeded on attempt 3"),
    ]


def test_the_row_of_a_failed_instance_of_sdk_2x_has_its_failure() -> None:
    failure = FailureDetails(error_type="builtins.ValueError", error_message="blew up")
    end = h.execution_completed(after(1), 1, "Failed", None, failure=failure)
    assert rows(end) == [("ExecutionCompleted", "", "builtins.ValueError: blew up")]


def test_rows_of_locks_have_the_entities() -> None:
    first, second = (f"@tally@b2b33ec1768b419d8c0711b9d1ea117a-{key}" for key in "ab")
    table = recorded_rows("NativeLock")
    assert [row[1:] for row in table if row[0] == "EventSent"] == [
        (first, f"lock {first}, {second}"),
        (first, "add 10"),
        (second, "add -10"),
        (first, "release"),
        (second, "release"),
        (first, "get"),
        (second, "get"),
    ]
    assert [row[2] for row in table if row[0] == "EventRaised"] == ["", "10", "-10", "10", "-10"]


def test_the_row_of_a_failed_operation_of_sdk_2x_has_its_failure() -> None:
    details = [row[2] for row in recorded_rows("NativeEntityFails") if row[0] == "EventRaised"]
    assert details == ["error: builtins.ValueError: tally exploded", "0"]


def test_an_event_for_another_instance_is_shown_with_its_name_and_value() -> None:
    event = h.event_sent(after(1), 1, "other", "Approval", '"yes"')
    assert rows(event) == [("EventSent", "other", "Approval yes")]
