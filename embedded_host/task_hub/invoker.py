"""What a task hub asks of whoever runs user code."""

from __future__ import annotations

import logging
from collections.abc import Awaitable, Callable
from typing import Protocol, TypeVar

from embedded_host.engine.actions import TurnAnswer
from embedded_host.engine.failures import UserError
from embedded_host.engine.payload import TurnPayload

log = logging.getLogger("embedded_host.task_hub")
T = TypeVar("T")


class WorkerLost(Exception):
    """The process that ran the function ended before it answered; the text says how."""


WORKER_DEATHS = 3
"""So many workers may die of one message before it fails with the reason."""


async def ask(invoke: Callable[[], Awaitable[T]], what: str) -> T | UserError:
    """Ask a worker, another one if it dies; a UserError when it has died too often of this."""
    reason = ""
    for death in range(1, WORKER_DEATHS + 1):
        try:
            return await invoke()
        except WorkerLost as lost:
            log.error("The worker was lost while it ran %s (%s); %d of %d tries.", what, lost, death, WORKER_DEATHS)
            reason = str(lost)
    return UserError("WorkerLost", f"the worker process ended {WORKER_DEATHS} times while it ran {what}: {reason}")


class Invoker(Protocol):
    """Names are durable names (``Function.durable_name``). All raise WorkerLost."""

    async def orchestrator(self, name: str, payload: TurnPayload) -> str | TurnAnswer | UserError:
        """The SDK's answer as JSON text, with the counts if they are known."""

    async def activity(self, name: str, instance_id: str, input: str) -> str | UserError | None:
        """The result as JSON text."""

    async def entity(self, name: str, instance_id: str, payload: str) -> str | UserError:
        """The SDK's answer as JSON text."""

    async def http(self, request: str, is_wanted: Callable[[], bool]) -> str | UserError:
        """``call_http``: the request and its response as JSON texts. It may give up once nobody wants the response."""
