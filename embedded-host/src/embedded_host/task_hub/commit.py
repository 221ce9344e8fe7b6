"""Group commit: what several turns change is made durable with one fsync."""

from __future__ import annotations

import asyncio
import queue
import threading
import time
from collections.abc import Callable, Sequence
from typing import NamedTuple, Protocol

from embedded_host.store.interface import Change, Store

QUICK = 0.001
"""Seconds. A disk that was as quick as this the last time may be waited for in the event loop's own thread."""


ROUNDS = 2
"""Rounds of the event loop before a write: a turn that begins before its message is durable is on its way to the worker by
then, and runs while the disk works."""


class Commit(Protocol):
    def commit(self, changes: Sequence[Change]) -> asyncio.Future[None]:
        """Done when ``changes`` are durable, which they are in the order in which they were asked for. Fails with StateError."""

    async def close(self) -> None: ...


class InlineCommit:
    """Writes at once, in the caller's thread: for a state in memory."""

    def __init__(self, store: Store) -> None:
        self._store = store

    def commit(self, changes: Sequence[Change]) -> asyncio.Future[None]:
        done: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        try:
            self._store.write(changes)
        except Exception as error:
            done.set_exception(error)
        else:
            done.set_result(None)
        return done

    async def close(self) -> None:
        pass


class _Asked(NamedTuple):
    changes: Sequence[Change]
    done: asyncio.Future[None]


class GroupCommit:
    """What is asked for in one round of the event loop, or while the disk is busy, is one transaction.

    The statements run in the event loop's thread: they touch memory only, and in a thread of their own each of them would
    have to get the interpreter back from a busy loop. The commit, which waits for the disk, has a thread; but a single
    asker on a quick disk is served without it, as handing it over and back takes as long as the disk does (measured).

    A write that fails fails every commit from then on: what is on disk is whole, and what is in memory no longer fits it.
    ``on_failure`` is told of the first one: the host has to stop, or it would go on answering from a memory that is wrong.
    """

    def __init__(self, store: Store, on_failure: Callable[[Exception], None] | None = None) -> None:
        self._store, self._on_failure = store, on_failure
        self._loop = asyncio.get_running_loop()
        self._asked: list[_Asked] = []
        self._scheduled = False
        """A write is to begin in this round of the loop, or the thread is at one."""
        self._seconds = 0.0
        """How long the last commit waited for the disk."""
        self._failure: Exception | None = None
        self._idle = asyncio.Event()
        self._idle.set()
        self._groups: queue.SimpleQueue[list[_Asked] | None] = queue.SimpleQueue()
        self._thread = threading.Thread(target=self._work, name="group-commit", daemon=True)
        self._thread.start()

    def commit(self, changes: Sequence[Change]) -> asyncio.Future[None]:
        done: asyncio.Future[None] = self._loop.create_future()
        self._asked.append(_Asked(changes, done))
        if not self._scheduled:
            self._schedule()
        return done

    async def close(self) -> None:
        """What has been asked for is written."""
        await self._idle.wait()
        self._groups.put(None)
        await self._loop.run_in_executor(None, self._thread.join)

    def _schedule(self) -> None:
        self._scheduled = True
        self._idle.clear()
        self._loop.call_soon(self._write, ROUNDS)

    def _write(self, rounds: int) -> None:
        if rounds:
            self._loop.call_soon(self._write, rounds - 1)
            return
        group, self._asked = self._asked, []
        try:
            if self._failure is not None:
                raise self._failure
            self._store.stage([change for asked in group for change in asked.changes])
            if len(group) > 1 or self._seconds > QUICK:
                self._groups.put(group)
                return
            self._commit()
        except Exception as error:
            self._over(group, error)
        else:
            self._over(group, None)

    def _commit(self) -> None:
        began = time.perf_counter()
        self._store.commit()
        self._seconds = time.perf_counter() - began

    def _work(self) -> None:
        while (group := self._groups.get()) is not None:
            failure: Exception | None = None
            try:
                self._commit()
            except Exception as error:
                failure = error
            self._loop.call_soon_threadsafe(self._over, group, failure)

    def _over(self, group: Sequence[_Asked], failure: Exception | None) -> None:
        if failure is not None and self._failure is None and self._on_failure is not None:
            self._on_failure(failure)
        self._failure = failure
        for asked in group:
            if asked.done.done():  # its caller gave up
                continue
            if failure is None:
                asked.done.set_result(None)
            else:
                asked.done.set_exception(failure)
        if self._asked:
            self._schedule()
        else:
            self._scheduled = False
            self._idle.set()
