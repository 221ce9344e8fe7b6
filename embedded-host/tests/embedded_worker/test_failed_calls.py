"""Exceptions of functions: their stacks and parity findings."""

from __future__ import annotations

from datetime import datetime, timezone

import pytest

from embedded_host.engine import history as h
from embedded_host.engine.invocations import OrchestratorInput
from embedded_host.protocols.v1 import orchestrator_payload
from embedded_worker import failed_calls
from embedded_worker.protocol import (
    FindingData,
    TurnRequest,
)
from tests.embedded_worker.conftest import MakeRunner
from tests.support.app_folder import (
    AppFolder,
    activity_trigger,
    orchestration_trigger,
)
from tests.support.worker_calls import error, run


@pytest.mark.parametrize("define", ["def", "async def"])
async def test_an_exceptions_stack_begins_with_the_users_frames(
    app: AppFolder, running: MakeRunner, define: str
) -> None:
    app.write("shared/__init__.py", "")
    app.write("shared/deep.py", "def fall(): raise ValueError('boom')")
    app.function(
        "Hello",
        f"from shared import deep\n{define} main(value):\n    deep.fall()\n",
        activity_trigger(),
    )
    failed = await error(running(app), "Hello")
    assert (failed.type, failed.message) == ("ValueError", "boom")
    frames = [line.strip() for line in failed.stack.splitlines() if line.startswith("  File ")]
    assert len(frames) == 2
    assert str(app.root / "Hello") in frames[0]
    assert "line 3" in frames[0]
    assert "deep.py" in frames[1]


async def test_the_traceback_includes_the_cause(app: AppFolder, running: MakeRunner) -> None:
    app.activity(
        "Hello",
        "try:\n    {}['k']\nexcept KeyError as error:\n"
        "    raise ValueError('no such city') from error",
    )
    stack = (await error(running(app), "Hello")).stack
    assert "KeyError: 'k'" in stack
    assert "The above exception was the direct cause" in stack


@pytest.mark.parametrize("define", ["def", "async def"])
async def test_an_exception_that_the_worker_of_azure_does_not_catch_is_reported(
    app: AppFolder, running: MakeRunner, define: str
) -> None:
    code = f"class Stop(BaseException): pass\n{define} main(value):\n    raise Stop('now')\n"
    app.function("Hello", code, activity_trigger())
    app.activity("Fails", "raise ValueError")
    runner = running(app)
    found: list[FindingData] = []
    runner.report = found.append
    await error(runner, "Fails")
    failed = await error(runner, "Hello")
    assert (failed.type, failed.message) == ("Stop", "now")
    raised = "Stop is not a subclass of Exception."
    assert found == [FindingData("EH863", "Hello", raised, "Hello/__init__.py", 3)]


_EMPTY_ERROR = """
    raise Exception('\\n\\n$OutOfProcData$:{"isDone": false, "actions": [[]]}') from KeyError()
"""


@pytest.mark.parametrize("is_kept", [False, True])
async def test_an_exception_without_a_text_is_a_finding_of_the_orchestrator(
    app: AppFolder, running: MakeRunner, monkeypatch: pytest.MonkeyPatch, is_kept: bool
) -> None:
    """The newer versions of the SDK pass on the class of such an exception."""
    app.function("Main", f"def main(context):{_EMPTY_ERROR}", orchestration_trigger())
    app.orchestrator("Kept", "raise ValueError('boom')\nyield")
    runner = running(app)
    found: list[FindingData] = []
    runner.report = found.append
    name = "Main"
    if is_kept:
        name = "Kept"
        monkeypatch.setattr(failed_calls, "has_empty_error", lambda error: True)
    at = datetime(2026, 1, 2, tzinfo=timezone.utc)
    payload = orchestrator_payload(
        OrchestratorInput(
            "i",
            "e",
            (),
            (
                h.orchestrator_started(at),
                h.execution_started(at, instance_id="i", execution_id="e", name=name, input=None),
            ),
            None,
            None,
        )
    )
    result = await run(runner, TurnRequest(1, name, "i", "e", payload))
    assert result.error is not None
    assert found == [FindingData("EH887", name, instance_id="i" if is_kept else "")]
