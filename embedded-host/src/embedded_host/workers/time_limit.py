"""One timer for all calls: each may take the same time, so the oldest is the first that can be late."""

from __future__ import annotations

import asyncio
from collections import OrderedDict
from collections.abc import Callable
from typing import NamedTuple


class _Call(NamedTuple):
    end: float
    late: Callable[[], None]


class TimeLimit:
    """Calls may take ``seconds``, or for ever (None)."""

    def __init__(self, seconds: float | None) -> None:
        self.seconds = seconds
        self._calls: OrderedDict[int, _Call] = OrderedDict()
        self._timer: asyncio.TimerHandle | None = None

    def start(self, number: int, late: Callable[[], None]) -> None:
        """``late`` is called if the call has not ended in time."""
        if self.seconds is None:
            return
        loop = asyncio.get_running_loop()
        self._calls[number] = _Call(loop.time() + self.seconds, late)
        if self._timer is None:
            self._timer = loop.call_later(self.seconds, self._expire)

    def end(self, number: int) -> None:
        self._calls.pop(number, None)

    def close(self) -> None:
        self._calls.clear()
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None

    def _expire(self) -> None:
        loop = asyncio.get_running_loop()
        self._timer = None
        while self._calls:
            number, call = next(iter(self._calls.items()))
            if loop.time() < call.end:
                self._timer = loop.call_at(call.end, self._expire)
                return
            del self._calls[number]
            call.late()
