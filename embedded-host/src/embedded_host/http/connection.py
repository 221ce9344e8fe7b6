"""One client's connection, and how long the host has patience with it: a slow or stuck client costs itself alone.

The limits are those of Kestrel, the real host's server (https://learn.microsoft.com/aspnet/core/fundamentals/servers/kestrel/options).
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
"""Bytes of a request line."""
MAX_HEADER = 65_536
"""Bytes of one header."""
HEAD = 30.0
"""Seconds from a request's first byte to the end of its headers."""
KEEP_ALIVE = 130.0
"""Seconds that a connection may be idle."""
RATE = 240
"""Bytes a second that a body has to come with, on average."""
GRACE = 5.0
"""Seconds before that is asked for."""
STALLED = 120.0
"""Seconds in which a client that is being answered has to take something. The system's own buffers show that in steps of a
megabyte or more: this is 20 KB a second."""


class ReceivedRequest(web.BaseRequest):
    held = 0
    """Bytes of its body and its answer's that are in memory until the answer has been sent, or can no longer be."""


class Answer(web.Response):
    """Let go of when it has been sent, or its client has not waited for it. Then the error would stand in a circle of references (a
    frame of its traceback has the future that has the error), and as the collector counts objects, not bytes, what the frames hold
    would stay in memory for minutes."""

    async def write_eof(self, data: bytes = b"") -> None:
        try:
            await super().write_eof(data)
        except ConnectionError as error:
            raise error.with_traceback(None)  # noqa: B904 - it is the same


class SlowBodyError(EmbeddedHostError, asyncio.TimeoutError):
    """The body came too slowly. The server, too, finds it when it reads on to keep the connection, and knows this kind."""


class Connection(RequestHandler):
    """Requests that are not HTTP are answered with a status alone, by ``refuse``, and without a traceback in the log."""

    _head_timer: asyncio.TimerHandle | None = None
    _stall_timer: asyncio.TimerHandle | None = None
    on_lost: Callable[[], Any] | None = None
    """Called once if the client goes: for an answer that has no end of its own."""

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
        if waits and data and self._head_timer is None:
            # Nothing is being answered and no request is complete: this is the beginning of one.
            self._head_timer = self._loop.call_later(HEAD, self._head_is_late)
        elif not waits and self._head_timer is not None:
            self._head_timer.cancel()
            self._head_timer = None

    def _head_is_late(self) -> None:
        self._head_timer = None
        if self._waiter is not None and not self._waiter.done():
            log.debug("A client did not send its request's headers in %d s.", HEAD)
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

    # -- answers -----------------------------------------------------------------------------------

    async def finish_response(
        self, request: web.BaseRequest, resp: web.StreamResponse, start_time: float | None
    ) -> tuple[web.StreamResponse, bool]:
        try:
            return await super().finish_response(request, resp, start_time)
        finally:
            if isinstance(resp, Answer):
                resp.body = None
            if isinstance(request, ReceivedRequest):
                self._release(request.held)

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
            self._stall_timer = self._loop.call_later(STALLED, self._look_at_stall, transport, left)

    def _look_at_stall(self, transport: asyncio.Transport, left: int) -> None:
        self._stall_timer = None
        if transport.get_write_buffer_size() < left:
            self._watch_stall()
            return
        log.debug("A client took nothing of its answer in %d s.", STALLED)
        transport.abort()

    def connection_lost(self, exc: BaseException | None) -> None:
        for timer in (self._head_timer, self._stall_timer):
            if timer is not None:
                timer.cancel()
        self._head_timer = self._stall_timer = None
        super().connection_lost(exc)
        on_lost, self.on_lost = self.on_lost, None
        if on_lost is not None:
            on_lost()


class BodyRate:
    """``with BodyRate(request):`` reading its body fails with SlowBodyError if that comes too slowly."""

    def __init__(self, request: web.BaseRequest) -> None:
        self._content = request.content
        self._loop = asyncio.get_running_loop()
        self._timer: asyncio.TimerHandle | None = None

    def __enter__(self) -> None:
        if not self._content.is_eof():
            self._began = self._loop.time()
            self._timer = self._loop.call_later(GRACE, self._look)

    def __exit__(self, *_: object) -> None:
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None

    def _look(self) -> None:
        due = RATE * (self._loop.time() - self._began - GRACE)
        if self._content.total_bytes <= due:
            self._timer = None
            self._content.set_exception(SlowBodyError())
        else:
            self._timer = self._loop.call_later(1.0, self._look)
