"""The connections to the host that carry channels, by the target of the channels."""

from __future__ import annotations

import asyncio
import concurrent.futures
import os
import time
from collections.abc import Mapping
from typing import NamedTuple

from embedded_worker.protocol import ClientResponse
from embedded_worker.rpc_protocol import RpcStatus
from embedded_worker.sdk2.rpc import (
    RpcStatusError,
    Send,
    exchange,
)

_LOOPBACK = ("127.0.0.1", "localhost", "[::1]")


class Carrier(NamedTuple):
    """A connection to the host."""

    send: Send
    loop: asyncio.AbstractEventLoop
    """The event loop in which ``send`` runs."""
    process_id: int
    endpoint: str = ""
    """The URL for the requests of a synchronous client that blocks ``loop``, or an empty string."""

    def in_own_loop(self) -> bool:
        """Return True if the caller runs in the connection's event loop."""
        try:
            return asyncio.get_running_loop() is self.loop
        except RuntimeError:
            return False

    def start(
        self, rpc: str, document: Mapping[str, object], deadline: float | None
    ) -> concurrent.futures.Future[ClientResponse]:
        """Start an exchange from any thread. Raises RpcStatusError if the connection is closed."""
        self._check()
        exchanged = exchange(self.send, rpc, document, deadline)
        try:
            return asyncio.run_coroutine_threadsafe(exchanged, self.loop)
        except RuntimeError as error:  # the loop was closed after the check
            exchanged.close()
            raise RpcStatusError(RpcStatus.UNAVAILABLE, str(error)) from error

    async def exchange(
        self, rpc: str, document: Mapping[str, object], deadline: float | None
    ) -> ClientResponse:
        """Exchange a request and its response, from any event loop."""
        if self.in_own_loop():
            return await exchange(self.send, rpc, document, deadline)
        return await asyncio.wrap_future(self.start(rpc, document, deadline))

    def _check(self) -> None:
        if self.process_id != os.getpid():
            raise RpcStatusError(
                RpcStatus.UNAVAILABLE,
                "A forked process cannot call the host. Use the client in the worker process.",
            )
        if self.loop.is_closed():
            raise RpcStatusError(RpcStatus.UNAVAILABLE, "The connection to the host is closed.")


_carriers: dict[str, Carrier] = {}


def add_carrier(target: str, carrier: Carrier) -> None:
    """Use ``carrier`` for all channels to ``target``."""
    _carriers[_normal(target)] = carrier


def remove_carrier(target: str) -> None:
    """Stop carrying channels to ``target``. RPCs on open channels fail with UNAVAILABLE."""
    _carriers.pop(_normal(target), None)


def carried_target(target: str) -> str | None:
    """Return the key of ``target`` for ``carrier_of``, or None if no carrier exists."""
    key = _normal(target)
    return key if key in _carriers else None


def carrier_of(key: str) -> Carrier:
    """Return the current carrier of a key. Raises RpcStatusError if it was removed."""
    carrier = _carriers.get(key)
    if carrier is None:
        raise RpcStatusError(RpcStatus.UNAVAILABLE, f"No host serves {key}.")
    return carrier


def _normal(target: str) -> str:
    """Return ``target`` without its scheme, and with one name for the loopback addresses."""
    text = target.lower()
    for scheme in ("dns:///", "dns:", "ipv4:", "ipv6:"):
        if text.startswith(scheme):
            text = text[len(scheme) :]
            break
    host, separator, port = text.rpartition(":")
    return f"127.0.0.1:{port}" if separator and host in _LOOPBACK else text


def deadline_of(timeout: float | None) -> float | None:
    """Return the time.monotonic value at which an RPC with ``timeout`` ends, or None."""
    return None if timeout is None else time.monotonic() + timeout


def remaining(deadline: float | None) -> float | None:
    """Return the seconds until ``deadline``, at least 0, or None."""
    return None if deadline is None else max(0.0, deadline - time.monotonic())
