"""Processes for calls that may have ended a worker. Each runs alone there: if its process ends too, the call is the cause, and the
app's workers are not affected."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from typing import TypeVar

from embedded_host.workers.worker_process import WorkerProcess

T = TypeVar("T")
PROCESSES = 4
"""The maximum at a time. Each has about 50 MB and is started when it is needed."""
IDLE = 5.0
"""Seconds without a call after which a process is ended."""


class Quarantine:
    """``spawn`` returns a process that has loaded the app, or raises WorkerLostError. ``retire`` ends an idle one."""

    def __init__(
        self, spawn: Callable[[], Awaitable[WorkerProcess]], retire: Callable[[WorkerProcess], None]
    ) -> None:
        self._spawn, self._retire = spawn, retire
        self._slots = asyncio.Semaphore(PROCESSES)
        self._idle: list[WorkerProcess] = []
        self._generation = 0
        """Incremented by each change of the app: processes with older code are not used again."""
        self._timer: asyncio.TimerHandle | None = None

    async def run(self, use: Callable[[WorkerProcess], Awaitable[T]]) -> T:
        """Call ``use`` with a process that runs nothing else, in order of arrival. Raises WorkerLostError."""
        async with self._slots:
            generation, worker = self._generation, await self._take()
            try:
                return await use(worker)
            finally:
                self._give_back(worker, generation)

    def empty(self) -> None:
        """End the idle processes now and the others after their calls: the app has changed, or the host stops."""
        self._generation += 1
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

    def _give_back(self, worker: WorkerProcess, generation: int) -> None:
        if worker.lost:
            return
        if (
            generation != self._generation or worker.pending
        ):  # pending: its caller was cancelled, the call still runs
            self._retire(worker)
            return
        self._idle.append(worker)
        if self._timer is not None:
            self._timer.cancel()
        self._timer = asyncio.get_running_loop().call_later(IDLE, self._end_idle)
