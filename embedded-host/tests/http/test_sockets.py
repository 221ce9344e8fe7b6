from __future__ import annotations

import pytest

from embedded_host.http import sockets
from embedded_host.http.sockets import PortInUseError, bind_public, bind_rpc, is_loopback


def test_a_port_in_use_raises_port_in_use_error() -> None:
    with bind_public("127.0.0.1", 0) as taken, pytest.raises(PortInUseError):
        bind_public("127.0.0.1", taken.getsockname()[1])


def test_an_address_of_another_machine_raises_os_error() -> None:
    with pytest.raises(OSError):  # noqa: PT011 - which one depends on the system
        bind_public("192.0.2.1", 0)


def test_the_sdk_socket_uses_another_port_if_17071_is_in_use(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    with bind_public("127.0.0.1", 0) as taken:
        monkeypatch.setattr(sockets, "RPC_PORT", taken.getsockname()[1])
        with bind_rpc() as other:
            assert other.getsockname()[1] in range(30000, 31000)


@pytest.mark.parametrize("address", ["127.0.0.1", "127.8.9.1", "::1", "localhost"])
def test_loopback_addresses_are_loopback(address: str) -> None:
    assert is_loopback(address)


@pytest.mark.parametrize("address", ["0.0.0.0", "::", "192.0.2.1", "2001:db8::1", "fe80::1"])
def test_addresses_that_are_not_loopback(address: str) -> None:
    assert not is_loopback(address)
