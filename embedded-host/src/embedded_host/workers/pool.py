"""Distributes calls over worker processes, and replaces processes that exit."""

from __future__ import annotations

import asyncio
import contextlib
import itertools
import json
import logging
import signal
from collections import OrderedDict
from collections.abc import Callable
from functools import partial

from embedded_host.app.time_span import time_span_text
from embedded_host.engine.invocations import OrchestratorInput
from embedded_host.parity.kinds import exits
from embedded_host.task_hub.invoker import WorkerLostError
from embedded_host.workers.app_interpreter import (
    AppInterpreter,
    AppInterpreterError,
    host_interpreter,
)
from embedded_host.workers.interpreter_problem import exit_problem
from embedded_host.workers.process_starter import ProcessStarter
from embedded_host.workers.quarantine import Quarantine
from embedded_host.workers.time_limit import TimeLimit
from embedded_host.workers.turn_request import run_turn
from embedded_host.workers.worker import (
    ClientRequestHandler,
    FindingHandler,
    Invocation,
    ignore_finding,
    respond_unavailable,
)
from embedded_host.workers.worker_process import WorkerProcess, exit_reason, shell_exit_code
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
    ImportStarted,
    InvocationRequest,
    InvocationResult,
    LoadRequest,
    LoadResult,
    Message,
    Placement,
    TurnRequest,
)

log = logging.getLogger("embedded_host.workers")
_SIGNAL_PAUSE = 0.2
"""Seconds in which the host receives a signal that has also ended a worker process."""
_STOP_SIGNALS = {getattr(signal, name, None) for name in ("SIGTERM", "SIGHUP", "SIGQUIT")}
EXITS_PER_PROCESS = 3
"""The exits of worker processes, for each process, after which the Functions host exits."""
_FORGOTTEN_AFTER = 30 * 60.0
_PAUSE, _MAX_PAUSE = 0.05, 5.0
"""Seconds before a process is replaced; the pause doubles while the replacements do not load."""
SLOW_LOAD = 10.0
"""Seconds between warnings about an app that is still loading."""


SLOW_IMPORT = 60.0
"""Seconds after which the Azure Functions host does not wait for the import of an app."""


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
        self._count = count
        self._starter = ProcessStarter(interpreter or host_interpreter(), environ, on_connected)
        self._limit = TimeLimit(timeout)
        self._workers: list[WorkerProcess] = []
        """The processes that get calls."""
        self._spawned: list[WorkerProcess] = []
        """Running processes, including new ones without calls and old ones that finish theirs."""
        self._quarantine = Quarantine(self._spawn_apart, self._retire)
        self._homes: OrderedDict[str, WorkerProcess] = OrderedDict()
        """Processes that have an orchestrator in memory, by instance id."""
        self._ready = asyncio.Event()
        self._load: LoadRequest | None = None
        self._has_loaded = False
        """True after the first load of the app."""
        self._ids = itertools.count(1)
        self.on_client_request: ClientRequestHandler = respond_unavailable
        self.on_finding: FindingHandler = ignore_finding
        self._tasks: set[asyncio.Task[None]] = set()
        self._exits: list[float] = []
        """The times of the exits of the processes that get calls."""
        self._closing = False
        self._is_stopping = is_stopping

    # -- start, reload, stop -----------------------------------------------------------------------

    async def start(self) -> None:
        """Start the processes, which import the SDK while the host continues to start.

        Raises WorkerLostError if the system refuses a process.
        """
        await self._starter.open()
        for _ in range(self._count):
            worker = await self._spawn()
            self._workers.append(worker)
            self._watch(worker)

    async def load(self, load: LoadRequest) -> LoadResult:
        """Send the app to all processes and return the result of the first one.

        Raises AppInterpreterError if the app's interpreter cannot run that process, for example
        without the SDK, and WorkerLostError if it exits for another reason.
        """
        self._load = load
        workers = list(self._workers)
        for worker in workers:
            _send_load(worker, load)
        try:
            loaded = await self._until_loaded(workers[0])
        except WorkerLostError:
            _raise_problem(workers)
            raise
        self._has_loaded = True
        return loaded

    async def _until_loaded(self, worker: WorkerProcess) -> LoadResult:
        """Wait until ``worker`` has loaded the app. Log the function whose import takes long."""
        seconds = 0.0
        slow: dict[str, None] = {}
        while not worker.loaded.done():
            await asyncio.wait([worker.loaded], timeout=SLOW_LOAD)
            seconds += SLOW_LOAD
            if not worker.loaded.done():
                reason = (
                    f"'{worker.loading}' is being imported"
                    if worker.loading
                    else "its worker process is still starting"
                )
                if seconds >= SLOW_IMPORT and worker.loading:
                    slow[worker.loading] = None
                log.warning("The app is still loading after %d s: %s. [EH335]", seconds, reason)
        loaded = await asyncio.shield(worker.loaded)
        if slow:
            findings = [FindingData(exits.SLOW_IMPORT.code, name) for name in slow]
            loaded = loaded._replace(findings=[*loaded.findings, *findings])
        return loaded

    async def reload(self, load: LoadRequest, accept: Callable[[LoadResult], bool]) -> LoadResult:
        """Start new processes with ``load``. They replace the old ones if ``accept`` returns True.

        Raises AppInterpreterError if the app's interpreter cannot run a new process, and
        WorkerLostError if one cannot be started or exits before it has loaded the app. The old
        processes then stay in service.
        """
        fresh: list[WorkerProcess] = []
        accepted = False
        try:
            for _ in range(self._count):
                fresh.append(await self._spawn(load))
                self._watch(fresh[-1])
            loaded = (await asyncio.gather(*map(self._until_loaded, fresh)))[0]
            if lost := next((worker.lost for worker in fresh if worker.lost), None):
                raise WorkerLostError(lost)
            accepted = accept(loaded)
        except WorkerLostError:
            _raise_problem(fresh)
            raise
        finally:
            if not accepted:
                for worker in fresh:
                    self._retire(worker)
        if accepted:
            self._load = load
            self._quarantine.empty()
            old, self._workers = self._workers, fresh
            self._ready.set()  # for calls that wait for one of the old workers
            for worker in old:
                self._retire(worker)
        return loaded

    async def close(self, grace: float) -> None:
        """Stop all processes. Kill those that still run after ``grace`` seconds."""
        self._closing = True
        self._quarantine.empty()
        workers = [*self._spawned]
        for worker in workers:
            self._retire(worker)
        if workers:
            waits = [asyncio.ensure_future(worker.process.wait()) for worker in workers]
            _, late = await asyncio.wait(waits, timeout=grace)
            if late:
                for worker in workers:
                    worker.kill()
                await asyncio.wait(late, timeout=2)
        self._starter.close()
        for task in self._tasks:
            task.cancel()
        self._limit.close()

    # -- calls -------------------------------------------------------------------------------------

    async def invoke(self, invocation: Invocation, *, alone: bool = False) -> InvocationResult:
        """Run a function as soon as a process is ready.

        Raises WorkerLostError if the process exits before it returns a result.
        """
        request = invocation.request(next(self._ids))
        if alone:
            return await self._quarantine.run(partial(self._call, request=request))
        return await self._call(await self._least_busy(), request)

    async def turn(
        self, function: str, turn: OrchestratorInput, *, alone: bool = False
    ) -> InvocationResult:
        """Run one turn of an orchestrator, in the process that has it in memory if there is one.

        Raises WorkerLostError if the process exits before it returns a result.
        """
        if alone:
            return await self._quarantine.run(
                lambda worker: run_turn(
                    partial(self._call, worker), next(self._ids), function, turn, kept=False
                )
            )
        home = self._homes.pop(turn.instance_id, None)
        kept = home is not None and home in self._workers and home.is_ready
        worker = home if kept and home is not None else await self._least_busy()
        result = await run_turn(
            partial(self._call, worker), next(self._ids), function, turn, kept=kept
        )
        if result.kept:
            self._homes[turn.instance_id] = worker
            if len(self._homes) > SESSION_LIMIT * len(self._workers):
                self._homes.popitem(last=False)
        return result

    async def _least_busy(self) -> WorkerProcess:
        while True:
            ready = [w for w in self._workers if w.is_ready]
            if ready:
                return min(ready, key=lambda w: len(w.pending))
            self._ready.clear()
            await self._ready.wait()

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
        return [worker.process.pid for worker in self._workers]

    # -- processes ---------------------------------------------------------------------------------

    async def _spawn(self, load: LoadRequest | None = None) -> WorkerProcess:
        """Start a process with the app ``load``, or with the app of the other processes.

        Raises WorkerLostError if the system refuses the process.
        """
        worker = await self._starter.spawn(self._on_message, self._closed)
        self._spawned.append(worker)
        if load := load or self._load:
            _send_load(worker, load)
        return worker

    async def _spawn_with_retries(self) -> WorkerProcess:
        """Start a process. Retry if the system refuses it, for example for lack of memory.

        Raises WorkerLostError if the host stops.
        """
        pause = _PAUSE
        while not self._closing:
            try:
                return await self._spawn()
            except WorkerLostError as lost:
                log.error("Retrying: %s. [EH326]", lost)
            await asyncio.sleep(pause)
            pause = min(pause * 2, _MAX_PAUSE)
        raise WorkerLostError("the host is stopping")

    async def _spawn_apart(self) -> WorkerProcess:
        """Start a process for the quarantine and wait until it has loaded the app.

        It gets no other calls and is not replaced. Raises WorkerLostError if it exits.
        """
        worker = await self._spawn_with_retries()
        self._watch(worker)
        try:
            await self._until_loaded(worker)
        except BaseException:
            self._retire(worker)
            raise
        return worker

    def _watch(self, worker: WorkerProcess) -> None:
        self._add_task(asyncio.ensure_future(self._replace_when_ended(worker)))

    def _add_task(self, task: asyncio.Task[None]) -> None:
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def _replace_when_ended(self, worker: WorkerProcess) -> None:
        """Wait until ``worker`` exits, and replace it if it is in service.

        The pause before the next process doubles as long as the processes exit during the load.
        """
        pause = _PAUSE
        while True:
            code = await worker.process.wait()
            if not worker.retiring and worker.lost is None:
                problem = exit_problem(self._starter.interpreter, code, worker.hello)
                if problem is not None:
                    worker.refuse(problem)
            if -code in _STOP_SIGNALS:
                # The signal may have been sent to the host too, which then stops.
                await asyncio.sleep(_SIGNAL_PAUSE)
            lasted = (
                worker.loaded.done()
                and not worker.loaded.cancelled()
                and worker.loaded.exception() is None
            )
            is_of_app = lasted and not self._is_stopping() and not worker.lost
            if is_of_app and self._is_used(worker):
                self._count_exit(worker, code)
            worker.lose(
                exit_reason(code)
                + (f" while it loaded '{worker.loading}'" if worker.loading else ""),
                exit_code=shell_exit_code(code) if is_of_app or worker.loading else None,
            )
            self._forget(worker)
            if not self._is_used(worker):
                return
            if worker.problem and not self._has_loaded:
                return  # ``load`` raises the error
            if not self._is_stopping():
                log.error(
                    "A worker process (pid %d) ended: %s. Another one is started. [EH326]",
                    worker.process.pid,
                    worker.lost,
                )
            pause = _PAUSE if lasted else min(pause * 2, _MAX_PAUSE)
            await asyncio.sleep(pause)
            if not self._is_used(worker):
                return
            try:
                fresh = await self._spawn_with_retries()
            except WorkerLostError:
                return
            if self._is_used(worker):
                self._workers[self._workers.index(worker)] = fresh
            else:  # a reload has replaced it
                self._retire(fresh)
            worker = fresh

    def _count_exit(self, worker: WorkerProcess, code: int) -> None:
        """Add a finding if the Azure Functions host exits after this exit of a process.

        That host forgets exits if there is no other exit within ``_FORGOTTEN_AFTER`` seconds. It
        ignores the exit code 0 (``WorkerProcess.OnProcessExited``).
        """
        if not code:
            for function in dict.fromkeys(worker.possible_causes):
                self.on_finding(FindingData(exits.SILENT_EXIT.code, function))
            return
        now = asyncio.get_running_loop().time()
        if self._exits and now - self._exits[-1] > _FORGOTTEN_AFTER:
            self._exits.clear()
        self._exits.append(now)
        if len(self._exits) == EXITS_PER_PROCESS * self._count:
            detail = f"{len(self._exits)} processes have exited. This host continues."
            for function in dict.fromkeys(worker.possible_causes):
                self.on_finding(FindingData(exits.HOST_EXIT.code, function, detail))

    def _is_used(self, worker: WorkerProcess) -> bool:
        """Return True if the process or its replacement gets calls."""
        return not self._closing and worker in self._workers

    def _forget(self, worker: WorkerProcess) -> None:
        """Close the sockets of a process that exited.

        A program that a function started may still run and hold the other ends open.
        """
        worker.sockets.close()
        for channel in worker.channels.values():
            channel.close()
        self._spawned[:] = [w for w in self._spawned if w is not worker]

    def _retire(self, worker: WorkerProcess) -> None:
        """Stop the process after its last call, or at once if it has not loaded the app."""
        worker.retiring = True
        if worker.lost or not worker.loaded.done():
            worker.kill()
        else:
            worker.stop_if_retired()

    # -- messages ----------------------------------------------------------------------------------

    async def _respond(self, worker: WorkerProcess, request: ClientRequest) -> None:
        """Respond to a durable client's request, with status 500 if the handler raises."""
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

    def _closed(self, worker: WorkerProcess, placement: Placement) -> None:
        """Send no further calls. Kill the process if it does not exit within a second.

        A process that exits within this second has an exit code, which is reported as the reason.
        """
        worker.channels.pop(placement, None)

        def end() -> None:
            worker.lose("it closed its connection")
            worker.kill()

        asyncio.get_running_loop().call_later(1.0, end)

    def _on_message(self, worker: WorkerProcess, message: Message) -> None:
        if isinstance(message, InvocationResult):
            if message.exit_code is not None:
                worker.report_exit(message.id, message.exit_code)
                return
            future = worker.pending.get(message.id)
            if future is not None and not future.done():
                future.set_result(message)
        elif isinstance(message, ClientRequest):
            self._add_task(asyncio.ensure_future(self._respond(worker, message)))
        elif isinstance(message, FindingReport):
            for finding in message.findings:
                self.on_finding(finding)
        elif isinstance(message, ImportStarted):
            worker.loading = message.function
        elif isinstance(message, LoadResult):
            worker.loading = ""
            worker.placements = message.placements
            if not worker.loaded.done():
                worker.loaded.set_result(message)
            self._ready.set()


def _raise_problem(workers: list[WorkerProcess]) -> None:
    """Raise AppInterpreterError if the app's interpreter cannot run one of the processes."""
    if problem := next((worker.problem for worker in workers if worker.problem), None):
        raise AppInterpreterError(problem) from None


def _send_load(worker: WorkerProcess, load: LoadRequest) -> None:
    """Send ``load`` as soon as the process is connected."""

    def send(connected: asyncio.Future[None]) -> None:
        if connected.exception() is None:
            with contextlib.suppress(WorkerLostError):
                worker.send("event_loop", load)

    worker.connected.add_done_callback(send)
