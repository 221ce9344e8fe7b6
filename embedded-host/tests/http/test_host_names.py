"""The host names that requests may use, against DNS rebinding."""

from __future__ import annotations

import pytest

from embedded_host.http.host_names import HostNames
from embedded_host.web.host_name import host_name
from tests.http.api import request

OURS = [
    "localhost",
    "localhost:7071",
    "LocalHost:8080",
    "app.localhost:7071",
    "localhost.",
    "127.0.0.1:7071",
    "127.3.2.1",
    "[::1]:7071",
]
OTHERS = [
    "evil.example",
    "evil.example:7071",
    "localhost.evil.example",
    "notlocalhost",
    "127.0.0.1.evil.example",
    "mymachine",
]
UNSPECIFIED = [
    "0.0.0.0:7071",
    "0.0.0.0",
    "[::]:7071",
    "[::ffff:127.0.0.1]:7071",
    "[::ffff:7f00:1]:7071",
]
"""Addresses that reach this machine too, but for which browsers send no origin."""
INVALID = [
    "",
    ":7071",
    "a b",
    "a/b",
    "user@localhost",
    "localhost:7071:1",
    "[::1",
    "[]",
    "localhost\n",
    "\uff4cocalhost",
]


@pytest.mark.parametrize("authority", OURS)
@pytest.mark.parametrize("network", [True, False])
def test_names_and_addresses_of_this_machine_are_allowed(authority: str, network: bool) -> None:
    assert HostNames(network=network).allows(authority)


@pytest.mark.parametrize("authority", [*OTHERS, *UNSPECIFIED, *INVALID])
@pytest.mark.parametrize("network", [True, False])
def test_names_that_a_page_can_have_are_not_allowed(authority: str, network: bool) -> None:
    assert not HostNames(network=network).allows(authority)


@pytest.mark.parametrize("authority", ["192.0.2.7:7071", "[2001:db8::1]:7071"])
def test_other_addresses_are_allowed_only_on_a_network_or_by_name(authority: str) -> None:
    assert HostNames(network=True).allows(authority)
    assert not HostNames().allows(authority)
    name = host_name(authority)
    assert name is not None
    assert HostNames([name]).allows(authority)


def test_configured_names_are_allowed() -> None:
    names = HostNames(["my-tunnel.example", ".Codespaces.example"])
    assert names.allows("My-Tunnel.Example:443")
    assert names.allows("x-7071.codespaces.example")
    for other in ("x.my-tunnel.example", "codespaces.example", "evilcodespaces.example"):
        assert not names.allows(other)


def test_a_refusal_names_the_fix(caplog: pytest.LogCaptureFixture) -> None:
    names = HostNames()
    assert names.refusal(request("GET", "/x", base_url="http://localhost:7071")) is None
    for _ in range(2):
        refusal = names.refusal(request("GET", "/x", base_url="http://my-tunnel.example:7071"))
        assert refusal is not None
        assert refusal.status == 403
        assert b"--allow-host my-tunnel.example." in refusal.body
    assert caplog.text.count("--allow-host my-tunnel.example") == 1
    invalid = names.refusal(request("GET", "/x", base_url="http://<script>"))
    assert invalid is not None
    assert b"<script>" not in invalid.body


def test_a_page_cannot_fill_the_log(caplog: pytest.LogCaptureFixture) -> None:
    names = HostNames()
    for number in range(100):
        names.refusal(request("GET", "/x", base_url=f"http://n{number}.example"))
    assert len(caplog.records) == 20
