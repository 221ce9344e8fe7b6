"""The messages between host and worker, and the version of the protocol.

The host gives each worker one socket for each placement. The worker sends ``Hello`` on each of them. The host answers with
``LoadRequest`` on the event loop's socket. Requests and results then follow in any order, each on the socket of its
function's placement. Everything that is not a call uses the event loop's socket. ``framing`` turns messages into bytes.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Literal, NamedTuple, Union

PROTOCOL_VERSION = 1
"""Incremented by every change of a message or of the framing. Host and worker refuse any other version.

The framing itself and ``Hello`` never change, so that each side can read the version of the other."""

Placement = Literal["event_loop", "durable_threads", "function_threads"]
"""Where a function runs in a worker: coroutine functions in the event loop, orchestrators and entities in threads of their
own, all other functions in further threads."""
PLACEMENTS: tuple[Placement, ...] = ("event_loop", "durable_threads", "function_threads")

SESSION_LIMIT = 400
"""Orchestrators that one worker keeps in memory."""


class Hello(NamedTuple):
    """The first message on each socket."""

    placement: Placement
    token: str = ""
    """The secret from the worker's environment, where a socket alone does not prove its origin (``transport``)."""
    version: int = PROTOCOL_VERSION
    python: str = ""
    azure_functions: str = ""
    """The installed version of azure-functions; empty if none was found."""
    azure_functions_durable: str = ""
    """The installed version of azure-functions-durable; empty if none was found."""


class BindingSpec(NamedTuple):
    """A binding of a function."""

    type: str
    name: str
    direction: str = "in"
    """``in``, ``out`` or ``inout``."""
    properties: Mapping[str, object] = {}
    """All properties of a v2 app's binding, named as in function.json. Empty for a v1 app: the host has read its files."""

    @property
    def is_trigger(self) -> bool:
        return self.type.lower().endswith("trigger")

    @property
    def is_output(self) -> bool:
        return self.direction == "out"


class FunctionSpec(NamedTuple):
    """A function of the app: the fields of ``app.definitions.Function`` that the worker needs."""

    name: str
    directory: str
    script_file: str
    entry_point: str
    bindings: list[BindingSpec]


class LoadRequest(NamedTuple):
    """The app to import."""

    root: str
    functions: list[FunctionSpec]
    """Empty for the v2 programming model: its functions come back in ``LoadResult``."""
    log_level: str = "INFO"
    v2_script: str | None = None
    """The file name of a v2 app."""
    rpc_base: str = ""
    """The base URL of the endpoint for the durable client, as in the value of the durableClient binding."""


class ImportStarted(NamedTuple):
    """The worker starts to import a function's module, or the file of a v2 app."""

    function: str


class LoadProblem(NamedTuple):
    """A function that cannot be used."""

    function: str | None
    """None for a problem of the whole app."""
    text: str
    """The cause, its place, and the fix."""
    stack: str = ""


class LoadResult(NamedTuple):
    """The outcome of ``LoadRequest``."""

    problems: list[LoadProblem]
    functions: Sequence[FunctionSpec] = ()
    """The functions that a v2 app declares, in the app's order."""
    placements: Mapping[str, Placement] = {}
    """By function name."""


class HttpRequestData(NamedTuple):
    method: str
    url: str
    headers: dict[str, str]
    query: dict[str, str]
    route: dict[str, str]
    body: bytes


class HttpResponseData(NamedTuple):
    status: int
    headers: list[tuple[str, str]]
    body: bytes


class InvocationRequest(NamedTuple):
    """Run a function once."""

    id: int
    function: str
    trigger: HttpRequestData | str
    """The HTTP request, or the JSON text of an orchestration, activity, entity or timer trigger."""
    invocation_id: str = ""
    client: str = ""
    """The value of the durableClient binding, if the function has one."""


class TurnRequest(NamedTuple):
    """Run one turn of an orchestrator.

    With ``seen`` 0, ``payload`` is the JSON object that the SDK reads. With ``seen`` above 0 it is the JSON array of the events
    after the first ``seen`` ones; a worker without that orchestrator in memory responds with ``InvocationResult.missing``."""

    id: int
    function: str
    instance_id: str
    execution_id: str
    payload: str
    seen: int = 0


class ErrorData(NamedTuple):
    """An exception in user code."""

    type: str
    message: str
    stack: str = ""


class InvocationResult(NamedTuple):
    """The result of an ``InvocationRequest`` or a ``TurnRequest``."""

    id: int
    value: HttpResponseData | str | None = None
    """The response of an HTTP function, or the output's JSON text."""
    error: ErrorData | None = None
    missing: bool = False
    """The worker does not have the orchestrator in memory: send the whole history."""
    counts: list[int] | None = None
    """For a turn: the number of actions after each event of the request."""
    known: int = 0
    """For a turn: the number of leading actions left out, because they equal those of the previous turn."""
    kept: bool = False
    """For a turn: the worker keeps the orchestrator in memory for the next one."""


class ClientRequest(NamedTuple):
    """A request of the durable client to the host. ``path`` is relative to the endpoint's base URL and includes the query."""

    id: int
    method: str
    path: str
    body: bytes


class ClientResponse(NamedTuple):
    id: int
    status: int
    body: bytes


class StopRequest(NamedTuple):
    """End the process. All calls have returned."""


Message = Union[
    Hello,
    LoadRequest,
    ImportStarted,
    LoadResult,
    InvocationRequest,
    TurnRequest,
    InvocationResult,
    ClientRequest,
    ClientResponse,
    StopRequest,
]
