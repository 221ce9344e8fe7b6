"""A limit for the number of concurrent jobs."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Awaitable, Callable

Job = Callable[[], Awaitable[None]]


class ConcurrencyLimiter:
    """Runs jobs in order of arrival, at most ``limit`` at a time.

    ``on_error`` receives the exceptions of jobs.
    """

    def __init__(self, limit: int, on_error: Callable[[BaseException], None]) -> None:
        self.limit = limit
        self._on_error = on_error
        self._waiting: deque[Job] = deque()
        self._running: set[asyncio.Future[None]] = set()
        self._closed = False

    @property
    def busy(self) -> int:
        """Number of running jobs."""
        return len(self._running)

    @property
    def queued(self) -> int:
        """Number of jobs that wait for the end of others."""
        return len(self._waiting)

    def put(self, job: Job) -> None:
        """Start a job now, or as soon as the limit allows it."""
        self._waiting.append(job)
        self._fill()

    def _fill(self) -> None:
        while self._waiting and len(self._running) < self.limit and not self._closed:
            task = asyncio.ensure_future(self._waiting.popleft()())
            self._running.add(task)
            task.add_done_callback(self._done)

    def _done(self, task: asyncio.Future[None]) -> None:
        self._running.discard(task)
        if not task.cancelled() and (error := task.exception()):
            self._on_error(error)
        self._fill()

    async def close(self, grace: float) -> int:
        """Start no more jobs, and cancel the jobs that still run after ``grace`` seconds.

        Returns the number of cancelled jobs.
        """
        self._closed = True
        running = set(self._running)
        if not running:
            return 0
        _, late = await asyncio.wait(running, timeout=grace)
        for task in late:
            task.cancel()
        if late:
            await asyncio.wait(late)
        return len(late)
