"""The fuzz targets. A target passes bytes to a parser or a server, and checks the result."""

from __future__ import annotations

import asyncio
import atexit
import base64
import json
import re
import shutil
import tempfile
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timezone
from functools import cache
from pathlib import Path

import click

from embedded_host.app.errors import AppError
from embedded_host.app.function_json import read_function
from embedded_host.app.host_json import read_host_json
from embedded_host.app.local_settings import effective_environment, read_local_settings
from embedded_host.app.route_template import RouteTemplate, RouteTemplateError
from embedded_host.app.schedule import ScheduleError, parse_schedule
from embedded_host.app.time_span import parse_time_span
from embedded_host.cli.arguments import json_argument
from embedded_host.cli.command import CommandError
from embedded_host.cli.instance_document import changes, parse_document
from embedded_host.cli.status_import import state_to_import
from embedded_host.http.function_query import function_query
from embedded_host.management import parameters
from embedded_host.store.sqlite import SqliteStore
from embedded_host.testing import UnreadableHistoryError
from embedded_host.testing.history_file import read_history
from embedded_host.web.response import Response
from embedded_worker.framing import FrameReader, MalformedFrameError
from tests.fuzz.listener import HttpListener
from tests.fuzz.outputs import WorkerOutputs
from tests.fuzz.seeds import SEEDS
from tests.http.api import Api, request


class FindingError(AssertionError):
    """The result of an input is not valid."""


@dataclass(frozen=True)
class Target:
    """A function of an input, and the valid inputs from which the fuzzer starts."""

    call: Callable[[bytes], None]
    seeds: tuple[bytes, ...]
    """Valid inputs."""


def _text(data: bytes) -> str:
    """Return a string for any bytes. It may have lone surrogates."""
    try:
        return data.decode("utf-8", "surrogatepass")
    except UnicodeDecodeError:
        return data.decode("utf-8", "surrogateescape")


# -- the app's files -------------------------------------------------------------------------------


@cache
def _app() -> Path:
    """Create an app folder that is deleted when the process exits."""
    folder = Path(tempfile.mkdtemp(prefix="fuzz-"))
    atexit.register(shutil.rmtree, folder, ignore_errors=True)
    function = folder / "Fuzzed"
    function.mkdir()
    (function / "__init__.py").write_text("def main(req): pass")
    return folder


def function_json(data: bytes) -> None:
    """Read the bytes as a function.json."""
    function = _app() / "Fuzzed"
    (function / "function.json").write_bytes(data)
    for problem in read_function(function, {"NAME": "x"}).problems:
        str(problem)


def host_json(data: bytes) -> None:
    """Read the bytes as a host.json."""
    (_app() / "host.json").write_bytes(data)
    try:
        read_host_json(_app(), {})
    except AppError as error:
        str(error)


def local_settings(data: bytes) -> None:
    """Read the bytes as a local.settings.json."""
    (_app() / "local.settings.json").write_bytes(data)
    settings, problems = read_local_settings(_app())
    effective_environment(settings, {}, _app())
    for problem in problems:
        str(problem)


def schedule(data: bytes) -> None:
    """Parse the bytes as a schedule, whose due times must increase."""
    text = _text(data)
    parse_time_span(text)
    try:
        parsed = parse_schedule(text)
    except ScheduleError as error:
        str(error)
        return
    now = datetime(2026, 2, 28, 23, 59, 59, tzinfo=timezone.utc)
    for _ in range(3):
        following = parsed.next(now)
        if following is None:
            return
        if following <= now:
            raise FindingError(f"{text!r}: {following} does not follow {now}")
        now = following
    _ = parsed.is_frequent


# -- HTTP ------------------------------------------------------------------------------------------


def route(data: bytes) -> None:
    """Match a route template with a path. The bytes are the template, a line break and the path."""
    template, _, path = _text(data).partition("\n")
    try:
        parsed = RouteTemplate.parse(template)
    except RouteTemplateError as error:
        str(error)
        return
    parsed.match(path)


def query(data: bytes) -> None:
    """Parse the bytes as a query string."""
    function_query(_text(data))
    _ = request("GET", "/x?" + _text(data)).query


def values(data: bytes) -> None:
    """Parse the bytes as each type of query parameter and header of the management API."""
    text = _text(data)
    for read in (
        parameters.parse_timestamp,
        parameters.seconds,
        parameters.page_size,
        parameters.comma_separated,
        parameters.preferred_wait,
        parameters.id_of_token,
        parameters.runtime_status,
        parameters.flag,
    ):
        read(text)
    parameters.id_of_token(base64.urlsafe_b64encode(data).decode())


_STATUSES = {200, 202, 204, 400, 404, 409, 410, 412}
_DOCUMENTED_500 = re.compile(rb"Cannot (suspend|resume) the orchestration instance")


def _check(response: Response, request_line: str) -> None:
    if response.status not in _STATUSES and not (
        response.status == 500 and _DOCUMENTED_500.search(response.body)
    ):
        raise FindingError(f"{request_line}: {response.status} {response.body[:300]!r}")
    if b"Traceback" in response.body or b'.py", line' in response.body:
        raise FindingError(f"{request_line}: a traceback: {response.body[:300]!r}")


class _Management:
    """The management API over a task hub in memory, which is replaced every 200 inputs."""

    def __init__(self) -> None:
        self._loop: asyncio.AbstractEventLoop | None = None
        self._api: Api | None = None
        self._left = 0

    def __call__(self, data: bytes) -> None:
        head, _, body = data.partition(b"\n\n")
        first, *lines = _text(head).split("\n")
        method, _, target = first.partition(" ")
        headers = {}
        for line in lines:
            name, colon, value = line.partition(":")
            if colon and name.isascii() and name.isprintable() and name:
                headers[name] = value.strip()
        self._loop = self._loop or asyncio.new_event_loop()
        self._loop.run_until_complete(self._send(method, target, body, headers))

    async def _send(self, method: str, target: str, body: bytes, headers: dict[str, str]) -> None:
        if self._api is None or not self._left:
            self._api, self._left = Api(), 200
            await self._api.start("Wait", "i-1")
            await self._api.start("Done", "i-2", "[1]")
        self._left -= 1
        if not target.isascii():
            return  # the server responds with 400 before it calls the management API
        if "prefer" in (name.lower() for name in headers):
            return  # the request may wait for the requested time
        if "timeout" in target.lower():
            return
        result = await self._api.request(method, target, body, headers)
        _check(result.response, f"{method} {target}")
        if self._api.host.fatal:
            raise FindingError(f"the hub stopped: {self._api.host.fatal[0]!r}")


# -- the worker protocol ---------------------------------------------------------------------------


def frames(data: bytes) -> None:
    """Read the bytes as frames, at once and in pieces of three bytes.

    Both results must be equal.
    """
    results: list[list[object]] = []
    for size in (len(data) or 1, 3):
        reader = FrameReader()
        read: list[object] = []
        try:
            for offset in range(0, len(data), size):
                read += reader.feed(data[offset : offset + size])
        except MalformedFrameError:
            read.append("malformed")
        results.append(read)
    at_once, in_pieces = results
    if at_once[-1:] != ["malformed"] and str(at_once) != str(in_pieces):
        raise FindingError(f"read in pieces: {in_pieces}; read at once: {at_once}")


# -- exported histories, arguments -----------------------------------------------------------------


def history(data: bytes) -> None:
    """Read the bytes as the commands ``import`` and ``replay`` do."""
    try:
        document = json.loads(data)
    except (ValueError, RecursionError):
        return
    if isinstance(document, str):  # read_history would open a file with this path
        return
    try:
        read_history(document)
    except UnreadableHistoryError as error:
        str(error)
    if not isinstance(document, dict):
        return
    store = SqliteStore(None)
    try:
        state = state_to_import(parse_document(document, "-"))
        store.write(changes(state, "Hub", "i-1", store.highest_keys()))
        store.instance("Hub", "i-1")
    except CommandError as error:
        str(error)
    finally:
        store.close()


def argument(data: bytes) -> None:
    """Parse the bytes as a JSON argument of a command."""
    text = _text(data)
    if text.startswith("@"):
        return  # the name of a file
    try:
        json_argument(text, "--input")
    except click.BadParameter as error:
        str(error)


CALLS: dict[str, Callable[[bytes], None]] = {
    "function.json": function_json,
    "host.json": host_json,
    "local.settings.json": local_settings,
    "schedule": schedule,
    "route": route,
    "query": query,
    "values": values,
    "management": _Management(),
    "frames": frames,
    "outputs": WorkerOutputs(),
    "history": history,
    "argument": argument,
    "socket": HttpListener(),
}
TARGETS = {name: Target(call, SEEDS[name]) for name, call in CALLS.items()}
