from __future__ import annotations

import asyncio
from functools import partial

import pytest

from embedded_host.task_hub.concurrency_limiter import ConcurrencyLimiter


async def test_jobs_run_in_order_within_the_limit() -> None:
    gates = [asyncio.Event() for _ in range(4)]
    started: list[int] = []
    limiter = ConcurrencyLimiter(2, lambda error: None)

    async def job(n: int) -> None:
        started.append(n)
        await gates[n].wait()

    for n in range(4):
        limiter.put(partial(job, n))
    await asyncio.sleep(0)
    assert (started, limiter.busy) == ([0, 1], 2)
    gates[1].set()
    for _ in range(5):
        await asyncio.sleep(0)
    assert started == [0, 1, 2]
    for gate in gates:
        gate.set()
    assert await limiter.close(10) == 0


async def test_an_error_is_reported_and_the_next_job_runs() -> None:
    errors: list[BaseException] = []
    ran = asyncio.Event()
    limiter = ConcurrencyLimiter(1, errors.append)

    async def boom() -> None:
        raise ValueError("boom")

    async def fine() -> None:
        ran.set()

    limiter.put(boom)
    limiter.put(fine)
    await asyncio.wait_for(ran.wait(), 10)
    assert [str(error) for error in errors] == ["boom"]
    assert await limiter.close(10) == 0


@pytest.mark.parametrize("grace", [0, 0.01])
async def test_close_cancels_jobs_after_the_grace_period_and_starts_no_more(grace: float) -> None:
    errors: list[BaseException] = []
    ran: list[str] = []
    limiter = ConcurrencyLimiter(1, errors.append)

    async def job(name: str) -> None:
        ran.append(name)
        await asyncio.Event().wait()

    limiter.put(lambda: job("first"))
    limiter.put(lambda: job("second"))
    await asyncio.sleep(0)
    assert await limiter.close(grace) == 1
    await asyncio.sleep(0)
    assert (ran, errors, limiter.busy) == (["first"], [], 0)
