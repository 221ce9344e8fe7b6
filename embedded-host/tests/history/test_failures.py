"""Failures of SDK 2.x, as the Azure Functions host records them."""

from __future__ import annotations

import json

import pytest
from msgspec.structs import replace

from embedded_host.engine import history as h
from embedded_host.engine.events import FailureDetails
from embedded_host.history.failures import (
    execution_traceback,
    failure_text,
    failure_trace,
    failure_traceback,
    response_failure,
)
from tests.engine.scenario import T0

CAUSE = FailureDetails(error_type="ValueError", error_message="boom", stack_trace="  line 1\n")
FAILURE = FailureDetails(
    error_type="durabletask.task.TaskFailedError",
    error_message="Activity task #1 failed: boom",
    stack_trace="  line 2\n",
    inner_failure=CAUSE,
)


def test_the_text_is_the_class_and_the_message() -> None:
    assert (
        failure_text(FAILURE) == "durabletask.task.TaskFailedError: Activity task #1 failed: boom"
    )
    assert failure_text(FailureDetails(error_type="KeyError", error_message="")) == "KeyError"


def test_the_trace_contains_the_traces_of_the_causes() -> None:
    assert failure_trace(FAILURE) == "line 2\n\nCaused by ValueError: boom\n  line 1"
    assert failure_trace(FailureDetails(error_type="E", error_message="m")) is None


def test_the_traceback_is_printed_as_python_prints_it() -> None:
    assert failure_traceback(FAILURE) == (
        "Traceback (most recent call last):\n  line 2\n"
        "durabletask.task.TaskFailedError: Activity task #1 failed: boom"
    )
    without_stack = FailureDetails(error_type="builtins.TypeError", error_message="m")
    assert failure_traceback(without_stack) == "TypeError: m"
    whole = "Traceback (most recent call last):\n  line 1\nValueError: boom"
    assert failure_traceback(replace(CAUSE, stack_trace=f"{whole}\n")) == whole


def test_the_last_event_has_the_traceback_of_an_execution() -> None:
    of_sdk_1 = h.execution_completed(T0, 1, "Failed", "boom", "Traceback\n  line 1\n")
    of_sdk_2 = h.execution_completed(T0, 1, "Failed", None, failure=FAILURE)
    assert execution_traceback([of_sdk_1, h.orchestrator_completed(T0)]) == "Traceback\n  line 1"
    assert execution_traceback([of_sdk_2]) == (
        f"{failure_traceback(FAILURE)}\n\nCaused by:\n{failure_traceback(CAUSE)}"
    )
    without_stack = replace(CAUSE, stack_trace=None)
    end = h.execution_completed(T0, 1, "Failed", None, failure=without_stack)
    assert execution_traceback([end]) is None
    assert execution_traceback([h.execution_completed(T0, 1, "Completed", "1")]) is None
    assert execution_traceback([]) is None


def test_a_response_of_an_entity_contains_its_failure() -> None:
    details = {"ErrorType": "builtins.ValueError", "ErrorMessage": "exploded", "Properties": {}}
    response = json.dumps({"result": None, "failureDetails": details})
    failure = response_failure(h.event_raised(T0, "r", response))
    assert failure is not None
    assert failure_text(failure) == "builtins.ValueError: exploded"


@pytest.mark.parametrize("response", [None, "", "1", "[]", '{"failureDetails": 1}', '{"result":1}'])
def test_a_response_of_another_form_has_no_failure(response: str | None) -> None:
    assert response_failure(h.event_raised(T0, "r", response)) is None
