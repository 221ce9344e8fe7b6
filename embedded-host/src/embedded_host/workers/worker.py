"""The interface of the component that runs the app's functions."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from typing import Literal, NamedTuple, Protocol

from embedded_host.engine.invocations import OrchestratorInput
from embedded_host.task_hub.tracer import current_trace, invocation_traces
from embedded_worker.protocol import (
    FindingData,
    HttpRequestData,
    InvocationRequest,
    InvocationResult,
    LoadRequest,
    LoadResult,
    LogReport,
    RetryData,
    TraceData,
)

ClientRequestHandler = Callable[[str, str, bytes], Awaitable[tuple[int, bytes]]]
"""A handler of the durable client's requests.

Its arguments are the method, the path relative to the base URL, and the body. It returns the status
and the body of the response.
"""


async def respond_unavailable(method: str, path: str, body: bytes) -> tuple[int, bytes]:
    """Return status 503: the task hub has not started."""
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
    retry: RetryData | None = None
    """The retry of a function with a retry policy, or None."""
    instance_id: str = ""
    """The instance that the function belongs to: that of an activity or of an entity."""

    def request(self, id: int) -> InvocationRequest:
        """Return the protocol's request with the number ``id``."""
        current = current_trace.get()
        invocation_traces.note_current(self.invocation_id)
        return InvocationRequest(
            id,
            self.function,
            self.trigger,
            self.invocation_id,
            self.client,
            self.retry,
            None if current is None else TraceData(*current),
            self.instance_id,
        )


FindingHandler = Callable[[FindingData], None]
"""A handler of the parity findings that a worker reports after the load."""


def ignore_finding(finding: FindingData) -> None:
    """Do nothing. The app has no collection of findings yet."""


LogHandler = Callable[[LogReport], None]
"""A handler of the log lines that a worker sends. Any thread may call it."""


def ignore_logs(report: LogReport) -> None:
    """Do nothing. The host does not store log lines yet."""


class ProcessStatus(NamedTuple):
    """A process that runs functions."""

    pid: int
    state: Literal["loading", "ready", "stopping"]
    """``stopping`` means that the process finishes its calls and gets no others."""
    calls: Sequence[str]
    """The function of each running call."""


class WorkerStatus(NamedTuple):
    """The processes of a worker."""

    processes: Sequence[ProcessStatus]
    restarts: int
    """Number of processes that have ended and were replaced. Reloads do not count."""


class Worker(Protocol):
    """Runs the app's functions, in separate processes or in the host's process.

    The methods raise WorkerLostError if a worker process exits before it returns a result.
    """

    on_client_request: ClientRequestHandler
    on_finding: FindingHandler
    on_logs: LogHandler

    def status(self) -> WorkerStatus:
        """Return the processes and the calls that run in them."""

    async def start(self) -> None:
        """Start the processes, without an app."""

    async def load(self, load: LoadRequest) -> LoadResult:
        """Import the app."""

    async def invoke(self, invocation: Invocation, *, alone: bool = False) -> InvocationResult:
        """Run a function. If ``alone``, use a process that runs nothing else at the same time."""

    async def turn(
        self,
        function: str,
        turn: OrchestratorInput,
        *,
        alone: bool = False,
        invocation_id: str = "",
    ) -> InvocationResult:
        """Run one turn of an orchestrator. Its log lines have the id ``invocation_id``."""

    async def reload(self, load: LoadRequest, accept: Callable[[LoadResult], bool]) -> LoadResult:
        """Load changed code. Put it into service if ``accept`` returns True for its result."""

    async def close(self, grace: float) -> None:
        """Stop. Functions that still run get ``grace`` seconds to finish."""
