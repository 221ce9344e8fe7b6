"""The interface of the code that runs user functions, and the retry of calls whose worker was lost."""

from __future__ import annotations

import logging
from collections.abc import Awaitable, Callable
from typing import Protocol, TypeVar

from embedded_host.engine.failures import UserError
from embedded_host.engine.invocations import (
    EntityInput,
    EntityOutput,
    InvocationFailure,
    OrchestratorInput,
    OrchestratorOutput,
)
from embedded_host.errors import EmbeddedHostError

log = logging.getLogger("embedded_host.task_hub")
T = TypeVar("T")


class WorkerLostError(EmbeddedHostError):
    """The process that ran the function ended before it answered; the text says how."""

    def __init__(
        self, text: str, *, concurrent_calls: int = 0, caused_by_another_call: bool = False
    ) -> None:
        """``concurrent_calls``: the number of other calls in that process. ``caused_by_another_call``: one of them ended it."""
        super().__init__(text)
        self.concurrent_calls, self.caused_by_another_call = (
            concurrent_calls,
            caused_by_another_call,
        )


WORKER_DEATHS = 3
"""Number of workers that may end during one call before the call fails."""


async def run_call(invoke: Callable[[bool], Awaitable[T]], what: str) -> T | UserError:
    """Run a call, again on another worker if its worker ends; return a UserError after ``WORKER_DEATHS``.

    The argument of ``invoke`` is true if no other call may run in the process. A worker that ended may have ended because of
    any of its calls, so each is retried alone: only the one at fault fails."""
    deaths = 0
    while True:
        try:
            return await invoke(deaths > 0)
        except WorkerLostError as lost:
            if lost.caused_by_another_call:
                log.warning(
                    "%s runs again: its worker was ended for another call (%s). [EH325]",
                    what[:1].upper() + what[1:],
                    lost,
                )
                continue
            deaths += 1
            beside = f" and {lost.concurrent_calls} other calls" if lost.concurrent_calls else ""
            after = f"{deaths} of {WORKER_DEATHS} tries" + (
                ", the next one by itself" if beside else ""
            )
            log.error(
                "The worker was lost while it ran %s%s (%s); %s. [EH325]", what, beside, lost, after
            )
            if deaths == WORKER_DEATHS:
                return UserError(
                    "WorkerLost",
                    f"the worker process ended {deaths} times while it ran {what}: {lost}",
                )


class Invoker(Protocol):
    """Runs user code. ``name`` is a durable name (``Function.durable_name``). ``alone``: no other call may run in the same
    process meanwhile. All methods raise WorkerLostError."""

    async def orchestrator(
        self, name: str, turn: OrchestratorInput, *, alone: bool = False
    ) -> OrchestratorOutput | InvocationFailure: ...

    async def activity(
        self, name: str, instance_id: str, input: str, *, alone: bool = False
    ) -> str | UserError | None:
        """Return the result as JSON text."""

    async def entity(
        self, name: str, instance_id: str, batch: EntityInput, *, alone: bool = False
    ) -> EntityOutput | InvocationFailure: ...

    async def http(self, request: str, is_wanted: Callable[[], bool]) -> str | UserError:
        """Send the request of ``call_http`` and return its response; both are JSON. It may give up when ``is_wanted`` turns
        false."""
