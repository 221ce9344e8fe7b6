from __future__ import annotations

import pytest

from tests.http.api import request


def test_url_is_percent_encoded_as_received() -> None:
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
async def test_text_is_decoded_with_the_declared_charset(kind: str, body: bytes, text: str) -> None:
    assert await request("POST", "/", body, {"Content-Type": kind}).text() == text


def test_media_type_is_lower_case_without_parameters() -> None:
    assert (
        request("GET", "/", headers={"content-TYPE": " Application/JSON ;x=y"}).media_type
        == "application/json"
    )
    assert request("GET", "/").media_type == ""
