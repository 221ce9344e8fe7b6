"""Prints two lines for each invocation, as the Azure Functions host does (``--console func``).

Source: functions-host.md#logging.
"""

from __future__ import annotations

import sys
import time
from collections.abc import Awaitable, Callable, Iterable
from contextvars import ContextVar
from datetime import datetime
from uuid import uuid4

from embedded_host.engine.invocations import OrchestratorInput
from embedded_host.workers.worker import ClientRequestHandler, FindingHandler, Invocation, Worker
from embedded_worker.log_levels import ERROR, INFORMATION, LogLevels
from embedded_worker.log_output import ConsoleOutput
from embedded_worker.protocol import (
    ConsoleFormat,
    FunctionSpec,
    HttpRequestData,
    InvocationResult,
    LoadRequest,
    LoadResult,
)

VIA_HOST_APIS = "This function was programmatically called via the host APIs."
"""The reason of an HTTP request, and of an invocation through the admin API."""
called_by_admin: ContextVar[bool] = ContextVar("called by the admin API", default=False)
"""True in the task of an invocation through the admin API."""


class InvocationLog:
    """A ``Worker`` that prints the beginning and the end of each invocation of another worker."""

    def __init__(self, worker: Worker, format: ConsoleFormat) -> None:
        self._worker = worker
        self._output = ConsoleOutput(format, sys.stderr)
        self._levels = LogLevels()
        self._timers: frozenset[str] = frozenset()

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

    async def invoke(self, invocation: Invocation, *, alone: bool = False) -> InvocationResult:
        """Run a function."""
        id = invocation.invocation_id or str(uuid4())
        return await self._logged(
            invocation.function,
            id,
            self._reason(invocation),
            self._worker.invoke(invocation, alone=alone),
        )

    async def turn(
        self, function: str, turn: OrchestratorInput, *, alone: bool = False
    ) -> InvocationResult:
        """Run one turn of an orchestrator."""
        return await self._logged(
            function, str(uuid4()), "(null)", self._worker.turn(function, turn, alone=alone)
        )

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
        self, function: str, id: str, reason: str, running: Awaitable[InvocationResult]
    ) -> InvocationResult:
        name = f"'Functions.{function}'"
        self._print(function, 1, INFORMATION, f"Executing {name} (Reason='{reason}', Id={id})")
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
            self._print(function, event, level, text)
        return result

    def _print(self, function: str, event: int, level: int, text: str) -> None:
        category = f"Function.{function}"
        if self._levels.is_enabled(category, level):
            self._output.write(category, event, level, text)


def _timers(functions: Iterable[FunctionSpec]) -> Iterable[str]:
    for function in functions:
        if any(binding.type.lower() == "timertrigger" for binding in function.bindings):
            yield function.name
