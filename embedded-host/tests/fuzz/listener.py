"""A fuzz target for the bytes that a client sends to the HTTP server, which has all its routes."""

from __future__ import annotations

import asyncio
import logging
import re
from pathlib import Path

from embedded_host.app.definitions import App, HostJson, LocalSettings
from embedded_host.http.admin import Admin
from embedded_host.http.functions import HttpFunctions
from embedded_host.http.router import Router
from embedded_host.http.server import Listener
from embedded_host.http.sockets import bind_public
from embedded_host.web.request import Request
from embedded_host.web.response import Response
from embedded_host.workers.current_app import CurrentApp
from embedded_host.workers.loaded_app import LoadedApp
from embedded_host.workers.worker import Invocation
from embedded_worker.protocol import HttpRequestData, HttpResponseData, InvocationResult
from tests.http.api import Api
from tests.http.test_functions import FakeWorker, route

SECONDS = 5.0
"""The maximum time in seconds from the last byte of the client to the response."""
_STATUS = re.compile(rb"HTTP/1\.[01] (\d{3}) ")


class _Echo(FakeWorker):
    async def invoke(self, invocation: Invocation, *, alone: bool = False) -> InvocationResult:
        assert isinstance(invocation.trigger, HttpRequestData)
        return InvocationResult(
            1, HttpResponseData(200, [("X-Route", "x")], repr(invocation.trigger).encode()[:1000])
        )


class _ErrorRecords(logging.Handler):
    def __init__(self) -> None:
        super().__init__(logging.ERROR)
        self.records: list[logging.LogRecord] = []

    def emit(self, record: logging.LogRecord) -> None:
        self.records.append(record)


class HttpListener:
    """A target that raises AssertionError for an invalid or missing response, or for an error.

    An error is a response with status 500 or an error in the log.
    """

    def __init__(self) -> None:
        self._loop: asyncio.AbstractEventLoop | None = None
        self._listener: Listener | None = None
        self._port = 0
        self._left = 0
        self._errors = _ErrorRecords()

    def __call__(self, data: bytes) -> None:
        if self._loop is None:
            self._loop = asyncio.new_event_loop()
            logging.getLogger().addHandler(self._errors)
        self._loop.run_until_complete(self._send(data))

    async def _send(self, data: bytes) -> None:
        if not self._left:
            self._left = 500
            await self._serve()
        self._left -= 1
        reader, writer = await asyncio.open_connection("127.0.0.1", self._port)
        try:
            writer.write(data)
            writer.write_eof()
            response = await asyncio.wait_for(reader.read(), SECONDS)
        except ConnectionError:
            response = b""  # the server closed the connection
        finally:
            writer.transport.abort()
        statuses = [int(status) for status in _STATUS.findall(response)]
        assert response == b"" or response.startswith(b"HTTP/1."), f"not HTTP: {response[:200]!r}"
        assert 500 not in statuses, f"status 500: {response[:500]!r}"
        assert b"Traceback" not in response, f"a traceback: {response[:500]!r}"
        errors, self._errors.records = self._errors.records, []
        assert not errors, f"logged error: {errors[0].getMessage()} {errors[0].exc_info}"

    async def _serve(self) -> None:
        api = Api()
        echo = route("Echo", "echo/{*rest}")
        app = App(
            Path("/nowhere"),
            HostJson(),
            LocalSettings(),
            (echo.function,),
        )
        current = CurrentApp(LoadedApp(app, {echo.function.name: echo}))
        functions = HttpFunctions(current, _Echo(), lambda base, grpc: base)
        router = Router(
            functions, api.management, Admin(current, lambda function, text: None), lambda: "home"
        )

        async def handle(request: Request) -> Response:
            response = await router.public(request)
            await api.host.idle()
            return response

        if self._listener is not None:
            await self._listener.close()
        sock = bind_public("127.0.0.1", 0)
        self._port = sock.getsockname()[1]
        self._listener = Listener(sock, handle, max_body=1_000_000)
        await self._listener.start()
