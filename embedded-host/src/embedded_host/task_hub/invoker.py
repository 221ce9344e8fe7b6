"""The interface that runs user functions, and the retry of calls whose worker was lost."""

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
    OrchestratorResult,
)
from embedded_host.errors import EmbeddedHostError

log = logging.getLogger("embedded_host.task_hub")
T = TypeVar("T")


class WorkerLostError(EmbeddedHostError):
    """The worker process ended before the function returned. The message contains the reason."""

    def __init__(
        self, message: str, *, concurrent_calls: int = 0, caused_by_another_call: bool = False
    ) -> None:
        """Create the error.

        ``concurrent_calls`` is the number of other calls in the process. If
        ``caused_by_another_call`` is true, one of these calls ended the process.
        """
        super().__init__(message)
        self.concurrent_calls = concurrent_calls
        self.caused_by_another_call = caused_by_another_call

    @property
    def and_other_calls(self) -> str:
        """The number of concurrent calls for a log message, such as `` and 2 other calls``."""
        if not self.concurrent_calls:
            return ""
        return f" and {self.concurrent_calls} other call{'s' if self.concurrent_calls > 1 else ''}"


LOST_WORKERS = 3
"""The number of workers that a call can lose before it fails."""


async def run_call(invoke: Callable[[bool], Awaitable[T]], call: str) -> T | UserError:
    """Run a call, and retry it on another worker if its worker ends.

    Returns a UserError after ``LOST_WORKERS`` lost workers. ``call`` describes the call in
    messages, for example "the activity 'A'".

    The argument of ``invoke`` is true if no other call may run in the same process. Each running
    call can be the reason why a worker ended. The host therefore retries each of these calls alone,
    so that only the faulty call fails.
    """
    attempts = 0
    while True:
        try:
            return await invoke(attempts > 0)
        except WorkerLostError as lost:
            if lost.caused_by_another_call:
                log.warning(
                    "%s is retried, because another call ended its worker (%s). [EH325]",
                    call[:1].upper() + call[1:],
                    lost,
                )
                continue
            attempts += 1
            log.error(
                "The worker process ended while it ran %s%s: %s. Attempt %d of %d failed%s. "
                "[EH325]",
                call,
                lost.and_other_calls,
                lost,
                attempts,
                LOST_WORKERS,
                "; the next attempt runs alone"
                if lost.concurrent_calls and attempts < LOST_WORKERS
                else "",
            )
            if attempts == LOST_WORKERS:
                return UserError(
                    "WorkerLost",
                    f"the worker process ended {attempts} times while it ran {call}: {lost}",
                )


class Invoker(Protocol):
    """Runs user functions.

    ``name`` is a durable name (``Function.durable_name``). With ``alone``, no other call runs in
    the same process meanwhile. All methods raise WorkerLostError if the worker process ends.
    """

    async def orchestrator(
        self, name: str, turn: OrchestratorInput, *, alone: bool = False
    ) -> OrchestratorResult:
        """Replay an orchestrator and return its output."""

    async def activity(
        self, name: str, instance_id: str, input: str, task_id: int, *, alone: bool = False
    ) -> str | UserError | None:
        """Run an activity and return its result as JSON.

        ``input`` is JSON. ``task_id`` is the id of the event that scheduled the activity.
        """

    async def entity(
        self, name: str, instance_id: str, batch: EntityInput, *, alone: bool = False
    ) -> EntityOutput | InvocationFailure:
        """Run a batch of operations of an entity and return its output."""

    async def http(self, request: str, is_wanted: Callable[[], bool]) -> str | UserError:
        """Send the request of a ``call_http`` and return its response. Both are JSON.

        The method calls ``is_wanted`` before and after each pause between polls. If it returns
        false, the method does not poll.
        """
