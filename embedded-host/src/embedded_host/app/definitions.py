"""The dataclasses that describe an app: its functions, bindings, settings and problems.

The dataclasses are frozen and do no I/O. The other modules of this package create them from files.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from functools import cached_property
from pathlib import Path

from embedded_host.app.binding_types import CLIENTS, DURABLE_TRIGGERS
from embedded_host.app.function_retry import FunctionRetry


@dataclass(frozen=True)
class Problem:
    """A fault in the app's files or settings, with its location and its fix.

    A fatal problem, such as an invalid host.json, prevents the start of the app. A problem with a
    ``function`` disables that function. All other problems are warnings.
    """

    location: str
    """The name of a setting, or a path relative to the app folder.

    A path may include the line and the column: ``Hello/function.json:3:7``.
    """
    fault: str
    """One sentence that describes the fault."""
    fix: str = ""
    """One sentence that describes the fix."""
    function: str | None = None
    """The function that the problem disables."""
    fatal: bool = False
    code: str = field(kw_only=True)
    """The problem's code in ``errors.md`` (``EH140``)."""
    on_azure: str = field(default="", kw_only=True)
    """The message of the Azure Functions host about this fault, or an empty string."""

    def __str__(self) -> str:
        """Return a message with the location, the fault, the fix and the code.

        The words for a function that the problem disables are those of the Azure Functions host.
        """
        fault = self.fault
        if self.function is not None:
            fault = f"The '{self.function}' function is in error: {fault}"
        return (
            f"{self.location}: {fault}" + (f" {self.fix}" if self.fix else "") + f" [{self.code}]"
        )

    @property
    def host_error(self) -> str:
        """The problem as an entry of ``errors`` in the status of a host in error."""
        return f"{self.on_azure} {self}" if self.on_azure else str(self)


@dataclass(frozen=True)
class Note:
    """An accepted fault of a JSON file: a comment, a trailing comma or a duplicate key."""

    line: int
    column: int
    fault: str
    is_json: bool = False
    """True if the JSON parser of Python accepts the fault, as it does for a duplicate key."""


@dataclass(frozen=True)
class Binding:
    """One entry of a function's ``bindings``.

    ``properties`` is the entry of the file with two changes, as on the Azure Functions host: known
    properties have their documented spelling (``Methods`` -> ``methods``), and ``%SETTING%`` is
    resolved in the properties that allow it. ``Function.config`` has the unchanged entry.
    """

    type: str
    name: str
    direction: str
    """``in``, ``out`` or ``inout`` (lower case)."""
    properties: Mapping[str, object] = field(default_factory=dict)

    @property
    def written_type(self) -> str:
        """The type in the case of the file, which the Python worker compares with regard to case.

        ``type`` has the documented case, because the Azure Functions host ignores it.
        """
        return str(self.properties.get("type", self.type))

    @property
    def is_trigger(self) -> bool:
        """True if the binding is a trigger."""
        return self.type.lower().endswith("trigger")

    @property
    def route(self) -> str | None:
        """The ``route`` of an httpTrigger without the route prefix, or None if it is not set."""
        route = self._property("route")
        return route if isinstance(route, str) else None

    @property
    def methods(self) -> tuple[str, ...] | None:
        """The methods of an httpTrigger in upper case, or None for all methods."""
        methods = self._property("methods")
        return (
            tuple(str(method).upper() for method in methods)
            if isinstance(methods, Iterable)
            else None
        )

    @property
    def requires_grpc(self) -> bool:
        """True if the binding was declared with SDK 2.x."""
        return self._property("durablerequiresgrpc") is True

    def _property(self, name: str) -> object:
        return next((value for key, value in self.properties.items() if key.lower() == name), None)


def is_built_in(name: str) -> bool:
    """Return True for the name of a function that SDK 2.x declares in each app.

    These functions implement ``call_http``. An app cannot use their names.
    """
    return name in ("BuiltIn__HttpActivity", "BuiltIn__HttpPollOrchestrator")


@dataclass(frozen=True)
class Function:
    """One function of the app. In the v1 model its name is the name of its folder."""

    name: str
    directory: Path
    script_file: Path
    """Absolute path of the Python file."""
    entry_point: str
    """The name of the callable in that file; ``main`` by default."""
    bindings: tuple[Binding, ...]
    config: Mapping[str, object] = field(default_factory=dict)
    """The content of function.json."""
    code_file: str = ""
    """The file of a v2 function relative to the app folder, or an empty string if unknown."""
    line: int = 0
    """The line of a v2 function's definition, or 0 if it is unknown."""
    retry: FunctionRetry | None = None
    """The retry policy, or None."""

    @property
    def trigger(self) -> Binding:
        """The function's trigger."""
        return next(b for b in self.bindings if b.is_trigger)

    @cached_property
    def takes_client(self) -> bool:
        """True if the function has a durable client binding."""
        return any(b.type.lower() in CLIENTS for b in self.bindings)

    @cached_property
    def requires_grpc(self) -> bool:
        """True for a durable function of SDK 2.x."""
        return any(binding.requires_grpc for binding in self.bindings)

    @property
    def is_built_in(self) -> bool:
        """True if SDK 2.x has added the function for ``call_http``. Lists of functions omit it."""
        return is_built_in(self.name)

    @property
    def durable_kind(self) -> str | None:
        """``orchestrator``, ``activity`` or ``entity``, or None for any other function."""
        durable = DURABLE_TRIGGERS.get(self.trigger.type.lower())
        return durable.kind if durable else None

    @property
    def durable_name(self) -> str:
        """The name by which orchestrators call the function.

        It is the ``orchestration``, ``activity`` or ``entityName`` property of the trigger. Without
        this property, it is the name of the function.
        """
        durable = DURABLE_TRIGGERS.get(self.trigger.type.lower())
        named = self.trigger.properties.get(durable.name_property) if durable else None
        return str(named) if named else self.name


@dataclass(frozen=True)
class HostJson:
    """The settings of host.json that the host reads.

    ``document`` is the whole file, with the overrides of environment variables.
    """

    document: Mapping[str, object] = field(default_factory=dict)
    hub_name: str = "TestHubName"
    route_prefix: str = "api"
    functions: frozenset[str] | None = None
    """The names of the functions to run, in lower case, or None for all functions."""
    custom_headers: Mapping[str, str] = field(default_factory=dict)
    """Headers of every response (``extensions.http.customHeaders``)."""
    function_timeout: float | None = 1800.0
    """Seconds, or None for no limit."""
    retry: FunctionRetry | None = None
    """The retry policy of the functions without a policy of their own, or None."""
    max_concurrent_activities: int | None = None
    """The maximum number of running activities, or None for ten per core."""
    max_concurrent_orchestrators: int | None = None
    """The maximum number of running turns, or None for ten per core."""
    max_entity_batch: int = 5000
    overridable_existing_states: str = "NonRunningStates"
    """``NonRunningStates`` or ``AnyState``."""
    store_inputs_in_history: bool = False
    default_version: str | None = None
    """The version of an instance if its start request contains no version."""
    version_match_strategy: str = "CurrentOrOlder"
    """``None``, ``Strict`` or ``CurrentOrOlder``. This host runs every version."""
    entity_reorder_window: int = 30
    """``entityMessageReorderWindowInMinutes``. It affects only parity findings."""
    max_grpc_message_bytes: int = 4_194_304
    """``maxGrpcMessageSizeInBytes``. It affects only parity findings and strict mode."""
    uses_azure_storage: bool = True
    """False if ``storageProvider.type`` selects another storage than Azure Storage."""
    http_sleep_ms: int = 30000
    """The default pause between two polls of ``call_http``, in milliseconds.

    The key is ``httpSettings.defaultAsyncRequestSleepTimeMilliseconds``.
    """
    max_outstanding_requests: int | None = 10_000
    """The maximum number of waiting and running requests to HTTP functions.

    None, which is -1 in the file, means no limit. The Azure Functions host has no limit by default.
    On the Windows Consumption plan, the limit is 200. The embedded host has a default limit, so
    that waiting requests cannot exhaust the memory.
    """
    max_concurrent_requests: int | None = None
    """The maximum number of running HTTP functions.

    None, which is -1 in the file, means no limit and is the default. On the Windows Consumption
    plan, the limit is 100.
    """
    log_levels: Mapping[str, str] = field(default_factory=dict)
    """The log levels by category (``logging.logLevel``)."""
    notes: tuple[Note, ...] = ()
    """Accepted faults of the file."""
    console_log_levels: Mapping[str, str] = field(default_factory=dict)
    """The log levels by category of the console (``logging.console.logLevel``)."""
    is_console_enabled: bool = True
    """False if the console shows no records of functions (``logging.console.isEnabled``)."""
    exports_telemetry: bool = False
    """True if ``telemetryMode`` is ``OpenTelemetry``."""
    ignored: tuple[Problem, ...] = ()
    """Keys of the file that have no effect on this host, with the reasons."""

    def runs(self, name: str) -> bool:
        """Return True if ``functions`` does not exclude the function."""
        return self.functions is None or name.lower() in self.functions

    def loaded(self, functions: Iterable[Function]) -> list[Function]:
        """Return the functions that ``functions`` does not exclude."""
        return [function for function in functions if self.runs(function.name)]

    def with_retry(self, function: Function) -> Function:
        """Return the function with the policy of the file, unless it has its own policy."""
        if self.retry is None or function.retry is not None or function.is_built_in:
            return function
        return replace(function, retry=self.retry)

    @property
    def has_bundle(self) -> bool:
        """True if the file has an extension bundle."""
        return "extensionBundle" in self.document


@dataclass(frozen=True)
class LocalSettings:
    """The content of local.settings.json.

    The ``values`` become environment variables. An existing variable keeps its value.
    """

    values: Mapping[str, str] = field(default_factory=dict)
    exists: bool = field(default=False, compare=False)
    """True if the file exists and is valid."""
    port: int | None = None
    address: str | None = None
    cors: tuple[str, ...] = ()
    cors_credentials: bool = False


@dataclass(frozen=True)
class App:
    """An app on disk. The functions of a v2 app are missing until a worker has loaded the app."""

    root: Path
    host: HostJson
    settings: LocalSettings
    functions: tuple[Function, ...]
    """Functions without problems, ordered by name without regard to case."""
    problems: tuple[Problem, ...] = ()
    uses_v2_model: bool = False
    """True if the app folder has function_app.py or the file of PYTHON_SCRIPT_FILE_NAME."""
    disabled: frozenset[str] = frozenset()
    """Functions that ``AzureWebJobs.{name}.Disabled`` disables. ``functions`` includes them."""
    refused: Mapping[str, str] = field(default_factory=dict)
    """Routes of the HTTP functions whose function.json is invalid, by the function's name."""
    route_errors: Mapping[str, str] = field(default_factory=dict)
    """Messages of the Azure Functions host about invalid routes, by the function's name.

    One invalid route puts that host in error.
    """
    route_locations: Mapping[str, str] = field(default_factory=dict)
    """Locations of the routes in function.json, by the function's name."""
