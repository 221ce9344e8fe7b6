"""The durable client's requests over the channel, compared with those over HTTP."""

from __future__ import annotations

import asyncio
import json
import sys
from collections.abc import AsyncIterator
from typing import Any

import azure.durable_functions as df
import pytest
from aiohttp import web
from aiohttp.test_utils import TestServer
from azure.durable_functions.models.utils import http_utils

from embedded_worker.durable_client import carry_client_requests
from embedded_worker.protocol import ClientResponse

NAMES = ("post_async_request", "get_async_request", "delete_async_request")
Sent = tuple[str, str, bytes]
MODULE: Any = sys.modules[df.DurableOrchestrationClient.__module__]


class Connections:
    """An HTTP server and a channel, with the requests that each received."""

    def __init__(self) -> None:
        self.status, self.body = 200, b""
        self.over_http: list[Sent] = []
        self.over_channel: list[Sent] = []
        self.base = ""

    async def serve(self, request: web.Request) -> web.Response:
        path = request.raw_path.removeprefix("/runtime/webhooks/durabletask")
        self.over_http.append((request.method, path, await request.read()))
        return web.Response(status=self.status, body=self.body)

    async def send(self, method: str, path: str, body: bytes) -> ClientResponse:
        self.over_channel.append((method, path, body))
        return ClientResponse(1, self.status, self.body)


@pytest.fixture
async def connections(monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Connections]:
    for name in NAMES:
        monkeypatch.setattr(MODULE, name, getattr(http_utils, name))  # restored afterwards
    connections = Connections()
    app = web.Application()
    app.router.add_route("*", "/{path:.*}", connections.serve)
    server = TestServer(app)
    await server.start_server()
    connections.base = str(server.make_url("/runtime/webhooks/durabletask/"))
    carry_client_requests(connections.send, connections.base)
    yield connections
    await http_utils._close_session()
    await server.close()


async def both(connections: Connections, name: str, path: str, *data: Any) -> Any:
    """Return the common result of the same call over HTTP and over the channel."""
    over_http = await getattr(http_utils, name)(connections.base + path, *data)
    over_channel = await getattr(MODULE, name)(connections.base + path, *data)
    assert over_channel == over_http
    assert [
        (method, "/" + path, body) for method, path, body in connections.over_channel
    ] == connections.over_http
    assert len(connections.over_channel) == 1
    return over_channel


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize(
    ("status", "body"),
    [
        (200, b'{"a": [1, "\xc3\xa9"]}'),
        (202, b'"text"'),
        (404, b""),
        (202, b""),
        (200, b"  \n"),
        (200, b"null"),
        (500, b"[]"),
        (200, b"0"),
        (410, b"false"),
    ],
)
async def test_status_and_body_are_the_same_over_the_channel_and_over_http(
    connections: Connections, name: str, status: int, body: bytes
) -> None:
    connections.status, connections.body = status, body
    result = await both(connections, name, "instances/i-1")
    nothing = "" if name.startswith("get") else None
    value = json.loads(body) if body.strip() else None
    assert result == [status, nothing if value is None else value]


@pytest.mark.parametrize("data", [None, {"a": "é"}, "text", [], 0, '{"already": "text"}'])
async def test_posted_bodies_are_the_same_over_the_channel_and_over_http(
    connections: Connections, data: Any
) -> None:
    await both(connections, "post_async_request", "orchestrators/Main", data)
    assert connections.over_channel[0][:2] == ("POST", "orchestrators/Main")


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize(
    "path",
    [
        "instances/a b",
        "instances/a%20b",
        "instances/é",
        "instances/a%2Fb",
        "instances/@counter@k/x?op=a+b&c=%C3%A9",
        "x?a=1#f",
    ],
)
async def test_quoted_paths_are_the_same_over_the_channel_and_over_http(
    connections: Connections, name: str, path: str
) -> None:
    await both(connections, name, path)


async def test_the_sdk_client_sends_requests_over_the_channel(connections: Connections) -> None:
    urls = {
        "taskHubName": "Hub",
        "rpcBaseUrl": connections.base,
        "creationUrls": {},
        "managementUrls": {"id": "INSTANCEID"},
    }
    client = df.DurableOrchestrationClient(json.dumps(urls))
    connections.status, connections.body = 202, b'{"id": "an id"}'
    assert await client.start_new("Main", "an id", {"n": 1}) == "an id"
    connections.body = b""
    await client.raise_event("an id", "Go", 1)
    assert [(method, body) for method, _, body in connections.over_channel] == [
        ("POST", b'"{\\"n\\": 1}"'),
        ("POST", b'"1"'),
    ]
    assert connections.over_http == []


async def test_additional_arguments_of_the_sdk_are_accepted(connections: Connections) -> None:
    await MODULE.post_async_request(
        connections.base + "x", 1, "trace", "state", function_invocation_id="i"
    )
    await MODULE.get_async_request(connections.base + "x", function_invocation_id="i")
    assert len(connections.over_channel) == 2


@pytest.mark.parametrize("name", NAMES)
async def test_requests_to_another_base_use_http(connections: Connections, name: str) -> None:
    connections.body = b"7"
    url = connections.base.replace("/runtime/webhooks/durabletask/", "/elsewhere/x")
    assert await getattr(MODULE, name)(url) == [200, 7]
    assert (connections.over_channel, [path for _, path, _ in connections.over_http]) == (
        [],
        ["/elsewhere/x"],
    )


@pytest.mark.parametrize("name", NAMES)
async def test_requests_of_another_event_loop_use_http(connections: Connections, name: str) -> None:
    connections.body = b"7"

    async def elsewhere() -> Any:
        try:
            return await getattr(MODULE, name)(connections.base + "x")
        finally:
            await http_utils._close_session()

    assert await asyncio.to_thread(asyncio.run, elsewhere()) == [200, 7]
    assert (connections.over_channel, len(connections.over_http)) == ([], 1)


async def test_an_unknown_sdk_is_not_changed(
    connections: Connections, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delattr(MODULE, "get_async_request")
    post = MODULE.post_async_request
    carry_client_requests(connections.send, connections.base)
    assert MODULE.post_async_request is post
