"""A plain socket to a real listener, to check requests and responses byte by byte."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager

from embedded_host.http.connection import Connection
from embedded_host.http.server import Listener
from embedded_host.http.sockets import bind_public
from embedded_host.web.request import Request
from embedded_host.web.response import Response, text_response

Handler = Callable[[Request], Awaitable[Response]]


class PlainClient:
    """One connection to ``listener``."""

    listener: Listener

    def __init__(
        self, port: int, reader: asyncio.StreamReader, writer: asyncio.StreamWriter
    ) -> None:
        self.port, self._reader, self._writer = port, reader, writer

    def send(self, text: str | bytes) -> None:
        self._writer.write(text if isinstance(text, bytes) else text.replace("\n", "\r\n").encode())

    async def read_response(self, *, head: bool = False) -> tuple[int, dict[str, str], bytes]:
        """Return the status, the headers and the body of the next response.

        Header names are in lower case, and repeated headers are joined with ``|``.
        """
        lines = (await self._reader.readuntil(b"\r\n\r\n")).decode("latin-1").strip().split("\r\n")
        headers: dict[str, str] = {}
        for line in lines[1:]:
            name, _, value = line.partition(":")
            headers[name.lower()] = "|".join(
                filter(None, [headers.get(name.lower()), value.strip()])
            )
        body = (
            b"" if head else await self._reader.readexactly(int(headers.get("content-length", "0")))
        )
        return int(lines[0].split()[1]), headers, body

    async def request(
        self, text: str | bytes, *, head: bool = False
    ) -> tuple[int, dict[str, str], bytes]:
        self.send(text)
        return await self.read_response(head=head)

    async def read_line(self) -> bytes:
        return await self._reader.readline()

    async def end(self) -> bytes:
        """Return the bytes received until the server closes the connection."""
        return await self._reader.read()

    async def read_at_least(self, size: int) -> bytes:
        """Return ``size`` bytes or some more."""
        parts = bytearray()
        while len(parts) < size:
            parts += await self._reader.read(1_000_000)
        return bytes(parts)

    def pause(self) -> None:
        """Stop reading."""
        self._transport().pause_reading()

    def resume(self) -> None:
        """Continue to read."""
        self._transport().resume_reading()

    def _transport(self) -> asyncio.Transport:
        assert isinstance(self._writer.transport, asyncio.Transport)
        return self._writer.transport

    def connections(self) -> list[Connection]:
        """Return the connections of the listener."""
        server = self.listener._runner.server
        assert server is not None
        return [each for each in server.connections if isinstance(each, Connection)]

    def reset(self) -> None:
        """Close the connection without a proper end."""
        self._writer.transport.abort()


@asynccontextmanager
async def serving(handler: Handler, **options: int) -> AsyncIterator[PlainClient]:
    sock = bind_public("127.0.0.1", 0)
    port = sock.getsockname()[1]
    listener = Listener(sock, handler, **options)
    await listener.start()
    try:
        async with connected(port) as client:
            client.listener = listener
            yield client
    finally:
        await listener.close()


@asynccontextmanager
async def connected(port: int) -> AsyncIterator[PlainClient]:
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    try:
        yield PlainClient(port, reader, writer)
    finally:
        writer.close()


async def echo(request: Request) -> Response:
    body = await request.read()
    return text_response(f"{request.method} {request.url} {body.decode('latin-1')}")


def get(target: str, *headers: str, version: str = "1.1", host: str | None = "h") -> str:
    lines = [
        f"GET {target} HTTP/{version}",
        *([f"Host: {host}"] if host is not None else []),
        *headers,
    ]
    return "\n".join(lines) + "\n\n"
