"""Worker processes: their start, load, replacement and end."""

from __future__ import annotations

import asyncio
import json
import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from embedded_host.task_hub.invoker import WorkerLostError
from embedded_host.workers import supervisor as supervisor_module
from embedded_host.workers.pool import WorkerPool
from embedded_host.workers.worker import Invocation, ProcessStatus
from embedded_worker.protocol import FindingData, LoadRequest
from tests.conftest import RefusedProcesses
from tests.support.app_folder import AppFolder, activity_trigger
from tests.support.app_python import app_interpreter
from tests.support.polling import eventually, eventually_async
from tests.support.worker_calls import load_of, spec
from tests.workers.conftest import StartPool, app_of_calls, call, lives

pytestmark = pytest.mark.process

# On Windows, os.kill with SIGTERM terminates the process.
KILL = getattr(signal, "SIGKILL", signal.SIGTERM)


@pytest.fixture
def app(tmp_path: Path) -> AppFolder:
    """Return an app with functions that return, wait, and end their process."""
    return app_of_calls(tmp_path / "app")


async def test_load_raises_if_an_import_ends_the_process(app: AppFolder, start: StartPool) -> None:
    app.function("Bad", "import os\nos._exit(9)", activity_trigger())
    with pytest.raises(WorkerLostError, match="exited with code 9"):
        await asyncio.wait_for(start(app), 20)


async def test_a_slow_import_is_logged(
    app: AppFolder,
    start: StartPool,
    tmp_path: Path,
    waiting_import: LoadRequest,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
) -> None:
    monkeypatch.setattr(supervisor_module, "SLOW_LOAD", 0.05)
    starting = asyncio.ensure_future(start(app, load=waiting_import))
    await eventually_async(
        lambda: "'Slow' is being imported. [EH335]" in caplog.text, "the import is logged"
    )
    (tmp_path / "over").touch()
    pool, _ = await starting
    assert await call(pool, "Slow") == "slow"


async def test_a_slow_process_start_is_logged(
    app: AppFolder,
    start: StartPool,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
) -> None:
    monkeypatch.setattr(supervisor_module, "SLOW_LOAD", 0.01)
    await start(app)
    assert "0 s: its worker process is still starting. [EH335]" in caplog.text


async def test_starting_a_replacement_is_retried(
    app: AppFolder,
    start: StartPool,
    refused_processes: RefusedProcesses,
    caplog: pytest.LogCaptureFixture,
) -> None:
    pool, _ = await start(app)
    refused_processes.left = 2
    with pytest.raises(WorkerLostError):
        await pool.invoke(Invocation("Exit", "0"))
    assert await call(pool, "Echo", 1) == 1
    assert (
        caplog.text.count(
            f"Retrying: a worker process ({app_interpreter().executable}) cannot be started: [Errno"
        )
        == 2
    )


async def test_start_raises_if_the_system_refuses_a_process(
    refused_processes: RefusedProcesses,
) -> None:
    refused_processes.left = 1
    pool = WorkerPool(1, dict(os.environ), interpreter=app_interpreter())
    with pytest.raises(WorkerLostError, match=r"a worker process \(.*\) cannot be started"):
        await pool.start()
    await pool.close(0)


@pytest.mark.skipif(os.name == "nt", reason="Windows has no signals to end a process with")
@pytest.mark.parametrize("name", ["Hang", "Block"])
async def test_a_killed_worker_is_replaced(
    app: AppFolder, start: StartPool, tmp_path: Path, name: str
) -> None:
    pool, _ = await start(app)
    (first,) = pool.pids
    running = asyncio.ensure_future(
        pool.invoke(Invocation(name, json.dumps(str(tmp_path / "began"))))
    )
    await eventually_async((tmp_path / "began").exists, "the function runs")
    assert pool.status().processes == [ProcessStatus(first, "ready", [name])]
    os.kill(first, KILL)
    with pytest.raises(WorkerLostError, match="after SIGKILL"):
        await asyncio.wait_for(running, 10)
    assert await call(pool, "Echo", 1) == 1
    assert pool.pids != [first]
    status = pool.status()
    assert status.restarts == 1
    assert [(p.pid, p.state, p.calls) for p in status.processes] == [(pool.pids[0], "ready", [])]


@pytest.mark.skipif(os.name == "nt", reason="Windows has no signals to end a process with")
@pytest.mark.parametrize("is_stopping", [False, True])
async def test_a_worker_that_the_signal_to_stop_ends_is_not_reported(
    app: AppFolder, is_stopping: bool, caplog: pytest.LogCaptureFixture
) -> None:
    signals: list[int] = []
    pool = WorkerPool(
        1,
        dict(os.environ),
        interpreter=app_interpreter(),
        is_stopping=lambda: is_stopping and bool(signals),
    )
    await pool.start()
    try:
        await pool.load(load_of(app))
        (first,) = pool.pids
        os.kill(first, signal.SIGTERM)
        await asyncio.sleep(0.05)  # the signal reaches the host later
        signals.append(signal.SIGTERM)
        await eventually_async(lambda: pool.pids not in ([], [first]), "the process is replaced")
    finally:
        await pool.close(0.2)
    assert ("EH326" in caplog.text) is not is_stopping


async def test_a_function_that_ends_its_process_costs_only_the_worker(
    app: AppFolder, start: StartPool
) -> None:
    pool, _ = await start(app)
    with pytest.raises(WorkerLostError, match="exited with code 7"):
        await asyncio.wait_for(pool.invoke(Invocation("Exit", "7")), 10)
    assert await call(pool, "Echo", 1) == 1


async def test_an_exit_with_code_0_is_a_finding(app: AppFolder, start: StartPool) -> None:
    pool, _ = await start(app)
    found: list[FindingData] = []
    pool.on_finding = found.append
    with pytest.raises(WorkerLostError):
        await pool.invoke(Invocation("Exit", "0"))
    assert [(finding.code, finding.function) for finding in found] == [("EH866", "Exit")]


async def test_a_very_slow_import_is_a_finding(
    app: AppFolder,
    start: StartPool,
    tmp_path: Path,
    waiting_import: LoadRequest,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(supervisor_module, "SLOW_LOAD", 0.05)
    monkeypatch.setattr(supervisor_module, "SLOW_IMPORT", 0.1)
    starting = asyncio.ensure_future(start(app, load=waiting_import))
    await asyncio.sleep(1)
    (tmp_path / "over").touch()
    _, loaded = await starting
    assert [(finding.code, finding.function) for finding in loaded.findings] == [("EH865", "Slow")]


async def test_close_waits_for_running_calls(
    app: AppFolder, start: StartPool, tmp_path: Path
) -> None:
    code = """
        import pathlib, time
        began, over = map(pathlib.Path, value)
        began.touch()
        while not over.exists():
            time.sleep(0.01)
        return "done"
    """
    app.activity("Slow", code)
    pool, _ = await start(app)
    began, over = tmp_path / "began", tmp_path / "over"
    running = asyncio.ensure_future(
        pool.invoke(Invocation("Slow", json.dumps([str(began), str(over)])))
    )
    await eventually_async(began.exists, "the function runs")
    closing = asyncio.ensure_future(pool.close(10))
    await asyncio.sleep(0)
    assert not closing.done()
    over.touch()
    await closing
    assert (await asyncio.wait_for(running, 20)).value == '"done"'


# -- changed code ----------------------------------------------------------------------------------


async def test_a_reload_ends_threads_of_the_previous_code(app: AppFolder, start: StartPool) -> None:
    code = """
        import asyncio, time
        async def main(value):
            asyncio.get_running_loop().run_in_executor(None, time.sleep, 3600)
            return "left"
    """
    app.function("Leaves", code, activity_trigger())
    pool, _ = await start(app)
    assert await call(pool, "Leaves") == "left"
    (before,) = pool.pids
    await pool.reload(load_of(app), lambda _: True)
    await eventually_async(lambda: not lives(before), "the old process ends")


@pytest.fixture
def waiting_import(app: AppFolder, tmp_path: Path) -> LoadRequest:
    """Return the load request for one function with an import that waits.

    The import creates the file ``began`` and ends when the file ``over`` exists.
    """
    began, over = str(tmp_path / "began"), str(tmp_path / "over")
    code = f"""
        import pathlib, time
        pathlib.Path({began!r}).touch()
        while not pathlib.Path({over!r}).exists():
            time.sleep(0.01)
        def main(value): return 'slow'
    """
    app.function("Slow", code, activity_trigger())
    return LoadRequest(str(app.root), [spec(app, "Slow")])


async def test_a_worker_that_exits_during_a_reload_is_replaced_with_the_code_in_service(
    app: AppFolder, start: StartPool, tmp_path: Path, waiting_import: LoadRequest
) -> None:
    pool, _ = await start(app, load=load_of(app, "Echo", "Exit"))
    reloading = asyncio.ensure_future(pool.reload(waiting_import, lambda _: False))
    await eventually_async((tmp_path / "began").exists, "the import waits")
    with pytest.raises(WorkerLostError):
        await pool.invoke(Invocation("Exit", "0"))
    assert await call(pool, "Echo", 1) == 1
    (tmp_path / "over").touch()
    await asyncio.wait_for(reloading, 20)
    assert await call(pool, "Echo", 1) == 1


@pytest.mark.parametrize("how", ["refused", "cancelled", "lost", "not started"])
async def test_a_failed_reload_leaves_no_processes(
    app: AppFolder,
    start: StartPool,
    tmp_path: Path,
    waiting_import: LoadRequest,
    refused_processes: RefusedProcesses,
    how: str,
) -> None:
    pool, _ = await start(app, load=load_of(app, "Echo"))
    before = pool.pids
    refused_processes.left = 1 if how == "not started" else 0
    load = waiting_import
    if how == "lost":
        app.function("Bad", "import os\nos._exit(9)", activity_trigger())
        load = LoadRequest(str(app.root), [spec(app, "Bad")])
    reloading = asyncio.ensure_future(pool.reload(load, lambda _: False))
    if how in ("refused", "cancelled"):
        await eventually_async((tmp_path / "began").exists, "the import waits")
    if how == "refused":
        (tmp_path / "over").touch()
        assert (await asyncio.wait_for(reloading, 20)).problems == []
    else:
        if how == "cancelled":
            reloading.cancel()
        with pytest.raises(asyncio.CancelledError if how == "cancelled" else WorkerLostError):
            await asyncio.wait_for(reloading, 20)
    await eventually_async(
        lambda: pool._processes._spawned == pool._processes.workers, "the new processes have exited"
    )
    assert await call(pool, "Echo", 1) == 1
    assert pool.pids == before


HOST = """
import asyncio, json, os, sys
from pathlib import Path
from embedded_host.workers.pool import WorkerPool
from embedded_host.workers.worker import Invocation
from tests.support.app_folder import AppFolder
from tests.support.app_python import app_interpreter
from tests.support.worker_calls import load_of

async def main(root, mark):
    app = AppFolder(Path(root))
    pool = WorkerPool(2, dict(os.environ), interpreter=app_interpreter())
    await pool.start()
    await pool.load(load_of(app))
    print(json.dumps(pool.pids), flush=True)
    await pool.invoke(Invocation("Block", json.dumps(mark)))

asyncio.run(main(*sys.argv[1:]))
"""


def test_workers_exit_with_their_host(app: AppFolder, tmp_path: Path) -> None:
    mark = tmp_path / "began"
    project = Path(__file__).parents[2]  # contains the package tests
    with subprocess.Popen(
        [sys.executable, "-c", HOST, str(app.root), str(mark)],
        stdout=subprocess.PIPE,
        text=True,
        env={**os.environ, "PYTHONPATH": str(project)},
    ) as host:
        try:
            assert host.stdout is not None
            pids = json.loads(host.stdout.readline())
            eventually(mark.exists, "a function runs")
            assert all(lives(pid) for pid in pids)
        finally:
            host.kill()
    eventually(lambda: not any(lives(pid) for pid in pids), "the workers end")
