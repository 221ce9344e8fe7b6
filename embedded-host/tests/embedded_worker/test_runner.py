"""The distribution of calls to invocations and turns, and the number of threads."""

from __future__ import annotations

import json
import os
from uuid import UUID

import pytest

from embedded_worker.protocol import (
    InvocationRequest,
    TurnRequest,
)
from embedded_worker.runner import function_threads
from tests.embedded_worker.conftest import MakeRunner
from tests.support.app_folder import (
    AppFolder,
    activity_trigger,
)


async def test_an_invocation_without_an_id_gets_one(app: AppFolder, running: MakeRunner) -> None:
    app.function(
        "Hello", "def main(value, context): return context.invocation_id", activity_trigger()
    )
    runner = running(app)
    results = [runner.run(InvocationRequest(1, "Hello", "null")) for _ in range(2)]
    first, second = (json.loads(str(result.value)) for result in results)
    assert UUID(first) != UUID(second)


def test_a_turn_request_runs_a_turn_and_an_invocation_request_does_not(
    app: AppFolder, running: MakeRunner
) -> None:
    app.activity("Echo", "return value")
    runner = running(app)
    assert runner.run(TurnRequest(1, "Echo", "i", "e", "7", 2)).missing
    assert runner.run(InvocationRequest(1, "Echo", "7")).value == "7"


@pytest.mark.parametrize(("setting", "count"), [("3", 3), ("0", None), ("many", None)])
def test_the_setting_is_the_number_of_threads_for_functions(
    monkeypatch: pytest.MonkeyPatch, setting: str, count: int | None
) -> None:
    monkeypatch.setenv("PYTHON_THREADPOOL_THREAD_COUNT", setting)
    assert function_threads() == (count or min(32, (os.cpu_count() or 1) + 4))
