"""Separate processes for calls that were running when a worker process exited.

Each call runs alone in such a process. If that process exits too, the call is the cause. The other
workers are not affected.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from typing import TypeVar

from embedded_host.workers.worker_process import WorkerProcess

T = TypeVar("T")
PROCESSES = 4
"""Maximum number of processes. Each needs about 50 MB and is started on demand."""
IDLE = 5.0
"""Seconds after which an unused process is stopped."""


class Quarantine:
    """Runs calls in processes that run nothing else at the same time."""

    def __init__(
        self, spawn: Callable[[], Awaitable[WorkerProcess]], retire: Callable[[WorkerProcess], None]
    ) -> None:
        """Use ``spawn`` to start a process with the app loaded, and ``retire`` to stop one.

        ``spawn`` raises WorkerLostError if the process exits.
        """
        self._spawn, self._retire = spawn, retire
        self._slots = asyncio.Semaphore(PROCESSES)
        self._idle: list[WorkerProcess] = []
        self._generation = 0
        """Incremented by each reload: processes with older code are not used again."""
        self._timer: asyncio.TimerHandle | None = None

    async def run(self, use: Callable[[WorkerProcess], Awaitable[T]]) -> T:
        """Call ``use`` with a process that runs nothing else. Calls start in order of arrival.

        Raises WorkerLostError if the process exits.
        """
        async with self._slots:
            generation, worker = self._generation, await self._take()
            try:
                return await use(worker)
            finally:
                self._give_back(worker, generation)

    def empty(self) -> None:
        """Stop the idle processes now, and the others after their calls.

        The host calls this method when it reloads the app and when it stops.
        """
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
        # A call is still pending here if its caller was cancelled.
        if generation != self._generation or worker.pending:
            self._retire(worker)
            return
        self._idle.append(worker)
        if self._timer is not None:
            self._timer.cancel()
        self._timer = asyncio.get_running_loop().call_later(IDLE, self._end_idle)
