"""Clients that wait for an instance's end."""

from __future__ import annotations

import asyncio
from collections.abc import Callable

from embedded_host.store.interface import InstanceRow


class CompletionWaiters:
    """``read`` gives an instance's row as it is now, by its id."""

    def __init__(self, read: Callable[[str], InstanceRow | None]) -> None:
        self._read = read
        self._waiting: dict[str, list[asyncio.Future[InstanceRow]]] = {}
        self._closed = False

    async def wait(self, instance_id: str, seconds: float) -> InstanceRow | None:
        """The row that ``tell`` brings, or as it is after ``seconds``, or once it is closed."""
        if self._closed:  # the request had come when the host was asked to stop, and was taken up after that
            return self._read(instance_id)
        waiter: asyncio.Future[InstanceRow] = asyncio.get_running_loop().create_future()
        self._waiting.setdefault(instance_id, []).append(waiter)
        try:
            return await asyncio.wait_for(waiter, seconds)
        except asyncio.TimeoutError:
            return self._read(instance_id)
        finally:
            waiters = self._waiting.get(instance_id)
            if waiters and waiter in waiters:
                waiters.remove(waiter)
                if not waiters:
                    del self._waiting[instance_id]

    def has(self, instance_id: str) -> bool:
        return instance_id in self._waiting

    def tell(self, row: InstanceRow) -> None:
        """The instance has ended."""
        for waiter in self._waiting.pop(row.id, ()):
            if not waiter.done():
                waiter.set_result(row)

    def close(self) -> None:
        """The host stops: whoever waits, or comes to wait, gets the instance as it is now."""
        self._closed = True
        for instance_id, waiters in self._waiting.items():
            row = self._read(instance_id)
            for waiter in waiters:
                if row is not None and not waiter.done():
                    waiter.set_result(row)
