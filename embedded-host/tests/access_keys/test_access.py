"""What each key opens (recorded; contract, 6.2)."""

from __future__ import annotations

import hmac
from pathlib import Path

import pytest

from embedded_host.access_keys.access import Access
from embedded_host.access_keys.key_file import DEFAULT, DURABLE, HOST, SYSTEM, KeyFile, Scope
from embedded_host.app.definitions import Binding, Function
from tests.http.api import request

WRONG = ["", "wrong", "ü", "\udcff"]
KINDS = ["master", "host", "durable", "other extension", "own", "another function's"]


class Keys:
    def __init__(self, folder: Path) -> None:
        self.file = KeyFile(folder)
        keys = self.file.begin()
        self.values = {
            "master": keys.master,
            "host": keys.host[DEFAULT],
            "durable": keys.system[DURABLE],
            "other extension": self.file.put(SYSTEM, "eventgrid_extension")[0],
            "own": self.file.put(Scope("function", "f"), "any")[0],
            "another function's": self.file.put(Scope("function", "g"), "any")[0],
        }
        self.access = Access(self.file)


@pytest.fixture
def keys(tmp_path: Path) -> Keys:
    return Keys(tmp_path)


def function(level: str | None) -> Function:
    properties = {} if level is None else {"authLevel": level}
    return Function("F", Path(), Path("x.py"), "main", (Binding("httpTrigger", "req", "in", properties),))


def answer(access: Access, key: str | None, level: str | None) -> tuple[int, dict[str, str]]:
    headers = {} if key is None else {"x-functions-key": key}
    response = access.to_function(request("GET", "/api/f", None, headers), function(level))
    if response is None:
        return 200, {}
    assert response.body == b""
    return response.status, dict(response.headers)


@pytest.mark.parametrize(
    ("level", "opened_by"),
    [
        ("anonymous", KINDS),
        ("ANONYMOUS", KINDS),
        ("function", ["master", "host", "own"]),
        ("Function", ["master", "host", "own"]),
        (None, ["master", "host", "own"]),
        ("admin", ["master"]),
        ("user", ["master"]),
        ("system", ["master", "durable", "other extension"]),
    ],
)
def test_what_opens_a_function(keys: Keys, level: str | None, opened_by: list[str]) -> None:
    for kind, value in keys.values.items():
        expected = 200 if kind in opened_by else 401
        assert answer(keys.access, value, level) == (expected, {}), kind
    for wrong in (None, *WRONG):
        assert answer(keys.access, wrong, level)[0] == (200 if len(opened_by) == len(KINDS) else 401)


@pytest.mark.parametrize(("place", "opened_by"), [("management", ["master", "durable"]), ("admin", ["master"])])
def test_what_opens_the_hosts_own(keys: Keys, place: str, opened_by: list[str]) -> None:
    check = keys.access.to_management if place == "management" else keys.access.to_admin

    def status(key: str | None) -> tuple[int, list[tuple[str, str]]]:
        headers = {} if key is None else {"x-functions-key": key}
        response = check(request("GET", "/x", None, headers))
        return (200, []) if response is None else (response.status, response.headers)

    for kind in ("master", "host", "durable", "other extension"):
        assert status(keys.values[kind]) == ((200, []) if kind in opened_by else (403, [])), kind
    # A key of a function is none here.
    for key in (None, *WRONG, keys.values["own"]):
        assert status(key) == (401, [("WWW-Authenticate", "Bearer")])


def test_the_header_wins_over_the_query(keys: Keys) -> None:
    good = keys.values["host"]

    def opens(target: str, **headers: str) -> bool:
        named = {name.replace("_", "-"): value for name, value in headers.items()}
        return keys.access.to_function(request("GET", target, None, named), function(None)) is None

    assert opens(f"/api/f?code={good}")
    assert opens(f"/api/f?a=1&CODE={good}")
    assert opens(f"/api/f?code={good}&code=wrong")
    assert not opens(f"/api/f?code=wrong&code={good}")
    assert opens("/api/f?code=wrong", X_Functions_Key=good)
    assert not opens(f"/api/f?code={good}", X_Functions_Key="wrong")
    assert not opens(f"/api/f?code={good}", X_Functions_Key="")
    assert not opens(f"/api/f?xcode={good}")


def test_a_change_counts_at_once(keys: Keys) -> None:
    old = keys.values["host"]
    assert answer(keys.access, old, "function")[0] == 200
    new, _ = KeyFile(keys.file.path.parent).put(HOST, DEFAULT)
    assert answer(keys.access, old, "function")[0] == 401
    assert answer(keys.access, new, "function")[0] == 200
    keys.file.remove(HOST, DEFAULT)
    assert answer(keys.access, new, "function")[0] == 401


def test_without_the_file_nothing_opens(keys: Keys) -> None:
    """No key is empty, and an empty one opens nothing."""
    keys.file.path.unlink()
    for key in (None, "", keys.values["master"]):
        assert answer(keys.access, key, "function")[0] == 401
    assert keys.access.durable_key() == ""


def test_without_auth_everything_is_open() -> None:
    access = Access()
    assert answer(access, None, "admin") == (200, {})
    assert access.to_management(request("GET", "/x")) is None
    assert access.to_admin(request("GET", "/x")) is None
    assert access.durable_key() == ""


@pytest.mark.parametrize("given", ["master", "another function's", None])
def test_keys_are_compared_in_constant_time_and_all_of_them(
    keys: Keys, monkeypatch: pytest.MonkeyPatch, given: str | None
) -> None:
    compared: list[tuple[int, int]] = []
    compare = hmac.compare_digest

    def count(one: bytes, other: bytes) -> bool:
        compared.append((len(one), len(other)))
        return compare(one, other)

    monkeypatch.setattr(hmac, "compare_digest", count)
    key = "x" if given is None else keys.values[given]
    answer(keys.access, key, "function")
    assert compared == [(32, 32)] * 5  # of one length, and as many whether one fits or not
