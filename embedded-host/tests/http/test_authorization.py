"""Keys in requests, and recorded responses to refused requests.

See functions-host.md#authorization and #admin-endpoints.
"""

from __future__ import annotations

from pathlib import Path

import pytest

from embedded_host.access_keys.access import Access
from embedded_host.access_keys.key_file import DEFAULT, KeyFile
from embedded_host.app.definitions import Binding, Function
from embedded_host.http.authorization import Authorization, request_key
from tests.http.api import request

FUNCTION = Function("F", Path(), Path("x.py"), "main", (Binding("httpTrigger", "req", "in"),))


@pytest.mark.parametrize(
    ("target", "headers", "key"),
    [
        ("/api/f", {}, ""),
        ("/api/f?code=K", {}, "K"),
        ("/api/f?a=1&CODE=K", {}, "K"),
        ("/api/f?code=K&code=second", {}, "K"),
        ("/api/f?xcode=K", {}, ""),
        ("/api/f?code=query", {"X-Functions-Key": "K"}, "K"),
        ("/api/f?code=query", {"X-Functions-Key": ""}, ""),
    ],
)
def test_the_header_takes_precedence_over_the_first_code(
    target: str, headers: dict[str, str], key: str
) -> None:
    assert request_key(request("GET", target, None, headers)) == key


def test_refusals_have_the_recorded_status_and_headers(tmp_path: Path) -> None:
    file = KeyFile(tmp_path)
    keys = file.begin()
    authorization = Authorization(Access(file))

    def with_key(key: str) -> tuple[object, object, object]:
        checked = request("GET", "/x", None, {"x-functions-key": key})
        responses = (
            authorization.to_function(checked, FUNCTION),
            authorization.to_management(checked),
            authorization.to_admin(checked),
        )
        return tuple(r and (r.status, r.body, r.headers) for r in responses)  # type: ignore[return-value]

    bearer = (401, b"", [("WWW-Authenticate", "Bearer")])
    assert with_key(keys.master) == (None, None, None)
    assert with_key(keys.host[DEFAULT]) == (None, (403, b"", []), (403, b"", []))
    assert with_key("wrong") == ((401, b"", []), bearer, bearer)


def test_without_keys_every_request_is_allowed() -> None:
    authorization, anonymous = Authorization(), request("GET", "/x")
    assert authorization.to_function(anonymous, FUNCTION) is None
    assert authorization.to_management(anonymous) is None
    assert authorization.to_admin(anonymous) is None
    assert authorization.is_master(anonymous)
