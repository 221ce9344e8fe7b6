"""The streams that tell pages of changes."""

from __future__ import annotations

import asyncio
import sqlite3
from collections import Counter
from collections.abc import AsyncGenerator

import pytest

from embedded_host.dashboard import server_sent_events as changes
from embedded_host.dashboard.server_sent_events import CHANGED, LIVES, OPEN, Changes
from tests.support.polling import eventually_async


class State:
    """What is watched, and how often it is looked at."""

    def __init__(self) -> None:
        self.number = 1
        self.instances = {"a": 1, "b": 1}
        self.looks: Counter[str] = Counter()
        self.changes = Changes(self.version, self.look, pause=0)

    def version(self) -> int:
        self.looks["version"] += 1
        if self.number < 0:
            raise sqlite3.OperationalError("disk I/O error")
        return self.number

    def look(self, instance_id: str) -> int:
        self.looks[instance_id] += 1
        return self.instances[instance_id]

    def stream(self, instance_id: str = "") -> AsyncGenerator[bytes, None]:
        stream = self.changes.stream(instance_id).stream
        assert stream is not None
        return stream

    async def open(self, instance_id: str = "") -> AsyncGenerator[bytes, None]:
        stream = self.stream(instance_id)
        assert await anext(stream) == OPEN
        return stream

    async def rounds(self, number: int = 3) -> None:
        until = self.looks["version"] + number
        await eventually_async(lambda: self.looks["version"] >= until, "it has looked")


async def test_it_tells_of_changes_and_else_is_silent() -> None:
    state = State()
    stream = await state.open()
    told = asyncio.ensure_future(anext(stream))
    await state.rounds()
    assert not told.done()
    state.number = 2
    assert await told == CHANGED
    state.number = 3
    assert await anext(stream) == CHANGED
    await stream.aclose()


async def test_an_instance_is_looked_at_once_for_all_its_viewers_and_after_changes_alone() -> None:
    state = State()
    streams = [await state.open("a") for _ in range(20)]
    other = asyncio.ensure_future(anext(await state.open("b")))
    await state.rounds()
    assert state.looks["a"] == 1
    state.number, state.instances["a"] = 2, 2
    assert await asyncio.gather(*map(anext, streams)) == [CHANGED] * 20
    assert state.looks["a"] == 2
    await state.rounds()
    assert not other.done()
    other.cancel()
    for stream in streams:
        await stream.aclose()


async def test_who_is_slow_is_told_once_of_many_changes() -> None:
    state = State()
    stream = await state.open()
    for number in range(2, 6):
        state.number = number
        await state.rounds()
    assert await anext(stream) == CHANGED
    told = asyncio.ensure_future(anext(stream))
    await state.rounds()
    assert not told.done()
    told.cancel()


async def test_a_quiet_one_shows_that_it_lives(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(changes, "QUIET", 0.0)
    stream = await State().open()
    assert await anext(stream) == LIVES
    await stream.aclose()


async def test_nobody_looks_when_nobody_watches() -> None:
    state = State()
    first, second = await state.open(), await state.open("a")
    await first.aclose()
    await state.rounds()
    await second.aclose()
    looks = state.looks["version"]
    for _ in range(10):
        await asyncio.sleep(0)
    assert state.looks["version"] <= looks
    again = await state.open()
    state.number = 5
    assert await anext(again) == CHANGED
    await again.aclose()


async def test_a_state_that_cannot_be_read_ends_the_streams_and_is_said(caplog: pytest.LogCaptureFixture) -> None:
    state = State()
    streams = [await state.open(), await state.open("a")]
    state.number = -1
    for stream in streams:
        with pytest.raises(StopAsyncIteration):
            await anext(stream)
    with pytest.raises(StopAsyncIteration):
        await anext(state.stream())
    assert [record.getMessage() for record in caplog.records] == [
        "The dashboard's streams end, as the state could not be read [EH331]: disk I/O error"
    ] * 2
