"""The clock of a task hub, and a queue of timers."""

from __future__ import annotations

import asyncio
import heapq
from collections.abc import Callable
from datetime import datetime, timedelta, timezone
from itertools import count
from typing import Generic, Protocol, TypeVar

T = TypeVar("T")


class Clock(Protocol):
    """A source of the current time."""

    def now(self) -> datetime:
        """Return the current time as an aware datetime in UTC."""


class WallClock:
    """The clock of the operating system."""

    def now(self) -> datetime:
        """Return the current time in UTC."""
        return datetime.now(timezone.utc)


class TimerQueue(Generic[T]):
    """Calls ``fire(item)`` when an item is due, and never early.

    The queue checks ``clock`` at least every ``_CHECK_INTERVAL``, so that a change of the system
    time takes effect. With ``automatic=False`` it fires only in ``fire_due``.
    """

    _CHECK_INTERVAL = timedelta(seconds=30)

    def __init__(self, clock: Clock, fire: Callable[[T], None], *, automatic: bool = True) -> None:
        self._clock, self._fire, self._automatic = clock, fire, automatic
        self._heap: list[tuple[datetime, int, T]] = []
        self._order = count()
        self._handle: asyncio.TimerHandle | None = None
        self._armed_for: datetime | None = None

    def __len__(self) -> int:
        return len(self._heap)

    @property
    def next_due(self) -> datetime | None:
        """Time at which the next item is due, or None if the queue is empty."""
        return self._heap[0][0] if self._heap else None

    def add(self, due: datetime, item: T) -> None:
        """Add an item that is due at ``due``."""
        heapq.heappush(self._heap, (due, next(self._order), item))
        if self._automatic and (self._armed_for is None or due < self._armed_for):
            self._arm()

    def fire_due(self) -> None:
        """Fire all items that are due. Only users of a virtual clock need to call it."""
        self._armed_for = None
        now = self._clock.now()
        while self._heap and self._heap[0][0] <= now:
            self._fire(heapq.heappop(self._heap)[2])
        if self._automatic:
            self._arm()

    def _arm(self) -> None:
        if self._handle:
            self._handle.cancel()
            self._handle = None
        if not self._heap:
            return
        self._armed_for = self._heap[0][0]
        wait = min(max(self._armed_for - self._clock.now(), timedelta(0)), self._CHECK_INTERVAL)
        # The event loop may call fire_due one clock tick early. A millisecond more prevents this.
        self._handle = asyncio.get_running_loop().call_later(
            wait.total_seconds() + 0.001, self.fire_due
        )

    def close(self) -> None:
        """Remove all items without firing them. The queue accepts new items."""
        if self._handle:
            self._handle.cancel()
        self._handle = self._armed_for = None
        self._heap.clear()
