from __future__ import annotations

import pytest

from embedded_host.http.types import Response, form_decoded
from tests.http.api import request


def test_a_url_is_as_it_was_sent() -> None:
    assert request("GET", "/A%20b?x=%2F&y").url == "http://host:7071/A%20b?x=%2F&y"
    assert request("GET", "/a?").url == "http://host:7071/a"


def test_query_names_are_lower_case_and_values_joined() -> None:
    assert request("GET", "/?A=1&a=2&b=&c=%C3%A9+x").query == {"a": "1,2", "b": "", "c": "é x"}


@pytest.mark.parametrize(
    ("kind", "body", "text"),
    [
        ("application/json", "é".encode(), "é"),
        ("application/json; charset=latin-1", b"\xe9", "é"),
        ('text/x; a=b; CHARSET="utf-16"', "é".encode("utf-16"), "é"),
        ("text/x; charset=nope", "é".encode(), "é"),
        ("", b"\xef\xbb\xbfx", "x"),
        ("", b"\xff", "\ufffd"),
    ],
)
async def test_texts(kind: str, body: bytes, text: str) -> None:
    assert await request("POST", "/", body, {"Content-Type": kind}).text() == text


def test_media_types() -> None:
    assert request("GET", "/", headers={"content-TYPE": " Application/JSON ;x=y"}).media_type == "application/json"
    assert request("GET", "/").media_type == ""


def test_a_header_is_set_in_place_of_others() -> None:
    response = Response(200, headers=[("X-A", "1"), ("x-a", "2"), ("X-B", "3")])
    response.set_header("X-a", "4")
    assert response.headers == [("X-B", "3"), ("X-a", "4")]


@pytest.mark.parametrize(("path", "text"), [("a+b%20c", "a b c"), ("%2B", "+"), ("%zz", "%zz"), ("%FF", "\ufffd")])
def test_form_decoding(path: str, text: str) -> None:
    assert form_decoded(path) == text
