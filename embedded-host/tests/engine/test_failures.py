"""Failure messages as recorded (functions-host.md#errors)."""

from __future__ import annotations

from embedded_host.engine.failures import (
    UserError,
    activity_reason,
    orchestrator_failed,
    parent_details,
)


def test_failure_messages_have_the_recorded_wording() -> None:
    error = UserError("ValueError", "boom")
    assert error.text == "ValueError: boom"
    assert activity_reason("Act", error) == "Activity function 'Act' failed: ValueError: boom"
    assert orchestrator_failed("Main", "boom") == "Orchestrator function 'Main' failed: boom"
    assert parent_details("boom", "Traceback") == "Message: boom, StackTrace: Traceback"
