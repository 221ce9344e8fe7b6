"""Which calls are late, and when: on a loop whose time is set by hand."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Any

import pytest

from embedded_host.workers.time_limit import TimeLimit


class Loop:
    """As much of an event loop as it takes."""

    def __init__(self) -> None:
        self.now = 0.0
        self.timers: list[tuple[float, Callable[[], None]]] = []

    def time(self) -> float:
        return self.now

    def call_at(self, when: float, callback: Callable[[], None]) -> Any:
        entry = (when, callback)
        self.timers.append(entry)
        return type("Handle", (), {"cancel": lambda _: self.timers.remove(entry)})()

    def call_later(self, seconds: float, callback: Callable[[], None]) -> Any:
        return self.call_at(self.now + seconds, callback)

    def go_to(self, now: float) -> None:
        self.now = now
        for entry in [entry for entry in self.timers if entry[0] <= now]:
            self.timers.remove(entry)
            entry[1]()


@pytest.fixture
def loop(monkeypatch: pytest.MonkeyPatch) -> Loop:
    loop = Loop()
    monkeypatch.setattr(asyncio, "get_running_loop", lambda: loop)
    return loop


def test_calls_are_late_one_by_one_with_one_timer(loop: Loop) -> None:
    limit, late = TimeLimit(10), list[int]()
    for number in range(4):
        loop.now = float(number)
        limit.start(number, lambda number=number: late.append(number))  # type: ignore[misc]
        assert len(loop.timers) == 1
    limit.end(1)
    loop.go_to(9.9)
    assert late == []
    loop.go_to(10)
    assert late == [0]
    loop.go_to(11.5)
    assert late == [0]
    loop.go_to(12.5)
    assert late == [0, 2]
    loop.go_to(13)
    assert late == [0, 2, 3]
    assert not loop.timers


def test_a_later_call_is_watched_after_all_have_ended(loop: Loop) -> None:
    limit, late = TimeLimit(10), list[str]()
    limit.start(1, lambda: late.append("first"))
    limit.end(1)
    loop.go_to(10)
    loop.now = 15
    limit.start(2, lambda: late.append("second"))
    loop.go_to(25)
    assert late == ["second"]


def test_without_a_limit_and_once_closed_nothing_is_late(loop: Loop) -> None:
    TimeLimit(None).start(1, pytest.fail)
    limit = TimeLimit(1)
    limit.start(1, pytest.fail)
    limit.close()
    loop.go_to(5)
    assert not loop.timers
