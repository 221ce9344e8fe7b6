"""Threads for functions that are not coroutines.

``ThreadPoolExecutor`` wakes the event loop once for every call and makes two futures for it; here results that come close
together share one wake-up. Under load that is a third of what a call costs.
"""

from __future__ import annotations

import asyncio
import queue
import threading
from collections import deque
from collections.abc import Callable
from typing import Any


class Threads:
    """At most ``limit`` daemon threads, begun as they are needed. To be used from one event loop."""

    def __init__(self, limit: int, name: str) -> None:
        self._limit, self._name = limit, name
        self._calls: queue.SimpleQueue[tuple[asyncio.Future[Any], Callable[..., Any], tuple[Any, ...]]] = (
            queue.SimpleQueue()
        )
        self._over: deque[tuple[asyncio.Future[Any], Any, BaseException | None]] = deque()
        self._told = False
        """The loop has been woken and has not looked yet."""
        self._unfinished = 0
        self._threads = 0

    def run(self, call: Callable[..., Any], *arguments: Any) -> asyncio.Future[Any]:
        """``call(*arguments)`` in a thread."""
        loop = asyncio.get_running_loop()
        future: asyncio.Future[Any] = loop.create_future()
        self._unfinished += 1
        if self._threads < min(self._unfinished, self._limit):
            self._threads += 1
            threading.Thread(target=self._work, args=(loop,), name=f"{self._name}-{self._threads}", daemon=True).start()
        self._calls.put((future, call, arguments))
        return future

    def _work(self, loop: asyncio.AbstractEventLoop) -> None:
        while True:
            future, call, arguments = self._calls.get()
            try:
                self._over.append((future, call(*arguments), None))
            except BaseException as error:
                self._over.append((future, None, error))
            del future, call, arguments
            if not self._told:
                self._told = True
                try:
                    loop.call_soon_threadsafe(self._settle)
                except RuntimeError:  # the loop is closed: the process ends
                    return

    def _settle(self) -> None:
        self._told = False
        while self._over:
            future, value, error = self._over.popleft()
            self._unfinished -= 1
            if future.done():
                continue
            if error is None:
                future.set_result(value)
            else:
                future.set_exception(error)
