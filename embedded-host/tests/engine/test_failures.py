"""Texts of failure, as recorded (contract, 4.5)."""

from __future__ import annotations

import pytest

from embedded_host.engine.failures import (
    OUT_OF_PROC_LABEL,
    UserError,
    activity_reason,
    orchestrator_failed,
    out_of_proc_state,
    parent_details,
)


def test_texts() -> None:
    error = UserError("ValueError", "boom")
    assert error.text == "ValueError: boom"
    assert activity_reason("Act", error) == "Activity function 'Act' failed: ValueError: boom"
    assert orchestrator_failed("Main", "boom") == "Orchestrator function 'Main' failed: boom"
    assert parent_details("boom", "Traceback") == "Message: boom, StackTrace: Traceback"


def test_an_activitys_reason_is_cut_at_the_label() -> None:
    error = UserError("Exception", f"boom{OUT_OF_PROC_LABEL}{{}}")
    assert activity_reason("Act", error) == "Activity function 'Act' failed: Exception: boom"


@pytest.mark.parametrize(
    ("message", "state"),
    [
        (f'boom{OUT_OF_PROC_LABEL}{{"error":"boom"}}', {"error": "boom"}),
        (f"boom{OUT_OF_PROC_LABEL}[]", None),
        (f"boom{OUT_OF_PROC_LABEL}what?", None),
        (f"boom{OUT_OF_PROC_LABEL}" + "[" * 100_000, None),
        ("boom", None),
    ],
)
def test_the_answer_in_an_exception(message: str, state: dict[str, str] | None) -> None:
    assert out_of_proc_state(UserError("Exception", message)) == state
