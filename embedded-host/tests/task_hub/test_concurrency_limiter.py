from __future__ import annotations

import asyncio
from functools import partial

import pytest

from embedded_host.task_hub.concurrency_limiter import ConcurrencyLimiter


async def test_jobs_run_in_order_and_so_many_at_once() -> None:
    gates = [asyncio.Event() for _ in range(4)]
    started: list[int] = []
    lane = ConcurrencyLimiter(2, lambda error: None)

    async def job(n: int) -> None:
        started.append(n)
        await gates[n].wait()

    for n in range(4):
        lane.put(partial(job, n))
    await asyncio.sleep(0)
    assert (started, lane.busy) == ([0, 1], 2)
    gates[1].set()
    for _ in range(5):
        await asyncio.sleep(0)
    assert started == [0, 1, 2]
    for gate in gates:
        gate.set()
    assert await lane.close(10) == 0


async def test_an_error_is_handed_over_and_the_next_job_runs() -> None:
    errors: list[BaseException] = []
    ran = asyncio.Event()
    lane = ConcurrencyLimiter(1, errors.append)

    async def boom() -> None:
        raise ValueError("boom")

    async def fine() -> None:
        ran.set()

    lane.put(boom)
    lane.put(fine)
    await asyncio.wait_for(ran.wait(), 10)
    assert [str(error) for error in errors] == ["boom"]
    assert await lane.close(10) == 0


@pytest.mark.parametrize("grace", [0, 0.01])
async def test_closing_cancels_what_takes_too_long_and_starts_nothing(grace: float) -> None:
    errors: list[BaseException] = []
    ran: list[str] = []
    lane = ConcurrencyLimiter(1, errors.append)

    async def job(name: str) -> None:
        ran.append(name)
        await asyncio.Event().wait()

    lane.put(lambda: job("first"))
    lane.put(lambda: job("second"))
    await asyncio.sleep(0)
    assert await lane.close(grace) == 1
    await asyncio.sleep(0)
    assert (ran, errors, lane.busy) == (["first"], [], 0)
