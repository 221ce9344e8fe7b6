"""User code in the host's own process: one process to debug and to measure coverage in, and what the test kit uses."""

from __future__ import annotations

import asyncio
import itertools
import os
from collections.abc import Callable

from embedded_host.engine.payload import TurnPayload
from embedded_host.workers import ClientRequestHandler, unavailable
from embedded_host.workers.turn_request import run_turn
from embedded_worker.protocol import (
    ClientResponse,
    HttpRequestData,
    InvocationRequest,
    InvocationResult,
    LoadRequest,
    LoadResult,
)
from embedded_worker.runner import Runner


class InProcessWorker:
    """The same interface as ``pool.WorkerPool``."""

    def __init__(self, environ: dict[str, str], runner: Runner | None = None) -> None:
        """``runner`` may have been made, and its app loaded, before."""
        self._environ = environ
        self._runner = runner
        self._ids = itertools.count(1)
        self.on_client_request: ClientRequestHandler = unavailable

    async def start(self) -> None:
        os.environ.update(self._environ)
        self._runner = self._runner or Runner()

    async def load(self, load: LoadRequest) -> LoadResult:
        assert self._runner is not None
        if load.rpc_base:
            self._runner.carry_client_calls(self._ask, load.rpc_base)
        return self._runner.load(load)

    async def _ask(self, method: str, path: str, body: bytes) -> ClientResponse:
        return ClientResponse(0, *(await self.on_client_request(method, path, body)))

    async def invoke(
        self,
        function: str,
        trigger: HttpRequestData | str,
        client: str = "",
        invocation_id: str = "",
        *,
        alone: bool = False,
    ) -> InvocationResult:
        assert self._runner is not None
        asked = InvocationRequest(next(self._ids), function, trigger, invocation_id, client)
        if self._runner.placement(function) != "event_loop":
            return await self._runner.invoke(asked)
        # In a task of its own: there it shows whether the caller was cancelled or the function cancels itself.
        running = asyncio.ensure_future(self._runner.invoke(asked))
        try:
            await asyncio.wait([running])
        finally:
            running.cancel()
        return self._runner.cancelled(asked) if running.cancelled() else running.result()

    async def reload(self, load: LoadRequest, accept: Callable[[LoadResult], bool]) -> LoadResult:
        raise NotImplementedError("code in the host's own process cannot be replaced; restart the host")

    async def turn(self, function: str, payload: TurnPayload, *, alone: bool = False) -> InvocationResult:
        assert self._runner is not None
        return await run_turn(self._runner.turn, next(self._ids), function, payload, kept=True)

    async def close(self, grace: float) -> None:
        """What runs in a thread cannot be stopped; the process ends without it."""

    @property
    def pids(self) -> list[int]:
        return [os.getpid()]
