from __future__ import annotations

import json

import pytest

from embedded_host.engine.failures import UserError
from embedded_host.engine.invocations import InvocationFailure, OrchestratorOutput, ReplayProgress
from embedded_host.protocols.v1 import activity_error, orchestrator_result
from embedded_host.protocols.v1.errors import OUT_OF_PROC_LABEL, output_in_message


def test_an_activitys_message_is_cut_at_the_label() -> None:
    assert activity_error(
        UserError("Exception", f"boom{OUT_OF_PROC_LABEL}{{}}", "Traceback")
    ) == UserError("Exception", "boom", "Traceback")
    assert activity_error(UserError("Exception", "boom")) == UserError("Exception", "boom")


@pytest.mark.parametrize(
    ("message", "output"),
    [
        (f'boom{OUT_OF_PROC_LABEL}{{"error":"boom"}}', {"error": "boom"}),
        (f"boom{OUT_OF_PROC_LABEL}[]", None),
        (f"boom{OUT_OF_PROC_LABEL}oops", None),
        (f"boom{OUT_OF_PROC_LABEL}" + "[" * 100_000, None),
        ("boom", None),
    ],
)
def test_the_output_is_read_from_an_exceptions_message(
    message: str, output: dict[str, str] | None
) -> None:
    assert output_in_message(UserError("Exception", message)) == output


def test_a_failed_orchestrator_has_its_output_and_its_stack() -> None:
    text = json.dumps({"isDone": False, "actions": [], "error": "boom", "schemaVersion": 2})
    progress = ReplayProgress([0, 1], 1)
    error = UserError("Exception", f"boom{OUT_OF_PROC_LABEL}{text}", "Traceback")
    assert orchestrator_result(error, progress) == OrchestratorOutput(
        False, (), error="boom", stack="Traceback", progress=progress
    )


def test_an_error_of_the_worker_is_no_error_of_the_sdk() -> None:
    failure = orchestrator_result(UserError("FunctionLoadError", "cannot load"))
    assert failure == InvocationFailure("FunctionLoadError: cannot load")


def test_an_exception_without_an_output_is_a_failure() -> None:
    assert orchestrator_result(UserError("KeyError", "'k'", "Traceback")) == InvocationFailure(
        "KeyError: 'k'", "Traceback", lacks_state=True
    )
