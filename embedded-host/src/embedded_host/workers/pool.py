"""The host's side of its workers: starts them, spreads invocations over them, starts one anew that ends."""

from __future__ import annotations

import asyncio
import contextlib
import itertools
import json
import logging
from collections import OrderedDict
from collections.abc import Callable
from functools import partial
from pathlib import Path

import embedded_worker
from embedded_host.engine.payload import TurnPayload
from embedded_host.task_hub.invoker import WorkerLostError
from embedded_host.workers import ClientRequestHandler, unavailable
from embedded_host.workers.interpreter import interpreter
from embedded_host.workers.quarantine import Quarantine
from embedded_host.workers.time_limit import TimeLimit
from embedded_host.workers.turn_request import run_turn
from embedded_host.workers.worker_process import WorkerProcess, ending
from embedded_worker.protocol import (
    FEW,
    KEPT,
    PLACEMENTS,
    Channel,
    ClientRequest,
    ClientResponse,
    ErrorData,
    Frame,
    HttpRequestData,
    ImportStarted,
    InvocationRequest,
    InvocationResult,
    LoadRequest,
    LoadResult,
    Placement,
    TurnRequest,
    UnsendableMessageError,
)
from embedded_worker.transport import connections

log = logging.getLogger("embedded_host.workers")
_ENTRY = Path(embedded_worker.__file__).parent / "__main__.py"
_PAUSE, _MAX_PAUSE = 0.05, 5.0
"""Seconds before a process is started in another's place: more and more while they do not last."""
SLOW_LOAD = 10.0
"""Seconds after which an app that is still being loaded is spoken of, again and again."""


class WorkerPool:
    """``start`` spawns, ``load`` hands over the app, ``invoke`` runs one function on the least busy worker."""

    def __init__(self, count: int, environ: dict[str, str], timeout: float | None = None) -> None:
        """``timeout``: the seconds of host.json's functionTimeout, after which a call's worker is replaced; None for none."""
        self._count, self._environ = count, environ
        self._limit = TimeLimit(timeout)
        self._connections = connections()
        self._workers: list[WorkerProcess] = []
        """Those that invocations go to."""
        self._spawned: list[WorkerProcess] = []
        """Those that live: also new ones that have not taken over, and old ones that are finishing."""
        self._quarantine = Quarantine(self._spawn_apart, self._retire)
        self._homes: OrderedDict[str, WorkerProcess] = OrderedDict()
        """Which worker has an instance's orchestrator in memory."""
        self._ready = asyncio.Event()
        self._load: LoadRequest | None = None
        self._ids = itertools.count(1)
        self.on_client_request: ClientRequestHandler = unavailable
        self._keepers: set[asyncio.Task[None]] = set()
        self._closing = False

    # -- life --------------------------------------------------------------------------------------

    async def start(self) -> None:
        """Spawn the processes; their imports run while the host goes on with its own. Raises WorkerLostError."""
        await self._connections.start()
        for _ in range(self._count):
            worker = await self._spawn()
            self._workers.append(worker)
            self._watch(worker)

    async def load(self, load: LoadRequest) -> LoadResult:
        """Hand the app to the workers; what the first one says of it. Raises WorkerLostError."""
        self._load = load
        workers = list(self._workers)
        for worker in workers:
            _send_load(worker, load)
        return await self._until_loaded(workers[0])

    async def _until_loaded(self, worker: WorkerProcess) -> LoadResult:
        """What does not end is said: nothing else would tell why the host does not start."""
        seconds = 0.0
        while not worker.loaded.done():
            await asyncio.wait([worker.loaded], timeout=SLOW_LOAD)
            seconds += SLOW_LOAD
            if not worker.loaded.done():
                why = (
                    f"'{worker.loading}' is being imported"
                    if worker.loading
                    else "its worker process is still starting"
                )
                log.warning("The app is still being loaded after %d s: %s. [EH335]", seconds, why)
        return await asyncio.shield(worker.loaded)

    async def reload(self, load: LoadRequest, accept: Callable[[LoadResult], bool]) -> LoadResult:
        """Start new workers with ``load``; if ``accept`` likes what they say, they take over, else the old ones stay.

        Raises WorkerLostError if the new ones end before they have loaded it, or cannot be started; the old ones stay then too."""
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
        finally:
            if not accepted:
                for worker in fresh:
                    self._retire(worker)
        if accepted:
            self._load = load
            self._quarantine.empty()
            old, self._workers = self._workers, fresh
            self._ready.set()  # for calls that wait for one of the old ones
            for worker in old:
                self._retire(worker)
        return loaded

    async def close(self, grace: float) -> None:
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
                    worker.end()
                await asyncio.wait(late, timeout=2)
        self._connections.close()
        for keeper in self._keepers:
            keeper.cancel()
        self._limit.close()

    # -- invoking ----------------------------------------------------------------------------------

    async def invoke(
        self,
        function: str,
        trigger: HttpRequestData | str,
        client: str = "",
        invocation_id: str = "",
        *,
        alone: bool = False,
    ) -> InvocationResult:
        """Raises WorkerLostError. Waits while there is no worker ready."""
        asked = InvocationRequest(next(self._ids), function, trigger, invocation_id, client)
        if alone:
            return await self._quarantine.run(partial(self._ask, asked=asked))
        return await self._ask(await self._free(), asked)

    async def turn(self, function: str, payload: TurnPayload, *, alone: bool = False) -> InvocationResult:
        """One turn of an orchestrator, on the worker that has it in memory. Raises WorkerLostError."""
        if alone:
            return await self._quarantine.run(
                lambda worker: run_turn(partial(self._ask, worker), next(self._ids), function, payload, kept=False)
            )
        home = self._homes.pop(payload.instance_id, None)
        kept = home is not None and home in self._workers and home.is_ready
        worker = home if kept and home is not None else await self._free()
        result = await run_turn(partial(self._ask, worker), next(self._ids), function, payload, kept=kept)
        if result.kept:
            self._homes[payload.instance_id] = worker
            if len(self._homes) > KEPT * len(self._workers):
                self._homes.popitem(last=False)
        return result

    async def _free(self) -> WorkerProcess:
        """The least busy worker."""
        while True:
            ready = [w for w in self._workers if w.is_ready]
            if ready:
                return min(ready, key=lambda w: len(w.pending))
            self._ready.clear()
            await self._ready.wait()

    async def _ask(self, worker: WorkerProcess, asked: InvocationRequest | TurnRequest) -> InvocationResult:
        future: asyncio.Future[InvocationResult] = asyncio.get_running_loop().create_future()
        placement: Placement = (
            "durable_threads"
            if isinstance(asked, TurnRequest)
            else worker.placements.get(asked.function, "function_threads")
        )
        worker.pending[asked.id] = future
        try:
            worker.send(placement, asked, at_once=len(worker.pending) <= FEW)
            self._limit.begin(asked.id, partial(self._late, worker, asked, future))
            return await future
        except UnsendableMessageError as error:
            text = f"what the function '{asked.function}' is given cannot be handed to a worker: {error}"
            return InvocationResult(asked.id, error=ErrorData("ValueError", text))
        finally:
            worker.pending.pop(asked.id, None)
            self._limit.end(asked.id)
            worker.stop_if_retired()

    def _late(
        self, worker: WorkerProcess, asked: InvocationRequest | TurnRequest, future: asyncio.Future[InvocationResult]
    ) -> None:
        """A call that takes longer than functionTimeout costs its worker: nothing else ends code that does not return. The call
        fails; a turn is tried again, as on the real host (contract, 4.5); what else the worker had runs again."""
        timeout = self._limit.seconds or 0
        span = f"{int(timeout // 3600):02d}:{int(timeout // 60 % 60):02d}:{int(timeout % 60):02d}"
        text = f"Timeout value of {span} was exceeded by function '{asked.function}' (functionTimeout in host.json)."
        log.error("%s Its worker process is replaced. [EH327]", text)
        if not future.done():
            if isinstance(asked, InvocationRequest):
                future.set_result(InvocationResult(asked.id, error=ErrorData("FunctionTimeoutException", text)))
            else:
                future.set_exception(WorkerLostError(text))
        worker.pending.pop(asked.id, None)
        worker.lose(text, caused_by_another_call=True)
        worker.end()

    @property
    def pids(self) -> list[int]:
        return [worker.process.pid for worker in self._workers]

    # -- processes ---------------------------------------------------------------------------------

    async def _spawn(self, load: LoadRequest | None = None) -> WorkerProcess:
        """A process that is handed ``load``, or what the others have been handed. Raises WorkerLostError."""
        python, needs = interpreter()
        try:
            connection = self._connections.new()
            try:
                process = await asyncio.create_subprocess_exec(
                    python,
                    str(_ENTRY),
                    *connection.arguments,
                    cwd=_ENTRY.parent,  # the SDK reads a host.json in its folder when it is imported, and stumbles over comments
                    env={**self._environ, **needs, **connection.environ, "PYTHONUNBUFFERED": "1"},
                    stdin=asyncio.subprocess.DEVNULL,
                    pass_fds=connection.pass_fds,
                )
            except BaseException:
                connection.end()
                raise
        except OSError as error:
            raise WorkerLostError(f"a worker process ({python}) cannot be started: {error}") from error
        worker = WorkerProcess(process, connection)
        self._spawned.append(worker)
        await connection.begin(partial(self._connected, worker))
        if load := load or self._load:
            _send_load(worker, load)
        return worker

    async def _spawn_in_the_end(self) -> WorkerProcess:
        """What keeps a process from being started, too little memory or too many open files, may pass. Raises WorkerLostError when the
        host stops."""
        pause = _PAUSE
        while not self._closing:
            try:
                return await self._spawn()
            except WorkerLostError as lost:
                log.error("Trying again: %s. [EH326]", lost)
            await asyncio.sleep(pause)
            pause = min(pause * 2, _MAX_PAUSE)
        raise WorkerLostError("the host stops")

    async def _spawn_apart(self) -> WorkerProcess:
        """For the quarantine, with the app loaded: no calls go to it but from there, and no other takes its place. Raises
        WorkerLostError."""
        worker = await self._spawn_in_the_end()
        self._watch(worker)
        try:
            await self._until_loaded(worker)
        except BaseException:
            self._retire(worker)
            raise
        return worker

    def _connected(self, worker: WorkerProcess, placement: Placement, channel: Channel) -> None:
        worker.channels[placement] = channel
        channel.handle(lambda _, m: self._on_message(worker, m), lambda _: self._closed(worker, placement))
        if len(worker.channels) == len(PLACEMENTS) and not worker.connected.done():
            worker.connected.set_result(None)

    def _watch(self, worker: WorkerProcess) -> None:
        """From its start to its end."""
        task = asyncio.ensure_future(self._until_the_end(worker))
        self._keepers.add(task)
        task.add_done_callback(self._keepers.discard)

    async def _until_the_end(self, worker: WorkerProcess) -> None:
        """If calls go to it then, another takes its place, after a pause that grows while they do not last."""
        pause = _PAUSE
        while True:
            code = await worker.process.wait()
            worker.lose(ending(code) + (f" while it loaded '{worker.loading}'" if worker.loading else ""))
            self._forget(worker)
            if not self._is_used(worker):
                return
            log.error(
                "A worker process (pid %d) ended: %s. Another one is started. [EH326]", worker.process.pid, worker.lost
            )
            lasted = worker.loaded.done() and not worker.loaded.cancelled() and worker.loaded.exception() is None
            pause = _PAUSE if lasted else min(pause * 2, _MAX_PAUSE)
            await asyncio.sleep(pause)
            if not self._is_used(worker):
                return
            try:
                fresh = await self._spawn_in_the_end()
            except WorkerLostError:
                return
            if self._is_used(worker):
                self._workers[self._workers.index(worker)] = fresh
            else:  # those with changed code have taken over meanwhile
                self._retire(fresh)
            worker = fresh

    def _is_used(self, worker: WorkerProcess) -> bool:
        """Whether calls go to it, or to what will take its place."""
        return not self._closing and worker in self._workers

    def _forget(self, worker: WorkerProcess) -> None:
        """Its process is over; one that a function has started may live on and hold the sockets."""
        worker.connection.end()
        for channel in worker.channels.values():
            channel.close()
        self._spawned[:] = [w for w in self._spawned if w is not worker]

    def _retire(self, worker: WorkerProcess) -> None:
        worker.retiring = True
        if worker.lost or not worker.loaded.done():
            worker.end()
        else:
            worker.stop_if_retired()

    # -- messages ----------------------------------------------------------------------------------

    async def _respond(self, worker: WorkerProcess, request: ClientRequest) -> None:
        """Send the response to a durable client's request; status 500 if the handler raises."""
        try:
            status, body = await self.on_client_request(request.method, request.path, request.body)
        except Exception as error:
            log.exception("%s %s could not be answered [EH330]", request.method, request.path)
            status, body = 500, json.dumps(f"{type(error).__name__}: {error}").encode()
        with contextlib.suppress(WorkerLostError):  # the function that sent the request has ended with its process
            worker.send("event_loop", ClientResponse(request.id, status, body), at_once=len(worker.pending) <= FEW)

    def _closed(self, worker: WorkerProcess, placement: Placement) -> None:
        """Its end tells why, and comes in a moment; a worker that only hangs up is ended. Nobody asks it any more."""
        worker.channels.pop(placement, None)

        def end() -> None:
            worker.lose("it closed its connection")
            worker.end()

        asyncio.get_running_loop().call_later(1.0, end)

    def _on_message(self, worker: WorkerProcess, message: Frame) -> None:
        if isinstance(message, InvocationResult):
            future = worker.pending.get(message.id)
            if future is not None and not future.done():
                future.set_result(message)
        elif isinstance(message, ClientRequest):
            task = asyncio.ensure_future(self._respond(worker, message))
            self._keepers.add(task)
            task.add_done_callback(self._keepers.discard)
        elif isinstance(message, ImportStarted):
            worker.loading = message.function
        elif isinstance(message, LoadResult):
            worker.loading = ""
            worker.placements = message.placements
            if not worker.loaded.done():
                worker.loaded.set_result(message)
            self._ready.set()


def _send_load(worker: WorkerProcess, load: LoadRequest) -> None:
    """Once it is connected; until then there is nobody to send it to."""

    def send(connected: asyncio.Future[None]) -> None:
        if connected.exception() is None:
            with contextlib.suppress(WorkerLostError):
                worker.send("event_loop", load)

    worker.connected.add_done_callback(send)
