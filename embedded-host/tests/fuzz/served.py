"""A real listener with the whole site behind it, over a socket pair: what a client sends, byte by byte."""

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
"""In which a client that says nothing more must have been answered."""
_STATUS = re.compile(rb"HTTP/1\.[01] (\d{3}) ")


class _Echo(FakeWorker):
    async def invoke(self, invocation: Invocation, *, alone: bool = False) -> InvocationResult:
        assert isinstance(invocation.trigger, HttpRequestData)
        return InvocationResult(
            1, HttpResponseData(200, [("X-Route", "x")], repr(invocation.trigger).encode()[:1000])
        )


class _Said(logging.Handler):
    def __init__(self) -> None:
        super().__init__(logging.ERROR)
        self.records: list[logging.LogRecord] = []

    def emit(self, record: logging.LogRecord) -> None:
        self.records.append(record)


class Served:
    """Called with what a client sends; raises AssertionError if the answers are not HTTP, or a 500, or do not come."""

    def __init__(self) -> None:
        self._loop: asyncio.AbstractEventLoop | None = None
        self._listener: Listener | None = None
        self._port = 0
        self._left = 0
        self._said = _Said()

    def __call__(self, data: bytes) -> None:
        if self._loop is None:
            self._loop = asyncio.new_event_loop()
            logging.getLogger().addHandler(self._said)
        self._loop.run_until_complete(self._ask(data))

    async def _ask(self, data: bytes) -> None:
        if not self._left:
            self._left = 500
            await self._serve()
        self._left -= 1
        reader, writer = await asyncio.open_connection("127.0.0.1", self._port)
        try:
            writer.write(data)
            writer.write_eof()
            answer = await asyncio.wait_for(reader.read(), SECONDS)
        except ConnectionError:
            answer = b""  # cut off
        finally:
            writer.transport.abort()
        statuses = [int(status) for status in _STATUS.findall(answer)]
        assert answer == b"" or answer.startswith(b"HTTP/1."), f"no HTTP: {answer[:200]!r}"
        assert 500 not in statuses, f"a 500: {answer[:500]!r}"
        assert b"Traceback" not in answer, f"a traceback: {answer[:500]!r}"
        said, self._said.records = self._said.records, []
        assert not said, f"the log has an error: {said[0].getMessage()} {said[0].exc_info}"

    async def _serve(self) -> None:
        api = Api()
        routes = {r.function.name: r for r in (route("Echo", "echo/{*rest}"),)}
        app = App(
            Path("/nowhere"),
            HostJson(),
            LocalSettings(),
            tuple(r.function for r in routes.values()),
        )
        current = CurrentApp(LoadedApp(app, routes))
        functions = HttpFunctions(current, _Echo(), lambda base: base)
        router = Router(
            functions, api.management, Admin(current, lambda function, text: None), lambda: "home"
        )

        async def handle(request: Request) -> Response:
            answer = await router.public(request)
            await api.host.idle()
            return answer

        if self._listener is not None:
            await self._listener.close()
        sock = bind_public("127.0.0.1", 0)
        self._port = sock.getsockname()[1]
        self._listener = Listener(sock, handle, max_body=1_000_000)
        await self._listener.start()
