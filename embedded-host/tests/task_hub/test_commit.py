"""Group commit: concurrent changes, and those that arrive during a write, share one write."""

from __future__ import annotations

import asyncio
import sqlite3
import threading
import time
from collections.abc import Sequence
from contextlib import closing
from pathlib import Path

import pytest

from embedded_host.store.interface import Change, SaveInstance, SetInput, StateError, TakeMessage
from embedded_host.store.sqlite import SqliteStore
from embedded_host.task_hub.commit import MANY, PAGES, QUICK, GroupCommit, InlineCommit


class SlowStore:
    """A store whose commits wait for a semaphore."""

    def __init__(self, free: int = 0) -> None:
        self.writes: list[list[Change]] = []
        self.threads: list[int] = []
        self.entered = threading.Semaphore(0)
        self.free = threading.Semaphore(free)
        self.error: Exception | None = None
        self._staged: list[Change] = []

    def stage(self, changes: Sequence[Change]) -> None:
        assert not self._staged, "the previous write has not ended"
        self._staged = list(changes)

    def commit(self) -> None:
        self.threads.append(threading.get_ident())
        self.entered.release()
        assert self.free.acquire(timeout=30)
        staged, self._staged = self._staged, []
        if self.error:
            raise self.error
        self.writes.append(staged)


def slow_disk(store: SlowStore) -> GroupCommit:
    """Return a GroupCommit that uses the thread for each commit, as after a slow commit."""
    commit = GroupCommit(store)  # type: ignore[arg-type]
    commit._seconds = QUICK * 2
    return commit


async def entered(store: SlowStore) -> None:
    await asyncio.get_running_loop().run_in_executor(None, store.entered.acquire)


def take(number: int) -> TakeMessage:
    return TakeMessage(0, number)


async def test_changes_that_arrive_during_a_write_are_one_write_in_order() -> None:
    store = SlowStore()
    commit = slow_disk(store)
    first = commit.commit([take(0)])
    await entered(store)
    others = [commit.commit([take(n), take(-n)]) for n in range(1, 6)]
    await asyncio.sleep(0)
    assert not first.done()
    store.free.release()
    await entered(store)
    await first
    assert not any(other.done() for other in others)
    store.free.release()
    await asyncio.gather(*others)
    assert store.writes == [[take(0)], [take(i) for n in range(1, 6) for i in (n, -n)]]
    await commit.close()


async def test_concurrent_commits_are_one_write_outside_the_loop() -> None:
    store = SlowStore(free=1)
    commit = GroupCommit(store)  # type: ignore[arg-type]
    await asyncio.gather(*(commit.commit([take(n)]) for n in range(3)))
    assert store.writes == [[take(n) for n in range(3)]]
    assert store.threads != [threading.get_ident()]
    await commit.close()


async def test_a_single_caller_on_a_quick_disk_is_served_without_the_thread() -> None:
    store = SlowStore(free=3)
    commit = GroupCommit(store)  # type: ignore[arg-type]
    await commit.commit([take(1)])
    commit._seconds = QUICK * 2
    await commit.commit([take(2)])
    commit._seconds = QUICK / 2
    await commit.commit([take(3)])
    here = threading.get_ident()
    assert [thread == here for thread in store.threads] == [True, False, True]
    assert store.writes == [[take(1)], [take(2)], [take(3)]]
    await commit.close()


async def test_close_writes_all_requested_changes() -> None:
    store = SlowStore(free=3)
    commit = slow_disk(store)
    requested = [commit.commit([take(n)]) for n in range(3)]
    await commit.close()
    assert all(done.done() for done in requested)
    assert [change for write in store.writes for change in write] == [take(n) for n in range(3)]
    assert not commit._thread.is_alive()


@pytest.mark.parametrize("seconds", [0.0, QUICK * 2], ids=["in the loop", "in the thread"])
async def test_a_failed_write_fails_all_later_commits(seconds: float) -> None:
    store = SlowStore(free=9)
    commit = GroupCommit(store)  # type: ignore[arg-type]
    commit._seconds = seconds
    store.error = StateError("the disk is full")
    for _ in range(2):
        with pytest.raises(StateError, match="the disk is full"):
            await commit.commit([take(1)])
        store.error = None
    assert store.writes == []
    await commit.close()


@pytest.mark.parametrize("seconds", [0.0, QUICK * 2], ids=["in the loop", "in the thread"])
async def test_a_failed_write_is_reported_to_the_host_once(seconds: float) -> None:
    store, reported = SlowStore(free=9), list[Exception]()
    commit = GroupCommit(store, reported.append)  # type: ignore[arg-type]
    commit._seconds = seconds
    await commit.commit([take(0)])
    assert reported == []
    store.error = StateError("the disk is full")
    for _ in range(2):
        with pytest.raises(StateError):
            await commit.commit([take(1)])
    assert reported == [store.error]
    await commit.close()


async def test_a_change_that_cannot_be_staged_fails_its_caller() -> None:
    store = SqliteStore(None)
    commit = GroupCommit(store)
    with pytest.raises(AttributeError):
        await commit.commit([SetInput(1, "x"), SaveInstance(None)])  # type: ignore[arg-type]
    with pytest.raises(AttributeError):
        await commit.commit([SetInput(2, "x")])
    assert (store.input(1), store.input(2)) == (None, None)
    await commit.close()
    store.close()


async def test_a_cancelled_caller_does_not_affect_the_others() -> None:
    store = SlowStore()
    commit = slow_disk(store)
    first, second = commit.commit([take(1)]), commit.commit([take(2)])
    await entered(store)
    first.cancel()
    store.free.release(2)
    await second
    assert store.writes == [[take(1), take(2)]]
    await commit.close()


async def test_inline_commit_writes_at_once() -> None:
    store = SqliteStore(None)
    commit = InlineCommit(store)
    commit.commit([SetInput(1, "x")])
    assert store.input(1) == "x"
    with pytest.raises(AttributeError):
        await commit.commit([SaveInstance(None)])  # type: ignore[arg-type]
    await commit.close()
    store.close()


async def test_a_large_commit_is_made_in_the_thread() -> None:
    store = SlowStore(free=2)
    commit = GroupCommit(store)  # type: ignore[arg-type]
    await commit.commit([take(n) for n in range(MANY)])
    await commit.commit([take(n) for n in range(MANY + 1)])
    here = threading.get_ident()
    assert [thread == here for thread in store.threads] == [True, False]
    await commit.close()


async def test_the_thread_waits_for_another_programs_lock_and_the_event_loop_does_not(
    tmp_path: Path,
) -> None:
    store = SqliteStore(tmp_path / "state.db", fsync=False)
    commit = GroupCommit(store)
    with closing(sqlite3.connect(tmp_path / "state.db", isolation_level=None)) as other:
        other.execute("BEGIN IMMEDIATE")
        done = commit.commit([SetInput(1, "x")])
        for _ in range(50):
            await asyncio.sleep(0.005)
        assert not done.done()
        assert store.input(1) is None
        other.execute("ROLLBACK")
    await done
    assert store.input(1) == "x"
    await commit.close()
    store.close()


async def test_a_lock_that_another_program_does_not_release_fails_the_commit(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("embedded_host.store.sqlite.BUSY_LIMIT", 0.0)
    store = SqliteStore(tmp_path / "state.db", fsync=False)
    reported: list[Exception] = []
    commit = GroupCommit(store, reported.append)
    with closing(sqlite3.connect(tmp_path / "state.db", isolation_level=None)) as other:
        other.execute("BEGIN IMMEDIATE")
        for _ in range(2):
            with pytest.raises(
                StateError, match=r"database is locked\. Another program has locked"
            ):
                await commit.commit([SetInput(1, "x")])
        assert len(reported) == 1
    await commit.close()
    store.close()


async def test_unused_space_is_released_in_steps_between_writes(tmp_path: Path) -> None:
    path = tmp_path / "state.db"
    store = SqliteStore(path, fsync=False)
    commit = GroupCommit(store)
    await commit.commit([SetInput(n, "x" * 4000) for n in range(2 * PAGES)])
    await commit.commit([SetInput(n, None) for n in range(2 * PAGES)])
    full = path.stat().st_size
    assert full > 2 * PAGES * 4096
    commit.release_space()
    deadline = time.monotonic() + 30
    while path.stat().st_size > full / 10:
        assert time.monotonic() < deadline, (
            f"the file still has {path.stat().st_size} of {full} bytes"
        )
        await commit.commit([SetInput(9999, "y")])  # the release continues after a write
        await asyncio.sleep(0.1)
    assert store.input(9999) == "y"
    await commit.close()
    store.close()


async def test_close_stops_the_release_of_space(tmp_path: Path) -> None:
    store = SqliteStore(tmp_path / "state.db", fsync=False)
    commit = GroupCommit(store)
    commit.release_space()
    await commit.close()
    assert commit._release_timer is None or commit._release_timer.cancelled()
    assert not commit._thread.is_alive()
    store.close()


@pytest.mark.parametrize("seconds", [0.0, QUICK * 2], ids=["in the loop", "in the thread"])
async def test_commits_and_their_changes_are_counted(seconds: float) -> None:
    store = SlowStore(free=9)
    commit = GroupCommit(store)  # type: ignore[arg-type]
    commit._seconds = seconds
    await commit.commit([take(0), take(1)])
    store.error = StateError("the disk is full")
    with pytest.raises(StateError):
        await commit.commit([take(2)])
    assert (commit.measurements.durations.count, commit.measurements.changes) == (1, 2)
    await commit.close()
