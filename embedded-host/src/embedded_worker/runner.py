"""Runs an app's functions: imports the app, then distributes calls to invocations and turns."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path
from uuid import uuid4

from embedded_worker.current_trace import current_trace
from embedded_worker.durable_calls import carry_client_calls
from embedded_worker.durable_client import SendClientRequest
from embedded_worker.function_logs import RunningFunction
from embedded_worker.imported_app import ImportedApp
from embedded_worker.invocations import Invocations
from embedded_worker.loading import LoadedFunction, LoadError
from embedded_worker.orchestrator_turns import OrchestratorTurns
from embedded_worker.protocol import (
    FindingData,
    InvocationRequest,
    InvocationResult,
    LoadRequest,
    LoadResult,
    Placement,
    TurnRequest,
)
from embedded_worker.worker_environment import THREAD_COUNT

THREAD_NAMES = "ThreadPoolExecutor-0"
"""The start of the names of the threads for functions, as in the Python worker."""
DURABLE_THREADS = 4
"""Threads for orchestrators and entities only, so that blocking activities do not delay them."""


def function_threads() -> int:
    """Return the number of threads for HTTP functions, activities and timer functions.

    Coroutine functions need no threads. The default is that of the Azure Functions host's Python
    worker.
    """
    count = os.environ.get(THREAD_COUNT, "")
    return int(count) if count.isdigit() and int(count) > 0 else min(32, (os.cpu_count() or 1) + 4)


class Runner:
    """Loads an app once, then runs any number of its functions at the same time.

    ``run_coroutine`` runs coroutine functions in the event loop. ``run`` runs all other functions
    in the caller's thread.
    """

    def __init__(self, *, in_own_process: bool = False) -> None:
        """Create a runner. ``in_own_process`` is True in a worker process."""
        self._app = ImportedApp(in_own_process=in_own_process)
        self._invocations = Invocations(self._app)
        self._turns = OrchestratorTurns(self._app, self._invocations)

    @property
    def root(self) -> Path:
        """The app folder."""
        return self._app.root

    @property
    def functions(self) -> dict[str, LoadedFunction | LoadError]:
        """The app's functions, and the errors of those that cannot be loaded, by name."""
        return self._app.functions

    @property
    def report(self) -> Callable[[FindingData], None]:
        """Sends a parity finding to the host. Any thread may call it."""
        return self._app.report

    @report.setter
    def report(self, report: Callable[[FindingData], None]) -> None:
        self._app.report = report

    def carry_client_calls(
        self, send: SendClientRequest, load: LoadRequest, *, in_host: bool
    ) -> None:
        """Use ``send`` for the calls of durable clients to the endpoints in ``load``.

        ``in_host`` is True if the host uses the current event loop too.
        """
        if load.rpc_base:
            carry_client_calls(send, load.rpc_base, load.grpc_target, in_host=in_host)

    def load(
        self, load: LoadRequest, on_import: Callable[[str], None] = lambda name: None
    ) -> LoadResult:
        """Import the app and return its problems.

        ``on_import`` receives each function's name before the import, which may end the process.
        """
        return self._app.load(load, on_import)

    def placement(self, name: str) -> Placement:
        """Return the placement of the function ``name``."""
        return self._app.placement(name)

    async def run_coroutine(self, invoke: InvocationRequest) -> InvocationResult:
        """Run a coroutine function. The result contains its exception, if any.

        Raises CancelledError if the function raises it (see ``cancelled``).
        """
        current_trace.set(invoke.trace)
        return await self._invocations.run_coroutine(_with_id(invoke))

    def cancelled(
        self, request: InvocationRequest, error: BaseException | None = None
    ) -> InvocationResult:
        """Return the failed result of a coroutine function whose own code raised CancelledError.

        ``error`` is None if the exception is not known.
        """
        return self._invocations.cancelled(request, error)

    def run(self, request: InvocationRequest | TurnRequest) -> InvocationResult:
        """Run any other function in this thread. The result contains its exception, if any."""
        if isinstance(request, TurnRequest):
            id = request.invocation_id or f"turn {request.id}"
            source = (request.function, id, request.instance_id)
            with RunningFunction(*source, is_silent=request.is_diagnosis):
                return self._turns.run(request)
        request = _with_id(request)
        current_trace.set(request.trace)
        with RunningFunction(request.function, request.invocation_id, request.instance_id):
            return self._invocations.run(request)


def _with_id(invoke: InvocationRequest) -> InvocationRequest:
    return invoke if invoke.invocation_id else invoke._replace(invocation_id=str(uuid4()))
