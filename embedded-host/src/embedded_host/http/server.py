"""The listeners: the public address, and the SDK's own on the loopback interface (contract, 1.1)."""

from __future__ import annotations

import asyncio
import logging
import re
import socket
from collections.abc import AsyncGenerator, Awaitable, Callable
from typing import Any

import aiohttp
from aiohttp import http_exceptions, web
from aiohttp.http import HttpVersion11
from aiohttp.web_protocol import RequestHandler
from multidict import CIMultiDict

from embedded_host.errors import EmbeddedHostError
from embedded_host.http.connection import (
    KEEP_ALIVE,
    MAX_HEADER,
    MAX_LINE,
    Answer,
    BodyRate,
    Connection,
    ReceivedRequest,
    SlowBodyError,
)
from embedded_host.web.request import BodyTooLargeError, ClientGoneError, MalformedBodyError, Request
from embedded_host.web.response import Response, empty_response

log = logging.getLogger("embedded_host.http")
MAX_BODY = 104_857_600
"""Bytes, as on the real host (contract, 6.3)."""
MAX_HELD = 1024 * 1024 * 1024
"""Bytes of request and response bodies that are held at a time, before further bodies are refused with a 503."""
LARGE = 1024 * 1024
"""Bytes of a body from which on it is passed on in a round of the event loop of its own: some milliseconds each, which others
have to wait."""
PART = 4096
"""Bytes of a body that come together from which on they are kept as they come: smaller ones, which would take more room than they
have, are put together."""
SERVER = "embedded-host"
_ABSOLUTE = re.compile(r"(https?)://([^/?#]*)(/[^?#]*)?", re.IGNORECASE)
_CONTROL = re.compile(r"[\x00-\x08\x0a-\x1f\x7f]")
_OURS = ("content-length", "transfer-encoding", "connection")
"""Headers that the server sets."""

Handler = Callable[[Request], Awaitable[Response]]


def body_limit(text: str | None) -> int:
    """What FUNCTIONS_REQUEST_BODY_SIZE_LIMIT says, else the default."""
    return int(text) if text and re.fullmatch("[0-9]{1,18}", text.strip()) and int(text) > 0 else MAX_BODY


class Listener:
    """Serves ``handler`` on one socket; bodies up to ``max_body`` bytes, or any for None. When it closes, requests in progress
    get about ``grace`` seconds."""

    def __init__(
        self, sock: socket.socket, handler: Handler, grace: float = 1.0, *, max_body: int | None = MAX_BODY
    ) -> None:
        self._handler = handler
        self._socket = sock
        self._max_body = max_body
        self._held = 0
        self._large_body = asyncio.Lock()
        self._authority = _authority(sock)
        server = _Server(self._release, self._handle, request_factory=self._request, access_log=None, **_PROTOCOL)
        self._runner = web.ServerRunner(server, access_log=None, shutdown_timeout=grace / 2)
        self._streams: set[asyncio.Task[None]] = set()
        self._closing = False

    async def start(self) -> None:
        await self._runner.setup()
        await web.SockSite(self._runner, self._socket, backlog=1024).start()

    async def close(self) -> None:
        # Requests that have come, down to those that wait to be accepted, are answered: it takes some rounds of the loop
        # from a waiting connection to a handler that runs.
        for _ in range(10):
            await asyncio.sleep(0)
        # Streams have no end of their own that could be waited for.
        self._closing = True
        for stream in self._streams:
            stream.cancel()
        await self._runner.cleanup()

    def _request(self, *arguments: Any) -> ReceivedRequest:
        message, payload, protocol, writer, task = arguments
        return ReceivedRequest(message, payload, protocol, writer, task, asyncio.get_running_loop(), client_max_size=0)

    async def _handle(self, request: ReceivedRequest) -> web.StreamResponse:
        asked = self._asked(request)
        if isinstance(asked, Response):
            return _response(request, asked, close=True)
        close = False
        try:
            answer = await self._handler(asked)
        except BodyTooLargeError:
            answer, close = empty_response(413), True
        except SlowBodyError:
            answer, close = empty_response(408), True
        except _BufferLimitError:
            log.warning(
                "A request was refused with 503: the bodies of those under way have %d MB. [EH333]", self._held >> 20
            )
            answer, close = Response(503, b"", [("Retry-After", "5")]), True
        except MalformedBodyError:
            answer, close = empty_response(400), True
        except ClientGoneError:
            log.debug("%s %s: the client went away", request.method, asked.path)
            answer, close = empty_response(400), True  # which nobody gets
        except Exception:
            log.exception("%s %s could not be answered [EH330]", request.method, asked.path)
            answer = empty_response(500)
        if answer.stream is not None:
            return await self._streamed(request, answer, answer.stream)
        self._hold(request, len(answer.body))
        return _response(request, answer, close)

    def _hold(self, request: ReceivedRequest, size: int) -> None:
        """Count the bytes until the request has been answered."""
        self._held += size
        request.held += size

    def _release(self, size: int) -> None:
        self._held -= size

    async def _streamed(
        self, request: ReceivedRequest, answer: Response, parts: AsyncGenerator[bytes, None]
    ) -> web.StreamResponse:
        response = web.StreamResponse(status=answer.status, headers=CIMultiDict(answer.headers))
        response.headers["Server"] = SERVER
        response.force_close()
        sending = asyncio.ensure_future(_send(request, response, parts))
        self._streams.add(sending)
        sending.add_done_callback(self._streams.discard)
        if self._closing:
            sending.cancel()
        connection = request.protocol
        if isinstance(connection, Connection) and request.transport is not None:
            connection.on_lost = sending.cancel
        else:  # it has gone already
            sending.cancel()
        await asyncio.wait([sending])
        return response

    def _asked(self, request: ReceivedRequest) -> Request | Response:
        if not request.raw_path.isascii():
            return empty_response(400)
        path, _, query = request.raw_path.partition("?")
        authority = request.headers.get("Host", "").strip()
        if not authority:
            if "Host" not in request.headers and request.version >= HttpVersion11:
                return empty_response(400)
            authority = self._authority
        if absolute := _ABSOLUTE.match(path):
            authority, path = absolute[2] or authority, absolute[3] or "/"
        return Request(
            method=request.method,
            path=path,
            query_text=query,
            headers=_readable(request.headers),
            base_url=f"http://{authority}",  # the server has no TLS
            read=lambda: self._read(request),
        )

    async def _read(self, request: ReceivedRequest) -> bytes:
        if self._max_body is not None and (request.content_length or 0) > self._max_body:
            raise BodyTooLargeError
        if request.version >= HttpVersion11 and request.headers.get("Expect", "").lower() == "100-continue":
            await request.writer.write(b"HTTP/1.1 100 Continue\r\n\r\n")
            request.writer.output_size = 0  # what counts is the answer proper
        try:
            with BodyRate(request):
                return await self._whole(request)
        except (ConnectionError, aiohttp.ClientConnectionError, asyncio.IncompleteReadError):
            raise ClientGoneError from None
        except (http_exceptions.HttpProcessingError, aiohttp.ClientError) as error:
            if request.transport is None or request.transport.is_closing():
                raise ClientGoneError from None
            raise MalformedBodyError(str(error)) from None

    async def _whole(self, request: ReceivedRequest) -> bytes:
        parts: list[bytes | bytearray] = []
        size = 0
        while part := await request.content.readany():
            if len(part) >= PART:
                parts.append(part)
            elif parts and isinstance(parts[-1], bytearray):
                parts[-1] += part
            else:
                parts.append(bytearray(part))
            size += len(part)
            if self._max_body is None:
                continue
            if size > self._max_body:
                raise BodyTooLargeError
            if self._held + len(part) > MAX_HELD:
                raise _BufferLimitError
            self._hold(request, len(part))
        if size >= LARGE:
            async with self._large_body:
                await asyncio.sleep(0)
        return b"".join(parts)


class _BufferLimitError(EmbeddedHostError):
    pass


class _Server(web.Server):
    def __init__(self, release: Callable[[int], None], *arguments: Any, **options: Any) -> None:
        super().__init__(*arguments, **options)
        self._release = release

    def __call__(self) -> RequestHandler:
        return Connection(_refused, self._release, self, loop=self._loop, **self._kwargs)


def _refused(request: web.BaseRequest, status: int) -> web.StreamResponse:
    return _response(request, empty_response(status), close=True)


_PROTOCOL: dict[str, Any] = {
    "keepalive_timeout": KEEP_ALIVE,
    "max_line_size": MAX_LINE,
    "max_field_size": MAX_HEADER,
    # A function that is sent gzip gets gzip, as on the real host.
    "auto_decompress": False,
}


def _response(request: web.BaseRequest, answer: Response, close: bool = False) -> Answer:
    status = answer.status if 200 <= answer.status <= 999 else 500
    response = Answer(status=status, body=answer.body or None)
    for name, value in answer.headers:
        if name.lower() not in _OURS:
            response.headers.add(_CONTROL.sub("", name), _CONTROL.sub(" ", value))
    response.headers.setdefault("Server", SERVER)
    if close:
        response.headers["Connection"] = "close"
        response.force_close()
    return response


async def _send(request: ReceivedRequest, response: web.StreamResponse, parts: AsyncGenerator[bytes, None]) -> None:
    try:
        await response.prepare(request)
        async for part in parts:
            if part:
                await response.write(part)
            elif request.transport is None or request.transport.is_closing():
                return
    except (ConnectionError, aiohttp.ClientConnectionError):
        pass  # the client went away
    except Exception:
        log.exception("%s %s: the stream broke off [EH330]", request.method, request.path)
    finally:
        await parts.aclose()


def _readable(headers: Any) -> Any:
    """The headers as they came, repeated ones comma-joined; bytes that are not UTF-8 are read as Latin-1."""
    if len(set(headers)) == len(headers) and all(map(str.isascii, headers.values())):
        return headers
    merged: CIMultiDict[str] = CIMultiDict()
    for name, value in headers.items():
        raw = value.encode("utf-8", "surrogateescape")
        try:
            value = raw.decode()
        except UnicodeDecodeError:
            value = raw.decode("latin-1")
        merged[name] = f"{merged[name]},{value}" if name in merged else value
    return merged


def _authority(sock: socket.socket) -> str:
    """What stands for the ``Host`` header where there is none."""
    return f"localhost:{sock.getsockname()[1]}"
