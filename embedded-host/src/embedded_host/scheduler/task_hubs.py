"""The task hubs of the scheduler, which share one state file."""

from __future__ import annotations

import asyncio
import logging
import re
from collections.abc import Callable

from embedded_host.scheduler.any_function import any_functions
from embedded_host.scheduler.invoker import WorkerInvoker
from embedded_host.scheduler.work_queue import WorkQueue
from embedded_host.sidecar.rpc_error import RpcError
from embedded_host.sidecar.service import TaskHubSidecarService
from embedded_host.store.interface import InstanceQuery
from embedded_host.store.sqlite import SqliteStore
from embedded_host.task_hub.client import HubClient
from embedded_host.task_hub.clock import WallClock
from embedded_host.task_hub.commit import Commit
from embedded_host.task_hub.hub import HubDependencies, TaskHub
from embedded_host.task_hub.settings import HubSettings
from embedded_host.task_hub.unit_of_work import RowKeySequences
from embedded_worker.rpc_protocol import RpcStatus

log = logging.getLogger("embedded_host.scheduler")
HUB_NAME = re.compile("[A-Za-z0-9][A-Za-z0-9_-]{0,63}")
"""Valid names of task hubs."""
UNLIMITED = 10**9
"""The limit of concurrent calls. The work queue applies the limits of the workers instead."""
SWEEP_INTERVAL = 0.5
"""Seconds between two searches for calls that are not needed anymore."""


class ScheduledHub:
    """A task hub with the queue of its work items."""

    def __init__(self, name: str, store: SqliteStore, commit: Commit, hubs: TaskHubs) -> None:
        self.name = name
        self.queue = WorkQueue(name)
        settings = HubSettings(
            functions=any_functions(),
            max_activities=UNLIMITED,
            max_orchestrators=UNLIMITED,
            replayed_instances=0,  # the workers replay every history
        )
        invoker = WorkerInvoker(self.queue, lambda: self.hub)
        self.hub = TaskHub(
            name,
            settings,
            HubDependencies(
                store, commit, invoker, WallClock(), hubs.on_fatal, row_keys=hubs.row_keys
            ),
        )
        self.client = HubClient(self.hub)
        self.sidecar = TaskHubSidecarService(self.client, is_functions=False)

    async def close(self, grace: float) -> None:
        """End the streams of the workers, and stop the task hub."""
        self.hub.end_waits()
        self.queue.close()
        await self.hub.close(grace)


class TaskHubs:
    """The task hubs by name. A task hub is created when it is first used."""

    def __init__(
        self, store: SqliteStore, commit: Commit, on_fatal: Callable[[BaseException], None]
    ) -> None:
        self._store, self._commit, self.on_fatal = store, commit, on_fatal
        self.row_keys = RowKeySequences(store)
        self._hubs: dict[str, ScheduledHub] = {}
        self._sweeping: asyncio.Task[None] | None = None

    def start(self) -> None:
        """Continue the stored instances of all task hubs. An event loop must be running."""
        for name in self._store.hubs():
            self.open(name)
        self._sweeping = asyncio.ensure_future(self._sweep())

    async def close(self, grace: float) -> None:
        """Stop all task hubs."""
        if self._sweeping is not None:
            self._sweeping.cancel()
        await asyncio.gather(*(hub.close(grace) for hub in self._hubs.values()))

    def end_streams(self) -> None:
        """End the streams of all workers and the waits of all clients."""
        for hub in self._hubs.values():
            hub.hub.end_waits()
            hub.queue.close()

    @property
    def names(self) -> list[str]:
        """The names of the task hubs."""
        return sorted(hub.name for hub in self._hubs.values())

    def find(self, name: str) -> ScheduledHub | None:
        """Return a task hub, or None if it does not exist."""
        return self._hubs.get(name.lower())

    def open(self, name: str) -> ScheduledHub:
        """Return a task hub, and create it if it does not exist.

        Raises RpcError if the name is invalid.
        """
        hub = self._hubs.get(name.lower())
        if hub is None:
            if not HUB_NAME.fullmatch(name):
                raise RpcError(
                    RpcStatus.INVALID_ARGUMENT,
                    f"'{name[:100]}' is not a valid name of a task hub. A name has up to 64 "
                    "letters, digits, '-' and '_', and begins with a letter or a digit.",
                )
            hub = self._hubs[name.lower()] = ScheduledHub(name, self._store, self._commit, self)
            hub.hub.start()
        return hub

    async def delete(self, name: str) -> None:
        """Disconnect the workers of a task hub and delete its instances."""
        hub = self._hubs.pop(name.lower(), None)
        if hub is None:
            return
        hub.hub.end_waits()
        hub.queue.close()
        await hub.hub.drop()
        while rows := self._store.list(hub.name, InstanceQuery(), 1000):
            await hub.hub.delete([row.key for row in rows])

    async def _sweep(self) -> None:
        while True:
            await asyncio.sleep(SWEEP_INTERVAL)
            try:
                for hub in list(self._hubs.values()):
                    hub.queue.withdraw_unwanted()
            except Exception as error:
                self.on_fatal(error)
