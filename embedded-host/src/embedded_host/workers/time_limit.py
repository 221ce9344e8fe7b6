"""A time limit for calls. All calls have the same limit, so one timer is enough."""

from __future__ import annotations

import asyncio
from collections import OrderedDict
from collections.abc import Callable
from typing import NamedTuple


class _Call(NamedTuple):
    deadline: float
    expire: Callable[[], None]


class TimeLimit:
    """Limits each call to ``seconds``. None means no limit."""

    def __init__(self, seconds: float | None) -> None:
        self.seconds = seconds
        self._calls: OrderedDict[int, _Call] = OrderedDict()
        self._timer: asyncio.TimerHandle | None = None

    def start(self, number: int, expire: Callable[[], None]) -> None:
        """Call ``expire`` if ``end(number)`` is not called in time."""
        if self.seconds is None:
            return
        loop = asyncio.get_running_loop()
        self._calls[number] = _Call(loop.time() + self.seconds, expire)
        if self._timer is None:
            self._timer = loop.call_later(self.seconds, self._expire)

    def end(self, number: int) -> None:
        """Remove the limit of the call ``number``, which has returned."""
        self._calls.pop(number, None)

    def close(self) -> None:
        """Cancel the timer."""
        self._calls.clear()
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None

    def _expire(self) -> None:
        loop = asyncio.get_running_loop()
        self._timer = None
        while self._calls:
            number, call = next(iter(self._calls.items()))
            if loop.time() < call.deadline:
                self._timer = loop.call_at(call.deadline, self._expire)
                return
            del self._calls[number]
            call.expire()
