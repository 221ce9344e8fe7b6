"""Processes apart, for calls that may have ended a worker: each runs there with nothing beside it, so that its process's end is
its own doing, and the app's workers are spared."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from typing import TYPE_CHECKING, TypeVar

if TYPE_CHECKING:
    from embedded_host.workers.worker_process import WorkerProcess

T = TypeVar("T")
PROCESSES = 4
"""At most so many at a time: begun as they are needed, each about 50 MB."""
IDLE = 5.0
"""Seconds without a call after which such a process is ended."""


class Quarantine:
    """``spawn`` gives a process that has loaded the app (or raises WorkerLostError), ``retire`` ends one that has nothing to do."""

    def __init__(self, spawn: Callable[[], Awaitable[WorkerProcess]], retire: Callable[[WorkerProcess], None]) -> None:
        self._spawn, self._retire = spawn, retire
        self._places = asyncio.Semaphore(PROCESSES)
        self._idle: list[WorkerProcess] = []
        self._code = 0
        """Counts changes of the app: processes with older code are not used again."""
        self._timer: asyncio.TimerHandle | None = None

    async def run(self, ask: Callable[[WorkerProcess], Awaitable[T]]) -> T:
        """``ask`` with a process that has nothing else to do; in order of arrival. Raises WorkerLostError."""
        async with self._places:
            code, worker = self._code, await self._take()
            try:
                return await ask(worker)
            finally:
                self._give_back(worker, code)

    def empty(self) -> None:
        """End what is idle; what runs ends after its call. The app has changed, or the host stops."""
        self._code += 1
        self._end_idle()

    def _end_idle(self) -> None:
        idle, self._idle = self._idle, []
        for worker in idle:
            self._retire(worker)
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None

    async def _take(self) -> WorkerProcess:
        while self._idle:
            worker = self._idle.pop()
            if not worker.lost:
                return worker
        return await self._spawn()

    def _give_back(self, worker: WorkerProcess, code: int) -> None:
        if worker.lost:
            return
        if code != self._code or worker.pending:  # the latter: its caller gave up, and it still runs that call
            self._retire(worker)
            return
        self._idle.append(worker)
        if self._timer is not None:
            self._timer.cancel()
        self._timer = asyncio.get_running_loop().call_later(IDLE, self._end_idle)
