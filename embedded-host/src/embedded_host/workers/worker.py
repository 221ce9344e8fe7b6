"""The interface of the component that runs the app's functions."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Protocol

from embedded_host.engine.invocations import OrchestratorInput
from embedded_worker.protocol import HttpRequestData, InvocationResult, LoadRequest, LoadResult

ClientRequestHandler = Callable[[str, str, bytes], Awaitable[tuple[int, bytes]]]
"""Handles a request of the durable client: method, path relative to the endpoint's base, body -> status, body."""


async def respond_unavailable(method: str, path: str, body: bytes) -> tuple[int, bytes]:
    """Respond to requests that arrive before the task hub has started."""
    return 503, b""


class Worker(Protocol):
    on_client_request: ClientRequestHandler

    async def start(self) -> None: ...

    async def load(self, load: LoadRequest) -> LoadResult:
        """Import the app. Raises WorkerLostError."""

    async def invoke(
        self,
        function: str,
        trigger: HttpRequestData | str,
        client: str = "",
        invocation_id: str = "",
        *,
        alone: bool = False,
    ) -> InvocationResult:
        """Run a function; ``alone`` in a process that runs nothing else meanwhile. Raises WorkerLostError."""

    async def turn(
        self, function: str, turn: OrchestratorInput, *, alone: bool = False
    ) -> InvocationResult:
        """Run one turn of an orchestrator. Raises WorkerLostError."""

    async def reload(self, load: LoadRequest, accept: Callable[[LoadResult], bool]) -> LoadResult:
        """Load changed code, and switch to it if ``accept`` returns True for its result. Raises WorkerLostError."""

    async def close(self, grace: float) -> None:
        """Stop; functions that still run get ``grace`` seconds."""
