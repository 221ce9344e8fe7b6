"""Requests that wait until an instance has a status."""

from __future__ import annotations

import asyncio
from collections.abc import Callable

from embedded_host.store.interface import InstanceRow


class StatusWaiters:
    """The requests that wait for one kind of status, by instance.

    ``read`` returns the current row of an instance. A request may wait for an instance that does
    not exist yet.
    """

    def __init__(self, read: Callable[[str], InstanceRow | None]) -> None:
        self._read = read
        self._waiting: dict[str, list[asyncio.Future[InstanceRow | None]]] = {}
        self.is_closed = False
        """True if the host is stopping. Waits then end at once."""

    async def wait(self, instance_id: str, seconds: float) -> InstanceRow | None:
        """Wait until ``complete`` is called, ``seconds`` have passed, or ``close`` is called.

        Returns the row of the instance, or None if the instance does not exist.
        """
        if self.is_closed:
            return self._read(instance_id)
        waiter: asyncio.Future[InstanceRow | None] = asyncio.get_running_loop().create_future()
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
        """Return true if a request waits for the instance."""
        return instance_id in self._waiting

    def complete(self, row: InstanceRow) -> None:
        """Return ``row`` to the requests that wait for its instance, which has the status."""
        for waiter in self._waiting.pop(row.id, ()):
            if not waiter.done():
                waiter.set_result(row)

    def close(self) -> None:
        """End all waits. Each wait returns the current row. Later waits end at once."""
        self.is_closed = True
        for instance_id, waiters in self._waiting.items():
            row = self._read(instance_id)
            for waiter in waiters:
                if not waiter.done():
                    waiter.set_result(row)
