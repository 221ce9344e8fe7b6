"""How host and worker come to be connected, once for each placement.

Where the system can hand sockets on to a new process, by pairs of them that nobody else can reach: half the cost of a message
over loopback (measured: 37 instead of 60 µs there and back). On Windows over loopback, where a token tells who connects.
"""

from __future__ import annotations

import asyncio
import os
import secrets
import socket
from collections.abc import Callable, Sequence
from typing import Protocol

from embedded_worker.protocol import PLACEMENTS, Channel, Hello, Message, Placement, encode

TOKEN_VARIABLE = "EMBEDDED_HOST_WORKER_TOKEN"
OnConnected = Callable[[Placement, Channel], None]


class Connection(Protocol):
    """The host's side, for one worker."""

    arguments: tuple[str, ...]
    """For the worker's command line; ``sockets`` reads them there."""
    environ: dict[str, str]
    pass_fds: tuple[int, ...]

    async def begin(self, on_connected: OnConnected) -> None:
        """The process has been started."""

    def end(self) -> None:
        """The process is over, or could not be started."""


class Connections(Protocol):
    async def start(self) -> None: ...

    def close(self) -> None: ...

    def new(self) -> Connection: ...


def connections() -> Connections:
    return Loopback() if os.name == "nt" else SocketPairs()


def sockets(arguments: Sequence[str]) -> list[socket.socket]:
    """The worker's side: a socket for each of ``PLACEMENTS``."""
    if arguments[0] == "fds":
        handed = [socket.socket(fileno=int(number)) for number in arguments[1:]]
        for sock in handed:
            sock.set_inheritable(False)  # a program that a function starts has no use for it
        return handed
    token = os.environ.pop(TOKEN_VARIABLE, "")
    return [_connected(int(arguments[1]), Hello(token, placement)) for placement in PLACEMENTS]


def _connected(port: int, hello: Hello) -> socket.socket:
    sock = socket.create_connection(("127.0.0.1", port))
    sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    sock.sendall(encode(hello))
    return sock


# -- by pairs ----------------------------------------------------------------------------------------


class SocketPairs:
    async def start(self) -> None:
        """Nobody is listened to."""

    def close(self) -> None:
        """Nobody is listened to."""

    def new(self) -> Connection:
        return _Pairs()


class _Pairs:
    def __init__(self) -> None:
        pairs = [socket.socketpair() for _ in PLACEMENTS]
        self._ours, self._theirs = [ours for ours, _ in pairs], [theirs for _, theirs in pairs]
        self.pass_fds = tuple(sock.fileno() for sock in self._theirs)
        self.arguments = ("fds", *map(str, self.pass_fds))
        self.environ: dict[str, str] = {}

    async def begin(self, on_connected: OnConnected) -> None:
        loop = asyncio.get_running_loop()
        ours, self._ours = self._ours, []  # the transports' from now on
        self.end()
        for placement, sock in zip(PLACEMENTS, ours, strict=True):
            _, channel = await loop.create_unix_connection(lambda: Channel(_ignore, _ignore_close), sock=sock)
            on_connected(placement, channel)

    def end(self) -> None:
        for sock in (*self._ours, *self._theirs):
            sock.close()


# -- over loopback -----------------------------------------------------------------------------------


class Loopback:
    def __init__(self) -> None:
        self._server: asyncio.Server | None = None
        self._awaited: dict[bytes, OnConnected] = {}
        """By token."""

    async def start(self) -> None:
        loop = asyncio.get_running_loop()
        self._server = await loop.create_server(lambda: Channel(self._greeted, _ignore_close), "127.0.0.1", 0)

    def close(self) -> None:
        if self._server:
            self._server.close()

    def new(self) -> Connection:
        assert self._server is not None
        return _ByToken(self._awaited, self._server.sockets[0].getsockname()[1])

    def _greeted(self, channel: Channel, message: Message) -> None:
        """A connection's first message tells whose it is, and for what; anyone else is sent away."""
        if isinstance(message, Hello):
            said = message.token.encode("utf-8", "replace")
            for token, on_connected in self._awaited.items():
                if secrets.compare_digest(token, said):
                    on_connected(message.placement, channel)
                    return
        channel.close()


class _ByToken:
    pass_fds: tuple[int, ...] = ()

    def __init__(self, awaited: dict[bytes, OnConnected], port: int) -> None:
        self._awaited = awaited
        self._token = secrets.token_hex(16)
        self.arguments: tuple[str, ...] = ("port", str(port))
        self.environ = {TOKEN_VARIABLE: self._token}

    async def begin(self, on_connected: OnConnected) -> None:
        connected: set[Placement] = set()

        def once(placement: Placement, channel: Channel) -> None:
            if placement in connected:
                channel.close()
                return
            connected.add(placement)
            on_connected(placement, channel)

        self._awaited[self._token.encode()] = once

    def end(self) -> None:
        self._awaited.pop(self._token.encode(), None)


def _ignore(channel: Channel, message: Message) -> None:
    pass


def _ignore_close(channel: Channel) -> None:
    pass
