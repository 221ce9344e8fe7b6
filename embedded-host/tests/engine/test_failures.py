"""Failure messages as recorded (functions-host.md#errors)."""

from __future__ import annotations

import pytest

from embedded_host.engine.failures import (
    UserError,
    activity_reason,
    operation_failure,
    orchestrator_failed,
    parent_details,
)


def test_failure_messages_have_the_recorded_wording() -> None:
    error = UserError("ValueError", "boom")
    assert error.text == "ValueError: boom"
    assert activity_reason("Act", error) == "Activity function 'Act' failed: ValueError: boom"
    assert orchestrator_failed("Main", "boom") == "Orchestrator function 'Main' failed: boom"
    assert parent_details("boom", "Traceback") == "Message: boom, StackTrace: Traceback"


@pytest.mark.parametrize(
    ("message", "type", "error_message"),
    [("a.B: c: d", "a.B", "c: d"), ("no type: here", "Exception", "no type: here")],
)
def test_the_type_of_a_failed_operation_is_taken_from_its_message(
    message: str, type: str, error_message: str
) -> None:
    failure = operation_failure(message)
    assert (failure.error_type, failure.error_message) == (type, error_message)
