"""What an app is: the vocabulary that every other part of the host reads.

Everything here is a value: frozen, without I/O, and without knowledge of files' formats (the readers
beside this module have that).
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path

from embedded_host.app.binding_types import CLIENTS, DURABLE_TRIGGERS


@dataclass(frozen=True)
class Problem:
    """Something wrong with the app: what, where, and what to do about it.

    ``fatal`` says that the app cannot start at all (a host.json that cannot be read); otherwise only
    the function it names is out of service, or nothing is and it is a warning.
    """

    where: str
    """A file, relative to the app's folder, with line and column if known (``Hello/function.json:3:7``); or a setting."""
    what: str
    """One sentence: what is wrong."""
    remedy: str = ""
    """One sentence: what to do."""
    function: str | None = None
    """The function that it puts out of service, if it is about one."""
    fatal: bool = False
    code: str = field(kw_only=True)
    """Its family in ``errors.md`` (``EH140``); stands at the end of the text."""

    def __str__(self) -> str:
        return (
            f"{self.where}: {self.what}"
            + (f" {self.remedy}" if self.remedy else "")
            + f" [{self.code}]"
        )


@dataclass(frozen=True)
class Binding:
    """One entry of a function's ``bindings``.

    ``properties`` is the entry as it stands in the file, but for two things that the real host does too: the known
    properties have their documented spelling (``Methods`` -> ``methods``), and ``%SETTING%`` is resolved where it may
    stand. ``Function.config`` has the entry untouched.
    """

    type: str
    name: str
    direction: str
    """``in``, ``out`` or ``inout`` (lower case)."""
    properties: Mapping[str, object] = field(default_factory=dict)

    @property
    def is_trigger(self) -> bool:
        return self.type.lower().endswith("trigger")

    @property
    def route(self) -> str | None:
        """The route of an httpTrigger, without the prefix; None without one."""
        route = self._property("route")
        return route if isinstance(route, str) else None

    @property
    def methods(self) -> tuple[str, ...] | None:
        """The methods of an httpTrigger in upper case; None for all methods."""
        methods = self._property("methods")
        return (
            tuple(str(method).upper() for method in methods)
            if isinstance(methods, Iterable)
            else None
        )

    def _property(self, name: str) -> object:
        return next((value for key, value in self.properties.items() if key.lower() == name), None)


@dataclass(frozen=True)
class Function:
    """One function of the app. In the v1 layout its name is its folder's."""

    name: str
    directory: Path
    script_file: Path
    """Absolute path of the Python file."""
    entry_point: str
    """The callable's name in that file; ``main`` unless the file says otherwise."""
    bindings: tuple[Binding, ...]
    config: Mapping[str, object] = field(default_factory=dict)
    """The function.json as read."""

    @property
    def trigger(self) -> Binding:
        return next(b for b in self.bindings if b.is_trigger)

    @cached_property
    def takes_client(self) -> bool:
        """Whether it has a durable client, with which it can start and end instances."""
        return any(b.type.lower() in CLIENTS for b in self.bindings)

    @property
    def durable_kind(self) -> str | None:
        """``orchestrator``, ``activity`` or ``entity``; None for any other function."""
        durable = DURABLE_TRIGGERS.get(self.trigger.type.lower())
        return durable.kind if durable else None

    @property
    def durable_name(self) -> str:
        """The name by which orchestrators call it: the ``orchestration``/``activity``/``entityName`` property of its trigger,
        else the function's name."""
        durable = DURABLE_TRIGGERS.get(self.trigger.type.lower())
        named = self.trigger.properties.get(durable.name_property) if durable else None
        return str(named) if named else self.name


@dataclass(frozen=True)
class HostJson:
    """The parts of host.json that this host reads; ``document`` is all of it (after overrides)."""

    document: Mapping[str, object] = field(default_factory=dict)
    hub_name: str = "TestHubName"
    route_prefix: str = "api"
    function_timeout: float | None = 1800.0
    """Seconds; None is unbounded."""
    max_concurrent_activities: int | None = None
    """None: ten for each core."""
    max_concurrent_orchestrators: int | None = None
    max_entity_batch: int = 5000
    overridable_existing_states: str = "NonRunningStates"
    """or ``AnyState``"""
    store_inputs_in_history: bool = False
    default_version: str | None = None
    """The version of orchestrations that are started without one."""
    http_sleep_ms: int = 30000
    """``httpSettings.defaultAsyncRequestSleepTimeMilliseconds``"""
    max_outstanding_requests: int | None = 10_000
    """Requests for functions that wait or are under way; None (-1 in the file) is no limit. The real host has none by default,
    and 200 on its Windows consumption plan; without one, memory would be it."""
    max_concurrent_requests: int | None = None
    """HTTP functions that run at a time; None (-1 in the file, the default) is no limit. 100 on that plan."""
    log_levels: Mapping[str, str] = field(default_factory=dict)
    """``logging.logLevel`` as written: category -> level."""
    ignored: tuple[Problem, ...] = ()
    """The keys that are in the file and have no effect here, with the reason; for one line at start."""


@dataclass(frozen=True)
class LocalSettings:
    """local.settings.json: ``values`` go to the environment (an existing variable wins)."""

    values: Mapping[str, str] = field(default_factory=dict)
    port: int | None = None
    address: str | None = None
    cors: tuple[str, ...] = ()
    cors_credentials: bool = False


@dataclass(frozen=True)
class App:
    """A v1 (or, once a worker has indexed it, v2) function app as found on disk."""

    root: Path
    host: HostJson
    settings: LocalSettings
    functions: tuple[Function, ...]
    """In order of name, without regard to case. Those with a problem of their own are not among them."""
    problems: tuple[Problem, ...] = ()
    uses_v2_model: bool = False
    """A function_app.py (or PYTHON_SCRIPT_FILE_NAME) stands in the root."""
    disabled: frozenset[str] = frozenset()
    """Names of the functions that ``AzureWebJobs.{name}.Disabled`` switches off; they are among ``functions``."""
    refused: Mapping[str, str] = field(default_factory=dict)
    """HTTP functions that their function.json puts out of service -> the route where they would answer."""
