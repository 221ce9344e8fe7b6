"""The host's hold on one worker process."""

from __future__ import annotations

import asyncio
import contextlib
import os
import signal
from typing import Any

from embedded_host.task_hub.invoker import WorkerLostError
from embedded_worker.protocol import PLACEMENTS, Channel, InvocationResult, LoadResult, Message, Placement, StopRequest
from embedded_worker.transport import Connection


class WorkerProcess:
    """One worker process, from its start to its end."""

    def __init__(self, process: asyncio.subprocess.Process, connection: Connection) -> None:
        self.process, self.connection = process, connection
        self.channels: dict[Placement, Channel] = {}
        self.connected: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self.loaded: asyncio.Future[LoadResult] = asyncio.get_running_loop().create_future()
        self.placements: dict[str, Placement] = {}
        """Where each function runs; a function that has not loaded may run anywhere."""
        self.pending: dict[int, asyncio.Future[InvocationResult]] = {}
        self.retiring = False
        """It gets nothing new, and ends with its last answer."""
        self.lost: str | None = None
        self.loading = ""
        """What it imports now: its end is that's doing."""

    @property
    def is_ready(self) -> bool:
        """Whether it can be asked: it has the app, and neither has it ended nor hung up."""
        return self.loaded.done() and not self.lost and len(self.channels) == len(PLACEMENTS)

    def send(self, placement: Placement, message: Message, *, at_once: bool = False) -> None:
        """Raises WorkerLostError."""
        if not self.connected.done() or placement not in self.channels:
            raise WorkerLostError(self.lost or "it has not connected")
        try:
            self.channels[placement].send(message, at_once=at_once)
        except ConnectionError as error:
            raise WorkerLostError(str(error)) from error

    def stop_if_retired(self) -> None:
        if self.retiring and not self.pending and not self.lost:
            with contextlib.suppress(WorkerLostError):
                self.send("event_loop", StopRequest())

    def end(self) -> None:
        """At once."""
        with contextlib.suppress(ProcessLookupError):
            self.process.kill()

    def lose(self, why: str, *, caused_by_another_call: bool = False) -> None:
        """``innocent``: none of the calls that are still pending has ended it."""
        self.lost = self.lost or why
        waiting: list[asyncio.Future[Any]] = [self.connected, self.loaded, *self.pending.values()]
        for future in waiting:
            if not future.done():
                future.set_exception(
                    WorkerLostError(
                        why, beside=max(0, len(self.pending) - 1), caused_by_another_call=caused_by_another_call
                    )
                )
                future.exception()  # whoever waits sees it; nobody need wait
        self.pending.clear()


def ending(code: int) -> str:
    """How a process ended, in words."""
    if code >= 0 or os.name == "nt":
        return f"it exited with code {code}"
    try:
        return f"it was ended by {signal.Signals(-code).name}"
    except ValueError:
        return f"it was ended by signal {-code}"
