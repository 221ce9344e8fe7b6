"""The interface of the component that runs the app's functions."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Protocol

from embedded_host.engine.invocations import OrchestratorInput
from embedded_worker.protocol import (
    HttpRequestData,
    InvocationRequest,
    InvocationResult,
    LoadRequest,
    LoadResult,
)

ClientRequestHandler = Callable[[str, str, bytes], Awaitable[tuple[int, bytes]]]
"""Handles a request of the durable client: method, path relative to the endpoint's base, body -> status, body."""


async def respond_unavailable(method: str, path: str, body: bytes) -> tuple[int, bytes]:
    """Respond to requests that arrive before the task hub has started."""
    return 503, b""


@dataclass(frozen=True)
class Invocation:
    """One call of a function that is not an orchestrator."""

    function: str
    trigger: HttpRequestData | str
    """The HTTP request, or the trigger's value as JSON."""
    client: str = ""
    """The value of the function's durableClient binding."""
    invocation_id: str = ""

    def request(self, id: int) -> InvocationRequest:
        """Return the protocol's request with the number ``id``."""
        return InvocationRequest(id, self.function, self.trigger, self.invocation_id, self.client)


class Worker(Protocol):
    """Runs the app's functions, in processes of its own or in the host's process."""

    on_client_request: ClientRequestHandler

    async def start(self) -> None: ...

    async def load(self, load: LoadRequest) -> LoadResult:
        """Import the app. Raises WorkerLostError."""

    async def invoke(self, invocation: Invocation, *, alone: bool = False) -> InvocationResult:
        """Run a function; ``alone`` in a process that runs nothing else meanwhile. Raises WorkerLostError."""

    async def turn(
        self, function: str, turn: OrchestratorInput, *, alone: bool = False
    ) -> InvocationResult:
        """Run one turn of an orchestrator. Raises WorkerLostError."""

    async def reload(self, load: LoadRequest, accept: Callable[[LoadResult], bool]) -> LoadResult:
        """Load changed code, and switch to it if ``accept`` returns True for its result. Raises WorkerLostError."""

    async def close(self, grace: float) -> None:
        """Stop; functions that still run get ``grace`` seconds."""
