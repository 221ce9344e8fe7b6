"""The host's view of one worker process."""

from __future__ import annotations

import asyncio
import contextlib
import os
import signal
from collections.abc import Mapping

from embedded_host.task_hub.invoker import WorkerLostError, exit_text
from embedded_host.workers.transport import WorkerSockets
from embedded_worker.channel import Channel
from embedded_worker.protocol import (
    PLACEMENTS,
    Hello,
    InvocationResult,
    LoadResult,
    Message,
    Placement,
    StopRequest,
)


class WorkerProcess:
    """A worker process from its start to its exit, with its connections and pending calls."""

    def __init__(self, process: asyncio.subprocess.Process, sockets: WorkerSockets) -> None:
        loop = asyncio.get_running_loop()
        self.process, self.sockets = process, sockets
        self.channels: dict[Placement, Channel] = {}
        self.connected: asyncio.Future[None] = loop.create_future()
        self.loaded: asyncio.Future[LoadResult] = loop.create_future()
        self.placements: Mapping[str, Placement] = {}
        """Placements by function name."""
        self.pending: dict[int, asyncio.Future[InvocationResult]] = {}
        self.functions: dict[int, str] = {}
        """The names of the functions of the pending calls."""
        self.exiting_call: int | None = None
        """The id of the call that ends the process, if the process has reported it."""
        self.reported_exit_code: int | None = None
        """The exit code of that call. Another thread may end the process with another code."""
        self.retiring = False
        """True if the process gets no further calls and stops after its last result."""
        self.hello: Hello | None = None
        """The first message of the process, with its versions."""
        self.lost: str | None = None
        """The reason why the process exited or is about to exit; None while it runs."""
        self.problem: str | None = None
        """The reason why the app's interpreter cannot run a worker, with the fix and a code."""
        self.loading = ""
        """The name of the function whose module the process is importing, or an empty string."""

    @property
    def is_ready(self) -> bool:
        """True if the process accepts calls: it has loaded the app and all sockets are open."""
        return self.loaded.done() and not self.lost and len(self.channels) == len(PLACEMENTS)

    def connect(self, hello: Hello, channel: Channel) -> None:
        """Use ``channel`` for the placement in ``hello``."""
        self.hello = hello
        self.channels[hello.placement] = channel
        if len(self.channels) == len(PLACEMENTS) and not self.connected.done():
            self.connected.set_result(None)

    def send(self, placement: Placement, message: Message, *, at_once: bool = False) -> None:
        """Send ``message`` on the socket of ``placement``.

        Raises WorkerLostError if the socket is closed or was never connected.
        """
        if not self.connected.done() or placement not in self.channels:
            raise WorkerLostError(self.lost or "it has not connected")
        try:
            self.channels[placement].send(message, at_once=at_once)
        except ConnectionError as error:
            raise WorkerLostError(str(error)) from error

    def stop_if_retired(self) -> None:
        """Request the process to stop if it gets no further calls and none is pending."""
        if self.retiring and not self.pending and not self.lost:
            with contextlib.suppress(WorkerLostError):
                self.send("event_loop", StopRequest())

    def refuse(self, problem: str) -> None:
        """Kill the process, because the app's interpreter cannot run a worker (``problem``)."""
        self.problem = self.problem or problem
        self.lose(problem)
        self.kill()

    def kill(self) -> None:
        """Kill the process."""
        with contextlib.suppress(ProcessLookupError):
            self.process.kill()

    def report_exit(self, call: int, exit_code: int) -> None:
        """Record that the call with the id ``call`` ends the process with ``exit_code``."""
        self.exiting_call, self.reported_exit_code = call, exit_code

    @property
    def possible_causes(self) -> list[str]:
        """The names of the functions whose calls may have ended the process."""
        if self.exiting_call in self.functions:
            return [self.functions[self.exiting_call]]
        return list(self.functions.values())

    def lose(
        self, reason: str, *, caused_by_another_call: bool = False, exit_code: int | None = None
    ) -> None:
        """Fail all futures that wait for the process.

        ``caused_by_another_call`` is True if a call that is no longer pending stopped the process.
        ``exit_code`` has the same meaning as in WorkerLostError.
        """
        self.lost = self.lost or reason
        cause = self.exiting_call if self.exiting_call in self.pending else None
        others = max(0, len(self.pending) - 1)
        import_exit = exit_code if self.loading else None
        for future in (self.connected, self.loaded):
            _fail(future, WorkerLostError(reason, exit_code=import_exit))
        for id, call in self.pending.items():
            is_cause = id == cause
            lost = WorkerLostError(
                reason,
                concurrent_calls=0 if is_cause else others,
                caused_by_another_call=caused_by_another_call or cause not in (None, id),
                exit_code=self._reported_code(exit_code) if is_cause else exit_code,
            )
            _fail(call, lost)
        self.pending.clear()
        self.functions.clear()

    def _reported_code(self, exit_code: int | None) -> int | None:
        reported = self.reported_exit_code
        if exit_code is None or reported is None:
            return exit_code
        return reported if os.name == "nt" else reported & 0xFF  # POSIX keeps the low byte


def _fail(
    future: asyncio.Future[None] | asyncio.Future[LoadResult] | asyncio.Future[InvocationResult],
    lost: WorkerLostError,
) -> None:
    if not future.done():
        future.set_exception(lost)
        future.exception()  # mark it as retrieved: its caller may have been cancelled


def shell_exit_code(code: int) -> int:
    """Return an exit code as a shell reports it: 128 plus the number of a signal."""
    return code if code >= 0 or os.name == "nt" else 128 - code


def exit_reason(code: int) -> str:
    """Return a description of a process's exit code, in the words of the Functions host."""
    reason = exit_text(shell_exit_code(code))
    if code >= 0 or os.name == "nt":
        return reason
    try:
        return f"{reason} after {signal.Signals(-code).name}"
    except ValueError:
        return f"{reason} after signal {-code}"
