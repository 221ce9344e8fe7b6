from __future__ import annotations

import pytest

from embedded_host.app.definitions import HostJson
from embedded_host.http.function_responses import function_response
from embedded_host.parity.findings import Findings
from embedded_host.parity.kinds.http import LONG_CONTENT_LENGTH, TRANSFER_ENCODING
from embedded_host.web.response import Response
from embedded_worker.protocol import HttpResponseData

HELPFUL = Findings(HostJson())
STRICT = Findings(HostJson(), is_strict=True)


def respond(
    status: int,
    body: bytes,
    *headers: tuple[str, str],
    method: str = "GET",
    findings: Findings = HELPFUL,
) -> Response:
    return function_response("F", method, HttpResponseData(status, list(headers), body), findings)


def test_a_body_is_chunked() -> None:
    headers = ("Content-Type", "text/x"), ("Set-Cookie", "a=1"), ("Set-Cookie", "b=2")
    response = respond(201, b"\x00\xff", *headers)
    assert (response.status, response.body, response.headers) == (201, b"\x00\xff", [*headers])
    assert (response.chunked, response.close, response.is_incomplete) == (True, False, False)


@pytest.mark.parametrize("status", [204, 205, 304])
def test_some_statuses_have_no_body(status: int) -> None:
    response = respond(status, b"x", ("Content-Type", "text/x"))
    assert (response.body, response.headers) == (b"", [("Content-Type", "text/x")])


@pytest.mark.parametrize("status", [0, 99, 100, 101, 199, 1000, -1])
def test_an_invalid_status_is_a_logged_500_except_in_strict_mode(
    status: int, caplog: pytest.LogCaptureFixture
) -> None:
    assert respond(status, b"x") == Response(500)
    assert f"Function 'F' returned the invalid status {status}" in caplog.text
    strict = respond(status, b"x", findings=STRICT)
    assert (strict.status, strict.close) == (status, True)


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("X-Out", "a\r\nX-Evil: 1"),
        ("X-Out", "a\nb"),
        ("X-Out", "\0"),
        ("X-Out", "é"),
        ("X-Out", "\x7f"),
        ("X Out", "a"),
        ("", "a"),
        ("a\r\nb", "c"),
    ],
)
def test_an_invalid_header_is_a_logged_500(
    name: str, value: str, caplog: pytest.LogCaptureFixture
) -> None:
    assert respond(200, b"x", (name, value)) == Response(500)
    assert "Function 'F' returned a header that cannot be sent" in caplog.text


@pytest.mark.parametrize(
    ("status", "length"), [(200, "2"), (200, "x"), (200, "-1"), (204, "4"), (205, "4")]
)
def test_a_length_that_is_too_small_is_a_500_that_closes_the_connection(
    status: int, length: str, caplog: pytest.LogCaptureFixture
) -> None:
    assert respond(status, b"body", ("content-length", length)) == Response(500, close=True)
    assert f"returned the header Content-Length: {length}" in caplog.text


def test_the_length_of_the_body_is_sent_instead_of_chunks() -> None:
    assert not respond(200, b"body", ("Content-Length", "4")).chunked
    assert respond(200, b"", ("Content-Length", "4"), method="HEAD").chunked
    assert respond(304, b"", ("Content-Length", "4")).status == 304


def test_a_length_that_is_too_large_truncates_the_response_in_strict_mode() -> None:
    for findings in (Findings(HostJson()), Findings(HostJson(), is_strict=True)):
        response = respond(200, b"body", ("Content-Length", "9"), findings=findings)
        assert (response.status, response.is_incomplete) == (200, findings.is_strict)
        assert [found.kind for found in findings] == [LONG_CONTENT_LENGTH]


def test_a_transfer_encoding_makes_the_response_incomplete_in_strict_mode() -> None:
    for findings in (Findings(HostJson()), Findings(HostJson(), is_strict=True)):
        response = respond(200, b"body", ("Transfer-Encoding", "chunked"), findings=findings)
        assert (response.status, response.is_incomplete) == (200, findings.is_strict)
        assert [found.kind for found in findings] == [TRANSFER_ENCODING]


@pytest.mark.parametrize(("value", "closes"), [("close", True), ("Keep-Alive", False)])
def test_a_function_can_close_the_connection(value: str, closes: bool) -> None:
    assert respond(200, b"", ("Connection", value)).close is closes
