"""Server-sent events announce changes of the hub or of one instance."""

from __future__ import annotations

import asyncio
import sqlite3
from collections import Counter
from collections.abc import AsyncGenerator

import pytest

from embedded_host.dashboard import server_sent_events
from embedded_host.dashboard.server_sent_events import CHANGED, KEEPALIVE, OPEN, ChangeFeed
from tests.support.polling import eventually_async


class State:
    """A state with a version and two instances that counts how often each is read."""

    def __init__(self) -> None:
        self.number = 1
        self.instances = {"a": 1, "b": 1}
        self.reads: Counter[str] = Counter()
        self.feed = ChangeFeed(self.version, self.fingerprint, poll_interval=0)

    def version(self) -> int:
        self.reads["version"] += 1
        if self.number < 0:
            raise sqlite3.OperationalError("disk I/O error")
        return self.number

    def fingerprint(self, instance_id: str) -> int:
        self.reads[instance_id] += 1
        return self.instances[instance_id]

    def stream(self, instance_id: str = "") -> AsyncGenerator[bytes, None]:
        stream = self.feed.stream(instance_id).stream
        assert stream is not None
        return stream

    async def open(self, instance_id: str = "") -> AsyncGenerator[bytes, None]:
        stream = self.stream(instance_id)
        assert await anext(stream) == OPEN
        return stream

    async def rounds(self, number: int = 3) -> None:
        until = self.reads["version"] + number
        await eventually_async(lambda: self.reads["version"] >= until, "the feed polls the state")


async def test_a_stream_sends_an_event_after_each_change_and_nothing_without_one() -> None:
    state = State()
    stream = await state.open()
    event = asyncio.ensure_future(anext(stream))
    await state.rounds()
    assert not event.done()
    state.number = 2
    assert await event == CHANGED
    state.number = 3
    assert await anext(stream) == CHANGED
    await stream.aclose()


async def test_an_instance_is_read_once_for_all_subscribers_and_only_after_a_write() -> None:
    state = State()
    streams = [await state.open("a") for _ in range(20)]
    other = asyncio.ensure_future(anext(await state.open("b")))
    await state.rounds()
    assert state.reads["a"] == 1
    state.number, state.instances["a"] = 2, 2
    assert await asyncio.gather(*map(anext, streams)) == [CHANGED] * 20
    assert state.reads["a"] == 2
    await state.rounds()
    assert not other.done()
    other.cancel()
    for stream in streams:
        await stream.aclose()


async def test_a_slow_subscriber_gets_one_event_for_many_changes() -> None:
    state = State()
    stream = await state.open()
    for number in range(2, 6):
        state.number = number
        await state.rounds()
    assert await anext(stream) == CHANGED
    event = asyncio.ensure_future(anext(stream))
    await state.rounds()
    assert not event.done()
    event.cancel()


async def test_an_idle_stream_sends_comments(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(server_sent_events, "KEEPALIVE_INTERVAL", 0.0)
    stream = await State().open()
    assert await anext(stream) == KEEPALIVE
    await stream.aclose()


async def test_the_state_is_not_polled_without_subscribers() -> None:
    state = State()
    first, second = await state.open(), await state.open("a")
    await first.aclose()
    await state.rounds()
    await second.aclose()
    reads = state.reads["version"]
    for _ in range(10):
        await asyncio.sleep(0)
    assert state.reads["version"] <= reads
    again = await state.open()
    state.number = 5
    assert await anext(again) == CHANGED
    await again.aclose()


async def test_an_unreadable_state_ends_the_streams_and_is_logged(
    caplog: pytest.LogCaptureFixture,
) -> None:
    state = State()
    streams = [await state.open(), await state.open("a")]
    state.number = -1
    for stream in streams:
        with pytest.raises(StopAsyncIteration):
            await anext(stream)
    with pytest.raises(StopAsyncIteration):
        await anext(state.stream())
    assert [record.getMessage() for record in caplog.records] == [
        "The dashboard's streams ended, because the state file could not be read: "
        "disk I/O error. [EH331]"
    ] * 2
