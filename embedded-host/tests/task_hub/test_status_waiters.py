"""Requests that wait for a status of an instance, and the rows that they receive."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from datetime import datetime, timezone

from embedded_host.store.interface import InstanceRow
from embedded_host.task_hub.status_waiters import StatusWaiters

T0 = datetime(2026, 1, 2, tzinfo=timezone.utc)
ROW = InstanceRow(1, "Hub", "i-1", "Any", "Running", T0, T0, "e")


def new_waiters() -> StatusWaiters:
    return StatusWaiters(lambda instance_id: ROW if instance_id == "i-1" else None)


async def test_all_waiters_receive_the_row_of_the_finished_instance() -> None:
    waiters, finished = new_waiters(), replace(ROW, status="Completed")
    waiting = [asyncio.ensure_future(waiters.wait("i-1", 30)) for _ in range(3)]
    await asyncio.sleep(0)
    assert waiters.has("i-1")
    waiters.complete(replace(finished, id="i-2"))
    waiters.complete(finished)
    assert await asyncio.gather(*waiting) == [finished] * 3
    assert not waiters.has("i-1")


async def test_a_waiter_receives_the_current_row_after_its_timeout() -> None:
    waiters = new_waiters()
    assert await waiters.wait("i-1", 0.01) == ROW
    assert not waiters.has("i-1")


async def test_a_cancelled_waiter_is_removed() -> None:
    waiters = new_waiters()
    waiting = asyncio.ensure_future(waiters.wait("i-1", 30))
    await asyncio.sleep(0)
    waiting.cancel()
    await asyncio.gather(waiting, return_exceptions=True)
    assert not waiters.has("i-1")


async def test_close_releases_current_and_later_waiters() -> None:
    waiters = new_waiters()
    waiting = asyncio.ensure_future(waiters.wait("i-1", 30))
    await asyncio.sleep(0)
    waiters.close()
    assert await asyncio.wait_for(waiting, 20) == ROW
    assert await asyncio.wait_for(waiters.wait("i-1", 30), 20) == ROW


async def test_close_releases_waiters_of_a_missing_instance() -> None:
    waiters = new_waiters()
    waiting = asyncio.ensure_future(waiters.wait("missing", 30))
    await asyncio.sleep(0)
    waiters.close()
    assert waiters.is_closed
    assert await asyncio.wait_for(waiting, 20) is None
