"""A real listener and a plain socket: requests and responses byte by byte."""

from __future__ import annotations

import asyncio
import contextlib
import gzip
import logging
import re
import socket

import aiohttp
import pytest

from embedded_host.http.connection import MAX_HEADER, MAX_LINE
from embedded_host.http.server import MAX_BODY, Listener, body_limit
from embedded_host.http.sockets import bind_public
from embedded_host.web.request import Request
from embedded_host.web.response import Response, text_response
from tests.http.plain_client import PlainClient, echo, get, serving


async def test_a_response_has_length_date_and_server() -> None:
    async with serving(echo) as client:
        status, headers, body = await client.request(get("/a"))
    assert (status, body) == (200, b"GET http://h/a ")
    assert set(headers) == {"content-length", "content-type", "date", "server"}


@pytest.mark.parametrize(
    ("target", "url"),
    [
        ("/API/x%20y%2Fz?a=%C3%A9&b=+", "http://h/API/x%20y%2Fz?a=%C3%A9&b=+"),
        ("/a?", "http://h/a?"),
        ("/a?b?c", "http://h/a?b?c"),
        ("http://other:8080/a?b=1", "http://other:8080/a?b=1"),
        ("http://other", "http://other/"),
        ("HTTPS://other/x", "http://other/x"),
        ("//double", "http://h//double"),
        ("/../up", "http://h/up"),
        ("/a/./b/%2e%2E/%63", "http://h/a/c"),
    ],
)
async def test_each_form_of_a_request_target_gives_the_url(target: str, url: str) -> None:
    async with serving(echo) as client:
        assert (await client.request(get(target)))[2].decode() == f"GET {url} "


async def test_a_request_target_that_is_not_encoded_is_400() -> None:
    async with serving(echo) as client:
        assert (await client.request("GET /grüße?name=Jörg HTTP/1.1\nHost: h\n\n"))[0] == 400


async def test_without_a_host_header_only_http_1_0_is_accepted() -> None:
    async with serving(echo) as client:
        _, _, body = await client.request(get("/a", version="1.0", host=None))
        assert body.decode() == f"GET http://localhost:{client.port}/a "
    async with serving(echo) as client:
        assert (await client.request(get("/a", host="")))[
            2
        ].decode() == f"GET http://localhost:{client.port}/a "
        status, headers, _ = await client.request(get("/a", host=None))
        assert (status, headers["connection"], await client.end()) == (400, "close", b"")


async def test_a_long_request_line_is_414_and_a_long_header_431() -> None:
    async with serving(echo) as client:
        long = "/" + "x" * (MAX_LINE - 100)
        assert (await client.request(get(long)))[0] == 200
        status, headers, body = await client.request(get("/" + "x" * MAX_LINE))
        assert (status, headers["connection"], body) == (414, "close", b"")
    async with serving(echo) as client:
        assert (await client.request(get("/", "X-Long: " + "x" * MAX_HEADER * 4)))[0] == 431


@pytest.mark.parametrize(
    "junk",
    [b"\x16\x03\x01\x02\x00\x01\x00", b"GET\r\n\r\n", b"GET / HTTP/1.1\r\nbad header\r\n\r\n"],
)
async def test_bytes_that_are_not_http_are_refused_without_a_log_line(
    junk: bytes, caplog: pytest.LogCaptureFixture
) -> None:
    async with serving(echo) as client:
        status, _, body = await client.request(junk)
        assert (status, body, await client.end()) == (400, b"", b"")
    assert not [record for record in caplog.records if record.levelno >= logging.WARNING]


async def test_pipelined_requests_get_responses_in_order() -> None:
    async with serving(echo) as client:
        client.send(get("/1") + "POST /2 HTTP/1.1\nHost: h\nContent-Length: 3\n\nabc" + get("/3"))
        bodies = [(await client.read_response())[2] for _ in range(3)]
    assert bodies == [b"GET http://h/1 ", b"POST http://h/2 abc", b"GET http://h/3 "]


@pytest.mark.parametrize("method", ["FOO", "TRACE", "M-SEARCH", "nosuch!"])
async def test_a_request_can_have_any_method(method: str) -> None:
    async with serving(echo) as client:
        for body in ("", "abc"):
            head = f"{method} /x HTTP/1.1\nHost: h\nContent-Length: {len(body)}\n\n"
            received, _, rest = (await client.request(head + body))[2].decode().partition(" ")
            # The Python parser of aiohttp 3.10 and newer converts the method to upper case.
            assert (received.upper(), rest) == (method.upper(), f"http://h/x {body}")
            assert (await client.request(get("/y")))[2] == b"GET http://h/y "


async def test_the_method_and_the_headers_may_arrive_in_parts() -> None:
    async with serving(echo) as client:
        for method in ("POST", "FOO"):
            head = f"{method} /x HTTP/1.1\nHost: h\nContent-Length: 6\n\n"
            for part in (head[:2], head[2:5], head[5:12], head[12:], "GET ", "/y"):
                client.send(part)
                await asyncio.sleep(0.01)
            _, _, body = await client.read_response()
            assert body.decode() == f"{method} http://h/x GET /y"


async def test_the_connection_closes_on_request() -> None:
    async with serving(echo) as client:
        await client.request(get("/1", "Connection: close"))
        assert await client.end() == b""
    async with serving(echo) as client:
        await client.request(get("/1", version="1.0"))
        assert await client.end() == b""


async def test_repeated_headers_are_joined_and_decoded() -> None:
    seen: dict[str, str] = {}

    async def record(request: Request) -> Response:
        seen.update((name, request.headers[name]) for name in ("x-MANY", "x-Utf8", "x-empty"))
        return Response(200)

    async with serving(record) as client:
        await client.request(
            b"GET / HTTP/1.1\r\nHost: h\r\nX-Many: a\r\nX-Utf8: \xc3\xa9\r\nx-many: b\r\n"
            b"X-Empty:\r\n\r\n"
        )
        status, _, _ = await client.request(b"GET / HTTP/1.1\r\nHost: h\r\nX-Latin: \xe9\r\n\r\n")
    assert seen == {"x-MANY": "a,b", "x-Utf8": "é", "x-empty": ""}
    assert status == 400


async def test_bodies_arrive_unchanged() -> None:
    binary = bytes(range(256)) * 3
    packed = gzip.compress(b"text")

    async def back(request: Request) -> Response:
        return Response(200, await request.read(), [("Content-Type", "application/x")])

    async with serving(back) as client:
        head = b"POST / HTTP/1.1\r\nHost: h\r\n"
        length = b"Content-Length: %d\r\n"
        assert (await client.request(head + length % len(binary) + b"\r\n" + binary))[2] == binary
        packed_head = head + b"Content-Encoding: gzip\r\n" + length % len(packed)
        assert (await client.request(packed_head + b"\r\n" + packed))[2] == packed
        chunks = b"Transfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n2\r\nde\r\n0\r\n\r\n"
        assert (await client.request(head + chunks))[2] == b"abcde"
        status, _, _ = await client.request(
            head + b"Transfer-Encoding: chunked\r\n\r\nzz\r\nabc\r\n"
        )
        assert status == 400


async def test_expect_100_continue_is_confirmed_before_the_body_is_sent() -> None:
    async with serving(echo) as client:
        client.send("POST / HTTP/1.1\nHost: h\nContent-Length: 2\nExpect: 100-continue\n\n")
        assert (
            await client.read_line() + await client.read_line() == b"HTTP/1.1 100 Continue\r\n\r\n"
        )
        status, headers, body = await client.request("ok")
    assert (status, body) == (200, b"POST http://h/ ok")
    assert headers["content-length"] == str(len(body))


async def test_a_body_over_the_limit_is_413() -> None:
    async with serving(echo, max_body=1000) as client:
        status, headers, body = await client.request(
            "POST / HTTP/1.1\nHost: h\nContent-Length: 1001\nExpect: 100-continue\n\n"
        )
        assert (status, headers["connection"], body) == (413, "close", b"")
    async with serving(echo, max_body=1000) as client:
        head = "POST / HTTP/1.1\nHost: h\n"
        assert (await client.request(head + "Content-Length: 1000\n\n" + "x" * 1000))[0] == 200
        chunks = "Transfer-Encoding: chunked\n\n" + ("3e8\n" + "x" * 1000 + "\n") * 2 + "0\n\n"
        assert (await client.request(head + chunks))[0] == 413


@pytest.mark.parametrize(
    ("text", "limit"), [("5", 5), (" 70 ", 70), ("0", MAX_BODY), ("-1", MAX_BODY), (None, MAX_BODY)]
)
def test_the_body_limit_is_a_positive_number_or_the_default(text: str | None, limit: int) -> None:
    assert body_limit(text) == limit


async def test_a_client_that_disconnects_while_sending_is_not_logged(
    caplog: pytest.LogCaptureFixture,
) -> None:
    caplog.set_level(logging.INFO)
    began, ended = asyncio.Event(), asyncio.Event()

    async def slow(request: Request) -> Response:
        began.set()
        try:
            await request.read()
        finally:
            ended.set()
        raise AssertionError("reading an incomplete body must raise")

    async with serving(slow) as client:
        client.send("POST / HTTP/1.1\nHost: h\nContent-Length: 100\n\nabc")
        await began.wait()
        client.reset()
        await ended.wait()
    assert not caplog.records


async def test_a_client_that_disconnects_before_the_response_is_not_logged(
    caplog: pytest.LogCaptureFixture,
) -> None:
    caplog.set_level(logging.INFO)
    began, proceed, ended = asyncio.Event(), asyncio.Event(), asyncio.Event()

    async def slow(request: Request) -> Response:
        began.set()
        await proceed.wait()
        ended.set()
        return text_response("x" * 1000)

    async with serving(slow) as client:
        client.send(get("/"))
        await began.wait()
        client.reset()
        proceed.set()
        await ended.wait()
    assert not caplog.records


async def test_an_exception_of_the_handler_is_a_logged_500(
    caplog: pytest.LogCaptureFixture,
) -> None:
    async def fail(request: Request) -> Response:
        raise ValueError("boom")

    async with serving(fail) as client:
        status, headers, body = await client.request(get("/a"))
        assert (status, body) == (500, b"")
        if not aiohttp.__version__.startswith("3.9."):  # it adds a type to every response
            assert "content-type" not in headers
        assert (await client.request(get("/b")))[0] == 500
    assert "GET /a failed with status 500" in caplog.text


async def test_the_response_to_head_has_headers_only() -> None:
    async with serving(echo) as client:
        status, headers, _ = await client.request("HEAD /a HTTP/1.1\nHost: h\n\n", head=True)
        assert (status, headers["content-length"]) == (200, str(len("HEAD http://h/a ")))
        assert (await client.request(get("/b")))[2] == b"GET http://h/b "


@pytest.mark.parametrize("status", [204, 304])
async def test_204_and_304_have_no_body(status: int) -> None:
    async def bare(request: Request) -> Response:
        return Response(status, b"ignored", [("Content-Type", "application/json"), ("X-Out", "1")])

    async with serving(bare) as client:
        received, headers, _ = await client.request(get("/"), head=True)
        assert (received, headers["content-type"], headers["x-out"]) == (
            status,
            "application/json",
            "1",
        )
        assert (await client.request(get("/"), head=True))[0] == status


@pytest.mark.parametrize("status", [200, 299, 599, 999, 1000, 99])
async def test_a_status_is_sent_as_it_is(status: int) -> None:
    async def respond(request: Request) -> Response:
        return Response(status, close=True)

    async with serving(respond) as client:
        assert (await client.request(get("/")))[0] == status
        assert await client.end() == b""


async def test_an_empty_content_type_is_not_sent() -> None:
    async def respond(request: Request) -> Response:
        return Response(200, b"body", [("Content-Type", "")])

    async with serving(respond) as client:
        _, headers, body = await client.request(get("/"))
    assert ("content-type" in headers, body) == (False, b"body")


async def raw(client: PlainClient, request: str) -> tuple[bytes, bytes]:
    """Return the headers and all bytes after them until the connection closes."""
    client.send(request)
    head, _, body = (await client.end()).partition(b"\r\n\r\n")
    return head.lower(), body


async def test_a_chunked_response_has_no_length() -> None:
    async def respond(request: Request) -> Response:
        headers = [("Content-Length", "7")] if request.path == "/length" else []
        return Response(200, b"body"[: 4 if request.path != "/empty" else 0], headers, chunked=True)

    async with serving(respond) as client:
        head, body = await raw(client, get("/", "Connection: close"))
    assert b"transfer-encoding: chunked" in head
    assert (b"content-length" in head, body) == (False, b"4\r\nbody\r\n0\r\n\r\n")
    async with serving(respond) as client:
        head, body = await raw(client, get("/empty", "Connection: close"))
    assert (b"content-length: 0" in head, b"chunked" in head, body) == (True, False, b"")
    async with serving(respond) as client:
        head, body = await raw(client, get("/", version="1.0"))
    assert (b"chunked" in head, body) == (False, b"body")
    for path, has_length in (("/", False), ("/length", True)):
        async with serving(respond) as client:
            sent = get(path, "Connection: close").replace("GET", "HEAD")
            head, body = await raw(client, sent)
        assert (b"content-length: 7" in head, b"content-length" in head) == (has_length,) * 2
        assert (b"chunked" in head, body) == (False, b"")


@pytest.mark.parametrize("content", [b"body", b""])
async def test_an_incomplete_response_ends_before_its_length(content: bytes) -> None:
    async def respond(request: Request) -> Response:
        return Response(200, content, [("Content-Length", "9")], is_incomplete=True)

    async with serving(respond) as client:
        head, body = await raw(client, get("/"))
    assert (b"content-length: 9" in head, body) == (True, content)


async def test_an_incomplete_response_without_a_length_ends_within_its_chunks() -> None:
    async def respond(request: Request) -> Response:
        return Response(200, b"body", [("Transfer-Encoding", "x")], is_incomplete=True)

    async with serving(respond) as client:
        head, body = await raw(client, get("/"))
    assert (b"transfer-encoding: chunked" in head, body) == (True, b"4\r\nbody\r\n")


async def test_response_headers_are_cleaned_and_server_headers_replaced() -> None:
    async def respond(request: Request) -> Response:
        headers = [
            ("Set-Cookie", "a=1"),
            ("Set-Cookie", "b=2"),
            ("X-Split", "a\r\nX-Evil: 1"),
            ("Server", "mine"),
        ]
        return Response(
            200, b"x", [*headers, ("Content-Length", "99"), ("Transfer-Encoding", "chunked")]
        )

    async with serving(respond) as client:
        _, headers, body = await client.request(get("/"))
    assert headers["set-cookie"] == "a=1|b=2"
    assert re.sub(" +", " ", headers["x-split"]) == "a X-Evil: 1"
    assert (headers["server"], headers["content-length"], body) == ("mine", "1", b"x")
    assert "x-evil" not in headers
    assert "transfer-encoding" not in headers


async def test_received_requests_get_a_response_before_the_listener_closes() -> None:
    async def handler(request: Request) -> Response:
        return text_response(request.path)

    sock = bind_public("127.0.0.1", 0)
    listener = Listener(sock, handler)
    await listener.start()
    # The sockets block, so the event loop does not run between these requests and the close:
    # no connection has been accepted yet.
    with contextlib.ExitStack() as stack:
        clients = [
            stack.enter_context(socket.create_connection(sock.getsockname())) for _ in range(5)
        ]
        for client in clients:
            client.settimeout(10)
            client.sendall(b"GET /here HTTP/1.1\r\nHost: it\r\n\r\n")
        await listener.close()
        for client in clients:
            with client.makefile("rb") as response:
                assert response.read().endswith(b"/here")
