"""Starts worker processes, replaces processes that exit, and stops them."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import signal
from collections.abc import Callable

from embedded_host.parity.kinds import exits
from embedded_host.task_hub.invoker import WorkerLostError
from embedded_host.workers.app_interpreter import AppInterpreterError
from embedded_host.workers.exit_count import ExitCount
from embedded_host.workers.interpreter_problem import exit_problem
from embedded_host.workers.process_starter import ProcessStarter
from embedded_host.workers.quarantine import Quarantine
from embedded_host.workers.worker import FindingHandler, ProcessStatus
from embedded_host.workers.worker_process import WorkerProcess, exit_reason, shell_exit_code
from embedded_worker.protocol import (
    FindingData,
    ImportStarted,
    LoadRequest,
    LoadResult,
    Message,
    Placement,
)

log = logging.getLogger("embedded_host.workers")
_SIGNAL_PAUSE = 0.2
"""Seconds in which the host receives a signal that has also ended a worker process."""
_STOP_SIGNALS = {getattr(signal, name, None) for name in ("SIGTERM", "SIGHUP", "SIGQUIT")}
_PAUSE, _MAX_PAUSE = 0.05, 5.0
"""Seconds before a process is replaced; the pause doubles while the replacements do not load."""
SLOW_LOAD = 10.0
"""Seconds between warnings about an app that is still loading."""
SLOW_IMPORT = 60.0
"""Seconds after which the Azure Functions host does not wait for the import of an app."""


class Supervisor:
    """The worker processes of a pool, from their start to their exit."""

    def __init__(
        self,
        count: int,
        starter: ProcessStarter,
        on_message: Callable[[WorkerProcess, Message], None],
        on_finding: FindingHandler,
        is_stopping: Callable[[], bool] = lambda: False,
    ) -> None:
        """Prepare ``count`` processes of ``starter``.

        ``on_message`` receives their messages, except those about the load of the app.
        ``is_stopping`` returns True after the shutdown of the host has begun. The end of a process
        is not reported then.
        """
        self._count, self._starter = count, starter
        self._on_message, self._on_finding = on_message, on_finding
        self._is_stopping = is_stopping
        self.workers: list[WorkerProcess] = []
        """The processes that get calls."""
        self._spawned: list[WorkerProcess] = []
        """Running processes, including new ones without calls and old ones that finish theirs."""
        self.quarantine = Quarantine(self._spawn_apart, self._retire)
        self.ready = asyncio.Event()
        """Set when a process has loaded the app, and after a reload."""
        self._load: LoadRequest | None = None
        self._has_loaded = False
        """True after the first load of the app."""
        self._watches: set[asyncio.Task[None]] = set()
        self._exits = ExitCount(count)
        self.restarts = 0
        """Number of processes that have ended and were replaced."""
        self._closing = False

    # -- start, reload, stop -----------------------------------------------------------------------

    async def start(self) -> None:
        """Start the processes, which import the SDK while the host continues to start.

        Raises WorkerLostError if the system refuses a process.
        """
        await self._starter.open()
        for _ in range(self._count):
            worker = await self._spawn()
            self.workers.append(worker)
            self._watch(worker)

    async def load(self, load: LoadRequest) -> LoadResult:
        """Send the app to all processes and return the result of the first one.

        Raises AppInterpreterError if the app's interpreter cannot run that process, for example
        without the SDK, and WorkerLostError if it exits for another reason.
        """
        self._load = load
        workers = list(self.workers)
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
            self.quarantine.empty()
            old, self.workers = self.workers, fresh
            self.ready.set()  # for calls that wait for one of the old workers
            for worker in old:
                self._retire(worker)
        return loaded

    async def close(self, grace: float) -> None:
        """Stop all processes. Kill those that still run after ``grace`` seconds."""
        self._closing = True
        self.quarantine.empty()
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
        for watch in self._watches:
            watch.cancel()

    def status(self) -> list[ProcessStatus]:
        """Return the running processes."""
        return [
            ProcessStatus(
                worker.process.pid,
                "stopping" if worker.retiring else "ready" if worker.is_ready else "loading",
                list(worker.functions.values()),
            )
            for worker in self._spawned
            if worker.lost is None
        ]

    # -- processes ---------------------------------------------------------------------------------

    async def _spawn(self, load: LoadRequest | None = None) -> WorkerProcess:
        """Start a process with the app ``load``, or with the app of the other processes.

        Raises WorkerLostError if the system refuses the process.
        """
        worker = await self._starter.spawn(self._receive, self._closed)
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
        watch = asyncio.ensure_future(self._replace_when_ended(worker))
        self._watches.add(watch)
        watch.add_done_callback(self._watches.discard)

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
                now = asyncio.get_running_loop().time()
                for finding in self._exits.add(code, now, worker.possible_causes):
                    self._on_finding(finding)
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
                self.workers[self.workers.index(worker)] = fresh
                self.restarts += 1
            else:  # a reload has replaced it
                self._retire(fresh)
            worker = fresh

    def _is_used(self, worker: WorkerProcess) -> bool:
        """Return True if the process or its replacement gets calls."""
        return not self._closing and worker in self.workers

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

    def _closed(self, worker: WorkerProcess, placement: Placement) -> None:
        """Send no further calls. Kill the process if it does not exit within a second.

        A process that exits within this second has an exit code, which is reported as the reason.
        """
        worker.channels.pop(placement, None)

        def end() -> None:
            worker.lose("it closed its connection")
            worker.kill()

        asyncio.get_running_loop().call_later(1.0, end)

    def _receive(self, worker: WorkerProcess, message: Message) -> None:
        if isinstance(message, ImportStarted):
            worker.loading = message.function
        elif isinstance(message, LoadResult):
            worker.loading = ""
            worker.placements = message.placements
            if not worker.loaded.done():
                worker.loaded.set_result(message)
            self.ready.set()
        else:
            self._on_message(worker, message)


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
