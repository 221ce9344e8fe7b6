"""Prints and stores two lines for each invocation, as the Azure Functions host does.

Source: functions-host.md#logging.
"""

from __future__ import annotations

import asyncio
import sys
import time
from collections.abc import Awaitable, Callable, Iterable
from contextvars import ContextVar
from dataclasses import replace
from datetime import datetime
from uuid import uuid4

from embedded_host.engine.invocations import OrchestratorInput
from embedded_host.task_hub.tracer import invocation_traces
from embedded_host.workers.worker import (
    ClientRequestHandler,
    FindingHandler,
    Invocation,
    LogHandler,
    Worker,
    WorkerStatus,
)
from embedded_worker.log_levels import ERROR, INFORMATION, LogLevels
from embedded_worker.log_output import ConsoleOutput, now, without_keys
from embedded_worker.protocol import (
    ConsoleFormat,
    FunctionSpec,
    HttpRequestData,
    InvocationResult,
    LoadRequest,
    LoadResult,
    LogLine,
    LogReport,
)

VIA_HOST_APIS = "This function was programmatically called via the host APIs."
"""The reason of an HTTP request, and of an invocation through the admin API."""
called_by_admin: ContextVar[bool] = ContextVar("called by the admin API", default=False)
"""True in the task of an invocation through the admin API."""


LOGGED_INVOCATIONS = 100
"""Maximum number of invocations in a second whose lines are stored, and printed by default.

A reader cannot follow more lines, and a busy host would spend its time on them. A line has the
number of the other invocations. The formats of the Azure Functions host print all lines.
"""


class InvocationLog:
    """A ``Worker`` that logs the start and the end of each invocation of another worker."""

    def __init__(self, worker: Worker, format: ConsoleFormat) -> None:
        self._worker = worker
        self._output = ConsoleOutput(format, sys.stderr)
        self._levels = LogLevels()
        self._timers: frozenset[str] = frozenset()
        self._keeps = False
        self._prints_all = format != "default"
        self._second = self._in_second = self._omitted = 0

    @property
    def on_logs(self) -> LogHandler:
        """The handler of log lines."""
        return self._worker.on_logs

    @on_logs.setter
    def on_logs(self, handler: LogHandler) -> None:
        self._worker.on_logs = handler

    @property
    def on_client_request(self) -> ClientRequestHandler:
        """The handler of the durable client's requests."""
        return self._worker.on_client_request

    @on_client_request.setter
    def on_client_request(self, handler: ClientRequestHandler) -> None:
        self._worker.on_client_request = handler

    @property
    def on_finding(self) -> FindingHandler:
        """The handler of the parity findings that the worker reports."""
        return self._worker.on_finding

    @on_finding.setter
    def on_finding(self, handler: FindingHandler) -> None:
        self._worker.on_finding = handler

    def status(self) -> WorkerStatus:
        """Return the processes and the calls that run in them."""
        return self._worker.status()

    async def start(self) -> None:
        """Start the worker."""
        await self._worker.start()

    async def load(self, load: LoadRequest) -> LoadResult:
        """Import the app."""
        loaded = await self._worker.load(load)
        self._use(load, loaded)
        return loaded

    async def reload(self, load: LoadRequest, accept: Callable[[LoadResult], bool]) -> LoadResult:
        """Load changed code. Put it into service if ``accept`` returns True for its result."""
        loaded = await self._worker.reload(load, accept)
        self._use(load, loaded)
        return loaded

    def _use(self, load: LoadRequest, loaded: LoadResult) -> None:
        self._levels = LogLevels(load.logs.levels, load.logs.console_levels)
        self._timers = frozenset(_timers(loaded.functions or load.functions))
        self._keeps = load.logs.keeps

    async def invoke(self, invocation: Invocation, *, alone: bool = False) -> InvocationResult:
        """Run a function."""
        if not invocation.invocation_id:
            invocation = replace(invocation, invocation_id=str(uuid4()))
        source = (invocation.function, invocation.invocation_id, invocation.instance_id)
        running = self._worker.invoke(invocation, alone=alone)
        return await self._logged(source, running, lambda: self._reason(invocation))

    async def turn(
        self,
        function: str,
        turn: OrchestratorInput,
        *,
        alone: bool = False,
        invocation_id: str = "",
    ) -> InvocationResult:
        """Run one turn of an orchestrator. The replay of a diagnosis has no lines."""
        if turn.is_diagnosis:
            return await self._worker.turn(function, turn, alone=alone, invocation_id=invocation_id)
        id = invocation_id or str(uuid4())
        running = self._worker.turn(function, turn, alone=alone, invocation_id=id)
        return await self._logged((function, id, turn.instance_id), running, lambda: "(null)")

    async def close(self, grace: float) -> None:
        """Stop the worker."""
        await self._worker.close(grace)

    def _reason(self, invocation: Invocation) -> str:
        if called_by_admin.get() or isinstance(invocation.trigger, HttpRequestData):
            return VIA_HOST_APIS
        if invocation.function in self._timers:
            return f"Timer fired at {datetime.now().astimezone().isoformat()}"
        return "(null)"

    async def _logged(
        self,
        source: _Source,
        running: Awaitable[InvocationResult],
        reason: Callable[[], str],
    ) -> InvocationResult:
        invocation_traces.note_current(source[1])  # before the first line of the invocation
        is_kept = self._is_counted()
        if not (is_kept or self._prints_all):
            return await running
        name, id = f"'Functions.{source[0]}'", source[1]
        text = f"Executing {name} (Reason='{reason()}', Id={id})"
        self._write(source, 1, INFORMATION, text, is_kept)
        began = time.perf_counter()
        succeeded = False
        try:
            result = await running
            succeeded = result.error is None
        finally:
            outcome = "Succeeded" if succeeded else "Failed"
            duration = f"{(time.perf_counter() - began) * 1000:.0f}ms"
            event, level = (2, INFORMATION) if succeeded else (3, ERROR)
            text = f"Executed {name} ({outcome}, Id={id}, Duration={duration})"
            self._write(source, event, level, text, is_kept)
        return result

    def _is_counted(self) -> bool:
        """Return True for the first ``LOGGED_INVOCATIONS`` invocations of each second."""
        second = int(time.monotonic())
        if second != self._second:
            self._second, self._in_second = second, 0
        self._in_second += 1
        if self._in_second <= LOGGED_INVOCATIONS:
            return True
        if not self._omitted:
            asyncio.get_running_loop().call_later(1.0, self._write_omitted)
        self._omitted += 1
        return False

    def _write_omitted(self) -> None:
        omitted, self._omitted = self._omitted, 0
        if not self._levels.is_enabled("Function", INFORMATION):
            return
        plural = "" if omitted == 1 else "s"
        text = f"{omitted:,} more invocation{plural} within a second, without log lines."
        line = LogLine(now(), INFORMATION, "Function", text)
        if not self._prints_all:
            self._output.write(line)
        if self._keeps:
            self.on_logs(LogReport((line,)))

    def _write(self, source: _Source, event: int, level: int, text: str, is_kept: bool) -> None:
        category = f"Function.{source[0]}"
        if self._levels.is_enabled(category, level):
            line = LogLine(now(), level, category, without_keys(text), *source)
            self._output.write(line, event)
            if is_kept and self._keeps:
                self.on_logs(LogReport((line,)))


_Source = tuple[str, str, str]
"""The name of a function, its invocation id and its instance id."""


def _timers(functions: Iterable[FunctionSpec]) -> Iterable[str]:
    for function in functions:
        if any(binding.type.lower() == "timertrigger" for binding in function.bindings):
            yield function.name
