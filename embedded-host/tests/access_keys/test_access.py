"""The decisions for each kind of key (recorded; functions-host.md#authorization)."""

from __future__ import annotations

import hmac
from pathlib import Path

import pytest

from embedded_host.access_keys.access import Access, Decision
from embedded_host.access_keys.key_file import DEFAULT, DURABLE, HOST, SYSTEM, KeyFile, Scope
from embedded_host.app.definitions import Binding, Function

ALLOWED, UNAUTHORIZED, FORBIDDEN = Decision.ALLOWED, Decision.UNAUTHORIZED, Decision.FORBIDDEN
WRONG = ["", "wrong", "ü", "\udcff"]
KINDS = ["master", "host", "durable", "other extension", "own", "another function's"]


class HostWithKeys:
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
def keys(tmp_path: Path) -> HostWithKeys:
    return HostWithKeys(tmp_path)


def function(level: str | None) -> Function:
    properties = {} if level is None else {"authLevel": level}
    return Function(
        "F", Path(), Path("x.py"), "main", (Binding("httpTrigger", "req", "in", properties),)
    )


def allows(access: Access, key: str, level: str | None) -> bool:
    decision = access.to_function(key, function(level))
    assert decision in (ALLOWED, UNAUTHORIZED)
    return decision is ALLOWED


@pytest.mark.parametrize(
    ("level", "accepted"),
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
def test_the_access_level_determines_the_keys_for_a_function(
    keys: HostWithKeys, level: str | None, accepted: list[str]
) -> None:
    for kind, value in keys.values.items():
        assert allows(keys.access, value, level) == (kind in accepted), kind
    for wrong in WRONG:
        assert allows(keys.access, wrong, level) == (len(accepted) == len(KINDS))


@pytest.mark.parametrize(
    ("api", "accepted"), [("management", ["master", "durable"]), ("admin", ["master"])]
)
def test_only_some_keys_allow_the_management_api_and_admin_endpoints(
    keys: HostWithKeys, api: str, accepted: list[str]
) -> None:
    check = keys.access.to_management if api == "management" else keys.access.to_admin

    for kind in ("master", "host", "durable", "other extension"):
        assert check(keys.values[kind]) is (ALLOWED if kind in accepted else FORBIDDEN), kind
    # A key of a function is unknown here.
    for key in (*WRONG, keys.values["own"]):
        assert check(key) is UNAUTHORIZED


def test_a_changed_key_is_effective_at_once(keys: HostWithKeys) -> None:
    old = keys.values["host"]
    assert allows(keys.access, old, "function")
    new, _ = KeyFile(keys.file.path.parent).put(HOST, DEFAULT)
    assert not allows(keys.access, old, "function")
    assert allows(keys.access, new, "function")
    keys.file.remove(HOST, DEFAULT)
    assert not allows(keys.access, new, "function")


def test_without_the_key_file_everything_is_unauthorized(keys: HostWithKeys) -> None:
    """An empty key matches no key."""
    keys.file.path.unlink()
    for key in ("", keys.values["master"]):
        assert not allows(keys.access, key, "function")
    assert keys.access.durable_key() == ""


def test_without_auth_everything_is_allowed() -> None:
    access = Access()
    assert allows(access, "", "admin")
    assert access.to_management("") is ALLOWED
    assert access.to_admin("") is ALLOWED
    assert access.is_master("")
    assert access.durable_key() == ""


@pytest.mark.parametrize("kind", ["master", "another function's", None])
def test_all_keys_are_compared_in_constant_time(
    keys: HostWithKeys, monkeypatch: pytest.MonkeyPatch, kind: str | None
) -> None:
    compared: list[tuple[int, int]] = []
    compare = hmac.compare_digest

    def count(one: bytes, other: bytes) -> bool:
        compared.append((len(one), len(other)))
        return compare(one, other)

    monkeypatch.setattr(hmac, "compare_digest", count)
    key = "x" if kind is None else keys.values[kind]
    allows(keys.access, key, "function")
    assert compared == [(32, 32)] * 5  # the same for every key
