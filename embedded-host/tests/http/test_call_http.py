"""``context.call_http``: the request, and the response in the history."""

from __future__ import annotations

import json
import socket
from collections.abc import AsyncIterator, Awaitable, Callable
from typing import Any

import pytest
from aiohttp import web

from embedded_host.engine.failures import UserError
from embedded_host.http import call_http
from embedded_host.http.call_http import CallHttpClient

Handler = Callable[[web.Request], Awaitable[web.Response]]


class Remote:
    """A server on this machine. ``seen`` has the requests, ``slept`` the pauses of the client."""

    def __init__(self) -> None:
        self.seen: list[dict[str, Any]] = []
        self.slept: list[float] = []
        self.responses: list[web.Response] = []
        self.base = ""
        self.client = CallHttpClient(30000, self._sleep)

    async def _sleep(self, seconds: float) -> None:
        self.slept.append(seconds)

    async def handle(self, request: web.Request) -> web.Response:
        headers = {name.lower(): value for name, value in request.headers.items()}
        self.seen.append(
            {
                "method": request.method,
                "path": request.path_qs,
                "headers": headers,
                "body": await request.text(),
            }
        )
        return self.responses.pop(0) if self.responses else web.Response(text="fine")

    async def call(self, path: str = "/x", method: str = "GET", **more: Any) -> Any:
        """Return the response as the parsed JSON of the history, or a UserError."""
        return await self.send({"method": method, "uri": self.base + path, **more})

    async def send(self, request: dict[str, Any], **options: Any) -> Any:
        result = await self.client.call(json.dumps(request), **options)
        return result if isinstance(result, UserError) else json.loads(result)


@pytest.fixture
async def remote() -> AsyncIterator[Remote]:
    remote = Remote()
    app = web.Application()
    app.router.add_route("*", "/{tail:.*}", remote.handle)
    runner = web.AppRunner(app)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0)
    await site.start()
    remote.base = f"http://127.0.0.1:{runner.addresses[0][1]}"
    yield remote
    await remote.client.close()
    await runner.cleanup()


@pytest.mark.parametrize("request_", [{}, {"headers": ["a"]}, {"headers": 5}, {"uri": None}])
async def test_an_invalid_request_is_a_user_error(remote: Remote, request_: dict[str, Any]) -> None:
    result = await remote.send(
        {"method": "POST", "uri": remote.base, **request_} if request_ else {}
    )
    assert isinstance(result, UserError)


# -- requests


@pytest.mark.parametrize("method", ["GET", "POST", "PUT", "PATCH", "DELETE"])
async def test_method_url_and_headers_are_sent(remote: Remote, method: str) -> None:
    result = await remote.call(
        "/a/b?c=d%20e", method, headers={"X-Own": "value", "Accept": "text/x"}
    )
    assert (result["statusCode"], result["content"]) == (200, "fine")
    (seen,) = remote.seen
    assert (seen["method"], seen["path"]) == (method, "/a/b?c=d%20e")
    assert (seen["headers"]["x-own"], seen["headers"]["accept"]) == ("value", "text/x")


async def test_the_response_to_a_head_request_has_no_content(remote: Remote) -> None:
    assert (await remote.call("/x", "HEAD"))["content"] == ""


@pytest.mark.parametrize(
    ("headers", "sent"),
    [
        (None, "text/plain"),
        ({"Content-Type": "application/json"}, "application/json"),
        ({"content-type": "application/xml"}, "application/xml"),
    ],
)
async def test_content_is_sent_with_its_content_type(
    remote: Remote, headers: dict[str, str] | None, sent: str
) -> None:
    await remote.call("/x", "POST", headers=headers, content='{"grüße": 1}')
    (seen,) = remote.seen
    assert seen["body"] == '{"grüße": 1}'
    assert seen["headers"]["content-type"] == sent


async def test_without_content_no_content_type_is_added(remote: Remote) -> None:
    await remote.call()
    assert remote.seen[0]["headers"].get("content-type") != "text/plain"


# -- responses


@pytest.mark.parametrize("status", [200, 201, 204, 400, 404, 500, 503])
async def test_any_status_is_a_response(remote: Remote, status: int) -> None:
    remote.responses = [web.Response(status=status)]
    result = await remote.call()
    assert (result["statusCode"], result["content"]) == (status, "")


async def test_repeated_headers_are_lists_and_content_headers_are_left_out(remote: Remote) -> None:
    response = web.Response(body=b"<p>", content_type="text/html")
    response.headers.add("X-One", "1")
    response.headers.add("X-Several", "a")
    response.headers.add("X-Several", "b")
    for name in ("Expires", "Last-Modified", "Allow", "Content-Language", "Content-Location"):
        response.headers.add(name, "left out")
    remote.responses = [response]
    result = await remote.call()
    assert result["content"] == "<p>"
    headers = result["headers"]
    assert (headers["X-One"], headers["X-Several"]) == ("1", ["a", "b"])
    assert {name for name in headers if not name.startswith("X-")} <= {"Date", "Server"}


async def test_content_is_decoded_with_its_charset_and_invalid_bytes_are_replaced(
    remote: Remote,
) -> None:
    remote.responses = [
        web.Response(
            body="grüße".encode("latin-1"),
            headers={"Content-Type": "text/plain; charset=iso-8859-1"},
        ),
        web.Response(body=b"\xff\xfe\x00", headers={"Content-Type": "text/plain; charset=utf-8"}),
    ]
    assert (await remote.call())["content"] == "grüße"
    assert "\ufffd" in (await remote.call())["content"]


async def test_a_redirect_is_followed(remote: Remote) -> None:
    remote.responses = [web.Response(status=302, headers={"Location": "/there"})]
    assert (await remote.call())["statusCode"] == 200
    assert [seen["path"] for seen in remote.seen] == ["/x", "/there"]


# -- 202


def accepted(location: str | None, after: str | None = None) -> web.Response:
    headers = {"Location": location, "Retry-After": after}
    return web.Response(
        status=202, text="wait", headers={k: v for k, v in headers.items() if v is not None}
    )


async def test_a_202_is_polled_until_the_status_changes(remote: Remote) -> None:
    remote.responses = [
        accepted(f"{remote.base}/status?n=1", "7"),
        accepted("/elsewhere/status", None),
        accepted("further", "0"),
        web.Response(status=201, text="done"),
    ]
    result = await remote.call(
        "/begin", "POST", headers={"X-Own": "v", "Content-Type": "application/json"}, content="[1]"
    )
    assert (result["statusCode"], result["content"]) == (201, "done")
    assert [(seen["method"], seen["path"]) for seen in remote.seen] == [
        ("POST", "/begin"),
        ("GET", "/status?n=1"),
        ("GET", "/elsewhere/status"),
        ("GET", "/elsewhere/further"),
    ]
    assert remote.slept == [7, 30, 0]
    assert [seen["body"] for seen in remote.seen] == ["[1]", "", "", ""]
    assert {seen["headers"].get("x-own") for seen in remote.seen} == {"v"}, (
        "the requests that poll have the headers of the first request"
    )


async def test_a_date_in_retry_after_means_the_default_pause(remote: Remote) -> None:
    remote.responses = [accepted("/status", "Wed, 21 Oct 2026 07:28:00 GMT")]
    await remote.call()
    assert remote.slept == [30]


async def test_a_202_without_a_location_is_returned(remote: Remote) -> None:
    remote.responses = [accepted(None)]
    result = await remote.call()
    assert (result["statusCode"], result["content"]) == (202, "wait")
    assert remote.slept == []


async def test_a_202_is_not_polled_without_the_asynchronous_pattern(remote: Remote) -> None:
    remote.responses = [accepted("/status")]
    result = await remote.call(asynchronousPatternEnabled=False)
    assert (result["statusCode"], result["headers"]["Location"]) == (202, "/status")
    assert len(remote.seen) == 1


async def test_polling_stops_without_a_waiting_orchestration(remote: Remote) -> None:
    remote.responses = [accepted("/status"), accepted("/status"), accepted("/status")]
    wanted = iter([True, True, True, False])
    result = await remote.send(
        {"method": "GET", "uri": remote.base}, is_wanted=lambda: next(wanted)
    )
    assert isinstance(result, UserError)
    assert result.type == "CancelledError"
    assert len(remote.seen) == 2
    assert len(remote.slept) == 2


async def test_a_202_is_the_result_if_the_client_must_not_poll(remote: Remote) -> None:
    remote.responses = [accepted("/status")]
    result = await remote.send({"method": "GET", "uri": remote.base}, is_wanted=lambda: False)
    assert not isinstance(result, UserError)
    assert result["statusCode"] == 202
    assert (len(remote.seen), remote.slept) == (1, [])


# -- errors


async def test_a_refused_connection_is_a_user_error(remote: Remote) -> None:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        url = f"http://127.0.0.1:{free.getsockname()[1]}/x"
    result = await remote.send({"method": "GET", "uri": url})
    assert isinstance(result, UserError)
    assert result.type == "ClientConnectorError"
    assert result.text.startswith("ClientConnectorError: ") or url in result.text
    assert url in result.text


@pytest.mark.parametrize(
    "url", ["nonsense", "ftp://127.0.0.1/x", "http://", "http://127.0.0.1:99999/"]
)
async def test_an_invalid_url_is_a_user_error(remote: Remote, url: str) -> None:
    result = await remote.send({"method": "GET", "uri": url})
    assert isinstance(result, UserError)
    assert f"GET {url}" in result.text


async def test_an_invalid_location_is_a_user_error(remote: Remote) -> None:
    remote.responses = [accepted("http://[broken/")]
    result = await remote.call()
    assert isinstance(result, UserError)


async def test_a_request_that_times_out_is_a_user_error(
    remote: Remote, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(call_http, "TIMEOUT", 0.1)
    server = socket.create_server(("127.0.0.1", 0))  # accepts connections and sends nothing
    with server:
        url = f"http://127.0.0.1:{server.getsockname()[1]}/x"
        result = await remote.send({"method": "GET", "uri": url})
    assert isinstance(result, UserError)
    assert "TimeoutError" in result.type
    assert url in result.text
    assert "imed out" in result.text or "imeout" in result.text


async def test_a_token_source_is_refused_with_a_workaround(remote: Remote) -> None:
    source = {"kind": "AzureManagedIdentity", "resource": "https://management.core.windows.net/"}
    result = await remote.call(tokenSource=source)
    assert isinstance(result, UserError)
    assert result.type == "NotImplementedError"
    assert "managed identity" in result.text
    assert "pass it as a header" in result.text
    assert remote.seen == []


async def test_a_client_without_calls_can_be_closed() -> None:
    await CallHttpClient().close()
