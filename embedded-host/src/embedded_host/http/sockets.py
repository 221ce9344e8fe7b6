"""The listening sockets of the public address and of the SDK (functions-host.md#transport)."""

from __future__ import annotations

import errno
import ipaddress
import random
import socket

from embedded_host.errors import EmbeddedHostError

RPC_PORT = 17071
"""Preferred port of the SDK's endpoint, as on the Azure Functions host."""
_IN_USE = (errno.EADDRINUSE, 10013, 10048)
"""Error numbers of a port in use. The last two are WSAEACCES and WSAEADDRINUSE of Windows."""


class PortInUseError(EmbeddedHostError):
    """Another process listens on the port."""


def is_loopback(address: str) -> bool:
    """Return True for an address that only this machine can reach.

    Raises OSError if ``address`` is a name that cannot be resolved.
    """
    _, resolved = _resolve(address, 0)
    return ipaddress.ip_address(str(resolved[0]).partition("%")[0]).is_loopback


def bind_public(address: str, port: int) -> socket.socket:
    """Return a listening socket.

    Raises PortInUseError if another process listens on the port, and OSError if the address is not
    one of this machine.
    """
    family, resolved = _resolve(address, port)
    sock = socket.socket(family, socket.SOCK_STREAM)
    try:
        _reuse(sock)
        sock.bind(resolved)
        sock.listen(1024)
    except OSError as error:
        sock.close()
        if error.errno in _IN_USE:
            raise PortInUseError(port) from error
        raise
    sock.setblocking(False)
    return sock


def bind_rpc() -> socket.socket:
    """Return a listening socket for the SDK, on the loopback interface.

    The port is 17071. If this port is in use, it is a random port from 30000 to 30999 (recorded;
    functions-host.md#transport). If nine random ports are in use, it is any free port.
    """
    for port in (RPC_PORT, *(random.randrange(30000, 31000) for _ in range(9)), 0):
        try:
            return bind_public("127.0.0.1", port)
        except PortInUseError:
            continue
    raise PortInUseError(RPC_PORT)


def _resolve(address: str, port: int) -> tuple[int, tuple[str | bytes | int, ...]]:
    """Return the address family and the socket address of the first result of ``getaddrinfo``."""
    family, _, _, _, resolved = socket.getaddrinfo(
        address, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE
    )[0]
    return family, resolved


def _reuse(sock: socket.socket) -> None:
    # On Windows SO_REUSEADDR lets two processes listen on one port. SO_EXCLUSIVEADDRUSE does not.
    exclusive = getattr(socket, "SO_EXCLUSIVEADDRUSE", None)
    if exclusive is not None:
        sock.setsockopt(socket.SOL_SOCKET, exclusive, 1)
    else:
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
