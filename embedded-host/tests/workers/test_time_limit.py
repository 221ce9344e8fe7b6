"""The time limit of calls, on an event loop with a manual clock."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Any

import pytest

from embedded_host.workers.time_limit import TimeLimit


class ManualLoop:
    """The time and the timers of an event loop."""

    def __init__(self) -> None:
        self.now = 0.0
        self.timers: list[tuple[float, Callable[[], None]]] = []

    def time(self) -> float:
        return self.now

    def call_at(self, time: float, callback: Callable[[], None]) -> Any:
        entry = (time, callback)
        self.timers.append(entry)
        return type("Handle", (), {"cancel": lambda _: self.timers.remove(entry)})()

    def call_later(self, seconds: float, callback: Callable[[], None]) -> Any:
        return self.call_at(self.now + seconds, callback)

    def advance_to(self, now: float) -> None:
        self.now = now
        for entry in [entry for entry in self.timers if entry[0] <= now]:
            self.timers.remove(entry)
            entry[1]()


@pytest.fixture
def loop(monkeypatch: pytest.MonkeyPatch) -> ManualLoop:
    loop = ManualLoop()
    monkeypatch.setattr(asyncio, "get_running_loop", lambda: loop)
    return loop


def test_one_timer_expires_calls_in_order(loop: ManualLoop) -> None:
    limit, expired = TimeLimit(10), list[int]()
    for number in range(4):
        loop.now = float(number)
        limit.start(number, lambda number=number: expired.append(number))  # type: ignore[misc]
        assert len(loop.timers) == 1
    limit.end(1)
    loop.advance_to(9.9)
    assert expired == []
    loop.advance_to(10)
    assert expired == [0]
    loop.advance_to(11.5)
    assert expired == [0]
    loop.advance_to(12.5)
    assert expired == [0, 2]
    loop.advance_to(13)
    assert expired == [0, 2, 3]
    assert not loop.timers


def test_a_call_after_the_end_of_all_others_is_limited_too(loop: ManualLoop) -> None:
    limit, expired = TimeLimit(10), list[str]()
    limit.start(1, lambda: expired.append("first"))
    limit.end(1)
    loop.advance_to(10)
    loop.now = 15
    limit.start(2, lambda: expired.append("second"))
    loop.advance_to(25)
    assert expired == ["second"]


def test_no_call_expires_without_a_limit_or_after_close(loop: ManualLoop) -> None:
    TimeLimit(None).start(1, pytest.fail)
    limit = TimeLimit(1)
    limit.start(1, pytest.fail)
    limit.close()
    loop.advance_to(5)
    assert not loop.timers
