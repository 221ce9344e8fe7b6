"""Where user code runs.

``protocol`` is what host and worker say to each other; ``runner`` loads an app's functions and runs them; ``process`` is
the worker's own side of a worker process, ``pool`` the host's. In process, the host holds a ``Runner`` itself.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from typing import Protocol

from embedded_host.engine.payload import TurnPayload
from embedded_worker.protocol import HttpRequestData, InvocationResult, LoadRequest, LoadResult

ClientRequestHandler = Callable[[str, str, bytes], Awaitable[tuple[int, bytes]]]
"""What answers the durable client: method, path below the endpoint's base, body -> status, body."""


async def unavailable(method: str, path: str, body: bytes) -> tuple[int, bytes]:
    """Before the task hub is there."""
    return 503, b""


class Worker(Protocol):
    """What the host asks of its workers, be they processes or itself."""

    on_client_request: ClientRequestHandler

    async def start(self) -> None: ...

    async def load(self, load: LoadRequest) -> LoadResult:
        """Raises WorkerLostError."""

    async def invoke(
        self,
        function: str,
        trigger: HttpRequestData | str,
        client: str = "",
        invocation_id: str = "",
        *,
        alone: bool = False,
    ) -> InvocationResult:
        """``alone``: in a process in which nothing else runs meanwhile. Raises WorkerLostError."""

    async def turn(self, function: str, payload: TurnPayload, *, alone: bool = False) -> InvocationResult:
        """One turn of an orchestrator. Raises WorkerLostError."""

    async def reload(self, load: LoadRequest, accept: Callable[[LoadResult], bool]) -> LoadResult:
        """Take up changed code if ``accept`` likes what the new workers say of it. Raises WorkerLostError."""

    async def close(self, grace: float) -> None: ...

    @property
    def pids(self) -> list[int]: ...


def make_worker(environ: Mapping[str, str], *, in_process: bool, timeout: float | None = None) -> Worker:
    """``environ`` is the functions' environment; ``timeout`` (seconds) can be kept by processes only.

    Raises ValueError for a setting that cannot be."""
    if in_process:
        from embedded_host.workers.in_process import InProcessWorker

        return InProcessWorker(dict(environ))
    from embedded_host.workers.pool import WorkerPool

    count = environ.get("FUNCTIONS_WORKER_PROCESS_COUNT") or "1"
    if not count.isdigit() or not 1 <= int(count) <= 10:
        raise ValueError(f"FUNCTIONS_WORKER_PROCESS_COUNT is '{count}', but must be a number from 1 to 10. [EH204]")
    return WorkerPool(int(count), dict(environ), timeout)
