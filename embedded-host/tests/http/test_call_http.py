"""``call_http``: what goes out, and what the history keeps of the answer."""

from __future__ import annotations

import json
import socket
from collections.abc import AsyncIterator, Awaitable, Callable
from typing import Any

import pytest
from aiohttp import web

from embedded_host.engine.failures import UserError
from embedded_host.http import call_http as outgoing
from embedded_host.http.call_http import CallHttpClient

Answers = Callable[[web.Request], Awaitable[web.Response]]


class Remote:
    """A server on this machine; ``seen`` has the requests, ``slept`` the pauses of the client."""

    def __init__(self) -> None:
        self.seen: list[dict[str, Any]] = []
        self.slept: list[float] = []
        self.answers: list[web.Response] = []
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
        return self.answers.pop(0) if self.answers else web.Response(text="fine")

    async def call(self, path: str = "/x", method: str = "GET", **more: Any) -> Any:
        """The answer as a document, or a UserError."""
        return await self.send({"method": method, "uri": self.base + path, **more})

    async def send(self, request: dict[str, Any], **options: Any) -> Any:
        answer = await self.client.call(json.dumps(request), **options)
        return answer if isinstance(answer, UserError) else json.loads(answer)


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
async def test_a_request_that_is_none_fails_and_stops_nothing(
    remote: Remote, request_: dict[str, Any]
) -> None:
    answer = await remote.send(
        {"method": "POST", "uri": remote.base, **request_} if request_ else {}
    )
    assert isinstance(answer, UserError)


# -- what goes out ---------------------------------------------------------------------------------


@pytest.mark.parametrize("method", ["GET", "POST", "PUT", "PATCH", "DELETE"])
async def test_the_method_the_address_and_the_headers(remote: Remote, method: str) -> None:
    answer = await remote.call(
        "/a/b?c=d%20e", method, headers={"X-Own": "value", "Accept": "text/x"}
    )
    assert (answer["statusCode"], answer["content"]) == (200, "fine")
    (seen,) = remote.seen
    assert (seen["method"], seen["path"]) == (method, "/a/b?c=d%20e")
    assert (seen["headers"]["x-own"], seen["headers"]["accept"]) == ("value", "text/x")


async def test_a_head_request_has_no_content(remote: Remote) -> None:
    assert (await remote.call("/x", "HEAD"))["content"] == ""


@pytest.mark.parametrize(
    ("headers", "sent"),
    [
        (None, "text/plain"),
        ({"Content-Type": "application/json"}, "application/json"),
        ({"content-type": "application/xml"}, "application/xml"),
    ],
)
async def test_a_body_and_its_content_type(
    remote: Remote, headers: dict[str, str] | None, sent: str
) -> None:
    await remote.call("/x", "POST", headers=headers, content='{"grüße": 1}')
    (seen,) = remote.seen
    assert seen["body"] == '{"grüße": 1}'
    assert seen["headers"]["content-type"] == sent


async def test_without_a_body_there_is_no_content_type_of_ours(remote: Remote) -> None:
    await remote.call()
    assert remote.seen[0]["headers"].get("content-type") != "text/plain"


# -- what comes back -------------------------------------------------------------------------------


@pytest.mark.parametrize("status", [200, 201, 204, 400, 404, 500, 503])
async def test_a_status_is_never_an_error(remote: Remote, status: int) -> None:
    remote.answers = [web.Response(status=status)]
    answer = await remote.call()
    assert (answer["statusCode"], answer["content"]) == (status, "")


async def test_headers(remote: Remote) -> None:
    response = web.Response(body=b"<p>", content_type="text/html")
    response.headers.add("X-One", "1")
    response.headers.add("X-Several", "a")
    response.headers.add("X-Several", "b")
    for name in ("Expires", "Last-Modified", "Allow", "Content-Language", "Content-Location"):
        response.headers.add(name, "left out")
    remote.answers = [response]
    answer = await remote.call()
    assert answer["content"] == "<p>"
    headers = answer["headers"]
    assert (headers["X-One"], headers["X-Several"]) == ("1", ["a", "b"])
    assert {name for name in headers if not name.startswith("X-")} <= {"Date", "Server"}


async def test_the_charset_counts_and_what_is_no_text_is_replaced(remote: Remote) -> None:
    remote.answers = [
        web.Response(
            body="grüße".encode("latin-1"),
            headers={"Content-Type": "text/plain; charset=iso-8859-1"},
        ),
        web.Response(body=b"\xff\xfe\x00", headers={"Content-Type": "text/plain; charset=utf-8"}),
    ]
    assert (await remote.call())["content"] == "grüße"
    assert "\ufffd" in (await remote.call())["content"]


async def test_a_redirect_is_followed(remote: Remote) -> None:
    remote.answers = [web.Response(status=302, headers={"Location": "/there"})]
    assert (await remote.call())["statusCode"] == 200
    assert [seen["path"] for seen in remote.seen] == ["/x", "/there"]


# -- 202 -------------------------------------------------------------------------------------------


def accepted(location: str | None, after: str | None = None) -> web.Response:
    headers = {"Location": location, "Retry-After": after}
    return web.Response(
        status=202, text="wait", headers={k: v for k, v in headers.items() if v is not None}
    )


async def test_a_202_is_polled(remote: Remote) -> None:
    remote.answers = [
        accepted(f"{remote.base}/status?n=1", "7"),
        accepted("/elsewhere/status", None),
        accepted("further", "0"),
        web.Response(status=201, text="done"),
    ]
    answer = await remote.call(
        "/begin", "POST", headers={"X-Own": "v", "Content-Type": "application/json"}, content="[1]"
    )
    assert (answer["statusCode"], answer["content"]) == (201, "done")
    assert [(seen["method"], seen["path"]) for seen in remote.seen] == [
        ("POST", "/begin"),
        ("GET", "/status?n=1"),
        ("GET", "/elsewhere/status"),
        ("GET", "/elsewhere/further"),
    ]
    assert remote.slept == [7, 30, 0]
    assert [seen["body"] for seen in remote.seen] == ["[1]", "", "", ""]
    assert {seen["headers"].get("x-own") for seen in remote.seen} == {"v"}, (
        "a key that the first needs, the others need"
    )


async def test_a_date_to_retry_after_is_the_default_pause(remote: Remote) -> None:
    remote.answers = [accepted("/status", "Wed, 21 Oct 2026 07:28:00 GMT")]
    await remote.call()
    assert remote.slept == [30]


async def test_a_202_without_a_location_is_the_answer(remote: Remote) -> None:
    remote.answers = [accepted(None)]
    answer = await remote.call()
    assert (answer["statusCode"], answer["content"]) == (202, "wait")
    assert remote.slept == []


async def test_a_202_is_not_polled_without_the_asynchronous_pattern(remote: Remote) -> None:
    remote.answers = [accepted("/status")]
    answer = await remote.call(asynchronousPatternEnabled=False)
    assert (answer["statusCode"], answer["headers"]["Location"]) == (202, "/status")
    assert len(remote.seen) == 1


async def test_polling_stops_without_a_waiting_orchestration(remote: Remote) -> None:
    remote.answers = [accepted("/status"), accepted("/status"), accepted("/status")]
    wanted = iter([True, False])
    answer = await remote.send(
        {"method": "GET", "uri": remote.base}, is_wanted=lambda: next(wanted)
    )
    assert isinstance(answer, UserError)
    assert answer.type == "CancelledError"
    assert len(remote.seen) == 2
    assert len(remote.slept) == 2


# -- what cannot be --------------------------------------------------------------------------------


async def test_a_refused_connection_is_an_error(remote: Remote) -> None:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        url = f"http://127.0.0.1:{free.getsockname()[1]}/x"
    answer = await remote.send({"method": "GET", "uri": url})
    assert isinstance(answer, UserError)
    assert answer.type == "ClientConnectorError"
    assert answer.text.startswith("ClientConnectorError: ") or url in answer.text
    assert url in answer.text


@pytest.mark.parametrize(
    "url", ["nonsense", "ftp://127.0.0.1/x", "http://", "http://127.0.0.1:99999/"]
)
async def test_an_address_that_is_none(remote: Remote, url: str) -> None:
    answer = await remote.send({"method": "GET", "uri": url})
    assert isinstance(answer, UserError)
    assert f"GET {url}" in answer.text


async def test_a_location_that_is_none(remote: Remote) -> None:
    remote.answers = [accepted("http://[broken/")]
    answer = await remote.call()
    assert isinstance(answer, UserError)


async def test_a_request_times_out(remote: Remote, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(outgoing, "TIMEOUT", 0.1)
    server = socket.create_server(("127.0.0.1", 0))  # takes connections and says nothing
    with server:
        url = f"http://127.0.0.1:{server.getsockname()[1]}/x"
        answer = await remote.send({"method": "GET", "uri": url})
    assert isinstance(answer, UserError)
    assert "TimeoutError" in answer.type
    assert url in answer.text
    assert "imed out" in answer.text or "imeout" in answer.text


async def test_a_token_source(remote: Remote) -> None:
    source = {"kind": "AzureManagedIdentity", "resource": "https://management.core.windows.net/"}
    answer = await remote.call(tokenSource=source)
    assert isinstance(answer, UserError)
    assert answer.type == "NotImplementedError"
    assert "managed identity" in answer.text
    assert "pass it as a header" in answer.text
    assert remote.seen == []


async def test_closing_before_the_first_call() -> None:
    await CallHttpClient().close()
