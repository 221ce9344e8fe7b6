"""Fixtures for pools of worker processes."""

from __future__ import annotations

import asyncio
import json
import os
from collections.abc import AsyncIterator, Awaitable, Callable
from pathlib import Path

import psutil
import pytest

from embedded_host.workers.pool import WorkerPool
from embedded_host.workers.worker import Invocation
from embedded_worker.protocol import LoadRequest, LoadResult
from tests.support.app_folder import AppFolder, activity_trigger
from tests.support.app_python import app_interpreter
from tests.support.worker_calls import load_of

StartPool = Callable[..., Awaitable[tuple[WorkerPool, LoadResult]]]


@pytest.fixture
async def start() -> AsyncIterator[StartPool]:
    """Yield a function that starts a pool and loads an app.

    After the test, the pools are closed. The test fails if a process is still running then.
    """
    pools: list[WorkerPool] = []

    async def start(
        app: AppFolder, count: int = 1, load: LoadRequest | None = None
    ) -> tuple[WorkerPool, LoadResult]:
        pool = WorkerPool(count, dict(os.environ), interpreter=app_interpreter())
        pools.append(pool)
        await pool.start()
        return pool, await pool.load(load or load_of(app))

    yield start
    for pool in pools:
        await pool.close(0.2)
    assert not [pid for pool in pools for pid in pool.pids if lives(pid)]


def lives(pid: int) -> bool:
    try:
        return bool(psutil.Process(pid).status() != psutil.STATUS_ZOMBIE)
    except psutil.NoSuchProcess:
        return False


async def call(pool: WorkerPool, name: str, value: object = None) -> object:
    """Run an activity and return its output."""
    result = await asyncio.wait_for(pool.invoke(Invocation(name, json.dumps(value))), 20)
    assert result.error is None
    assert isinstance(result.value, str)
    return json.loads(result.value)


def app_of_calls(root: Path) -> AppFolder:
    """Return an app with functions that return, wait, and end their process."""
    app = AppFolder(root)
    app.activity("Echo", "return value")
    app.activity("Pid", "import os\nreturn os.getpid()")
    app.activity("Exit", "import os\nos._exit(value)")
    code = """
        import asyncio, pathlib
        async def main(value):
            pathlib.Path(value).touch()
            await asyncio.sleep(60)
    """
    app.function("Hang", code, activity_trigger())
    code = """
        import pathlib, time
        def main(value):
            pathlib.Path(value).touch()
            time.sleep(60)
    """
    app.function("Block", code, activity_trigger())
    return app
