"""The HTTP listeners: the public address, and the SDK's endpoint (functions-host.md#transport)."""

from __future__ import annotations

import asyncio
import logging
import re
import socket
from collections.abc import AsyncGenerator, Awaitable, Callable, Mapping

import aiohttp
from aiohttp import http_exceptions, web
from aiohttp.abc import AbstractStreamWriter
from aiohttp.http import HttpVersion11, RawRequestMessage
from aiohttp.streams import StreamReader
from aiohttp.web_protocol import RequestHandler
from multidict import CIMultiDict, CIMultiDictProxy

from embedded_host.errors import EmbeddedHostError
from embedded_host.http.connection import (
    BodyRate,
    BufferedResponse,
    Connection,
    ReceivedRequest,
    SlowBodyError,
)
from embedded_host.web.request import (
    BodyTooLargeError,
    ClientGoneError,
    MalformedBodyError,
    Request,
)
from embedded_host.web.request_path import normalized_path
from embedded_host.web.response import Response, empty_response

log = logging.getLogger("embedded_host.http")
MAX_BODY = 104_857_600
"""Maximum bytes of a request body, as on the Azure Functions host.

See functions-host.md#http-requests.
"""
MAX_BUFFERED = 1024 * 1024 * 1024
"""Maximum bytes of all request and response bodies in memory.

A request that would exceed this limit gets a 503.
"""
LARGE_BODY = 1024 * 1024
"""Minimum bytes of a body whose chunks are joined in a separate round of the event loop.

Joining the chunks of such a body blocks the event loop for some milliseconds.
"""
SMALL_CHUNK = 4096
"""Received chunks of fewer bytes are merged, because many small objects waste memory."""
SERVER = "embedded-host"
_ABSOLUTE = re.compile(r"(https?)://([^/?#]*)(/[^?#]*)?", re.IGNORECASE)
_CONTROL = re.compile(r"[\x00-\x08\x0a-\x1f\x7f]")
_SERVER_HEADERS = ("content-length", "transfer-encoding", "connection")
"""Headers that the server sets."""

Handler = Callable[[Request], Awaitable[Response]]


def body_limit(text: str | None) -> int:
    """Return the limit that the app setting FUNCTIONS_REQUEST_BODY_SIZE_LIMIT sets, or MAX_BODY."""
    return (
        int(text)
        if text and re.fullmatch("[0-9]{1,18}", text.strip()) and int(text) > 0
        else MAX_BODY
    )


class Listener:
    """The HTTP server on one listening socket."""

    def __init__(
        self,
        sock: socket.socket,
        handler: Handler,
        grace: float = 1.0,
        *,
        max_body: int | None = MAX_BODY,
    ) -> None:
        """Serve the responses of ``handler``.

        ``grace`` is the time in seconds for requests in progress when the listener closes.
        ``max_body`` is the limit of a request body in bytes; None means unlimited.
        """
        self._handler = handler
        self._socket = sock
        self._max_body = max_body
        self.buffered = 0
        """Bytes of request and response bodies in memory."""
        self._large_body = asyncio.Lock()
        self._authority = _authority(sock)
        server = _Server(self._release, self._handle, request_factory=self._request)
        self._runner = web.ServerRunner(server, access_log=None, shutdown_timeout=grace / 2)
        self._streams: set[asyncio.Task[None]] = set()
        self._closing = False

    async def start(self) -> None:
        """Accept connections."""
        await self._runner.setup()
        await web.SockSite(self._runner, self._socket, backlog=1024).start()

    async def close(self) -> None:
        """Stop accepting connections, end the streams, and wait for requests in progress."""
        # Requests that have arrived get a response. A connection that is not accepted yet needs
        # some rounds of the event loop until its handler runs.
        for _ in range(10):
            await asyncio.sleep(0)
        # The streams are cancelled, because a stream may never end.
        self._closing = True
        for stream in self._streams:
            stream.cancel()
        await self._runner.cleanup()

    def _request(
        self,
        message: RawRequestMessage,
        payload: StreamReader,
        protocol: RequestHandler,
        writer: AbstractStreamWriter,
        task: asyncio.Task[None],
    ) -> ReceivedRequest:
        return ReceivedRequest(
            message, payload, protocol, writer, task, asyncio.get_running_loop(), client_max_size=0
        )

    async def _handle(self, request: ReceivedRequest) -> web.StreamResponse:
        received = self._parse(request)
        if isinstance(received, Response):
            return _response(request, received, close=True)
        close = False
        try:
            response = await self._handler(received)
        except BodyTooLargeError:
            response, close = empty_response(413), True
        except SlowBodyError:
            response, close = empty_response(408), True
        except _BufferLimitError:
            log.warning(
                "Refused a request with 503: the bodies of the requests in progress use %d MB. "
                "[EH333]",
                self.buffered >> 20,
            )
            response, close = Response(503, b"", [("Retry-After", "5")]), True
        except MalformedBodyError:
            response, close = empty_response(400), True
        except ClientGoneError:
            log.debug("%s %s: the client disconnected", request.method, received.path)
            response, close = empty_response(400), True
        except Exception:
            log.exception("%s %s failed with status 500 [EH330]", request.method, received.path)
            response = empty_response(500)
        if response.stream is not None:
            return await self._stream(request, response, response.stream)
        self._count(request, len(response.body))
        if response.is_incomplete:
            return await _send_incomplete(request, response)
        return _response(request, response, close)

    def _count(self, request: ReceivedRequest, size: int) -> None:
        """Add ``size`` bytes, which stay in memory until the response has been sent."""
        self.buffered += size
        request.buffered += size

    def _release(self, size: int) -> None:
        self.buffered -= size

    async def _stream(
        self, request: ReceivedRequest, head: Response, parts: AsyncGenerator[bytes, None]
    ) -> web.StreamResponse:
        response = web.StreamResponse(status=head.status, headers=CIMultiDict(head.headers))
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
        else:  # the client has disconnected
            sending.cancel()
        await asyncio.wait([sending])
        return response

    def _parse(self, request: ReceivedRequest) -> Request | Response:
        headers = _merged(request.headers)
        if headers is None or not request.raw_path.isascii():
            return empty_response(400)
        path, mark, query = request.raw_path.partition("?")
        authority = request.headers.get("Host", "").strip()
        if not authority:
            if "Host" not in request.headers and request.version >= HttpVersion11:
                return empty_response(400)
            authority = self._authority
        if absolute := _ABSOLUTE.match(path):
            authority, path = absolute[2] or authority, absolute[3] or "/"
        return Request(
            method=request.method,
            path=normalized_path(path),
            query_text=query,
            headers=headers,
            base_url=f"http://{authority}",  # the server has no TLS
            read=lambda: self._read(request),
            has_empty_query=bool(mark and not query),
            lacks_host="Host" not in request.headers,
        )

    async def _read(self, request: ReceivedRequest) -> bytes:
        if self._max_body is not None and (request.content_length or 0) > self._max_body:
            raise BodyTooLargeError(self._max_body)
        if (
            request.version >= HttpVersion11
            and request.headers.get("Expect", "").lower() == "100-continue"
        ):
            await request.writer.write(b"HTTP/1.1 100 Continue\r\n\r\n")
            request.writer.output_size = 0  # count the final response only
        try:
            with BodyRate(request):
                return await self._read_all(request)
        except (ConnectionError, aiohttp.ClientConnectionError, asyncio.IncompleteReadError):
            raise ClientGoneError from None
        except (http_exceptions.HttpProcessingError, aiohttp.ClientError) as error:
            if request.transport is None or request.transport.is_closing():
                raise ClientGoneError from None
            raise MalformedBodyError(str(error)) from None

    async def _read_all(self, request: ReceivedRequest) -> bytes:
        parts: list[bytes | bytearray] = []
        size = 0
        while part := await request.content.readany():
            if len(part) >= SMALL_CHUNK:
                parts.append(part)
            elif parts and isinstance(parts[-1], bytearray):
                parts[-1] += part
            else:
                parts.append(bytearray(part))
            size += len(part)
            if self._max_body is None:
                continue
            if size > self._max_body:
                raise BodyTooLargeError(self._max_body)
            if self.buffered + len(part) > MAX_BUFFERED:
                raise _BufferLimitError
            self._count(request, len(part))
        if size >= LARGE_BODY:
            async with self._large_body:
                await asyncio.sleep(0)
        return b"".join(parts)


class _BufferLimitError(EmbeddedHostError):
    """The bodies in memory reach MAX_BUFFERED."""


class _Server(web.Server):
    """The server of aiohttp, with the connections of ``connection.py``."""

    def __init__(
        self,
        release: Callable[[int], None],
        handler: Callable[[ReceivedRequest], Awaitable[web.StreamResponse]],
        request_factory: Callable[
            [
                RawRequestMessage,
                StreamReader,
                RequestHandler,
                AbstractStreamWriter,
                asyncio.Task[None],
            ],
            ReceivedRequest,
        ],
    ) -> None:
        super().__init__(handler, request_factory=request_factory)  # type: ignore[arg-type]  # each request is a ReceivedRequest
        self._release = release

    def __call__(self) -> RequestHandler:
        return Connection(_refused, self._release, self, self._loop)


def _refused(request: web.BaseRequest, status: int) -> web.StreamResponse:
    return _response(request, empty_response(status), close=True)


def _response(request: web.BaseRequest, source: Response, close: bool = False) -> BufferedResponse:
    is_head = source.chunked and request.method == "HEAD"
    body = None if is_head else source.body or None
    response = BufferedResponse(status=source.status, body=body)
    for name, value in source.headers:
        lower = name.lower()
        if lower == "content-type" and not value:
            response.has_no_content_type = True
        elif lower not in _SERVER_HEADERS or (is_head and lower == "content-length"):
            response.headers.add(_CONTROL.sub("", name), _CONTROL.sub(" ", value))
    response.headers.setdefault("Server", SERVER)
    if source.chunked and body is not None and request.version >= HttpVersion11:
        response.enable_chunked_encoding()
    if close or source.close:
        response.headers["Connection"] = "close"
        response.force_close()
    return response


async def _send_incomplete(request: ReceivedRequest, source: Response) -> web.StreamResponse:
    """Send a response that ends before the client has received all of it."""
    response = web.StreamResponse(status=source.status)
    for name, value in source.headers:
        if name.lower() != "transfer-encoding":
            response.headers.add(name, value)
    response.headers.setdefault("Server", SERVER)
    response.force_close()
    try:
        await response.prepare(request)
        await response.write(source.body)
    except (ConnectionError, aiohttp.ClientConnectionError):
        return response  # the client disconnected
    if request.transport is not None:
        request.transport.close()
    return response


async def _send(
    request: ReceivedRequest, response: web.StreamResponse, parts: AsyncGenerator[bytes, None]
) -> None:
    try:
        await response.prepare(request)
        async for part in parts:
            if part:
                await response.write(part)
            elif request.transport is None or request.transport.is_closing():
                return
    except (ConnectionError, aiohttp.ClientConnectionError):
        pass  # the client disconnected
    except Exception:
        log.exception("%s %s: the stream failed [EH330]", request.method, request.path)
    finally:
        await parts.aclose()


def _merged(headers: CIMultiDictProxy[str]) -> Mapping[str, str] | None:
    """Return the headers, with the values of repeated headers joined by commas.

    Returns None if a value is not UTF-8.
    """
    if len(set(headers)) == len(headers) and all(map(str.isascii, headers.values())):
        return headers
    merged: CIMultiDict[str] = CIMultiDict()
    for name, value in headers.items():
        try:
            value = value.encode("utf-8", "surrogateescape").decode()
        except UnicodeDecodeError:
            return None
        merged[name] = f"{merged[name]},{value}" if name in merged else value
    return merged


def _authority(sock: socket.socket) -> str:
    """Return the authority of a request without a Host header."""
    return f"localhost:{sock.getsockname()[1]}"
