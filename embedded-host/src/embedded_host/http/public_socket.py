"""The listening socket of the public address, and its URL."""

from __future__ import annotations

import socket
from typing import NamedTuple

from embedded_host.http.sockets import PortInUseError, bind_public
from embedded_host.store.interface import StateError


class PublicSocket(NamedTuple):
    """A listening socket."""

    sock: socket.socket
    name: str
    """The name and the port of the host, such as ``localhost:7071``."""

    @property
    def url(self) -> str:
        """The URL of the host."""
        return f"http://{self.name}"


def open_public_socket(address: str, port: int) -> PublicSocket:
    """Return a listening socket. The port 0 selects a free port.

    Raises StateError if the host cannot listen on the address and the port.
    """
    try:
        sock = bind_public(address, port)
    except PortInUseError:
        raise StateError(
            f"Port {port} is in use by another process. Stop that process, or choose another "
            "port with --port. [EH201]"
        ) from None
    except OSError as error:
        raise StateError(f"The host cannot listen on {address}:{port}: {error}. [EH202]") from error
    name = "localhost" if address in ("127.0.0.1", "0.0.0.0", "::1", "::") else address
    return PublicSocket(sock, f"{name}:{sock.getsockname()[1]}")
