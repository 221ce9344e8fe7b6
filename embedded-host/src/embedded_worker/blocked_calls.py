"""Logs a warning with the executing lines if calls wait for a thread or for the event loop.

A function that requests another function of the same app can wait forever: the other function needs
the thread or the event loop that the first function occupies. The Azure Functions host is silent.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
import selectors
import socket
import threading
import time
from collections.abc import Callable
from pathlib import Path

from embedded_worker.code_positions import thread_position
from embedded_worker.worker_environment import THREAD_COUNT

log = logging.getLogger("embedded_host.workers")
WAIT = 5.0
"""Seconds after which a waiting call is reported."""
_INTERVAL = 0.5
"""Seconds between two checks of the event loop. No checks run while it has no call."""
_LISTED = 3
"""Maximum number of running functions that a warning lists."""


class BusyThreads:
    """Watches a group of threads that all run a call while another call waits in the socket."""

    def __init__(self, root: Callable[[], Path]) -> None:
        """Prepare the watch. ``root`` returns the app folder."""
        self._root = root
        self._running: dict[int, tuple[str, int]] = {}
        """The function and the id of each running call, by thread id."""
        self._warned: set[frozenset[str]] = set()
        self._watching = False

    def begin(self, function: str, id: int) -> None:
        """Record that this thread runs a call."""
        self._running[threading.get_ident()] = (function, id)

    def end(self) -> None:
        """Record that the call of this thread has ended."""
        self._running.pop(threading.get_ident(), None)

    def watch(self, are_busy: Callable[[], bool], has_waiting: Callable[[], bool]) -> None:
        """Check the threads until one is free. The caller has just found all threads busy."""
        if not self._watching:
            self._watching = True
            # If the system refuses another thread, no warning is logged.
            with contextlib.suppress(Exception):
                threading.Thread(
                    target=self._check, args=(are_busy, has_waiting), daemon=True
                ).start()

    def _check(self, are_busy: Callable[[], bool], has_waiting: Callable[[], bool]) -> None:
        while self._watching:
            running = dict(self._running)
            time.sleep(WAIT)
            if running and running == self._running and are_busy() and has_waiting():
                self._warn(running)
            # Check twice: a thread that became busy before the flag was reset has started no watch.
            self._watching = are_busy()
            self._watching = self._watching or are_busy()

    def _warn(self, running: dict[int, tuple[str, int]]) -> None:
        """Log a warning, once for each set of running functions."""
        functions = frozenset(function for function, _ in running.values())
        if functions in self._warned:
            return
        self._warned.add(functions)
        listed = [
            f"'{function}' ({thread_position(thread, self._root()) or 'in a library'})"
            for thread, (function, _) in list(running.items())[:_LISTED]
        ]
        threads = f"The only thread for functions ({THREAD_COUNT}) has"
        if len(running) > 1:
            threads = f"All {len(running)} threads for functions ({THREAD_COUNT}) have"
        log.warning(
            "%s been occupied for %g s by %s. Another call waits. If one of these functions "
            "requests a function of this app, both wait for each other. Increase %s, or call the "
            "code of the other function directly. [EH345]",
            threads,
            WAIT,
            ", ".join(listed),
            THREAD_COUNT,
        )


def is_readable(sock: socket.socket) -> bool:
    """Return True if the socket has unread bytes."""
    try:
        with selectors.DefaultSelector() as selector:
            selector.register(sock, selectors.EVENT_READ)
            return bool(selector.select(0))
    except (OSError, ValueError):  # the socket is closed
        return False


class BlockedLoop:
    """Reports a coroutine function that blocks the event loop. A separate thread checks it."""

    def __init__(self, loop: asyncio.AbstractEventLoop, root: Callable[[], Path]) -> None:
        """Prepare the checks of ``loop`` of this thread. ``root`` returns the app folder."""
        self._loop, self._root, self._thread_id = loop, root, threading.get_ident()
        self._calls = 0
        self._started = threading.Event()
        self._checking = False
        self._thread: threading.Thread | None = None
        self._responded = 0
        """The number of the last check to which the event loop has responded."""
        self._warned: set[str] = set()

    def begin(self) -> None:
        """Watch the event loop during a call."""
        self._calls += 1
        if not self._checking:
            self._checking = True
            with contextlib.suppress(Exception):
                if self._thread is None:
                    thread = threading.Thread(target=self._check, name="blocked-loop", daemon=True)
                    thread.start()
                    self._thread = thread
            self._started.set()

    def end(self) -> None:
        """Record the end of a call."""
        self._calls -= 1

    def _check(self) -> None:
        number = 0
        while True:
            self._started.wait()
            self._started.clear()
            time.sleep(_INTERVAL)  # most calls are shorter and need no check
            while self._has_calls():
                number += 1
                try:
                    self._loop.call_soon_threadsafe(self._respond, number)
                except RuntimeError:  # the event loop is closed
                    return
                sent = time.monotonic()
                time.sleep(_INTERVAL)
                while self._responded < number and time.monotonic() - sent < WAIT:
                    time.sleep(_INTERVAL)
                if self._responded < number:
                    self._warn()
                while self._responded < number and self._has_calls():
                    time.sleep(_INTERVAL)
            self._checking = False
            if self._has_calls():  # this call has begun before the flag was reset
                self._checking = True
                self._started.set()

    def _has_calls(self) -> bool:
        return self._calls > 0

    def _respond(self, number: int) -> None:
        self._responded = number

    def _warn(self) -> None:
        """Log a warning, once for each line."""
        position = thread_position(self._thread_id, self._root())
        if position and position not in self._warned:
            self._warned.add(position)
            log.warning(
                "The event loop has been blocked for %g s at %s. Other async functions wait. If "
                "the line requests a function of this app, both wait for each other. Use an "
                "asynchronous client (aiohttp, httpx.AsyncClient) or await asyncio.to_thread(...), "
                "or write def instead of async def. [EH346]",
                WAIT,
                position,
            )
