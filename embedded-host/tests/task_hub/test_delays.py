"""Delays by a clock, which end early when the host stops."""

from __future__ import annotations

import asyncio
from datetime import timedelta

from embedded_host.task_hub.clock import WallClock
from embedded_host.task_hub.delays import Delays
from tests.task_hub.kit import T0, ManualClock

HOUR = timedelta(hours=1)


async def started(delays: Delays, delay: timedelta) -> asyncio.Task[bool]:
    task = asyncio.ensure_future(delays.wait(delay))
    await asyncio.sleep(0)
    return task


async def test_a_delay_ends_at_its_time() -> None:
    clock = ManualClock()
    delays = Delays(clock, automatic=False)
    assert delays.next_due is None
    task = await started(delays, HOUR)
    assert [delays.waiting, delays.next_due] == [1, T0 + HOUR]
    clock.advance(3599)
    delays.fire_due()
    assert not task.done()
    clock.advance(1)
    delays.fire_due()
    assert delays.waiting == 0  # before the task runs
    assert await task
    assert [delays.waiting, delays.next_due] == [0, None]


async def test_a_delay_of_the_wall_clock_needs_no_call() -> None:
    assert await asyncio.wait_for(Delays(WallClock()).wait(timedelta(milliseconds=1)), 10)


async def test_cancelled_delays_end_early_and_later_delays_do_not() -> None:
    delays = Delays(WallClock())
    task = await started(delays, HOUR)
    delays.cancel()
    assert not await task
    assert await asyncio.wait_for(delays.wait(timedelta(milliseconds=1)), 10)


async def test_after_close_no_delay_waits() -> None:
    delays = Delays(WallClock())
    task = await started(delays, HOUR)
    delays.close()
    assert not await task
    assert not await asyncio.wait_for(delays.wait(HOUR), 10)


async def test_the_longest_time_span_is_accepted() -> None:
    delays = Delays(ManualClock(), automatic=False)
    task = await started(delays, timedelta.max)
    delays.close()
    assert not await task
