"""The listening socket of the public address."""

from __future__ import annotations

import pytest

from embedded_host.http.public_socket import open_public_socket
from embedded_host.store.interface import StateError


@pytest.mark.parametrize(
    ("address", "name"), [("127.0.0.1", "localhost"), ("0.0.0.0", "localhost")]
)
def test_the_name_has_the_port_of_the_socket(address: str, name: str) -> None:
    public = open_public_socket(address, 0)
    with public.sock:
        port = public.sock.getsockname()[1]
        assert public.name == f"{name}:{port}"
        assert public.url == f"http://{name}:{port}"


def test_a_port_in_use_is_an_error() -> None:
    public = open_public_socket("127.0.0.1", 0)
    with public.sock:
        port = public.sock.getsockname()[1]
        with pytest.raises(StateError, match=rf"Port {port} is in use.*EH201"):
            open_public_socket("127.0.0.1", port)


def test_an_address_of_another_machine_is_an_error() -> None:
    with pytest.raises(StateError, match="EH202"):
        open_public_socket("192.0.2.1", 0)
