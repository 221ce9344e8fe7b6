"""The messages between host and worker, and the version of the protocol.

A worker has one socket for each placement, and sends ``Hello`` on each of them. The host responds
with ``LoadRequest`` on the socket for the event loop. Requests and results then follow in any
order, each on the socket of its function's placement. All other messages use the socket for the
event loop. ``framing`` encodes messages.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Literal, NamedTuple, Union

PROTOCOL_VERSION = 4
"""The version of the protocol. Each release that changes a message increments it.

The host passes its version as the first argument of the worker, which exits if it has another one.
The host stops a worker with another version. That argument, the frames and the version in ``Hello``
never change, so that each side can read the version of the other.
"""

Placement = Literal["event_loop", "durable_threads", "function_threads"]
"""The part of a worker in which a function runs.

Coroutine functions run in the event loop, orchestrators and entities in the durable threads, all
other functions in the function threads.
"""
PLACEMENTS: tuple[Placement, ...] = ("event_loop", "durable_threads", "function_threads")

ConsoleFormat = Literal["default", "func", "simple", "json"]
"""The format of the lines of functions (``embedded-host start --console``).

``default`` has the time, the level, the function, the instance and the message. ``func`` has the
time and the message, as Core Tools print them. ``simple`` has the level and the category in one
line and the message below it, as the Azure Functions host prints them without Core Tools. ``json``
has one JSON object in each line.
"""
CONSOLE_FORMATS: tuple[ConsoleFormat, ...] = ("default", "func", "simple", "json")

SESSION_LIMIT = 400
"""Maximum number of orchestrators that one worker keeps in memory."""


SDK_2_REQUIREMENTS = ("azure-functions>=2.3.0b2", "azure-functions-durable>=2.0.0rc3")
"""The requirements of an app for SDK 2.x. The versions let pip install pre-releases.

Messages of the host and the worker name them.
"""
EXIT_WITHOUT_SDK = 70
"""The exit code of a worker whose interpreter has no azure-functions or azure-functions-durable.

``embedded_worker/__main__.py`` defines the exit code 71.
"""
EXIT_OTHER_PROTOCOL = 72
"""The exit code of a worker that the host started with another version of the protocol."""
EXIT_BROKEN_SDK = 73
"""The exit code of a worker that cannot import an installed SDK. It has printed the reason."""


class Hello(NamedTuple):
    """The first message on each socket."""

    placement: Placement
    token: str = ""
    """The secret from the worker's environment, or an empty string on an inherited socket."""
    version: int = PROTOCOL_VERSION
    python: str = ""
    azure_functions: str = ""
    """The installed version of azure-functions, or an empty string."""
    azure_functions_durable: str = ""
    """The installed version of azure-functions-durable, or an empty string."""


class BindingSpec(NamedTuple):
    """A binding of a function."""

    type: str
    name: str
    direction: str = "in"
    """``in``, ``out`` or ``inout``."""
    properties: Mapping[str, object] = {}
    """Properties of a v2 app's binding, named as in function.json. Empty for a v1 app."""

    @property
    def is_trigger(self) -> bool:
        """True if the binding is the function's trigger."""
        return self.type.lower().endswith("trigger")

    @property
    def is_output(self) -> bool:
        """True if the function sets the binding's value."""
        return self.direction == "out"


class FunctionSpec(NamedTuple):
    """The fields of ``app.definitions.Function`` that a worker needs."""

    name: str
    directory: str
    script_file: str
    entry_point: str
    bindings: list[BindingSpec]
    code_file: str = ""
    """The file of a v2 app's function relative to the app folder, or an empty string.

    It is empty for a function of a library.
    """
    line: int = 0
    """The line of the function's definition, or 0 if it is unknown."""
    retry: Mapping[str, object] = {}
    """The retry policy of a v2 app's function, named as in function.json, or an empty mapping."""


class LogOptions(NamedTuple):
    """The settings for the log records and the output of functions."""

    levels: Mapping[str, str] = {}
    """``logging.logLevel`` of host.json."""
    console_levels: Mapping[str, str] = {}
    """``logging.console.logLevel`` of host.json."""
    format: ConsoleFormat = "default"
    keeps: bool = False
    """True if the host stores the lines, so that the worker sends them to it."""


class LoadRequest(NamedTuple):
    """The app to import."""

    root: str
    functions: list[FunctionSpec]
    """The functions of the function folders. They are loaded for a v1 app, and for a v2 app whose
    app object declares no functions."""
    logs: LogOptions = LogOptions()
    v2_script: str | None = None
    """The file name of a v2 app, or None for a v1 app."""
    rpc_base: str = ""
    """The base URL of the durable client's endpoint, as in the durableClient binding's value."""
    grpc_target: str = ""
    """The gRPC target ``HOST:PORT`` in ``rpcBaseUrl`` of an app with SDK 2.x, or an empty string.

    No gRPC server listens there. The worker carries the channels that the app opens to this target.
    """
    strict: bool = False
    """True if functions fail as on the Azure Functions host (``--parity strict``)."""


class ImportStarted(NamedTuple):
    """Reports that the worker starts to import a function's module or the file of a v2 app."""

    function: str


class LoadProblem(NamedTuple):
    """A function that cannot be used."""

    function: str | None
    """The function's name, or None for a problem of the whole app."""
    text: str
    """The cause, its position and the fix."""
    stack: str = ""


class FindingData(NamedTuple):
    """A parity finding: a part of the app that works here, but not on the Azure Functions host."""

    code: str
    """The code of the finding's kind (``embedded_host/parity/kinds``)."""
    function: str
    detail: str = ""
    """A sentence about this occurrence, or an empty string."""
    file: str = ""
    """The path of the code relative to the app folder, or an empty string for the function's file.
    """
    line: int = 0
    """The line of the code, or 0 for the line of the function."""
    instance_id: str = ""
    """The instance in which the finding was detected, or an empty string."""


class FindingReport(NamedTuple):
    """Reports parity findings. A worker sends it at any time after ``LoadResult``."""

    findings: Sequence[FindingData]


class LogLine(NamedTuple):
    """A log record of a function, or a line of its output."""

    time: int
    """Microseconds since 1970-01-01 UTC."""
    level: int
    """The number of a level (``log_levels.LEVELS``)."""
    category: str
    text: str
    function: str = ""
    """The name of the function, or an empty string if no function has written the line."""
    invocation_id: str = ""
    instance_id: str = ""
    """The instance of the invocation, or an empty string for a function without an instance."""


class LogReport(NamedTuple):
    """Sends log lines to the host. A worker sends it at any time after ``LoadRequest``."""

    lines: Sequence[LogLine]
    dropped: int = 0
    """The number of lines before these lines that the worker has discarded."""


class LoadResult(NamedTuple):
    """The outcome of ``LoadRequest``."""

    problems: list[LoadProblem]
    functions: Sequence[FunctionSpec] = ()
    """The functions that a v2 app declares, in the app's order. Empty if the worker has loaded
    ``LoadRequest.functions``."""
    placements: Mapping[str, Placement] = {}
    """Placements by function name."""
    findings: Sequence[FindingData] = ()
    """The parity findings of the app's code."""


class HttpRequestData(NamedTuple):
    """The HTTP request that triggers a function."""

    method: str
    url: str
    headers: dict[str, str]
    query: dict[str, str]
    route: dict[str, str]
    body: bytes


class HttpResponseData(NamedTuple):
    """The response of an HTTP function."""

    status: int
    headers: list[tuple[str, str]]
    body: bytes


class ErrorData(NamedTuple):
    """An exception in user code."""

    type: str
    message: str
    stack: str = ""


class TraceData(NamedTuple):
    """A W3C trace context."""

    trace_parent: str
    trace_state: str = ""


class RetryData(NamedTuple):
    """The position of a run among the runs that a retry policy allows."""

    retry_count: int
    """The number of runs before this one."""
    max_retry_count: int
    """The maximum number of retries, or -1 without a limit."""
    error: ErrorData | None = None
    """The exception of the previous run, or None for the first run."""


class InvocationRequest(NamedTuple):
    """Requests one run of a function."""

    id: int
    function: str
    trigger: HttpRequestData | str
    """The HTTP request, or the JSON value of an orchestration, activity, entity or timer."""
    invocation_id: str = ""
    client: str = ""
    """The value of the durableClient binding, if the function has one."""
    retry: RetryData | None = None
    """The retry of a function with a retry policy, or None for a function without one."""
    trace: TraceData | None = None
    """The span of the invocation, or None without telemetry."""
    instance_id: str = ""
    """The instance that the function belongs to: that of an activity or of an entity."""


class TurnRequest(NamedTuple):
    """Requests one turn of an orchestrator.

    If ``seen`` is 0, ``payload`` is the JSON object that the SDK reads.
    If ``seen`` is greater, ``payload`` is the JSON array of the events after the first ``seen``
    ones. A worker that does not have the orchestrator in memory responds with ``missing``.
    """

    id: int
    function: str
    instance_id: str
    execution_id: str
    payload: str
    seen: int = 0
    is_replay: bool = False
    """True if the worker must not keep the orchestrator, and must report the lines of its calls.

    The host replays some instances in this way at each turn, to find code that is not
    deterministic.
    """
    invocation_id: str = ""
    is_diagnosis: bool = False
    """True if the worker must not keep the orchestrator, and must log and print nothing.

    The host only derives a diagnosis from such a replay.
    """


class CallLineData(NamedTuple):
    """The lines of an orchestrator's calls, such as ``flow/__init__.py line 7``."""

    calls: Sequence[tuple[int, str]] = ()
    """The id of each call's task, and the line of the call."""
    waits: str = ""
    """The line where the orchestrator waits, or an empty string if it has ended."""
    differs_at: int = -1
    """The id of the recorded call that the replay does not make, if SDK 2.x has found one."""


class InvocationResult(NamedTuple):
    """The result of an ``InvocationRequest`` or a ``TurnRequest``."""

    id: int
    value: HttpResponseData | str | None = None
    """The response of an HTTP function, or the output as JSON."""
    error: ErrorData | None = None
    missing: bool = False
    """True if the worker does not have the orchestrator in memory and needs the whole history."""
    counts: list[int] | None = None
    """The number of actions after each event of a turn's request."""
    known: int = 0
    """The number of leading actions that a turn omits, because an earlier turn returned them."""
    kept: bool = False
    """True if the worker keeps the orchestrator in memory for the next turn."""
    lines: CallLineData | None = None
    """The lines of the calls, if ``TurnRequest.is_replay`` was true."""
    exit_code: int | None = None
    """The code with which the process now exits because of this call, or None.

    The result has no value then. Without it, the host could not know which of the running calls
    has ended the process.
    """
    began: float | None = None
    """The Unix time at which a thread began to run the function, or None for other calls.

    Host and worker run on one machine, so that they have the same clock.
    """


RPC_METHOD = "RPC"
"""The method of a ``ClientRequest`` whose path is the name of a gRPC method (SDK 2.x)."""


class ClientRequest(NamedTuple):
    """A request of the durable client to the host."""

    id: int
    method: str
    path: str
    """The path and query, relative to the base URL of the durable client's endpoint."""
    body: bytes
    trace: TraceData | None = None
    """The span of the invocation that sends the request, or None without telemetry."""


class ClientResponse(NamedTuple):
    """The host's response to a ``ClientRequest`` with the same id."""

    id: int
    status: int
    body: bytes


class StopRequest(NamedTuple):
    """Requests the process to exit. All calls have returned."""


Message = Union[
    Hello,
    LoadRequest,
    ImportStarted,
    LoadResult,
    FindingReport,
    LogReport,
    InvocationRequest,
    TurnRequest,
    InvocationResult,
    ClientRequest,
    ClientResponse,
    StopRequest,
]
