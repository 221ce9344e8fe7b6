"""The queue of timers: their order, and that none fires early."""

from __future__ import annotations

import asyncio
from datetime import datetime, timedelta, timezone
from typing import Any

from embedded_host.task_hub.clock import TimerQueue, WallClock
from tests.task_hub.kit import T0, ManualClock


def at(seconds: float) -> datetime:
    return T0 + timedelta(seconds=seconds)


def test_timers_fire_in_order_of_time_and_then_of_arrival() -> None:
    clock, fired = ManualClock(), list[Any]()
    timers = TimerQueue(clock, fired.append, automatic=False)
    for due, item in ((3, "c"), (1, "a"), (2, {"not": "comparable"}), (2, {"b": 2}), (9, "late")):
        timers.add(at(due), item)
    assert (len(timers), timers.next_due) == (5, at(1))
    clock.advance(0.999999)
    timers.fire_due()
    assert fired == []
    clock.advance(4)
    timers.fire_due()
    assert fired == ["a", {"not": "comparable"}, {"b": 2}, "c"]
    assert timers.next_due == at(9)
    timers.close()
    assert len(timers) == 0
    assert timers.next_due is None


def test_a_timer_that_another_timer_adds_for_now_fires_too() -> None:
    clock, fired = ManualClock(), list[str]()

    def fire(item: str) -> None:
        fired.append(item)
        if item == "a":
            timers.add(at(0), "b")

    timers = TimerQueue(clock, fire, automatic=False)
    timers.add(at(0), "a")
    timers.fire_due()
    assert fired == ["a", "b"]


async def test_with_the_wall_clock_timers_fire_automatically_and_never_early() -> None:
    clock, done = WallClock(), asyncio.Event()
    fired: list[tuple[str, timedelta]] = []

    def fire(item: tuple[str, datetime]) -> None:
        fired.append((item[0], clock.now() - item[1]))
        if len(fired) == 3:
            done.set()

    timers = TimerQueue(clock, fire)
    now = clock.now()
    for name, ms in (("c", 30), ("a", 5), ("b", 15)):
        due = now + timedelta(milliseconds=ms)
        timers.add(due, (name, due))
    await asyncio.wait_for(done.wait(), 10)
    assert [name for name, _ in fired] == ["a", "b", "c"]
    assert all(late >= timedelta(0) for _, late in fired)
    timers.close()


async def test_a_clock_that_does_not_advance_is_checked_again() -> None:
    clock, fired = ManualClock(), list[str]()
    timers = TimerQueue(clock, fired.append)
    timers.add(at(0.001), "a")
    timers.fire_due()
    assert fired == []
    clock.advance(60)
    timers.fire_due()
    assert fired == ["a"]
    assert timers._armed_for is None
    timers.close()


def test_the_wall_clock_is_aware() -> None:
    assert WallClock().now().tzinfo is timezone.utc
