"""Delays that follow the host's clock and end early when the host stops."""

from __future__ import annotations

import asyncio
from datetime import datetime, timedelta

from embedded_host.task_hub.clock import Clock, TimerQueue

_LONGEST = timedelta(days=366 * 1000)
"""The longest delay. The end of a longer one could be after the last year of a datetime."""


class Delays:
    """Waits for periods of time. With a virtual clock, nothing sleeps."""

    def __init__(self, clock: Clock, *, automatic: bool = True) -> None:
        """Use ``clock``. With ``automatic=False`` a delay ends only in ``fire_due``."""
        self._clock = clock
        self._queue: TimerQueue[asyncio.Future[bool]] = TimerQueue(
            clock, self._end, automatic=automatic
        )
        self._waiting: set[asyncio.Future[bool]] = set()
        self._is_closed = False

    async def wait(self, delay: timedelta) -> bool:
        """Wait for ``delay``. Return False if ``cancel`` or ``close`` ended the delay early."""
        if self._is_closed:
            return False
        ended: asyncio.Future[bool] = asyncio.get_running_loop().create_future()
        self._waiting.add(ended)
        try:
            self._queue.add(self._clock.now() + min(delay, _LONGEST), ended)
            return await ended
        finally:
            self._waiting.discard(ended)

    @property
    def waiting(self) -> int:
        """The number of running delays."""
        return len(self._waiting)

    @property
    def next_due(self) -> datetime | None:
        """The end of the next delay, or None without a delay."""
        return self._queue.next_due if self._waiting else None

    def fire_due(self) -> None:
        """End the delays that are over. Only users of a virtual clock need to call it."""
        self._queue.fire_due()

    def cancel(self) -> None:
        """End all delays now."""
        self._queue.close()
        for ended in self._waiting:
            if not ended.done():
                ended.set_result(False)
        self._waiting.clear()

    def close(self) -> None:
        """End all delays now, and each later delay at once."""
        self._is_closed = True
        self.cancel()

    def _end(self, ended: asyncio.Future[bool]) -> None:
        # At once, because the task that waits runs only later.
        self._waiting.discard(ended)
        if not ended.done():
            ended.set_result(True)
