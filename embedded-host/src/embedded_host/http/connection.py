"""One client's connection, with timeouts and minimum data rates: a slow or stuck client delays no other one.

The limits are those of Kestrel, the server of the Azure Functions host
(https://learn.microsoft.com/aspnet/core/fundamentals/servers/kestrel/options). aiohttp has no settings for them, so this module uses
private parts of it: ``RequestHandler._waiter`` and ``finish_response``, ``Server._kwargs`` and the arguments of ``LineTooLong``.
``tests/http/test_aiohttp_internals.py`` names them and fails if a release of aiohttp changes them.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable
from typing import Any

from aiohttp import http_exceptions, web
from aiohttp.web_protocol import RequestHandler

from embedded_host.errors import EmbeddedHostError

log = logging.getLogger("embedded_host.http")
MAX_LINE = 32_768
"""Maximum bytes of a request line."""
MAX_HEADER = 65_536
"""Maximum bytes of one header."""
HEADERS_TIMEOUT = 30.0
"""Maximum seconds from the first byte of a request to the end of its headers."""
KEEP_ALIVE = 130.0
"""Maximum seconds that a connection may be idle."""
MIN_BODY_RATE = 240
"""Minimum average rate of a request body, in bytes a second."""
BODY_RATE_GRACE = 5.0
"""Seconds before the minimum rate applies."""
WRITE_TIMEOUT = 120.0
"""Maximum seconds in which a client may read nothing of its response.

The buffers of the operating system empty in steps of a megabyte or more, so this is about 20 KB a second."""


class ReceivedRequest(web.BaseRequest):
    buffered = 0
    """Bytes of the request and response bodies, in memory until the response was sent or abandoned."""


class BufferedResponse(web.Response):
    """A response whose memory is released as soon as it was sent or its client has disconnected.

    The traceback of the disconnection error would be part of a reference cycle: a frame refers to the future that holds the error. The
    garbage collector counts objects and not bytes, so the body would remain in memory for minutes."""

    async def write_eof(self, data: bytes = b"") -> None:
        try:
            await super().write_eof(data)
        except ConnectionError as error:
            raise error.with_traceback(None)  # noqa: B904 - the same exception


class SlowBodyError(EmbeddedHostError, asyncio.TimeoutError):
    """The body arrived too slowly. A TimeoutError, because aiohttp handles that one when it discards the rest of the body."""


class Connection(RequestHandler):
    """Responds to invalid HTTP with a status from ``refuse``, and logs no traceback for it."""

    _headers_timer: asyncio.TimerHandle | None = None
    _stall_timer: asyncio.TimerHandle | None = None
    on_lost: Callable[[], object] | None = None
    """Called once when the client disconnects, to end a stream that has no end of its own."""

    def __init__(
        self,
        refuse: Callable[[web.BaseRequest, int], web.StreamResponse],
        release: Callable[[int], None],
        *args: Any,
        **kwargs: Any,
    ) -> None:
        super().__init__(*args, **kwargs)
        self._refuse, self._release = refuse, release

    # -- requests ----------------------------------------------------------------------------------

    def data_received(self, data: bytes) -> None:
        super().data_received(data)
        waits = self._waiter is not None and not self._waiter.done()
        if waits and data and self._headers_timer is None:
            # No request is complete, and no response is pending: a request begins.
            self._headers_timer = self._loop.call_later(HEADERS_TIMEOUT, self._headers_timed_out)
        elif not waits and self._headers_timer is not None:
            self._headers_timer.cancel()
            self._headers_timer = None

    def _headers_timed_out(self) -> None:
        self._headers_timer = None
        if self._waiter is not None and not self._waiter.done():
            log.debug("A client did not send its request's headers in %d s.", HEADERS_TIMEOUT)
            self.force_close()

    def handle_error(
        self,
        request: web.BaseRequest,
        status: int = 500,
        exc: BaseException | None = None,
        message: str | None = None,
    ) -> web.StreamResponse:
        if isinstance(exc, http_exceptions.LineTooLong):
            status = 414 if str(exc.args[1]) == str(MAX_LINE) else 431
        if status >= 500:
            log.error("A request could not be answered [EH330]", exc_info=exc)
        return self._refuse(request, status)

    # -- responses -----------------------------------------------------------------------------------

    async def finish_response(
        self, request: web.BaseRequest, resp: web.StreamResponse, start_time: float | None
    ) -> tuple[web.StreamResponse, bool]:
        try:
            return await super().finish_response(request, resp, start_time)
        finally:
            if isinstance(resp, BufferedResponse):
                resp.body = None
            if isinstance(request, ReceivedRequest):
                self._release(request.buffered)

    def pause_writing(self) -> None:
        super().pause_writing()
        self._watch_stall()

    def resume_writing(self) -> None:
        super().resume_writing()
        if self._stall_timer is not None:
            self._stall_timer.cancel()
            self._stall_timer = None

    def _watch_stall(self) -> None:
        transport = self.transport
        if transport is not None:
            left = transport.get_write_buffer_size()
            self._stall_timer = self._loop.call_later(
                WRITE_TIMEOUT, self._check_stall, transport, left
            )

    def _check_stall(self, transport: asyncio.Transport, left: int) -> None:
        self._stall_timer = None
        if transport.get_write_buffer_size() < left:
            self._watch_stall()
            return
        log.debug("A client read nothing of its response in %d s.", WRITE_TIMEOUT)
        transport.abort()

    def connection_lost(self, exc: BaseException | None) -> None:
        for timer in (self._headers_timer, self._stall_timer):
            if timer is not None:
                timer.cancel()
        self._headers_timer = self._stall_timer = None
        super().connection_lost(exc)
        on_lost, self.on_lost = self.on_lost, None
        if on_lost is not None:
            on_lost()


class BodyRate:
    """Context manager: reading the request body raises SlowBodyError if it arrives too slowly."""

    def __init__(self, request: web.BaseRequest) -> None:
        self._content = request.content
        self._loop = asyncio.get_running_loop()
        self._timer: asyncio.TimerHandle | None = None

    def __enter__(self) -> None:
        if not self._content.is_eof():
            self._start = self._loop.time()
            self._timer = self._loop.call_later(BODY_RATE_GRACE, self._check)

    def __exit__(self, *_: object) -> None:
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None

    def _check(self) -> None:
        due = MIN_BODY_RATE * (self._loop.time() - self._start - BODY_RATE_GRACE)
        if self._content.total_bytes <= due:
            self._timer = None
            self._content.set_exception(SlowBodyError())
        else:
            self._timer = self._loop.call_later(1.0, self._check)
