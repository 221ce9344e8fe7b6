"""Who waits for an instance's end, and what they get."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from datetime import datetime, timezone

from embedded_host.store.interface import InstanceRow
from embedded_host.task_hub.completion_waiters import CompletionWaiters

T0 = datetime(2026, 1, 2, tzinfo=timezone.utc)
NOW = InstanceRow(1, "Hub", "i-1", "Any", "Running", T0, T0, "e")


def waiters() -> CompletionWaiters:
    return CompletionWaiters(lambda instance_id: NOW if instance_id == "i-1" else None)


async def test_all_waiters_are_notified() -> None:
    it, done = waiters(), replace(NOW, status="Completed")
    asked = [asyncio.ensure_future(it.wait("i-1", 30)) for _ in range(3)]
    await asyncio.sleep(0)
    assert it.has("i-1")
    it.complete(replace(done, id="i-2"))
    it.complete(done)
    assert await asyncio.gather(*asked) == [done] * 3
    assert not it.has("i-1")


async def test_one_whose_time_is_over_gets_it_as_it_is() -> None:
    it = waiters()
    assert await it.wait("i-1", 0.01) == NOW
    assert not it.has("i-1")


async def test_one_that_goes_away_is_forgotten() -> None:
    it = waiters()
    asked = asyncio.ensure_future(it.wait("i-1", 30))
    await asyncio.sleep(0)
    asked.cancel()
    await asyncio.gather(asked, return_exceptions=True)
    assert not it.has("i-1")


async def test_a_stopping_host_releases_present_and_later_waiters() -> None:
    it = waiters()
    asked = asyncio.ensure_future(it.wait("i-1", 30))
    await asyncio.sleep(0)
    it.close()
    assert await asyncio.wait_for(asked, 5) == NOW
    assert await asyncio.wait_for(it.wait("i-1", 30), 5) == NOW
