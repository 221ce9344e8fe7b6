"""Separate processes for calls that may have ended a worker process."""

from __future__ import annotations

import asyncio
import json
import os
from collections.abc import AsyncIterator
from pathlib import Path
from types import SimpleNamespace
from typing import cast

import psutil
import pytest

from embedded_host.task_hub.invoker import WorkerLostError
from embedded_host.workers import quarantine
from embedded_host.workers import supervisor as supervisor_module
from embedded_host.workers.pool import WorkerPool
from embedded_host.workers.worker import Invocation
from embedded_host.workers.worker_process import WorkerProcess
from tests.conftest import RefusedProcesses
from tests.support.app_folder import AppFolder
from tests.support.app_python import app_interpreter
from tests.support.polling import eventually_async
from tests.support.worker_calls import load_of

pytestmark = pytest.mark.process


@pytest.fixture
def app(tmp_path: Path) -> AppFolder:
    app = AppFolder(tmp_path / "app")
    app.activity("Pid", "import os\nreturn os.getpid()")
    app.activity("Exit", "import os\nos._exit(value)")
    app.activity("Crash", "import ctypes\nctypes.string_at(0)")
    code = """
        import os, pathlib, time
        began, over = map(pathlib.Path, value)
        began.touch()
        while not over.exists():
            time.sleep(0.01)
        return os.getpid()
    """
    app.activity("Until", code)
    return app


@pytest.fixture
async def pool(app: AppFolder) -> AsyncIterator[WorkerPool]:
    before = set(psutil.Process().children())  # hosts that other tests use
    pool = WorkerPool(1, dict(os.environ), interpreter=app_interpreter())
    await pool.start()
    await pool.load(load_of(app))
    yield pool
    await pool.close(1)
    assert not set(psutil.Process().children()) - before


async def call(pool: WorkerPool, name: str, value: object = None, *, alone: bool = False) -> object:
    result = await asyncio.wait_for(
        pool.invoke(Invocation(name, json.dumps(value)), alone=alone), 20
    )
    assert result.error is None
    assert isinstance(result.value, str)
    return json.loads(result.value)


async def test_each_quarantined_call_has_its_own_process(pool: WorkerPool, tmp_path: Path) -> None:
    over = tmp_path / "over"
    began = [tmp_path / str(n) for n in range(2)]
    running = [
        asyncio.ensure_future(call(pool, "Until", [str(mark), str(over)], alone=True))
        for mark in began
    ]
    await eventually_async(lambda: all(mark.exists() for mark in began), "both run")
    assert await call(pool, "Pid") == pool.pids[0]
    with pytest.raises(WorkerLostError, match="exited with code 4") as lost:
        await call(pool, "Exit", 4, alone=True)
    assert lost.value.concurrent_calls == 0
    over.touch()
    pids = await asyncio.gather(*running)
    assert len({*pids, pool.pids[0]}) == 3
    assert await call(pool, "Pid", alone=True) in pids, "an idle process is used again"


async def test_the_number_of_quarantine_processes_is_limited(
    pool: WorkerPool, tmp_path: Path
) -> None:
    pool._processes.quarantine._slots = asyncio.Semaphore(1)
    over, began = tmp_path / "over", [tmp_path / str(n) for n in range(2)]
    running = [
        asyncio.ensure_future(call(pool, "Until", [str(mark), str(over)], alone=True))
        for mark in began
    ]
    await eventually_async(began[0].exists, "the first runs")
    assert await call(pool, "Pid") == pool.pids[0]
    assert not began[1].exists()
    over.touch()
    assert len(set(await asyncio.gather(*running))) == 1


async def test_an_idle_quarantine_process_exits(
    pool: WorkerPool, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(quarantine, "IDLE", 0.01)
    pid = await call(pool, "Pid", alone=True)
    assert isinstance(pid, int)
    await eventually_async(lambda: not psutil.pid_exists(pid), "it exits")
    assert await call(pool, "Pid", alone=True) != pid


def fake() -> WorkerProcess:
    return cast(WorkerProcess, SimpleNamespace(lost=None, pending={}))


async def test_a_busy_process_is_used_again_after_an_idle_one_was_stopped(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(quarantine, "IDLE", 0.01)
    first, second = fake(), fake()
    left, released = [second, first], asyncio.Event()
    retired: list[WorkerProcess] = []

    async def spawn() -> WorkerProcess:
        return left.pop()

    async def wait(worker: WorkerProcess) -> WorkerProcess:
        await released.wait()
        return worker

    async def get(worker: WorkerProcess) -> WorkerProcess:
        return worker

    separate = quarantine.Quarantine(spawn, retired.append)
    running = asyncio.ensure_future(separate.run(wait))
    await asyncio.sleep(0)
    assert await separate.run(get) is second
    await eventually_async(lambda: retired == [second], "it is stopped")
    released.set()
    assert await running is first
    assert await separate.run(get) is first


async def test_a_process_that_started_before_a_reload_is_not_used_again() -> None:
    worker = fake()
    retired: list[WorkerProcess] = []

    async def spawn() -> WorkerProcess:
        separate.empty()  # a reload while the process starts
        return worker

    async def get_seven(_: WorkerProcess) -> int:
        return 7

    separate = quarantine.Quarantine(spawn, retired.append)
    assert await separate.run(get_seven) == 7
    assert retired == [worker]


async def test_starting_a_quarantine_process_is_retried(
    pool: WorkerPool, refused_processes: RefusedProcesses
) -> None:
    refused_processes.left = 2
    assert await call(pool, "Pid", alone=True) != pool.pids[0]
    assert refused_processes.left == 0


async def test_a_cancelled_call_leaves_no_process_behind(
    pool: WorkerPool,
    app: AppFolder,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
) -> None:
    monkeypatch.setattr(supervisor_module, "SLOW_LOAD", 0.2)
    app.write("Pid/__init__.py", "import time\ntime.sleep(3600)\n")
    invocation = asyncio.ensure_future(pool.invoke(Invocation("Pid", "null"), alone=True))
    await eventually_async(
        lambda: "'Pid' is being imported. [EH335]" in caplog.text, "the import is logged"
    )
    invocation.cancel()
    await eventually_async(
        lambda: pool._processes._spawned == pool._processes.workers, "the process has exited"
    )


async def test_quarantined_calls_run_the_reloaded_code(pool: WorkerPool, app: AppFolder) -> None:
    before = await call(pool, "Pid", alone=True)
    app.activity("Pid", "return 'new'")
    await pool.reload(load_of(app), lambda _: True)
    assert await call(pool, "Pid", alone=True) == "new" != before


async def test_a_loss_reports_the_number_of_concurrent_calls(
    pool: WorkerPool, tmp_path: Path
) -> None:
    began = tmp_path / "began"
    beside = asyncio.ensure_future(call(pool, "Until", [str(began), str(tmp_path / "over")]))
    await eventually_async(began.exists, "the function runs")
    with pytest.raises(WorkerLostError) as lost:
        await call(pool, "Crash")
    assert lost.value.concurrent_calls == 1
    with pytest.raises(WorkerLostError) as lost:
        await beside
    assert lost.value.concurrent_calls == 1


async def test_calls_beside_one_that_times_out_are_not_blamed(
    app: AppFolder, tmp_path: Path
) -> None:
    pool = WorkerPool(1, dict(os.environ), interpreter=app_interpreter(), timeout=1)
    await pool.start()
    try:
        await pool.load(load_of(app))
        never = str(tmp_path / "never")
        began = tmp_path / "began"
        late = asyncio.ensure_future(
            pool.invoke(Invocation("Until", json.dumps([str(began), never])))
        )
        await eventually_async(began.exists, "the function runs")
        with pytest.raises(WorkerLostError) as lost:
            await call(pool, "Until", [str(tmp_path / "beside"), never])
        assert lost.value.caused_by_another_call
        result = await late
        assert result.error is not None
        assert "was exceeded by function 'Until'" in result.error.message
    finally:
        await pool.close(1)
