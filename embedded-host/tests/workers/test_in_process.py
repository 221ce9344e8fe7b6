"""Functions in the host's own process."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest

from embedded_host.workers.in_process import InProcessWorker
from tests.support.app_folder import AppFolder, activity_trigger
from tests.support.polling import eventually_async
from tests.support.worker_calls import load_of


@pytest.fixture
async def worker(app: AppFolder, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> InProcessWorker:
    monkeypatch.chdir(tmp_path)  # loading changes it
    app.function("Cancels", "import asyncio\nasync def main(value): raise asyncio.CancelledError", activity_trigger())
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
    worker = InProcessWorker({})
    await worker.start()
    await worker.load(load_of(app))
    return worker


async def test_a_function_that_cancels_itself_fails(worker: InProcessWorker) -> None:
    """As in a worker process. Whoever waits for it is not cancelled, and gets an answer."""
    result = await asyncio.wait_for(worker.invoke("Cancels", "null"), 10)
    assert result.error is not None
    assert (result.error.type, result.error.message) == ("CancelledError", "the function was cancelled by its own code")


async def test_whom_nobody_waits_for_any_more_is_cancelled(worker: InProcessWorker, app: AppFolder) -> None:
    asking = asyncio.ensure_future(worker.invoke("Waits", "null"))
    await eventually_async((app.root / "began").exists, "it runs")
    asking.cancel()
    with pytest.raises(asyncio.CancelledError):
        await asking
    await eventually_async((app.root / "ended").exists, "it is cancelled")
