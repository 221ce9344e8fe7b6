"""Group commit: what arrives while the disk is busy shares one write, in order."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Sequence

import pytest

from embedded_host.store.contract import Change, SetInput, StateError, TakeMessage
from embedded_host.store.sqlite import SqliteStore
from embedded_host.task_hub.commit import GroupCommit, InlineCommit


class SlowStore:
    """Each write waits to be let through."""

    def __init__(self) -> None:
        self.writes: list[list[Change]] = []
        self.entered = threading.Semaphore(0)
        self.free = threading.Semaphore(0)
        self.error: Exception | None = None

    def write(self, changes: Sequence[Change]) -> None:
        self.entered.release()
        assert self.free.acquire(timeout=30)
        if self.error:
            raise self.error
        self.writes.append(list(changes))


async def entered(store: SlowStore) -> None:
    await asyncio.get_running_loop().run_in_executor(None, store.entered.acquire)


async def test_what_arrives_during_a_write_is_one_write_in_order() -> None:
    store = SlowStore()
    commit = GroupCommit(store)  # type: ignore[arg-type]
    first = asyncio.ensure_future(commit.commit([TakeMessage(0)]))
    await entered(store)
    others = [asyncio.ensure_future(commit.commit([TakeMessage(n), TakeMessage(-n)])) for n in range(1, 6)]
    await asyncio.sleep(0)
    assert not first.done()
    store.free.release()
    await entered(store)
    await first
    assert not any(other.done() for other in others)
    store.free.release()
    await asyncio.gather(*others)
    assert store.writes == [[TakeMessage(0)], [TakeMessage(i) for n in range(1, 6) for i in (n, -n)]]
    await commit.close()


async def test_closing_writes_what_came_before() -> None:
    store = SlowStore()
    commit = GroupCommit(store)  # type: ignore[arg-type]
    store.free.release(3)
    tasks = [asyncio.ensure_future(commit.commit([TakeMessage(n)])) for n in range(3)]
    await asyncio.sleep(0)
    await commit.close()
    await asyncio.gather(*tasks)
    assert [change for write in store.writes for change in write] == [TakeMessage(n) for n in range(3)]
    assert not commit._thread.is_alive()


async def test_a_failed_write_fails_everything_from_then_on() -> None:
    store = SlowStore()
    commit = GroupCommit(store)  # type: ignore[arg-type]
    store.error = StateError("the disk is full")
    store.free.release(9)
    for _ in range(2):
        with pytest.raises(StateError, match="the disk is full"):
            await commit.commit([TakeMessage(1)])
        store.error = None
    assert store.writes == []
    await commit.close()


async def test_a_caller_that_gave_up_harms_nobody() -> None:
    store = SlowStore()
    commit = GroupCommit(store)  # type: ignore[arg-type]
    first, second = (asyncio.ensure_future(commit.commit([TakeMessage(n)])) for n in (1, 2))
    await entered(store)
    first.cancel()
    store.free.release(2)
    await second
    assert TakeMessage(1) in store.writes[0]
    await commit.close()


async def test_inline_commit_writes_at_once() -> None:
    store = SqliteStore(None)
    commit = InlineCommit(store)
    await commit.commit([SetInput(1, "x")])
    assert store.input(1) == "x"
    await commit.close()
