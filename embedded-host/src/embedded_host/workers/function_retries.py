"""Runs a function as often as its retry policy allows."""

from __future__ import annotations

import logging
from collections.abc import Awaitable, Callable, Iterable, Iterator
from datetime import timedelta
from uuid import uuid4

from embedded_host.app.definitions import Function
from embedded_host.task_hub.invoker import WorkerLostError
from embedded_worker.protocol import ErrorData, InvocationResult, RetryData

log = logging.getLogger("embedded_host.functions")

Run = Callable[[str, RetryData | None], Awaitable[InvocationResult]]
"""A function that runs a function of the app once.

Its arguments are the invocation id, and the retry for the function's context. It raises
WorkerLostError if the worker process ends.
"""
OnFailure = Callable[[ErrorData | WorkerLostError], None]
"""A function that logs the failure of a run."""


Wait = Callable[[timedelta], Awaitable[bool]]
"""A function that waits for a period of time, and returns False if the host stops meanwhile."""


class FunctionRetries:
    """Runs functions with their retry policies."""

    def __init__(self, wait: Wait) -> None:
        """Wait between two runs with ``wait``."""
        self._delayed = wait

    async def run(
        self, function: Function, run: Run, on_failure: OnFailure, *, keeps_id: bool = False
    ) -> InvocationResult:
        """Run a function until it succeeds or its retry policy allows no further run.

        Return the result of the last run. ``on_failure`` is called for each failed run. If
        ``keeps_id`` is true, all runs have the same invocation id.

        Raises WorkerLostError if the worker process ends in the last run. As on the Azure Functions
        host, the end of the process is a failure, so the function is retried.
        """
        policy = function.retry
        retry = None if policy is None else RetryData(0, policy.max_retry_count)
        delays: Iterator[timedelta] = iter(()) if policy is None else policy.delays()
        id = str(uuid4())
        while True:
            result: InvocationResult | None = None
            lost: WorkerLostError | None = None
            try:
                result = await run(id, retry)
                error = result.error
            except WorkerLostError as exit:
                lost, error = exit, ErrorData("WorkerProcessExitException", str(exit))
            if error is not None:
                on_failure(lost or error)
            delay = None if error is None else next(delays, None)
            if delay is None or not await self._wait(function, delay):
                if result is None:
                    raise lost or WorkerLostError("the worker process ended")
                return result
            if retry is not None:
                retry = RetryData(retry.retry_count + 1, retry.max_retry_count, error)
            if not keeps_id:
                id = str(uuid4())

    async def _wait(self, function: Function, delay: timedelta) -> bool:
        log.debug("'%s' runs again in %s, because it failed.", function.name, delay)
        waited = await self._delayed(delay)
        if not waited:
            log.info("Invocation cancelled - exiting retry loop.")
        return waited


def log_unsupported_retries(functions: Iterable[Function]) -> None:
    """Log the warning of the Azure Functions host about policies.

    That host announces the end of retry policies for all triggers but timers and event streams.
    """
    for function in functions:
        if function.retry is not None and function.trigger.type.lower() != "timertrigger":
            log.warning(
                "Soon retries will not be supported for function 'Functions.%s'. For more "
                "information, please visit http://aka.ms/func-retry-policies. [EH340]",
                function.name,
            )
