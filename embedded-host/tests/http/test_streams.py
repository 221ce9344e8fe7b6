"""Responses that are sent part by part."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Callable

import pytest

from embedded_host.http.server import Listener
from embedded_host.http.sockets import bind_public
from embedded_host.web.request import Request
from embedded_host.web.response import Response
from tests.http.plain_client import Handler, get, serving


def streaming(parts: Callable[[], AsyncGenerator[bytes, None]]) -> Handler:
    async def handler(request: Request) -> Response:
        return Response(200, b"", [("Content-Type", "text/event-stream")], parts())

    return handler


async def test_a_stream_is_sent_part_by_part() -> None:
    proceed = asyncio.Event()

    async def parts() -> AsyncGenerator[bytes, None]:
        yield b"one\n"
        await proceed.wait()
        yield b""
        yield b"two\n"

    async with serving(streaming(parts)) as client:
        client.send(get("/"))
        head = b""
        while not head.endswith(b"one\n\r\n"):
            head += await client.read_line()
        assert b"text/event-stream" in head
        proceed.set()
        assert b"two\n" in await client.end()


@pytest.mark.parametrize("reads", [True, False])
async def test_close_ends_the_streams(reads: bool) -> None:
    begun, ended = asyncio.Event(), asyncio.Event()

    async def parts() -> AsyncGenerator[bytes, None]:
        begun.set()
        try:
            while True:  # sends more than the buffers hold, if the client does not read
                yield b"" if reads else b"x" * 1_000_000
                await asyncio.sleep(0.01)
        finally:
            ended.set()

    sock = bind_public("127.0.0.1", 0)
    listener = Listener(sock, streaming(parts), grace=60)
    await listener.start()
    _, writer = await asyncio.open_connection("127.0.0.1", sock.getsockname()[1])
    writer.write(get("/").replace("\n", "\r\n").encode())
    await asyncio.wait_for(begun.wait(), 10)
    await asyncio.wait_for(listener.close(), 10)
    await asyncio.wait_for(ended.wait(), 10)
    writer.close()


async def test_a_stream_ends_when_its_client_disconnects(caplog: pytest.LogCaptureFixture) -> None:
    ended = asyncio.Event()

    async def parts() -> AsyncGenerator[bytes, None]:
        try:
            yield b"one\n"
            while True:
                await asyncio.sleep(0.01)
                yield b""
        finally:
            ended.set()

    async with serving(streaming(parts)) as client:
        client.send(get("/"))
        await client.read_line()
        client.reset()
        await asyncio.wait_for(ended.wait(), 20)
    assert not caplog.records


async def test_an_exception_in_a_stream_is_logged(caplog: pytest.LogCaptureFixture) -> None:
    async def parts() -> AsyncGenerator[bytes, None]:
        yield b"one\n"
        raise ValueError("boom")

    async with serving(streaming(parts)) as client:
        client.send(get("/x"))
        assert b"one" in await client.end()
    assert "GET /x: the stream failed" in caplog.text
