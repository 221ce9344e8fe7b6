"""Failures of functions: their log records, and their tracebacks without folders."""

from __future__ import annotations

import json
import sys
from datetime import timedelta
from pathlib import Path
from typing import Any, cast

import pytest

from embedded_host.app.definitions import App, Binding, Function, HostJson, LocalSettings
from embedded_host.app.function_retry import FunctionRetry
from embedded_host.engine.invocations import (
    Completion,
    OrchestratorDecisions,
    OrchestratorInput,
    OrchestratorResult,
)
from embedded_host.engine.sdk_protocols import SDK_2X
from embedded_host.workers.current_app import CurrentApp
from embedded_host.workers.function_retries import FunctionRetries
from embedded_host.workers.invoker import AppInvoker, without_folders
from embedded_host.workers.loaded_app import LoadedApp
from embedded_host.workers.worker import Invocation, Worker
from embedded_worker.protocol import ErrorData, InvocationResult

ROOT = Path("C:\\Users\\ada\\app" if sys.platform == "win32" else "/home/ada/app")


def test_a_traceback_has_paths_relative_to_the_app_or_its_packages() -> None:
    inside, outside = (
        ROOT / "Fail" / "__init__.py",
        ROOT.parent / "lib" / "site-packages" / "requests" / "api.py",
    )
    stack = (
        "Traceback (most recent call last):\n"
        f'  File "{inside}", line 2, in main\n    raise ValueError(\'File "{inside}"\')\n'
        f'  File "{outside}", line 3, in get\n    x\n'
        '  File "<string>", line 1, in <module>\n'
        f"ValueError: {inside}\n"
        "  + Exception Group Traceback (most recent call last):\n"
        f'  |   File "{inside}", line 2, in main\n'
        f'    | Traceback (most recent call last):\n    |   File "{outside}", line 3, in get\n'
    )
    assert without_folders(stack, ROOT) == (
        "Traceback (most recent call last):\n"
        f'  File "Fail/__init__.py", line 2, in main\n    raise ValueError(\'File "{inside}"\')\n'
        '  File "requests/api.py", line 3, in get\n    x\n'
        '  File "<string>", line 1, in <module>\n'
        f"ValueError: {inside}\n"
        "  + Exception Group Traceback (most recent call last):\n"
        '  |   File "Fail/__init__.py", line 2, in main\n'
        '    | Traceback (most recent call last):\n    |   File "requests/api.py", line 3, in get\n'
    )


class CompletingWorker:
    """A worker whose turns end with a completion of SDK 2.x."""

    def __init__(self, status: str, **completion: Any) -> None:
        self.action = {
            "id": 2,
            "completeOrchestration": {
                "orchestrationStatus": f"ORCHESTRATION_STATUS_{status}",
                **completion,
            },
        }

    async def turn(self, *arguments: object, alone: bool = False) -> InvocationResult:
        return InvocationResult(1, json.dumps({"actions": [self.action]}))


class FailingWorker:
    """A worker whose functions return values that cannot be serialized."""

    async def invoke(self, invocation: Invocation, *, alone: bool = False) -> InvocationResult:
        return InvocationResult(1, error=ErrorData("ValueError", "it is not JSON", ""))


def invoker_of(worker: object, type: str, code_file: str = "") -> AppInvoker:
    """Return the invoker of an app with one function of SDK 2.x."""
    trigger = Binding(type, "ctx", "in", {"durableRequiresGrpc": True})
    script = ROOT / "Fails" / "__init__.py"
    function = Function("Fails", ROOT, script, "main", (trigger,), {}, code_file, 12)
    app = CurrentApp(LoadedApp(App(ROOT, HostJson(), LocalSettings(), (function,))))
    return AppInvoker(cast("Worker", worker), app, str, cast("Any", None), ROOT)


@pytest.mark.parametrize(
    ("code_file", "position"),
    [("orders.py", "orders.py line 12"), ("", "Fails/__init__.py")],
)
async def test_a_failed_activity_without_a_traceback_is_logged_with_its_position(
    code_file: str, position: str, caplog: pytest.LogCaptureFixture
) -> None:
    invoker = invoker_of(FailingWorker(), "activityTrigger", code_file)
    await invoker.activity("fails", "i-1", "1", 0)
    assert caplog.messages == [
        "Activity 'fails' of instance 'i-1' failed [EH402]: ValueError: it is not JSON "
        f"(function 'Fails' in {position})"
    ]


async def run_turn(worker: CompletingWorker, *, is_diagnosis: bool = False) -> OrchestratorResult:
    invoker = invoker_of(worker, "orchestrationTrigger")
    turn = OrchestratorInput(
        "i-1", "e", (), (), None, None, is_diagnosis=is_diagnosis, protocol=SDK_2X
    )
    return await invoker.orchestrator("Fails", turn)


async def test_a_failed_orchestrator_of_sdk_2_is_logged_with_its_traceback(
    caplog: pytest.LogCaptureFixture,
) -> None:
    details = {
        "errorType": "builtins.ValueError",
        "errorMessage": "boom",
        "stackTrace": f'  File "{ROOT / "function_app.py"}", line 49, in main\n    fail()\n',
    }
    result = await run_turn(CompletingWorker("FAILED", failureDetails=details))
    stack = '  File "function_app.py", line 49, in main\n    fail()\n'
    assert [record.getMessage() for record in caplog.records] == [
        f"Orchestrator 'Fails' of instance 'i-1' failed [EH401]: ValueError: boom\n{stack.rstrip()}"
    ]
    assert isinstance(result, OrchestratorDecisions)
    assert isinstance(result.end, Completion)
    assert result.end.failure is not None
    assert result.end.failure.stack_trace == stack


async def test_a_failure_in_the_replay_of_a_diagnosis_is_not_logged(
    caplog: pytest.LogCaptureFixture,
) -> None:
    details = {"errorType": "builtins.ValueError", "errorMessage": "boom"}
    await run_turn(CompletingWorker("FAILED", failureDetails=details), is_diagnosis=True)
    assert not caplog.records


@pytest.mark.parametrize("status", ["COMPLETED", "TERMINATED"])
async def test_any_other_end_is_not_logged(status: str, caplog: pytest.LogCaptureFixture) -> None:
    await run_turn(CompletingWorker(status, result="1"))
    assert caplog.records == []


class RetriedWorker:
    """A worker whose activity succeeds in its third run."""

    def __init__(self) -> None:
        self.invocations: list[Invocation] = []

    async def invoke(self, invocation: Invocation, *, alone: bool = False) -> InvocationResult:
        self.invocations.append(invocation)
        if len(self.invocations) < 3:
            return InvocationResult(1, error=ErrorData("ValueError", "not yet"))
        return InvocationResult(1, '"done"')


async def test_an_activity_with_a_policy_of_its_own_is_retried_within_its_call() -> None:
    async def wait(delay: timedelta) -> bool:
        return True

    policy = FunctionRetry(5, timedelta(seconds=1), timedelta(seconds=1))
    script = ROOT / "Once" / "__init__.py"
    trigger = Binding("activityTrigger", "value", "in")
    function = Function("Once", ROOT, script, "main", (trigger,), retry=policy)
    app = CurrentApp(LoadedApp(App(ROOT, HostJson(), LocalSettings(), (function,))))
    worker = RetriedWorker()
    invoker = AppInvoker(
        cast("Worker", worker), app, str, cast("Any", None), retries=FunctionRetries(wait)
    )
    assert await invoker.activity("once", "i-1", "1", 0) == '"done"'
    retries = [invocation.retry for invocation in worker.invocations]
    assert [retry and retry.retry_count for retry in retries] == [0, 1, 2]
    assert len({invocation.invocation_id for invocation in worker.invocations}) == 1
