"""What takes bytes from outside, each as one call that raises if it does anything but what it promises."""

from __future__ import annotations

import asyncio
import base64
import json
import re
import tempfile
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timezone
from pathlib import Path
from typing import Any

import click

from embedded_host.app.errors import AppError
from embedded_host.app.function_json import read_function
from embedded_host.app.host_json import read_host_json
from embedded_host.app.local_settings import effective_environment, read_local_settings
from embedded_host.cli.arguments import json_text
from embedded_host.cli.command import Failed
from embedded_host.cli.instance_document import changes
from embedded_host.http import management_values
from embedded_host.http.functions import function_query
from embedded_host.http.messages import Response
from embedded_host.http.route_template import RouteTemplate, RouteTemplateError
from embedded_host.store.sqlite import SqliteStore
from embedded_host.testing.recorded import UnreadableHistory, recorded
from embedded_host.timer_trigger.schedule import ScheduleError, parse_schedule, time_span
from embedded_host.worker.protocol import FrameReader, Invoke, MalformedFrame, Result, Turn, encode
from tests.embedded_host.http.api import Api, request
from tests.fuzz.served import Served


class Finding(AssertionError):
    """A parser did what it must not do."""


@dataclass(frozen=True)
class Target:
    call: Callable[[bytes], None]
    seeds: tuple[bytes, ...]
    """Inputs that it takes, to begin from."""


def _text(data: bytes) -> str:
    """Any text, lone surrogates included."""
    return data.decode("utf-8", "surrogatepass" if data.isascii() else "surrogateescape")


# -- the app's files -------------------------------------------------------------------------------

_folder = Path(tempfile.mkdtemp(prefix="fuzz-"))
_function = _folder / "Fuzzed"
_function.mkdir()
(_function / "__init__.py").write_text("def main(req): pass")


def function_json(data: bytes) -> None:
    (_function / "function.json").write_bytes(data)
    for problem in read_function(_function, {"NAME": "x"}).problems:
        str(problem)


def host_json(data: bytes) -> None:
    (_folder / "host.json").write_bytes(data)
    try:
        read_host_json(_folder, {})
    except AppError as error:
        str(error)


def local_settings(data: bytes) -> None:
    (_folder / "local.settings.json").write_bytes(data)
    settings, problems = read_local_settings(_folder)
    effective_environment(settings, {}, _folder)
    for problem in problems:
        str(problem)


def schedule(data: bytes) -> None:
    text = _text(data)
    time_span(text)
    try:
        found = parse_schedule(text)
    except ScheduleError as error:
        str(error)
        return
    now = datetime(2026, 2, 28, 23, 59, 59, tzinfo=timezone.utc)
    for _ in range(3):
        following = found.next(now)
        if following is None:
            return
        if following <= now:
            raise Finding(f"{text!r}: {following} does not follow {now}")
        now = following
    _ = found.often


# -- HTTP ------------------------------------------------------------------------------------------


def route(data: bytes) -> None:
    """A template, a line break, and the path that it is held against."""
    template, _, path = _text(data).partition("\n")
    try:
        parsed = RouteTemplate.parse(template)
    except RouteTemplateError as error:
        str(error)
        return
    parsed.match(path)


def query(data: bytes) -> None:
    function_query(_text(data))
    _ = request("GET", "/x?" + _text(data)).query


def values(data: bytes) -> None:
    """Single values of the management API's queries and headers."""
    text = _text(data)
    for read in (
        management_values.moment,
        management_values.seconds,
        management_values.page_size,
        management_values.listed,
        management_values.preferred_wait,
        management_values.id_before,
        management_values.status_named,
        management_values.flag,
    ):
        read(text)
    management_values.id_before(base64.urlsafe_b64encode(data).decode())


_ANSWERS = {200, 202, 204, 400, 404, 409, 410, 412}
_OF_THE_CONTRACT = re.compile(rb"Cannot (suspend|resume) the orchestration instance")


def _check(response: Response, what: str) -> None:
    if response.status not in _ANSWERS and not (response.status == 500 and _OF_THE_CONTRACT.search(response.body)):
        raise Finding(f"{what}: {response.status} {response.body[:300]!r}")
    if b"Traceback" in response.body or b'.py", line' in response.body:
        raise Finding(f"{what}: a traceback: {response.body[:300]!r}")


class _Management:
    """The management API over a hub in memory, a new one now and then."""

    def __init__(self) -> None:
        self._loop = asyncio.new_event_loop()
        self._api: Api | None = None
        self._left = 0

    def __call__(self, data: bytes) -> None:
        head, _, body = data.partition(b"\n\n")
        first, *lines = _text(head).split("\n")
        method, _, target = first.partition(" ")
        headers = {}
        for line in lines:
            name, found, value = line.partition(":")
            if found and name.isascii() and name.isprintable() and name:
                headers[name] = value.strip()
        self._loop.run_until_complete(self._ask(method, target, body, headers))

    async def _ask(self, method: str, target: str, body: bytes, headers: dict[str, str]) -> None:
        if self._api is None or not self._left:
            self._api, self._left = Api(), 200
            await self._api.start("Wait", "i-1")
            await self._api.start("Done", "i-2", "[1]")
        self._left -= 1
        if not target.isascii():
            return  # the server answers 400 before
        if "prefer" in (name.lower() for name in headers):
            return  # it may wait for as long as it is asked to
        if "timeout" in target.lower():
            return
        answer = await self._api.ask(method, target, body, headers)
        _check(answer.response, f"{method} {target}")
        if self._api.host.fatal:
            raise Finding(f"the hub stopped: {self._api.host.fatal[0]!r}")


# -- the worker protocol ---------------------------------------------------------------------------


def frames(data: bytes) -> None:
    """Read at once, and in pieces."""
    found: list[Any] = []
    for size in (len(data) or 1, 3):
        reader, read = FrameReader(), []
        try:
            for at in range(0, len(data), size):
                read += reader.feed(data[at : at + size])
        except MalformedFrame:
            read.append("malformed")
        found.append(read)
    if found[0][-1:] != ["malformed"] and str(found[0]) != str(found[1]):
        raise Finding(f"read in pieces it is {found[1]}, at once {found[0]}")


# -- exported histories, arguments -----------------------------------------------------------------


def history(data: bytes) -> None:
    """As ``import`` and ``replay`` take it."""
    try:
        document = json.loads(data)
    except (ValueError, RecursionError):
        return
    try:
        recorded(document)
    except UnreadableHistory as error:
        str(error)
    if not isinstance(document, dict):
        return
    store = SqliteStore(None)
    try:
        store.write(list(changes(document, "Hub", "i-1", store.highest_keys())))
        store.instance("Hub", "i-1")
    except Failed as error:
        str(error)
    finally:
        store.close()


def argument(data: bytes) -> None:
    text = _text(data)
    if text.startswith("@"):
        return  # names a file
    try:
        json_text(text, "--input")
    except click.BadParameter as error:
        str(error)


_EVENTS = [
    {"EventType": 12, "EventId": -1, "IsPlayed": False, "Timestamp": "2026-01-01T00:00:00.000001Z"},
    {
        "EventType": 0,
        "EventId": -1,
        "IsPlayed": True,
        "Timestamp": "2026-01-01T00:00:00.000001Z",
        "Name": "Done",
        "Input": '"x"',
        "ParentInstance": None,
        "OrchestrationInstance": {"InstanceId": "i", "ExecutionId": "e"},
    },
    {
        "EventType": 4,
        "EventId": 0,
        "IsPlayed": False,
        "Timestamp": "2026-01-01T00:00:00.000001Z",
        "Name": "A",
        "Input": "1",
    },
    {"EventType": 5, "EventId": -1, "IsPlayed": True, "Timestamp": "2026-01-01T00:00:00.000001Z", "TaskScheduledId": 0},
    {"EventType": 13, "EventId": -1, "IsPlayed": False, "Timestamp": "2026-01-01T00:00:00.000001Z"},
]
_INSTANCE = {
    "name": "Done",
    "status": "Running",
    "created": "2026-01-01T00:00:00.000001Z",
    "updated": "2026-01-01T00:00:00.000001Z",
    "executionId": "e",
    "generation": 0,
    "parent": None,
    "continued": False,
    "customStatus": None,
    "output": None,
    "input": '"x"',
}
_DOCUMENT = {
    "format": "embedded-host-instance",
    "version": 1,
    "instanceId": "i-1",
    "instance": _INSTANCE,
    "history": _EVENTS,
    "messages": [{"due": None, "event": _EVENTS[3], "executionId": "e"}],
    "activities": [{"name": "A", "input": "1", "executionId": "e", "taskId": 0}],
    "entity": {"hasState": True, "state": "1"},
}
_STATUS = {
    "instanceId": "i",
    "status": {
        "name": "Done",
        "instanceId": "i",
        "runtimeStatus": "Completed",
        "input": None,
        "customStatus": None,
        "output": 1,
        "createdTime": "2026-01-01T00:00:00Z",
        "lastUpdatedTime": "2026-01-01T00:00:00Z",
        "historyEvents": [
            {"EventType": "ExecutionStarted", "Timestamp": "2026-01-01T00:00:00.000001Z", "FunctionName": "Done"},
            {"EventType": "TaskCompleted", "FunctionName": "A", "Result": 1, "Timestamp": "2026-01-01T00:00:00.1Z"},
            {
                "EventType": "ExecutionCompleted",
                "OrchestrationStatus": "Completed",
                "Timestamp": "2026-01-01T00:00:01Z",
            },
        ],
    },
}


def _json(*documents: Any) -> tuple[bytes, ...]:
    return tuple(json.dumps(document).encode() for document in documents)


def _requests(*lines: str) -> tuple[bytes, ...]:
    head = "Content-Type: application/json\nx-ms-continuation-token: eyJhZnRlciI6ICJpIn0="
    return tuple(f'{line}\n{head}\n\n{{"a": [1, "x"]}}'.encode() for line in lines)


TARGETS: dict[str, Target] = {
    "function.json": Target(
        function_json,
        _json(
            {
                "scriptFile": "__init__.py",
                "entryPoint": "main",
                "bindings": [
                    {
                        "type": "httpTrigger",
                        "name": "req",
                        "direction": "in",
                        "methods": ["get"],
                        "route": "x/{id:int?}",
                    },
                    {"type": "http", "name": "$return", "direction": "out"},
                    {"type": "timerTrigger", "name": "t", "schedule": "%NAME%", "direction": "in"},
                ],
            }
        ),
    ),
    "host.json": Target(
        host_json,
        (
            *_json(
                {
                    "version": "2.0",
                    "functionTimeout": "00:10:00",
                    "logging": {"logLevel": {"default": "Information"}},
                    "extensions": {
                        "http": {"routePrefix": "api", "maxOutstandingRequests": -1},
                        "durableTask": {
                            "hubName": "Hub",
                            "maxConcurrentActivityFunctions": 3,
                            "storageProvider": {"type": "x"},
                        },
                    },
                }
            ),
            b'// comment\n{"version": "2.0", /* x */ "a": [1, 2.5e3, true, null, "\\u00e9\\ud800"],}',
        ),
    ),
    "local.settings.json": Target(
        local_settings,
        _json(
            {
                "IsEncrypted": False,
                "Values": {"A": "b", "N": 1, "T": True},
                "ConnectionStrings": {"C": {"ConnectionString": "x", "ProviderName": "y"}},
                "Host": {"LocalHttpPort": 7071, "CORS": "*", "CORSCredentials": False, "LocalHttpAddress": "127.0.0.1"},
            }
        ),
    ),
    "schedule": Target(
        schedule,
        (b"0 */5 * * * *", b"0 0 12-15/2 1,15 Jan-Dec MON-FRI", b"00:05:00", b"1.02:03:04.5", b"30 59 23 29 2 *"),
    ),
    "route": Target(
        route,
        (
            b"api/x/{id:int}/{name?}\napi/x/5/y",
            b"{*rest}\na/b%2Fc/",
            b"a{b}c{d=e}\nabc",
            b"{a:regex(^\\d+$)}/{b:min(1):max(5)}\n1/2",
            b"{a:guid}.{b:length(2,5)}\nx",
        ),
    ),
    "query": Target(query, (b"a=1&b=%C3%A9&a=2&c=&d", b"A=1&a=+%2B", b"%ff%00=%")),
    "values": Target(
        values,
        (
            b"2026-01-02T03:04:05.678Z",
            b"2026-01-02 03:04 +02:00",
            b"01/02/2026",
            b"Running,Failed",
            b"wait=5",
            b"1e3",
            b'{"after": "i"}',
            b"100",
            b"true",
        ),
    ),
    "management": Target(
        _Management(),
        _requests(
            "POST orchestrators/Done/i-3",
            "POST orchestrators/Wait/a+b%23?code=x",
            "GET instances?runtimeStatus=Running&top=2&createdTimeFrom=2026-01-01&showInput=false&instanceIdPrefix=i",
            "GET instances/i-1?showHistory=true&showHistoryOutput=true&showInput=true&returnInternalServerErrorOnFailure=true",
            "POST instances/i-1/raiseEvent/Go",
            "POST instances/i-1/terminate?reason=x",
            "POST instances/i-1/suspend?reason=x",
            "POST instances/i-1/resume",
            "POST instances/i-2/rewind",
            "POST instances/i-2/restart?restartWithNewInstanceId=false",
            "DELETE instances/i-2",
            "DELETE instances?createdTimeFrom=2020-01-01&createdTimeTo=2030-01-01&runtimeStatus=Completed",
            "GET entities/Counter?fetchState=true&top=1&lastOperationTimeFrom=2020-01-01",
            "GET entities/Counter/k",
            "POST entities/Counter/k?op=add",
            "DELETE entities/Counter/k",
            "POST makeprimary",
        ),
    ),
    "frames": Target(
        frames,
        (
            encode(Result(1, '"x"')) + encode(Result(2, missing=True, counts=[1, 2])),
            encode(Turn(1, "F", "i", "e", "{}", 3)) + encode(Invoke(4, "F", "null")),
            b"\x00\x00\x00\x02\x80\xc0",
        ),
    ),
    "history": Target(history, _json(_DOCUMENT, _STATUS, _EVENTS)),
    "argument": Target(argument, (b'{"a": [1, 2.5, "x", null, true]}', b'"Tokyo"', b"[[[[[]]]]]")),
    "socket": Target(
        Served(),
        (
            b"GET /api/echo?x=1 HTTP/1.1\r\nHost: h\r\n\r\n",
            b"POST /api/echo HTTP/1.1\r\nHost: h\r\nContent-Length: 5\r\nContent-Type: application/json\r\n\r\n[1,2]",
            b"POST /api/echo HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\n5\r\n[1,2]\r\n0\r\n\r\n",
            b"GET /runtime/webhooks/durabletask/instances?top=1 HTTP/1.1\r\nHost: h\r\nConnection: close\r\n\r\n",
            b"POST /runtime/webhooks/durabletask/orchestrators/Done/x HTTP/1.1\r\nHost: h\r\nContent-Length: 2\r\n\r\n{}",
            b"HEAD / HTTP/1.0\r\n\r\nGET /x HTTP/1.1\r\nHost: h\r\nExpect: 100-continue\r\nX: \xe9\xff\r\n y\r\n\r\n",
            b"GET /api/echo/%ff%00%2f..%2f HTTP/1.1\r\nHost: h\r\nUpgrade: websocket\r\nConnection: upgrade\r\n\r\n",
        ),
    ),
}
