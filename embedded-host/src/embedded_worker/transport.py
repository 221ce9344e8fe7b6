"""Connects a worker process to its host, with one socket for each placement.

The command line has the sockets. ``fds 3 4 5`` lists inherited sockets. ``port 54321`` is the
host's port on the loopback interface; the token in ``TOKEN_VARIABLE`` then proves to the host that
it started this worker.
"""

from __future__ import annotations

import os
import platform
import socket
import sys
from collections.abc import Sequence
from pathlib import Path

from embedded_worker.framing import encode
from embedded_worker.protocol import PLACEMENTS, Hello

TOKEN_VARIABLE = "EMBEDDED_HOST_WORKER_TOKEN"
"""The environment variable with the token."""


def connect(arguments: Sequence[str]) -> list[socket.socket]:
    """Send ``Hello`` on a socket for each of ``PLACEMENTS``, and return the sockets."""
    kind, *numbers = arguments
    token = os.environ.pop(TOKEN_VARIABLE, "")
    numbered = [int(number) for number in numbers]
    sockets = (
        list(map(_inherited, numbered))
        if kind == "fds"
        else [_loopback(numbered[0]) for _ in PLACEMENTS]
    )
    hello = own_hello(token)
    for placement, sock in zip(PLACEMENTS, sockets):
        sock.sendall(encode(hello._replace(placement=placement)))
    return sockets


def own_hello(token: str = "") -> Hello:
    """Return a message with the versions of this interpreter."""
    return Hello(
        "event_loop",
        token,
        python=platform.python_version(),
        azure_functions=installed_version("azure-functions"),
        azure_functions_durable=installed_version("azure-functions-durable"),
    )


def _inherited(number: int) -> socket.socket:
    sock = socket.socket(fileno=number)
    # A program that a function starts must not hold the connection open.
    sock.set_inheritable(False)
    return sock


def _loopback(port: int) -> socket.socket:
    sock = socket.create_connection(("127.0.0.1", port))
    sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    return sock


def installed_version(distribution: str) -> str:
    """Return the version of an installed distribution, or an empty string.

    The import of ``importlib.metadata`` would take longer than the import of this module.
    """
    pattern = f"{distribution.replace('-', '_')}-*.dist-info"
    for directory in sys.path:
        for metadata in Path(directory).glob(pattern):
            return metadata.name.split("-")[1].removesuffix(".dist")
    return ""
