"""Functions in the host's own process."""

from __future__ import annotations

import asyncio
import json
import os
from collections.abc import AsyncIterator, Awaitable, Callable
from pathlib import Path

import pytest

from embedded_host.workers.in_process import InProcessWorker
from embedded_host.workers.worker import Invocation, ProcessStatus
from embedded_worker.protocol import InvocationRequest
from embedded_worker.runner import Runner
from tests.support.app_folder import AppFolder, activity_trigger
from tests.support.polling import eventually_async
from tests.support.worker_calls import load_of

StartWorker = Callable[[AppFolder], Awaitable[InProcessWorker]]
COMMON = {"EventId": -1, "IsPlayed": False, "Timestamp": "2026-01-02T03:04:05Z"}
INSTANCE = {"InstanceId": "i", "ExecutionId": "e"}
FIRST_TURN = json.dumps(
    {
        "history": [
            {"EventType": 12, **COMMON},
            {
                "EventType": 0,
                "Name": "Hello",
                "Input": None,
                "Version": None,
                "OrchestrationInstance": INSTANCE,
                **COMMON,
            },
        ],
        "input": None,
        "instanceId": "i",
        "isReplaying": False,
        "parentInstanceId": None,
        "upperSchemaVersion": 1,
    }
)


@pytest.fixture
async def start() -> AsyncIterator[StartWorker]:
    """Return a function that starts a worker with an app loaded."""
    workers: list[InProcessWorker] = []

    async def start(app: AppFolder) -> InProcessWorker:
        worker = InProcessWorker({})
        workers.append(worker)
        await worker.start()
        assert (await worker.load(load_of(app))).problems == []
        return worker

    yield start
    for worker in workers:
        await worker.close(0)


async def value(worker: InProcessWorker, name: str, trigger: str = "null") -> str:
    result = await worker.invoke(Invocation(name, trigger))
    assert result.error is None
    assert isinstance(result.value, str)
    return result.value


@pytest.fixture
async def worker(
    app: AppFolder, start: StartWorker, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> InProcessWorker:
    monkeypatch.chdir(tmp_path)  # restore it after the load
    app.function(
        "Cancels",
        "import asyncio\nasync def main(value): raise asyncio.CancelledError",
        activity_trigger(),
    )
    code = """
        import asyncio, pathlib
        async def main(value):
            pathlib.Path("began").touch()
            try:
                await asyncio.sleep(3600)
            finally:
                pathlib.Path("ended").touch()
    """
    app.function("Waits", code, activity_trigger())
    return await start(app)


async def test_a_function_that_cancels_itself_fails(worker: InProcessWorker) -> None:
    """The caller is not cancelled. A worker process has the same behavior."""
    result = await asyncio.wait_for(worker.invoke(Invocation("Cancels", "null")), 10)
    assert result.error is not None
    assert (result.error.type, result.error.message) == (
        "CancelledError",
        "the function was cancelled by its own code",
    )


async def test_a_function_without_a_caller_is_cancelled(
    worker: InProcessWorker, app: AppFolder
) -> None:
    invocation = asyncio.ensure_future(worker.invoke(Invocation("Waits", "null")))
    await eventually_async((app.root / "began").exists, "the function runs")
    assert worker.status().processes == [ProcessStatus(os.getpid(), "ready", ["Waits"])]
    invocation.cancel()
    with pytest.raises(asyncio.CancelledError):
        await invocation
    assert worker.status().processes[0].calls == []
    await eventually_async((app.root / "ended").exists, "the function is cancelled")


async def test_an_error_of_the_runner_fails_only_the_call(
    worker: InProcessWorker, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(self: Runner, request: InvocationRequest) -> None:
        raise AttributeError("a bug")

    monkeypatch.setattr(Runner, "run", fail)
    monkeypatch.setattr(Runner, "placement", lambda self, name: "function_threads")
    result = await worker.invoke(Invocation("Waits", "null"))
    assert result.error is not None
    assert result.error.type == "AttributeError"
    assert "a bug" in result.error.stack


# -- threads ---------------------------------------------------------------------------------------


async def test_a_blocking_function_does_not_delay_others(
    app: AppFolder, start: StartWorker
) -> None:
    app.write("shared/__init__.py", "")
    app.write("shared/gate.py", "import threading\nopened = threading.Event()")
    app.function(
        "Wait",
        "from shared import gate\ndef main(value): return gate.opened.wait(10)",
        activity_trigger(),
    )
    app.function(
        "Open",
        "from shared import gate\nasync def main(value): gate.opened.set()",
        activity_trigger(),
    )
    worker = await start(app)
    waited, _ = await asyncio.gather(value(worker, "Wait"), value(worker, "Open"))
    assert waited == "true"


@pytest.mark.parametrize(("count", "meet"), [("1", False), ("2", True)])
async def test_the_number_of_threads_is_a_setting(
    app: AppFolder, start: StartWorker, monkeypatch: pytest.MonkeyPatch, count: str, meet: bool
) -> None:
    monkeypatch.setenv("PYTHON_THREADPOOL_THREAD_COUNT", count)
    app.function(
        "Meet",
        """
        import threading

        barrier = threading.Barrier(2)

        def main(value):
            try:
                barrier.wait(value)
            except threading.BrokenBarrierError:
                return False
            return True
        """,
        activity_trigger(),
    )
    worker = await start(app)
    timeout = "10" if meet else "0.2"
    results = await asyncio.gather(value(worker, "Meet", timeout), value(worker, "Meet", timeout))
    assert list(results) == [json.dumps(meet)] * 2


async def test_blocking_activities_do_not_delay_orchestrators(
    app: AppFolder, start: StartWorker, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PYTHON_THREADPOOL_THREAD_COUNT", "1")
    app.write("shared/__init__.py", "")
    app.write("shared/gate.py", "import threading\nopened = threading.Event()")
    app.function(
        "Wait",
        "from shared import gate\ndef main(value): return gate.opened.wait(10)",
        activity_trigger(),
    )
    app.orchestrator("Hello", "from shared import gate\ngate.opened.set()\nreturn 1\nyield")
    worker = await start(app)
    waited, state = await asyncio.gather(value(worker, "Wait"), value(worker, "Hello", FIRST_TURN))
    assert waited == "true"
    assert json.loads(state)["output"] == 1
