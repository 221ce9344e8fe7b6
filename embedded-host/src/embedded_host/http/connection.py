"""One client's connection, with timeouts and minimum data rates.

The limits are those of Kestrel, the server of the Azure Functions host
(https://learn.microsoft.com/aspnet/core/fundamentals/servers/kestrel/options). aiohttp has no
settings for them, so this module uses private parts of aiohttp: ``RequestHandler._waiter`` and
``_messages``, its parser, ``RequestHandler.finish_response``, ``BaseRequest._prepare_hook`` and the
arguments of ``LineTooLong``.
``tests/http/test_aiohttp_internals.py`` checks that they exist.
"""

from __future__ import annotations

import asyncio
import logging
import re
from collections.abc import Callable

from aiohttp import http_exceptions, web
from aiohttp.base_protocol import BaseProtocol
from aiohttp.http_parser import HttpRequestParserPy
from aiohttp.web_protocol import RequestHandler

from embedded_host.errors import EmbeddedHostError

log = logging.getLogger("embedded_host.http")
MAX_LINE = 32_768
"""Maximum bytes of a request line."""
MAX_HEADER = 65_536
"""Maximum bytes of one header."""
METHODS = (b"GET ", b"POST ", b"PUT ", b"DELETE ", b"PATCH ", b"HEAD ", b"OPTIONS ")
"""The methods of most requests."""
PARSER = "_parser" if hasattr(BaseProtocol, "_parser") else "_request_parser"
"""The attribute of a connection with its parser. Before aiohttp 3.14, its name was different."""
_UNCOMMON = re.compile(rb"[!#$%&'*+.^_`|~0-9A-Za-z-]+( |\Z)")
HEADERS_TIMEOUT = 30.0
"""Maximum seconds from the first byte of a request to the end of its headers."""
KEEP_ALIVE = 130.0
"""Seconds after which an idle connection is closed."""
MIN_BODY_RATE = 240
"""Minimum average rate of a request body, in bytes per second."""
BODY_RATE_GRACE = 5.0
"""Seconds before the minimum rate applies."""
WRITE_TIMEOUT = 120.0
"""Seconds after which a connection is closed if the client reads nothing of its response.

The buffers of the operating system empty in steps of 1 MB or more, so the slowest accepted client
reads about 20 KB per second.
"""


class ReceivedRequest(web.BaseRequest):
    """A request of aiohttp that counts the memory of its bodies."""

    buffered = 0
    """Bytes of the request and response bodies in memory. They are released with the response."""

    async def _prepare_hook(self, response: web.StreamResponse) -> None:
        """Remove the content type that aiohttp adds to a response without one."""
        if isinstance(response, BufferedResponse) and response.has_no_content_type:
            response.headers.popall("Content-Type", None)


class BufferedResponse(web.Response):
    """A response that releases its body when the body is sent or the client disconnects."""

    has_no_content_type = False
    """True if the response has a body without a content type."""

    async def write_eof(self, data: bytes = b"") -> None:
        """Send the rest of the body.

        A ConnectionError is raised again without its traceback. The traceback would be part of a
        reference cycle, because a frame refers to the future that holds the error. The garbage
        collector counts objects and not bytes, so the body would stay in memory for minutes.
        """
        try:
            await super().write_eof(data)
        except ConnectionError as error:
            raise error.with_traceback(None)  # noqa: B904 - the same exception


class SlowBodyError(EmbeddedHostError, asyncio.TimeoutError):
    """The body arrived too slowly.

    The class is a TimeoutError, because aiohttp handles this type while it discards a body.
    """


class Connection(RequestHandler):
    """A connection of aiohttp with the limits of this module.

    The response to invalid HTTP is that of ``refuse``, and no traceback is logged.
    """

    _is_new = True
    """True before the first bytes."""
    _is_partial = False
    """True if the headers of a request have arrived only in part."""
    _headers_timer: asyncio.TimerHandle | None = None
    _stall_timer: asyncio.TimerHandle | None = None
    on_lost: Callable[[], object] | None = None
    """The callback for the end of the connection. It stops the stream to the client."""

    def __init__(
        self,
        refuse: Callable[[web.BaseRequest, int], web.StreamResponse],
        release: Callable[[int], None],
        manager: web.Server,
        loop: asyncio.AbstractEventLoop,
    ) -> None:
        """Set the callbacks.

        ``refuse`` returns the response for an error status. ``release`` is called with the number
        of bytes that a finished request no longer uses.
        """
        super().__init__(
            manager,
            loop=loop,
            access_log=None,  # type: ignore[arg-type]  # aiohttp's annotation lacks None
            keepalive_timeout=KEEP_ALIVE,
            max_line_size=MAX_LINE,
            max_field_size=MAX_HEADER,
            # A function receives a gzip body as it is, as on the Azure Functions host.
            auto_decompress=False,
        )
        self._refuse, self._release = refuse, release

    # -- requests

    def data_received(self, data: bytes) -> None:
        """Start the timeout for headers with the first bytes of a request."""
        waits = self._waiter is not None and not self._waiter.done()
        begins = self._is_new or (waits and not self._is_partial)
        self._is_new = False
        if begins and not data.startswith(METHODS):
            self._accept_any_method(data)
        super().data_received(data)
        self._is_partial = (begins or self._is_partial) and not self._messages
        waits = self._waiter is not None and not self._waiter.done()
        if waits and data and self._headers_timer is None:
            # No request is complete and no response is pending, so these bytes begin a request.
            self._headers_timer = self._loop.call_later(HEADERS_TIMEOUT, self._headers_timed_out)
        elif not waits and self._headers_timer is not None:
            self._headers_timer.cancel()
            self._headers_timer = None

    def _accept_any_method(self, data: bytes) -> None:
        """Replace the parser by aiohttp's slower one if the request has an uncommon method.

        The fast parser refuses methods that it does not know. Functions receive all methods.
        """
        is_common = any(method.startswith(data) for method in METHODS)
        if (
            is_common
            or not _UNCOMMON.match(data)
            or isinstance(getattr(self, PARSER), HttpRequestParserPy)
        ):
            return
        parser = HttpRequestParserPy(
            self,
            self._loop,
            max_line_size=MAX_LINE,
            max_field_size=MAX_HEADER,
            payload_exception=web.RequestPayloadError,
            auto_decompress=False,
        )
        setattr(self, PARSER, parser)

    def _headers_timed_out(self) -> None:
        self._headers_timer = None
        if self._waiter is not None and not self._waiter.done():
            log.debug("A client did not send all headers within %d s.", HEADERS_TIMEOUT)
            self.force_close()

    def handle_error(
        self,
        request: web.BaseRequest,
        status: int = 500,
        exc: BaseException | None = None,
        message: str | None = None,
    ) -> web.StreamResponse:
        """Return the response to a request that aiohttp could not parse or handle."""
        if isinstance(exc, http_exceptions.LineTooLong):
            status = 414 if str(exc.args[1]) == str(MAX_LINE) else 431
        if status >= 500:
            log.error("A request failed with status 500 [EH330]", exc_info=exc)
        return self._refuse(request, status)

    # -- responses

    async def finish_response(
        self, request: web.BaseRequest, resp: web.StreamResponse, start_time: float | None
    ) -> tuple[web.StreamResponse, bool]:
        """Send a response, and release the memory of its bodies even if sending fails."""
        try:
            return await super().finish_response(request, resp, start_time)
        finally:
            if isinstance(resp, BufferedResponse):
                resp.body = None
            if isinstance(request, ReceivedRequest):
                self._release(request.buffered)

    def pause_writing(self) -> None:
        """Start the timeout for a client that reads nothing, because the write buffer is full."""
        super().pause_writing()
        self._watch_stall()

    def resume_writing(self) -> None:
        """Stop the timeout, because the client reads again."""
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
        log.debug("A client read nothing of its response for %d s.", WRITE_TIMEOUT)
        transport.abort()

    def connection_lost(self, exc: BaseException | None) -> None:
        """Stop the timers, and call ``on_lost`` once."""
        for timer in (self._headers_timer, self._stall_timer):
            if timer is not None:
                timer.cancel()
        self._headers_timer = self._stall_timer = None
        super().connection_lost(exc)
        on_lost, self.on_lost = self.on_lost, None
        if on_lost is not None:
            on_lost()


class BodyRate:
    """A context manager that raises SlowBodyError if a request body arrives too slowly."""

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
