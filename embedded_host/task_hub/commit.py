"""Group commit: what several turns change is made durable with one fsync."""

from __future__ import annotations

import asyncio
import queue
import threading
from collections.abc import Sequence
from typing import Protocol

from embedded_host.store.contract import Change, Store


class Commit(Protocol):
    async def commit(self, changes: Sequence[Change]) -> None:
        """Returns when ``changes`` are durable. Raises StateError."""

    async def close(self) -> None: ...


class InlineCommit:
    """Writes at once, in the caller's thread: for a state in memory."""

    def __init__(self, store: Store) -> None:
        self._store = store

    async def commit(self, changes: Sequence[Change]) -> None:
        self._store.write(changes)

    async def close(self) -> None:
        pass


class GroupCommit:
    """One writing thread. What arrives while it waits for the disk goes into its next transaction, all of it.

    A write that fails fails every commit from then on: what is on disk is whole, and what is in memory no longer fits it.
    """

    def __init__(self, store: Store) -> None:
        self._store = store
        self._loop = asyncio.get_running_loop()
        self._queue: queue.SimpleQueue[tuple[Sequence[Change], asyncio.Future[None]] | None] = queue.SimpleQueue()
        self._thread = threading.Thread(target=self._run, name="group-commit", daemon=True)
        self._thread.start()

    async def commit(self, changes: Sequence[Change]) -> None:
        done: asyncio.Future[None] = self._loop.create_future()
        self._queue.put((changes, done))
        await done

    async def close(self) -> None:
        self._queue.put(None)
        await self._loop.run_in_executor(None, self._thread.join)

    def _run(self) -> None:
        failure: Exception | None = None
        while True:
            group = [self._queue.get()]
            while not self._queue.empty():
                group.append(self._queue.get())
            waiting = [entry for entry in group if entry is not None]
            if waiting and failure is None:
                try:
                    self._store.write([change for changes, _ in waiting for change in changes])
                except Exception as error:
                    failure = error
            if waiting:
                self._loop.call_soon_threadsafe(_resolve, [done for _, done in waiting], failure)
            if None in group:
                return


def _resolve(futures: Sequence[asyncio.Future[None]], failure: Exception | None) -> None:
    for future in futures:
        if future.done():
            continue
        if failure is None:
            future.set_result(None)
        else:
            future.set_exception(failure)
