"""Clients that are slow, stuck or send too much affect no other client."""

from __future__ import annotations

import asyncio
import contextlib
import gc
import logging
import socket
import tracemalloc

import pytest

from embedded_host.http import connection, server
from embedded_host.web.request import Request
from embedded_host.web.response import Response, text_response
from tests.http.plain_client import connected, echo, get, serving
from tests.support.polling import eventually_async


@pytest.fixture
def short_timeouts(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(connection, "HEADERS_TIMEOUT", 0.1)
    monkeypatch.setattr(connection, "BODY_RATE_GRACE", 0.1)
    monkeypatch.setattr(connection, "WRITE_TIMEOUT", 0.2)


def signal_after(monkeypatch: pytest.MonkeyPatch, owner: type, name: str) -> asyncio.Event:
    """Return an event that is set after each call of the method ``name`` of ``owner``."""
    called = asyncio.Event()
    method = getattr(owner, name)

    def signalling(*arguments: object) -> None:
        method(*arguments)
        called.set()

    monkeypatch.setattr(owner, name, signalling)
    return called


def post(size: int) -> str:
    return f"POST /x HTTP/1.1\nHost: h\nContent-Length: {size}\n\n"


@pytest.mark.parametrize("begun", ["G", "GET /x HTTP/1.1\n", "GET /x HTTP/1.1\nHost: h\nX-A: b\n"])
async def test_incomplete_headers_close_the_connection(short_timeouts: None, begun: str) -> None:
    async with serving(echo) as client:
        assert (await client.request(get("/a")))[0] == 200
        client.send(begun)
        assert await asyncio.wait_for(client.end(), 10) == b""


async def test_headers_sent_byte_by_byte_do_not_extend_the_timeout(short_timeouts: None) -> None:
    async with serving(echo) as client:
        ended = asyncio.ensure_future(client.end())
        for letter in get("/a", "X-Slow: " + "y" * 300):
            if ended.done():
                break
            client.send(letter)
            await asyncio.wait([ended], timeout=0.01)
        assert ended.done()
        with contextlib.suppress(ConnectionResetError):  # letters were on their way
            assert ended.result() == b""


async def test_headers_in_two_parts_are_accepted_and_stop_the_timeout(
    short_timeouts: None,
) -> None:
    async with serving(echo) as client:
        client.send("GET /a HTTP/1.1\nHo")
        assert (await client.request("st: h\n\n"))[0] == 200
        [received] = client.connections()
        assert received._headers_timer is None
        assert (await client.request(get("/b")))[0] == 200


@pytest.mark.parametrize("sent", ["", "x"])
async def test_an_incomplete_body_is_408(
    short_timeouts: None, sent: str, caplog: pytest.LogCaptureFixture
) -> None:
    async with serving(echo) as client:
        client.send(post(1000) + sent)
        status, headers, _ = await asyncio.wait_for(client.read_response(), 10)
        assert (status, headers["connection"]) == (408, "close")
        assert await asyncio.wait_for(client.end(), 10) == b""
    assert not caplog.records


async def test_a_body_above_the_minimum_rate_is_accepted(
    short_timeouts: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(connection, "MIN_BODY_RATE", 1)
    checked = signal_after(monkeypatch, connection.BodyRate, "_check")
    async with serving(echo) as client:
        client.send(post(30) + "x" * 29)
        await asyncio.wait_for(checked.wait(), 10)
        client.send("x")
        assert (await client.read_response())[0] == 200


LARGE = 20_000_000


async def large(request: Request) -> Response:
    return Response(200, b"x" * LARGE)


async def test_a_response_that_no_client_reads_closes_the_connection(short_timeouts: None) -> None:
    async with serving(large) as client, connected(client.port) as other:
        client.pause()
        client.send(get("/"))
        await eventually_async(lambda: client.listener.buffered, "the response is sent")
        await eventually_async(lambda: not client.listener.buffered, "the response is released")
        client.resume()
        with pytest.raises((ConnectionError, asyncio.IncompleteReadError)):
            await asyncio.wait_for(client.read_response(), 10)
        assert len((await other.request(get("/")))[2]) == LARGE


async def test_a_response_that_is_read_slowly_arrives(
    short_timeouts: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    checked = signal_after(monkeypatch, connection.Connection, "_check_stall")
    async with serving(large) as client:
        client.send(get("/", "Connection: close"))
        received = 0
        for _ in range(2):
            part = await client.read_at_least(LARGE // 10)  # the rest exceeds the socket buffers
            received += len(part)
            checked.clear()
            await asyncio.wait_for(checked.wait(), 10)
        received += len(await client.end())
        assert received > LARGE


async def test_bodies_above_the_memory_limit_are_503(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(server, "MAX_BUFFERED", 150_000)
    hold, held = asyncio.Event(), asyncio.Event()

    async def handler(request: Request) -> Response:
        body = await request.read()
        if request.path == "/hold":
            held.set()
            await hold.wait()
        return text_response(str(len(body)))

    async with serving(handler) as first, connected(first.port) as second:
        first.send(f"POST /hold HTTP/1.1\nHost: h\nContent-Length: 100000\n\n{'x' * 100_000}")
        await asyncio.wait_for(held.wait(), 10)
        assert (await second.request(post(10) + "x" * 10))[2] == b"10"
        status, headers, _ = await second.request(post(100_000) + "x" * 100_000)
        assert (status, headers["retry-after"]) == (503, "5")
        hold.set()
        assert (await first.read_response())[2] == b"100000"
        async with connected(first.port) as third:
            assert (await third.request(post(100_000) + "x" * 100_000))[2] == b"100000"
    assert [r.levelno for r in caplog.records] == [logging.WARNING]


async def test_unread_responses_are_released_without_the_garbage_collector() -> None:
    def are_released() -> bool:
        return tracemalloc.get_traced_memory()[0] < 2 * LARGE

    gc.collect()
    gc.disable()
    tracemalloc.start()
    try:
        async with serving(large) as client:
            for _ in range(5):
                async with connected(client.port) as other:
                    other.pause()
                    other.send(get("/"))
                    await eventually_async(lambda: client.listener.buffered, "the response is sent")
                    other.reset()
                await eventually_async(
                    lambda: not client.listener.buffered, "the response is released"
                )
            await eventually_async(are_released, "the responses are released")
    finally:
        tracemalloc.stop()
        gc.enable()


async def test_finished_requests_do_not_count_as_buffered() -> None:
    async with serving(echo) as client:
        listener = client.listener
        for _ in range(3):
            await client.request(post(1000) + "x" * 1000)
        assert listener.buffered == 0


class Received:
    """A request whose body has been received in ``parts``."""

    buffered = 0

    def __init__(self, *parts: bytes) -> None:
        self.content, self._parts = self, iter(parts)

    async def readany(self) -> bytes:
        return next(self._parts, b"")


async def test_large_bodies_are_joined_in_separate_rounds_of_the_event_loop() -> None:
    """So other requests wait for one body at most."""
    loop, rounds = asyncio.get_running_loop(), [0]
    passed: list[tuple[bool, int]] = []

    def count() -> None:
        rounds[0] += 1
        if len(passed) < 12:
            loop.call_soon(count)

    async def read(*parts: bytes) -> None:
        body = await listener._read_all(Received(*parts))  # type: ignore[arg-type]
        assert body == b"".join(parts)
        passed.append((len(body) >= server.LARGE_BODY, rounds[0]))

    with socket.socket() as sock:
        sock.bind(("127.0.0.1", 0))
        listener = server.Listener(sock, echo)
        count()
        half = b"x" * (server.LARGE_BODY // 2)
        await asyncio.gather(
            *(read(half, half, b"y") for _ in range(8)), *(read(half) for _ in range(4))
        )
    larges = [round for large, round in passed if large]
    assert len(set(larges)) == len(larges) == 8
    assert len({round for large, round in passed if not large}) == 1


async def test_a_body_received_byte_by_byte_uses_little_more_memory_than_its_size() -> None:
    with socket.socket() as sock:
        sock.bind(("127.0.0.1", 0))
        listener = server.Listener(sock, echo)
        large = b"y" * server.SMALL_CHUNK
        request = Received(*[b"x"] * 20_000, large, b"z", *[b"x"] * 20_000)
        tracemalloc.start()
        try:
            body = await listener._read_all(request)  # type: ignore[arg-type]
            # A list of the chunks would need more.
            assert tracemalloc.get_traced_memory()[1] < 200_000
        finally:
            tracemalloc.stop()
    assert body == b"x" * 20_000 + large + b"z" + b"x" * 20_000
