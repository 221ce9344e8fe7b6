"""Warnings about calls that wait for a thread or for the event loop."""

from __future__ import annotations

import asyncio
import logging
import socket
import threading
from pathlib import Path

import pytest

from embedded_worker import blocked_calls
from embedded_worker.blocked_calls import BlockedLoop, BusyThreads, is_readable
from tests.support.polling import eventually, eventually_async

HERE = Path(__file__).parent


@pytest.fixture(autouse=True)
def quick(monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture) -> None:
    monkeypatch.setattr(blocked_calls, "WAIT", 0.05)
    monkeypatch.setattr(blocked_calls, "_INTERVAL", 0.005)
    caplog.set_level(logging.WARNING, "embedded_host.workers")


class Pool:
    """One thread that runs a call, in a line of this file."""

    def __init__(self, function: str, busy: BusyThreads, waiting: bool) -> None:
        self._end = threading.Event()
        self.is_busy = True
        self.checked = 0
        self._waiting = waiting
        self._thread = threading.Thread(target=self._run, args=(function, busy))
        self._thread.start()

    def _run(self, function: str, busy: BusyThreads) -> None:
        busy.begin(function, 1)
        busy.watch(lambda: self.is_busy, self._has_waiting)
        self._end.wait(20)
        busy.end()

    def _has_waiting(self) -> bool:
        self.checked += 1
        return self._waiting

    def end(self) -> None:
        self.is_busy = False
        self._end.set()
        self._thread.join()


def test_the_running_function_is_logged_once_if_a_call_waits(
    caplog: pytest.LogCaptureFixture,
) -> None:
    busy = BusyThreads(lambda: HERE)
    pool = Pool("caller", busy, waiting=True)
    eventually(lambda: pool.checked > 2, "the thread has been checked several times")
    pool.end()
    (message,) = caplog.messages
    assert message.startswith("The only thread for functions (PYTHON_THREADPOOL_THREAD_COUNT) has ")
    assert f"'caller' ({Path(__file__).name} line " in message
    assert "self._end.wait(20)" in message


def test_a_long_call_is_not_logged_if_no_call_waits(caplog: pytest.LogCaptureFixture) -> None:
    pool = Pool("caller", BusyThreads(lambda: HERE), waiting=False)
    eventually(lambda: pool.checked > 1, "the thread has been checked")
    pool.end()
    assert caplog.messages == []


def test_the_threads_are_watched_again_after_they_were_free(
    caplog: pytest.LogCaptureFixture,
) -> None:
    busy = BusyThreads(lambda: HERE)
    first = Pool("first", busy, waiting=True)
    eventually(lambda: len(caplog.messages) == 1, "the first call is logged")
    first.end()
    eventually(lambda: not busy._watching, "the watch has ended")
    second = Pool("second", busy, waiting=True)
    eventually(lambda: len(caplog.messages) == 2, "the second call is logged")
    second.end()


def test_unread_bytes_make_a_socket_readable() -> None:
    ours, theirs = socket.socketpair()
    with ours, theirs:
        assert not is_readable(ours)
        theirs.send(b"x")
        assert is_readable(ours)
    assert not is_readable(ours)


def block(caplog: pytest.LogCaptureFixture) -> None:
    """Block the event loop until a message is logged."""
    eventually(lambda: len(caplog.messages) == 1, "the blocked event loop is logged")


async def test_the_line_that_blocks_the_event_loop_is_logged_once(
    caplog: pytest.LogCaptureFixture,
) -> None:
    watch = BlockedLoop(asyncio.get_running_loop(), lambda: HERE)
    watch.begin()
    block(caplog)
    watch.end()
    (message,) = caplog.messages
    assert message.startswith("The event loop has been blocked for 0.05 s at ")
    assert f"{Path(__file__).name} line " in message


async def test_a_call_that_waits_asynchronously_is_not_logged(
    caplog: pytest.LogCaptureFixture,
) -> None:
    watch = BlockedLoop(asyncio.get_running_loop(), lambda: HERE)
    watch.begin()
    await eventually_async(lambda: watch._responded >= 20, "the event loop has responded")
    watch.end()
    assert caplog.messages == []


async def test_a_later_call_is_watched_again(caplog: pytest.LogCaptureFixture) -> None:
    watch = BlockedLoop(asyncio.get_running_loop(), lambda: HERE)
    watch.begin()
    watch.end()
    await eventually_async(lambda: not watch._checking, "the checks have ended")
    watch.begin()
    block(caplog)
    watch.end()
    assert len(caplog.messages) == 1
