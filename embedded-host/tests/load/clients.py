"""Misbehaving HTTP clients over plain sockets.

Each client opens one connection to the loopback interface, and returns after a number of seconds.
"""

from __future__ import annotations

import asyncio
import contextlib
import sys
from collections.abc import AsyncIterator, Awaitable, Callable

Client = Callable[[int, float], Awaitable[str]]
"""A function of a port and a number of seconds that returns how the connection ended."""


@contextlib.asynccontextmanager
async def connected(port: int) -> AsyncIterator[tuple[asyncio.StreamReader, asyncio.StreamWriter]]:
    """Open a connection, and abort it at the end of the block."""
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    try:
        yield reader, writer
    finally:
        writer.transport.abort()


def stop_reading(writer: asyncio.StreamWriter) -> None:
    """Stop receiving, so that the receive buffer of the connection fills up."""
    assert isinstance(writer.transport, asyncio.Transport)
    writer.transport.pause_reading()


async def _drip(port: int, seconds: float, head: bytes, letter: bytes) -> str:
    async with connected(port) as (reader, writer):
        writer.write(head)
        end = asyncio.get_running_loop().time() + seconds
        closed = asyncio.ensure_future(reader.read())
        while not closed.done() and asyncio.get_running_loop().time() < end:
            writer.write(letter)
            await asyncio.wait([closed], timeout=0.5)
        if not closed.done():
            closed.cancel()
            return "still open"
        try:
            return (closed.result() or b"closed").split(b"\r\n")[0].decode()
        except ConnectionError:
            return "reset"


async def slow_head(port: int, seconds: float) -> str:
    """Send headers without end, so that the request head is never complete (Slowloris attack)."""
    return await _drip(
        port, seconds, b"GET /api/echo HTTP/1.1\r\nHost: localhost\r\n", b"X-a: b\r\n"
    )


async def slow_body(port: int, seconds: float) -> str:
    """Send the bytes of a long body slowly."""
    head = b"POST /api/echo HTTP/1.1\r\nHost: localhost\r\nContent-Length: 1000000\r\n\r\n"
    return await _drip(port, seconds, head, b"x")


async def no_reader(port: int, seconds: float) -> str:
    """Request a large response and do not read it."""
    async with connected(port) as (_, writer):
        stop_reading(writer)
        body = b"x" * 8_000_000
        writer.write(
            b"POST /api/echo HTTP/1.1\r\nHost: localhost\r\nContent-Length: %d\r\n\r\n" % len(body)
        )
        with contextlib.suppress(ConnectionError):
            writer.write(body)
            await asyncio.wait([asyncio.ensure_future(writer.drain())], timeout=seconds)
        await asyncio.sleep(min(seconds, 2))
        return "closed by the client"


async def pipeliner(port: int, seconds: float) -> str:
    """Send many requests over one connection and read no response."""
    async with connected(port) as (_, writer):
        stop_reading(writer)
        end = asyncio.get_running_loop().time() + min(seconds, 5)
        with contextlib.suppress(ConnectionError, asyncio.TimeoutError):
            while asyncio.get_running_loop().time() < end:
                writer.write(b"GET /api/echo HTTP/1.1\r\nHost: localhost\r\n\r\n" * 100)
                await asyncio.wait_for(
                    writer.drain(), max(0.1, end - asyncio.get_running_loop().time())
                )
        return "closed by the client"


async def silent(port: int, seconds: float) -> str:
    """Connect and send nothing."""
    async with connected(port) as (reader, _):
        with contextlib.suppress(asyncio.TimeoutError, ConnectionError):
            await asyncio.wait_for(reader.read(), seconds)
        return "closed by the client"


async def junk(port: int, seconds: float) -> str:
    """Send bytes that are not HTTP."""
    async with connected(port) as (reader, writer):
        writer.write(bytes(range(256)) * 40)
        with contextlib.suppress(asyncio.TimeoutError, ConnectionError):
            await asyncio.wait_for(reader.read(), seconds)
        return "closed by the client"


async def stuck_stream(port: int, seconds: float) -> str:
    """Open the dashboard's event stream and do not read it."""
    async with connected(port) as (_, writer):
        stop_reading(writer)
        writer.write(b"GET /dashboard/api/events HTTP/1.1\r\nHost: localhost\r\n\r\n")
        await asyncio.sleep(seconds)
        return "closed by the client"


BAD_CLIENTS: tuple[Client, ...] = (
    slow_head,
    slow_body,
    no_reader,
    pipeliner,
    silent,
    junk,
    stuck_stream,
)


async def all_at_once(port: int, count: int, seconds: float) -> None:
    """Run ``count`` clients of each kind at the same time."""
    await asyncio.gather(*(client(port, seconds) for client in BAD_CLIENTS for _ in range(count)))


if __name__ == "__main__":
    # The clients run in a separate process, so that they do not delay the measured requests.
    asyncio.run(all_at_once(int(sys.argv[1]), int(sys.argv[2]), float(sys.argv[3])))
