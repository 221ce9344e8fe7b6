"""Runs user code in the host's own process, for debuggers, coverage and the test kit."""

from __future__ import annotations

import asyncio
import itertools
import logging
import os
import sys
import traceback
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor

from embedded_host.engine.invocations import OrchestratorInput
from embedded_host.task_hub.invoker import WorkerLostError, exit_text
from embedded_host.workers.turn_request import run_turn
from embedded_host.workers.worker import (
    ClientRequestHandler,
    FindingHandler,
    Invocation,
    LogHandler,
    ProcessStatus,
    WorkerStatus,
    ignore_finding,
    ignore_logs,
    respond_unavailable,
)
from embedded_worker.captured_output import record_output
from embedded_worker.function_logs import function_log_handler, install
from embedded_worker.protocol import (
    ClientResponse,
    ErrorData,
    FindingData,
    InvocationRequest,
    InvocationResult,
    LoadRequest,
    LoadResult,
    LogLine,
    LogReport,
    Placement,
    TurnRequest,
)
from embedded_worker.runner import DURABLE_THREADS, THREAD_NAMES, Runner, function_threads
from embedded_worker.worker_environment import add_worker_variables


class InProcessWorker:
    """A ``worker.Worker`` that runs functions in the host's process."""

    def __init__(
        self,
        environ: dict[str, str],
        runner: Runner | None = None,
        *,
        is_only_app: bool = False,
    ) -> None:
        """Use ``runner``, or a new Runner. ``runner`` may already have loaded its app.

        ``is_only_app`` is True if the process runs one app until its end. The log records of the
        process are then handled as in a worker process.
        """
        self._is_only_app = is_only_app
        self._environ = environ
        self._runner = runner or Runner()
        self._executors: dict[Placement, ThreadPoolExecutor] = {}
        self._ids = itertools.count(1)
        self.on_client_request: ClientRequestHandler = respond_unavailable
        self.on_finding: FindingHandler = ignore_finding
        self.on_logs: LogHandler = ignore_logs
        self._keeps_lines = False
        self._calls: list[str] = []
        """The function of each running call."""

    def status(self) -> WorkerStatus:
        """Return the host's process and the calls that run in it."""
        return WorkerStatus([ProcessStatus(os.getpid(), "ready", list(self._calls))], 0)

    async def start(self) -> None:
        """Set the environment of the functions and create their threads."""
        os.environ.update(self._environ)
        if self._is_only_app:
            add_worker_variables(os.environ)
        self._executors = {
            "durable_threads": ThreadPoolExecutor(DURABLE_THREADS, "durable"),
            "function_threads": ThreadPoolExecutor(function_threads(), THREAD_NAMES),
        }

    async def load(self, load: LoadRequest) -> LoadResult:
        """Import the app in the caller's thread."""
        self._runner.carry_client_calls(self._send_client_request, load, in_host=True)
        loop = asyncio.get_running_loop()

        def report(finding: FindingData) -> None:
            loop.call_soon_threadsafe(self.on_finding, finding)

        self._runner.report = report
        if not self._is_only_app:
            return self._runner.load(load)
        self._keeps_lines = load.logs.keeps
        host_handler = logging.getLogger().handlers[0]
        handler = function_log_handler(load, report, host_handler, sys.stderr, self._store_line)
        install(handler)
        for name in ("stdout", "stderr"):
            record_output(name, handler.levels, self._store_line)
        result = self._runner.load(load)
        return result._replace(findings=[*result.findings, *handler.end_import()])

    def _store_line(self, line: LogLine) -> None:
        if self._keeps_lines:
            self.on_logs(LogReport((line,)))

    async def _send_client_request(self, method: str, path: str, body: bytes) -> ClientResponse:
        return ClientResponse(0, *(await self.on_client_request(method, path, body)))

    async def invoke(self, invocation: Invocation, *, alone: bool = False) -> InvocationResult:
        """Run a function. ``alone`` has no effect: there is only one process."""
        request = invocation.request(next(self._ids))
        self._calls.append(request.function)
        try:
            return await self._invoke(request)
        finally:
            self._calls.remove(request.function)

    async def _invoke(self, request: InvocationRequest) -> InvocationResult:
        if self._runner.placement(request.function) != "event_loop":
            return await self._run(request)
        # A separate task distinguishes a cancelled caller from a function that cancels itself.
        running = asyncio.ensure_future(self._runner.run_coroutine(request))
        try:
            await asyncio.wait([running])
        finally:
            running.cancel()
        if running.cancelled():
            return self._runner.cancelled(request)
        return checked_exit(running.result())

    async def turn(
        self,
        function: str,
        turn: OrchestratorInput,
        *,
        alone: bool = False,
        invocation_id: str = "",
    ) -> InvocationResult:
        """Run one turn of an orchestrator. ``alone`` has no effect: there is only one process."""
        return await run_turn(
            self._run,
            next(self._ids),
            function,
            turn,
            kept=True,
            invocation_id=invocation_id,
        )

    async def _run(self, request: InvocationRequest | TurnRequest) -> InvocationResult:
        """Run a function that is not a coroutine function in one of the threads."""
        is_turn = isinstance(request, TurnRequest)
        executor = self._executors[
            "durable_threads" if is_turn else self._runner.placement(request.function)
        ]
        loop = asyncio.get_running_loop()
        try:
            return checked_exit(await loop.run_in_executor(executor, self._runner.run, request))
        except WorkerLostError:
            raise
        except Exception as error:  # an exception must fail only this call, not the host
            failure = ErrorData(
                type(error).__name__,
                "the worker failed to run the function",
                traceback.format_exc(),
            )
            return InvocationResult(request.id, error=failure)

    async def reload(self, load: LoadRequest, accept: Callable[[LoadResult], bool]) -> LoadResult:
        """Raise NotImplementedError."""
        raise NotImplementedError(
            "code in the host's own process cannot be replaced; restart the host"
        )

    async def close(self, grace: float) -> None:
        """Discard waiting calls.

        Running calls cannot be stopped: the process exits without waiting for them.
        """
        for executor in self._executors.values():
            executor.shutdown(wait=False, cancel_futures=True)


def checked_exit(result: InvocationResult) -> InvocationResult:
    """Return the result of a call.

    Raises WorkerLostError if the call would end a worker process. The host's process continues.
    """
    if result.exit_code is not None:
        raise WorkerLostError(exit_text(result.exit_code), exit_code=result.exit_code)
    return result
