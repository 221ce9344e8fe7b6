from __future__ import annotations

import sys
from http.cookies import SimpleCookie

import pytest

from embedded_worker.response_cookies import set_cookie


def written(header: str) -> str:
    [(name, cookie)] = SimpleCookie(header).items()
    return set_cookie(name, cookie)


@pytest.mark.parametrize(
    ("header", "sent"),
    [
        ("a=1", "a=1; domain=; path="),
        ("a=", "a=; domain=; path="),
        ('a=""', "a=; domain=; path="),
        ("a=1; Path=/; HttpOnly; SameSite=Lax", "a=1; domain=; path=/; samesite=lax; httponly"),
        (
            "A=1; PATH=/P; HTTPONLY; SECURE; SAMESITE=STRICT; DOMAIN=x.org",
            "A=1; domain=x.org; path=/P; secure; samesite=strict; httponly",
        ),
        ("a=1; SameSite=None", "a=1; domain=; path=; samesite=none"),
        ("a=1; SameSite=Foo", "a=1; domain=; path="),
        ("a=1; Max-Age=0", "a=1; max-age=0; domain=; path="),
        ("a=1; Max-Age=60.9", "a=1; max-age=60; domain=; path="),
        ('a="b c"', "a=b%20c; domain=; path="),
        ("a=x%20y/z+=", "a=x%2520y%2Fz%2B%3D; domain=; path="),
    ],
)
def test_a_cookie_has_all_attributes_in_a_fixed_order(header: str, sent: str) -> None:
    assert written(header) == sent


@pytest.mark.parametrize("has_dateutil", [True, False])
@pytest.mark.parametrize("expires", ["Thu, 01 Jan 2037 00:00:00 GMT", "2037-01-01T00:00:00+00:00"])
def test_expires_is_written_in_the_format_of_http(
    expires: str, has_dateutil: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    if not has_dateutil:
        monkeypatch.setitem(sys.modules, "dateutil", None)
    cookie = SimpleCookie("a=1")["a"]
    cookie["expires"] = expires
    assert set_cookie("a", cookie) == ("a=1; expires=Thu, 01 Jan 2037 00:00:00 GMT; domain=; path=")


@pytest.mark.parametrize(
    "header",
    ["a=1; expires=0", "a=1; Max-Age=abc", "a=1; Max-Age=-1", "a=1; Max-Age=nan", "a:b=1"],
)
def test_a_cookie_that_the_functions_host_cannot_write_is_refused(header: str) -> None:
    with pytest.raises(ValueError, match=r"."):
        written(header)
