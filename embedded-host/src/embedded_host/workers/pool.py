"""Distributes calls over worker processes."""

from __future__ import annotations

import asyncio
import contextlib
import itertools
import json
import logging
from collections import OrderedDict
from collections.abc import Callable
from functools import partial

from embedded_host.app.time_span import time_span_text
from embedded_host.engine.invocations import OrchestratorInput
from embedded_host.engine.trace_contexts import trace_context
from embedded_host.task_hub.invoker import WorkerLostError
from embedded_host.task_hub.tracer import current_trace
from embedded_host.workers.app_interpreter import AppInterpreter, host_interpreter
from embedded_host.workers.process_starter import ProcessStarter
from embedded_host.workers.supervisor import Supervisor
from embedded_host.workers.time_limit import TimeLimit
from embedded_host.workers.turn_request import run_turn
from embedded_host.workers.worker import (
    ClientRequestHandler,
    FindingHandler,
    Invocation,
    LogHandler,
    WorkerStatus,
    ignore_finding,
    ignore_logs,
    respond_unavailable,
)
from embedded_host.workers.worker_process import WorkerProcess
from embedded_worker.channel import FEW_CALLS
from embedded_worker.framing import UnsendableMessageError
from embedded_worker.protocol import (
    SESSION_LIMIT,
    ClientRequest,
    ClientResponse,
    ErrorData,
    FindingData,
    FindingReport,
    Hello,
    InvocationRequest,
    InvocationResult,
    LoadRequest,
    LoadResult,
    LogReport,
    Message,
    Placement,
    TurnRequest,
)

log = logging.getLogger("embedded_host.workers")


class WorkerPool:
    """A ``worker.Worker`` with several processes. The least busy process runs the next call."""

    def __init__(
        self,
        count: int,
        environ: dict[str, str],
        timeout: float | None = None,
        interpreter: AppInterpreter | None = None,
        on_connected: Callable[[Hello], None] | None = None,
        is_stopping: Callable[[], bool] = lambda: False,
    ) -> None:
        """Prepare ``count`` processes with the environment ``environ``.

        ``timeout`` is functionTimeout of host.json in seconds; None means no limit. A process whose
        call exceeds it is replaced. All processes run in ``interpreter``, by default the host's.
        ``on_connected`` is called with the Hello of the first process. ``is_stopping`` returns True
        after the shutdown of the host has begun. The end of a process is not reported then.
        """
        starter = ProcessStarter(interpreter or host_interpreter(), environ, on_connected)
        self._processes = Supervisor(
            count, starter, self._on_message, self._on_finding, is_stopping
        )
        self._limit = TimeLimit(timeout)
        self._homes: OrderedDict[str, WorkerProcess] = OrderedDict()
        """Processes that have an orchestrator in memory, by instance id."""
        self._ids = itertools.count(1)
        self.on_client_request: ClientRequestHandler = respond_unavailable
        self.on_finding: FindingHandler = ignore_finding
        self.on_logs: LogHandler = ignore_logs
        self._responses: set[asyncio.Task[None]] = set()
        """The responses to requests of durable clients."""

    # -- start, reload, stop -----------------------------------------------------------------------

    async def start(self) -> None:
        """Start the processes (see Supervisor)."""
        await self._processes.start()

    async def load(self, load: LoadRequest) -> LoadResult:
        """Load the app in all processes (see Supervisor)."""
        return await self._processes.load(load)

    async def reload(self, load: LoadRequest, accept: Callable[[LoadResult], bool]) -> LoadResult:
        """Replace the processes by new ones with changed code (see Supervisor)."""
        return await self._processes.reload(load, accept)

    async def close(self, grace: float) -> None:
        """Stop all processes. Kill those that still run after ``grace`` seconds."""
        await self._processes.close(grace)
        for response in self._responses:
            response.cancel()
        self._limit.close()

    def status(self) -> WorkerStatus:
        """Return the processes and the calls that run in them."""
        return WorkerStatus(self._processes.status(), self._processes.restarts)

    # -- calls -------------------------------------------------------------------------------------

    async def invoke(self, invocation: Invocation, *, alone: bool = False) -> InvocationResult:
        """Run a function as soon as a process is ready.

        Raises WorkerLostError if the process exits before it returns a result.
        """
        request = invocation.request(next(self._ids))
        if alone:
            return await self._processes.quarantine.run(partial(self._call, request=request))
        return await self._call(await self._least_busy(), request)

    async def turn(
        self,
        function: str,
        turn: OrchestratorInput,
        *,
        alone: bool = False,
        invocation_id: str = "",
    ) -> InvocationResult:
        """Run one turn of an orchestrator, in the process that has it in memory if there is one.

        Raises WorkerLostError if the process exits before it returns a result.
        """
        if alone:
            return await self._processes.quarantine.run(
                lambda worker: run_turn(
                    partial(self._call, worker),
                    next(self._ids),
                    function,
                    turn,
                    kept=False,
                    invocation_id=invocation_id,
                )
            )
        # A process that has the orchestrator in memory keeps it for its next turn.
        home = None if turn.is_diagnosis else self._homes.pop(turn.instance_id, None)
        kept = home is not None and home in self._processes.workers and home.is_ready
        worker = home if kept and home is not None else await self._least_busy()
        result = await run_turn(
            partial(self._call, worker),
            next(self._ids),
            function,
            turn,
            kept=kept,
            invocation_id=invocation_id,
        )
        if result.kept:
            self._homes[turn.instance_id] = worker
            if len(self._homes) > SESSION_LIMIT * len(self._processes.workers):
                self._homes.popitem(last=False)
        return result

    async def _least_busy(self) -> WorkerProcess:
        while True:
            ready = [w for w in self._processes.workers if w.is_ready]
            if ready:
                return min(ready, key=lambda w: len(w.pending))
            self._processes.ready.clear()
            await self._processes.ready.wait()

    async def _call(
        self, worker: WorkerProcess, request: InvocationRequest | TurnRequest
    ) -> InvocationResult:
        future: asyncio.Future[InvocationResult] = asyncio.get_running_loop().create_future()
        placement: Placement = (
            "durable_threads"
            if isinstance(request, TurnRequest)
            else worker.placements.get(request.function, "function_threads")
        )
        worker.pending[request.id] = future
        worker.functions[request.id] = request.function
        try:
            worker.send(placement, request, at_once=len(worker.pending) <= FEW_CALLS)
            self._limit.start(request.id, partial(self._expire, worker, request, future))
            return await future
        except UnsendableMessageError as error:
            text = f"the input of function '{request.function}' cannot be sent to a worker: {error}"
            return InvocationResult(request.id, error=ErrorData("ValueError", text))
        finally:
            worker.pending.pop(request.id, None)
            worker.functions.pop(request.id, None)
            self._limit.end(request.id)
            worker.stop_if_retired()

    def _expire(
        self,
        worker: WorkerProcess,
        request: InvocationRequest | TurnRequest,
        future: asyncio.Future[InvocationResult],
    ) -> None:
        """Kill the process of a call that exceeds functionTimeout: running code cannot be stopped.

        The call fails. A turn is retried, as on the Azure Functions host. The other calls of the
        process run again.
        """
        timeout = self._limit.seconds or 0
        span = time_span_text(timeout)
        text = (
            f"Timeout value of {span} was exceeded by function '{request.function}' "
            "(functionTimeout in host.json)."
        )
        # The start of the message is that of the Azure Functions host.
        log.error(
            "Timeout value of %s exceeded by function 'Functions.%s'%s. Initiating cancellation. "
            "Its worker process is replaced (functionTimeout in host.json). [EH327]",
            span,
            request.function,
            f" (Id: '{request.invocation_id}')" if isinstance(request, InvocationRequest) else "",
        )
        if not future.done():
            if isinstance(request, InvocationRequest):
                future.set_result(
                    InvocationResult(request.id, error=ErrorData("FunctionTimeoutException", text))
                )
            else:
                future.set_exception(WorkerLostError(text))
        worker.pending.pop(request.id, None)
        worker.lose(text, caused_by_another_call=True)
        worker.kill()

    @property
    def pids(self) -> list[int]:
        """The ids of the processes that get calls."""
        return [worker.process.pid for worker in self._processes.workers]

    # -- messages ----------------------------------------------------------------------------------

    async def _respond(self, worker: WorkerProcess, request: ClientRequest) -> None:
        """Respond to a durable client's request, with status 500 if the handler raises."""
        if request.trace is not None:
            current_trace.set(trace_context(*request.trace))
        try:
            status, body = await self.on_client_request(request.method, request.path, request.body)
        except Exception as error:
            log.exception(
                "The durable client's request %s %s failed [EH330]", request.method, request.path
            )
            status, body = 500, json.dumps(f"{type(error).__name__}: {error}").encode()
        response = ClientResponse(request.id, status, body)
        # If the process has exited, the function that sent the request has exited with it.
        with contextlib.suppress(WorkerLostError):
            worker.send("event_loop", response, at_once=len(worker.pending) <= FEW_CALLS)

    def _on_message(self, worker: WorkerProcess, message: Message) -> None:
        if isinstance(message, InvocationResult):
            if message.exit_code is not None:
                worker.report_exit(message.id, message.exit_code)
                return
            future = worker.pending.get(message.id)
            if future is not None and not future.done():
                future.set_result(message)
        elif isinstance(message, ClientRequest):
            response = asyncio.ensure_future(self._respond(worker, message))
            self._responses.add(response)
            response.add_done_callback(self._responses.discard)
        elif isinstance(message, FindingReport):
            for finding in message.findings:
                self.on_finding(finding)
        elif isinstance(message, LogReport):
            self.on_logs(message)

    def _on_finding(self, finding: FindingData) -> None:
        self.on_finding(finding)
