"""Headers that an HTTP response can have."""

import pytest

from embedded_host.app.http_header import is_valid_header


@pytest.mark.parametrize(
    ("name", "value"),
    [("X-One", "a b\tc"), ("x_1!", ""), ("Set-Cookie", 'a="1"; Path=/')],
)
def test_headers_that_can_be_sent(name: str, value: str) -> None:
    assert is_valid_header(name, value)


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("", "x"),
        ("X One", "x"),
        ("X-\xe9", "x"),
        ("X:", "x"),
        ("X", "\xe9"),
        ("X", "a\r\nb"),
        ("X", "\0"),
    ],
)
def test_headers_that_cannot_be_sent(name: str, value: str) -> None:
    assert not is_valid_header(name, value)
