"""Calls in a pool of worker processes, and calls whose process exits."""

from __future__ import annotations

import asyncio
import json
import os
import textwrap
from pathlib import Path

import psutil
import pytest

from embedded_host.task_hub.invoker import WorkerLostError
from embedded_host.workers import supervisor as supervisor_module
from embedded_host.workers.pool import WorkerPool
from embedded_host.workers.worker import Invocation
from embedded_worker import framing
from embedded_worker.protocol import HttpResponseData
from tests.support.app_folder import AppFolder, activity_trigger
from tests.support.app_python import app_interpreter
from tests.support.polling import eventually_async
from tests.support.worker_calls import load_of, request
from tests.workers.conftest import StartPool, app_of_calls, call

pytestmark = pytest.mark.process


@pytest.fixture
def app(tmp_path: Path) -> AppFolder:
    """Return an app with functions that return, wait, and end their process."""
    return app_of_calls(tmp_path / "app")


async def test_a_function_that_cannot_be_loaded_is_reported_and_the_others_run(
    app: AppFolder, start: StartPool
) -> None:
    app.function("Bad", "import no_such_thing", activity_trigger())
    pool, loaded = await start(app)
    assert [problem.function for problem in loaded.problems] == ["Bad"]
    assert await call(pool, "Echo", 1) == 1
    result = await pool.invoke(Invocation("Bad", "null"))
    assert result.error is not None
    assert "no_such_thing" in result.error.message


async def test_a_function_may_spawn_processes(app: AppFolder, start: StartPool) -> None:
    """Processes of multiprocessing import the parent's main file."""
    app.write("cubes.py", "def cube(n): return n**3")
    app.activity(
        "Cubes",
        "import multiprocessing, cubes\n"
        "with multiprocessing.get_context('spawn').Pool(1) as pool:\n"
        "    return pool.map_async(cubes.cube, range(4)).get(15)",
    )
    pool, _ = await start(app)
    assert await call(pool, "Cubes") == [0, 1, 8, 27]


async def test_all_calls_of_a_lost_worker_fail_with_worker_lost(
    app: AppFolder, start: StartPool, tmp_path: Path
) -> None:
    pool, _ = await start(app)
    marks = [tmp_path / str(number) for number in range(3)]
    running = [
        asyncio.ensure_future(pool.invoke(Invocation("Hang", json.dumps(str(mark)))))
        for mark in marks
    ]
    await eventually_async(lambda: all(mark.exists() for mark in marks), "the functions run")
    with pytest.raises(WorkerLostError):
        await pool.invoke(Invocation("Exit", "0"))
    outcomes = await asyncio.wait_for(asyncio.gather(*running, return_exceptions=True), 10)
    assert [type(outcome) for outcome in outcomes] == [WorkerLostError] * 3


EXITS = {
    "SystemExit": ("def", "raise SystemExit(5)", 5),
    "text": ("def", "raise SystemExit('bye')", 1),
    "none": ("def", "raise SystemExit", 0),
    "interrupt": ("def", "raise KeyboardInterrupt", 130),
    "exit": ("def", "import os; os._exit(6)", 6),
    "coroutine": ("async def", "raise SystemExit(5)", 5),
    "coroutine interrupt": ("async def", "raise KeyboardInterrupt", 130),
    "coroutine exit": ("async def", "import os; os._exit(6)", 6),
}


@pytest.mark.parametrize("name", EXITS)
async def test_a_function_that_exits_its_process_is_known_to_be_the_cause(
    app: AppFolder, start: StartPool, tmp_path: Path, name: str
) -> None:
    define, code, exit_code = EXITS[name]
    app.function("Guilty", f"{define} main(value):\n    {code}\n", activity_trigger())
    pool, _ = await start(app)
    began = tmp_path / "began"
    beside = asyncio.ensure_future(pool.invoke(Invocation("Block", json.dumps(str(began)))))
    await eventually_async(began.exists, "the other function runs")
    with pytest.raises(WorkerLostError) as lost:
        await asyncio.wait_for(pool.invoke(Invocation("Guilty", "null")), 20)
    assert lost.value.is_caused_by_this_call
    assert lost.value.exit_code == exit_code
    with pytest.raises(WorkerLostError) as other:
        await beside
    assert other.value.caused_by_another_call
    assert other.value.exit_code == exit_code
    assert await call(pool, "Echo", 1) == 1


async def test_a_forked_child_that_exits_is_not_reported(app: AppFolder, start: StartPool) -> None:
    if not hasattr(os, "fork"):
        pytest.skip("os.fork")
    code = "import os\nchild = os.fork()\nif not child: os._exit(7)\n"
    app.activity("Forks", f"{code}return os.waitpid(child, 0)[1] >> 8")
    pool, _ = await start(app)
    assert await call(pool, "Forks") == 7


async def test_several_workers_share_the_work(
    app: AppFolder, start: StartPool, tmp_path: Path
) -> None:
    pool, _ = await start(app, 2)
    seen: set[object] = set()
    while seen != set(pool.pids):  # the first process runs all calls until the second is ready
        seen |= {*await asyncio.gather(call(pool, "Pid"), call(pool, "Pid"))}
    mark = tmp_path / "began"
    blocked = asyncio.ensure_future(pool.invoke(Invocation("Block", json.dumps(str(mark)))))
    await eventually_async(mark.exists, "the function runs")
    first = await call(pool, "Pid")
    blocked_in = next(pid for pid in pool.pids if pid != first)
    # While one process is busy, the other one runs the next calls.
    assert {await call(pool, "Pid") for _ in range(3)} == {first}
    psutil.Process(blocked_in).kill()
    with pytest.raises(WorkerLostError):
        await asyncio.wait_for(blocked, 10)
    assert await call(pool, "Pid") == first


async def test_a_call_that_is_too_large_fails_and_other_calls_run(
    app: AppFolder, start: StartPool, monkeypatch: pytest.MonkeyPatch
) -> None:
    pool, _ = await start(app)
    monkeypatch.setattr(framing, "MAX_FRAME", 1000)
    result = await asyncio.wait_for(pool.invoke(Invocation("Echo", json.dumps("x" * 2000))), 10)
    assert result.error is not None
    assert (
        "the input of function 'Echo' cannot be sent to a worker: OverflowError: it has 2"
        in result.error.message
    )
    assert await call(pool, "Echo", 1) == 1


async def test_waiting_calls_run_the_reloaded_code(
    app: AppFolder, start: StartPool, monkeypatch: pytest.MonkeyPatch
) -> None:
    pool, _ = await start(app)
    monkeypatch.setattr(supervisor_module, "_PAUSE", 60.0)  # before the process is replaced
    with pytest.raises(WorkerLostError):
        await pool.invoke(Invocation("Exit", "0"))
    waiting = asyncio.ensure_future(call(pool, "Echo", 1))
    await pool.reload(load_of(app), lambda _: True)
    assert await waiting == 1


async def test_a_worker_whose_call_exceeds_function_timeout_is_replaced(
    app: AppFolder, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    pool = WorkerPool(1, dict(os.environ), interpreter=app_interpreter(), timeout=0.5)
    await pool.start()
    try:
        await pool.load(load_of(app))
        before = pool.pids
        result = await asyncio.wait_for(
            pool.invoke(Invocation("Hang", json.dumps(str(tmp_path / "began")))), 20
        )
        assert result.error is not None
        assert result.error.message.startswith(
            "Timeout value of 00:00:00.5000000 was exceeded by function 'Hang'"
        )
        words = "Timeout value of 00:00:00.5000000 exceeded by function 'Functions.Hang' (Id: '"
        assert words in caplog.text
        assert await call(pool, "Echo", 1) == 1
        assert pool.pids != before
    finally:
        await pool.close(0.2)


async def test_a_client_request_whose_handler_raises_gets_status_500(
    app: AppFolder, start: StartPool, caplog: pytest.LogCaptureFixture
) -> None:
    code = """
        import azure.durable_functions as df
        async def main(req, starter):
            try:
                await df.DurableOrchestrationClient(starter).start_new("Name")
            except Exception as error:
                return f"{type(error).__name__}: {error}"
            return "no error"
    """
    app.http("Status", textwrap.dedent(code), "status", client=True)
    base = "http://127.0.0.1:1/runtime/webhooks/durabletask/"
    load = load_of(app)._replace(rpc_base=base)
    pool, _ = await start(app, load=load)

    async def fail(method: str, path: str, body: bytes) -> tuple[int, bytes]:
        raise RuntimeError("the handler is broken")

    pool.on_client_request = fail
    binding = json.dumps(
        {"taskHubName": "hub", "rpcBaseUrl": base, "managementUrls": {}, "creationUrls": {}}
    )
    result = await asyncio.wait_for(pool.invoke(Invocation("Status", request(), binding)), 20)
    assert isinstance(result.value, HttpResponseData)
    assert result.value.body == b"Exception: RuntimeError: the handler is broken"
    assert "The durable client's request POST orchestrators/Name failed [EH330]" in caplog.text
