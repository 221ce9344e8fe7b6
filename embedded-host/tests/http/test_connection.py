"""Clients that are slow, stuck, or send too much: each costs itself alone."""

from __future__ import annotations

import asyncio
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
def impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(connection, "HEADERS_TIMEOUT", 0.1)
    monkeypatch.setattr(connection, "BODY_RATE_GRACE", 0.1)
    monkeypatch.setattr(connection, "WRITE_TIMEOUT", 0.2)


def post(size: int) -> str:
    return f"POST /x HTTP/1.1\nHost: h\nContent-Length: {size}\n\n"


@pytest.mark.parametrize("begun", ["G", "GET /x HTTP/1.1\n", "GET /x HTTP/1.1\nHost: h\nX-A: b\n"])
async def test_headers_that_never_end(impatient: None, begun: str) -> None:
    async with serving(echo) as client:
        assert (await client.ask(get("/a")))[0] == 200
        client.send(begun)
        assert await asyncio.wait_for(client.end(), 10) == b""


async def test_headers_that_trickle_in_have_the_same_time(impatient: None) -> None:
    async with serving(echo) as client:
        ended = asyncio.ensure_future(client.end())
        for letter in get("/a", "X-Slow: " + "y" * 300):
            if ended.done():
                break
            client.send(letter)
            await asyncio.sleep(0.01)
        assert ended.done()
        assert ended.result() == b""


async def test_headers_in_two_pieces_are_fine(impatient: None) -> None:
    async with serving(echo) as client:
        client.send("GET /a HTTP/1.1\nHo")
        assert (await client.ask("st: h\n\n"))[0] == 200
        await asyncio.sleep(0.2)  # the time for the head is over, and nothing is asked for
        assert (await client.ask(get("/b")))[0] == 200


@pytest.mark.parametrize("sent", ["", "x"])
async def test_a_body_that_never_ends(
    impatient: None, sent: str, caplog: pytest.LogCaptureFixture
) -> None:
    async with serving(echo) as client:
        client.send(post(1000) + sent)
        status, headers, _ = await asyncio.wait_for(client.answer(), 10)
        assert (status, headers["connection"]) == (408, "close")
        assert await asyncio.wait_for(client.end(), 10) == b""
    assert not caplog.records


async def test_a_body_that_comes_slowly_enough(
    impatient: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(connection, "MIN_BODY_RATE", 1)
    async with serving(echo) as client:
        client.send(post(30))
        for _ in range(30):
            client.send("x")
            await asyncio.sleep(0.01)
        assert (await client.answer())[0] == 200


LARGE = 20_000_000


async def large(request: Request) -> Response:
    return Response(200, b"x" * LARGE)


async def test_a_response_that_no_client_reads_closes_the_connection(impatient: None) -> None:
    async with serving(large) as client, connected(client.port) as other:
        client.pause()
        client.send(get("/"))
        await eventually_async(lambda: client.listener.buffered, "it is being answered")
        await eventually_async(lambda: not client.listener.buffered, "it is given up")
        client.resume()
        with pytest.raises((ConnectionError, asyncio.IncompleteReadError)):
            await asyncio.wait_for(client.answer(), 10)
        assert len((await other.ask(get("/")))[2]) == 20_000_000


async def test_an_answer_that_is_taken_slowly_arrives(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(connection, "WRITE_TIMEOUT", 1.0)
    async with serving(large) as client:
        client.send(get("/", "Connection: close"))
        taken = 0
        while part := await client.read(1_000_000):
            taken += len(part)
            await asyncio.sleep(
                0.02
            )  # some 5 MB a second: the whole takes longer than the client may be stuck
        assert taken > 20_000_000


async def test_bodies_take_so_much_memory_and_no_more(
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
        assert (await second.ask(post(10) + "x" * 10))[2] == b"10"
        status, headers, _ = await second.ask(post(100_000) + "x" * 100_000)
        assert (status, headers["retry-after"]) == (503, "5")
        hold.set()
        assert (await first.answer())[2] == b"100000"
        async with connected(first.port) as third:
            assert (await third.ask(post(100_000) + "x" * 100_000))[2] == b"100000"
    assert [r.levelno for r in caplog.records] == [logging.WARNING]


async def test_responses_without_a_reader_do_not_accumulate() -> None:
    """Not even until the garbage collector looks for them."""

    def are_gone() -> bool:
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
                    await eventually_async(lambda: client.listener.buffered, "it is being answered")
                    other.reset()
                await eventually_async(lambda: not client.listener.buffered, "it is given up")
            await eventually_async(are_gone, "they are let go of")
    finally:
        tracemalloc.stop()
        gc.enable()


async def test_answered_requests_are_not_counted() -> None:
    async with serving(echo) as client:
        listener = client.listener
        for _ in range(3):
            await client.ask(post(1000) + "x" * 1000)
        assert listener.buffered == 0


class Received:
    """A request whose body is there."""

    buffered = 0

    def __init__(self, *parts: bytes) -> None:
        self.content, self._parts = self, iter(parts)

    async def readany(self) -> bytes:
        return next(self._parts, b"")


async def test_large_bodies_are_passed_on_one_after_the_other() -> None:
    """Each in a round of the event loop of its own, however many come at once: nobody waits for more than one."""
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


async def test_a_body_that_comes_byte_by_byte_takes_no_more_room_than_it_has() -> None:
    with socket.socket() as sock:
        sock.bind(("127.0.0.1", 0))
        listener = server.Listener(sock, echo)
        large = b"y" * server.SMALL_CHUNK
        request = Received(*[b"x"] * 100_000, large, b"z", *[b"x"] * 100_000)
        tracemalloc.start()
        try:
            body = await listener._read_all(request)  # type: ignore[arg-type]
            assert (
                tracemalloc.get_traced_memory()[1] < 1_000_000
            )  # as a list of what came it would be more than that
        finally:
            tracemalloc.stop()
    assert body == b"x" * 100_000 + large + b"z" + b"x" * 100_000
