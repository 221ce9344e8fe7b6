"""Group commit: the changes of several turns become durable with one fsync."""

from __future__ import annotations

import asyncio
import logging
import queue
import threading
import time
from collections.abc import Callable, Sequence
from functools import partial
from typing import NamedTuple, Protocol

from embedded_host.store.interface import Change, StateBusyError, StateError, Store
from embedded_host.task_hub.measurements import CommitMeasurements

log = logging.getLogger("embedded_host.task_hub")

QUICK = 0.001
"""Maximum duration, in seconds, of a quick commit.

After a quick commit, the event loop's thread may make the next commit.
"""
MANY = 50
"""Maximum number of changes of a commit in the event loop's thread."""
ROUNDS = 2
"""Number of rounds of the event loop before a write.

A turn may start before its message is durable. It sends its request to the worker in these rounds,
so that the worker runs during the write.
"""
PAGES = 256
"""Number of unused pages that one step returns to the file system: 1 MB in a few milliseconds."""
PAUSE = 0.05
"""Seconds without a commit before a step that returns unused pages."""


class Commit(Protocol):
    """Writes changes to the store."""

    def commit(self, changes: Sequence[Change]) -> asyncio.Future[None]:
        """Write changes, and return a future that is done when the changes are durable.

        Changes become durable in the order of the calls. If the write fails, the future fails with
        StateError.
        """

    def release_space(self) -> None:
        """Return the unused space of the state file to the file system.

        The space is returned in small steps between commits.
        """

    async def close(self) -> None:
        """Return when all requested changes are written."""


class InlineCommit:
    """Commits at once in the caller's thread, for a state in memory."""

    def __init__(self, store: Store) -> None:
        self._store = store

    def commit(self, changes: Sequence[Change]) -> asyncio.Future[None]:
        """Write changes, and return a future that is done."""
        done: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        try:
            self._store.write(changes)
        except Exception as error:
            done.set_exception(error)
        else:
            done.set_result(None)
        return done

    def release_space(self) -> None:
        """Do nothing: a state in memory has no file."""

    async def close(self) -> None:
        """Do nothing: all changes are written."""


class _Request(NamedTuple):
    changes: Sequence[Change]
    done: asyncio.Future[None]


class _Job(NamedTuple):
    """A function to call in the thread, and the requests that wait for it."""

    call: Callable[[], object]
    requests: Sequence[_Request]


class GroupCommit:
    """Commits the requests of several callers in one transaction.

    A transaction contains the requests of ``ROUNDS`` rounds of the event loop, and the requests
    that arrive during the previous write.

    The SQL statements run in the event loop's thread. They change memory only, and another thread
    would have to wait for the interpreter lock before each statement. The commit waits for the disk
    and runs in a separate thread. A single small request on a quick disk does not use that thread,
    because switching threads takes as long as writing to the disk (measured).

    After a failed write all later commits fail. The file is intact, but the instances in memory no
    longer match the file. ``on_failure`` receives the first error. The host must then stop, because
    its responses would be wrong.
    """

    def __init__(self, store: Store, on_failure: Callable[[Exception], None] | None = None) -> None:
        self._store, self._on_failure = store, on_failure
        self._loop = asyncio.get_running_loop()
        self._requests: list[_Request] = []
        self._scheduled = False
        """True while a write is scheduled or the thread is busy."""
        self._seconds = 0.0
        """Duration of the last commit."""
        self.measurements = CommitMeasurements()
        self._failure: Exception | None = None
        self._has_unused_pages = False
        self._release_timer: asyncio.TimerHandle | None = None
        self._idle = asyncio.Event()
        self._idle.set()
        self._jobs: queue.SimpleQueue[_Job | None] = queue.SimpleQueue()
        self._thread = threading.Thread(target=self._work, name="group-commit", daemon=True)
        self._thread.start()

    def commit(self, changes: Sequence[Change]) -> asyncio.Future[None]:
        """Schedule a write, and return a future that is done when the changes are durable."""
        done: asyncio.Future[None] = self._loop.create_future()
        self._requests.append(_Request(changes, done))
        if not self._scheduled:
            self._schedule()
        return done

    def release_space(self) -> None:
        """Return unused space to the file system once no write is scheduled."""
        self._has_unused_pages = True
        if not self._scheduled:
            self._release_later()

    async def close(self) -> None:
        """Return when all requested changes are written."""
        self._has_unused_pages = False
        if self._release_timer is not None:
            self._release_timer.cancel()
        await self._idle.wait()
        self._jobs.put(None)
        await self._loop.run_in_executor(None, self._thread.join)

    # -- in the event loop's thread ----------------------------------------------------------------

    def _schedule(self) -> None:
        self._scheduled = True
        self._idle.clear()
        self._loop.call_soon(self._write, ROUNDS)

    def _write(self, rounds: int) -> None:
        if rounds:
            self._loop.call_soon(self._write, rounds - 1)
            return
        requests, self._requests = self._requests, []
        changes = [change for request in requests for change in request.changes]
        try:
            if self._failure is not None:
                raise self._failure
            self._store.stage(changes)
            if len(requests) > 1 or len(changes) > MANY or self._seconds > QUICK:
                self._jobs.put(_Job(self._commit, requests))
                return
            self._commit()
        except StateBusyError as error:
            if error is self._failure:
                self._finish(requests, error)
            else:  # another program has locked the file: the thread waits, not the event loop
                self._jobs.put(_Job(partial(self._write_later, changes), requests))
        except Exception as error:
            self._finish(requests, error)
        else:
            self._finish(requests, None)

    def _finish(self, requests: Sequence[_Request], failure: Exception | None) -> None:
        if failure is not None and self._failure is None and self._on_failure is not None:
            self._on_failure(failure)
        self._failure = failure
        if failure is None:
            self.measurements.changes += sum(len(request.changes) for request in requests)
        for request in requests:
            if request.done.done():  # the caller was cancelled
                continue
            if failure is None:
                request.done.set_result(None)
            else:
                request.done.set_exception(failure)
        if self._requests:
            self._schedule()
        else:
            self._scheduled = False
            self._idle.set()
            self._release_later()

    def _release_later(self) -> None:
        if self._release_timer is not None:
            self._release_timer.cancel()
            self._release_timer = None
        if self._has_unused_pages and self._failure is None:
            self._release_timer = self._loop.call_later(PAUSE, self._release)

    def _release(self) -> None:
        self._release_timer = None
        if not self._scheduled:  # otherwise the end of the write schedules the release again
            self._scheduled = True
            self._idle.clear()
            self._jobs.put(_Job(self._release_pages, ()))

    # -- in the thread -----------------------------------------------------------------------------

    def _work(self) -> None:
        while (job := self._jobs.get()) is not None:
            failure: Exception | None = None
            try:
                job.call()
            except Exception as error:
                failure = error
            self._loop.call_soon_threadsafe(self._finish, job.requests, failure)

    def _commit(self) -> None:
        """Commit the transaction. The event loop's thread calls it too."""
        began = time.perf_counter()
        self._store.commit()
        self._seconds = time.perf_counter() - began
        self.measurements.durations.observe(self._seconds)

    def _write_later(self, changes: Sequence[Change]) -> None:
        began = time.perf_counter()
        self._store.write(changes)
        self.measurements.durations.observe(time.perf_counter() - began)

    def _release_pages(self) -> None:
        try:
            remaining = self._store.release_pages(PAGES)
        except StateError as error:  # the changes are already durable
            log.debug("The state file could not be shrunk: %s", error)
            remaining = 0
        self._has_unused_pages = remaining > 0
