"""Failures of functions: their log records, and their tracebacks without folders."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any, cast

import pytest

from embedded_host.app.definitions import App, Binding, Function, HostJson, LocalSettings
from embedded_host.engine.invocations import (
    Completion,
    OrchestratorDecisions,
    OrchestratorInput,
    OrchestratorResult,
)
from embedded_host.engine.sdk_protocols import SDK_2X
from embedded_host.workers.current_app import CurrentApp
from embedded_host.workers.invoker import AppInvoker, without_folders
from embedded_host.workers.loaded_app import LoadedApp
from embedded_host.workers.worker import Worker
from embedded_worker.protocol import InvocationResult

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


async def run_turn(worker: CompletingWorker) -> OrchestratorResult:
    trigger = Binding("orchestrationTrigger", "ctx", "in", {"durableRequiresGrpc": True})
    function = Function("Fails", ROOT, ROOT / "function_app.py", "main", (trigger,))
    app = CurrentApp(LoadedApp(App(ROOT, HostJson(), LocalSettings(), (function,))))
    invoker = AppInvoker(cast("Worker", worker), app, str, cast("Any", None), ROOT)
    turn = OrchestratorInput("i-1", "e", (), (), None, None, protocol=SDK_2X)
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
        "Orchestrator 'Fails' of instance 'i-1' failed [EH401]: "
        f"Traceback (most recent call last):\n{stack}ValueError: boom"
    ]
    assert isinstance(result, OrchestratorDecisions)
    assert isinstance(result.end, Completion)
    assert result.end.failure is not None
    assert result.end.failure.stack_trace == stack


@pytest.mark.parametrize("status", ["COMPLETED", "TERMINATED"])
async def test_any_other_end_is_not_logged(status: str, caplog: pytest.LogCaptureFixture) -> None:
    await run_turn(CompletingWorker(status, result="1"))
    assert caplog.records == []
