"""Listening sockets: the public address, and the SDK's own on the loopback interface (functions-host.md#transport)."""

from __future__ import annotations

import errno
import ipaddress
import random
import socket
from typing import Any

from embedded_host.errors import EmbeddedHostError

RPC_PORT = 17071
_IN_USE = (errno.EADDRINUSE, 10013, 10048)
"""The last two are of Windows: WSAEACCES for a socket in exclusive use, and WSAEADDRINUSE."""


class PortInUseError(EmbeddedHostError):
    """Another process listens on the port."""


def is_loopback(address: str) -> bool:
    """Return True for an address that only this machine can reach. Raises OSError for a name that cannot be resolved."""
    return ipaddress.ip_address(str(_resolved(address, 0)[4][0]).partition("%")[0]).is_loopback


def bind_public(address: str, port: int) -> socket.socket:
    """Return a listening socket. Raises PortInUseError, or OSError for an address of another machine."""
    info = _resolved(address, port)
    sock = socket.socket(info[0], socket.SOCK_STREAM)
    try:
        _reuse(sock)
        sock.bind(info[4])
        sock.listen(1024)
    except OSError as error:
        sock.close()
        if error.errno in _IN_USE:
            raise PortInUseError(port) from error
        raise
    sock.setblocking(False)
    return sock


def bind_rpc() -> socket.socket:
    """Return a listening socket for the SDK: on port 17071, else on a random port from 30000 to 30999 (recorded;
    functions-host.md#transport), else on any port."""
    for port in (RPC_PORT, *(random.randrange(30000, 31000) for _ in range(9)), 0):
        try:
            return bind_public("127.0.0.1", port)
        except PortInUseError:
            continue
    raise PortInUseError(RPC_PORT)


def _resolved(address: str, port: int) -> Any:
    """Return the first result of ``getaddrinfo``."""
    return socket.getaddrinfo(address, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE)[0]


def _reuse(sock: socket.socket) -> None:
    # On Windows SO_REUSEADDR lets two processes listen on one port, so the port is requested exclusively there.
    exclusive = getattr(socket, "SO_EXCLUSIVEADDRUSE", None)
    if exclusive is not None:
        sock.setsockopt(socket.SOL_SOCKET, exclusive, 1)
    else:
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
