"""A loaded app: its routes, its timers, and the functions that are out of service."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property
from pathlib import Path
from urllib.parse import urlsplit

from embedded_host.app.binding_types import RESOLVED
from embedded_host.app.definitions import App, Binding, Function, HostJson, Problem
from embedded_host.app.folder import disabled_functions
from embedded_host.app.function_retry import FunctionRetry, RetryPolicyError
from embedded_host.app.http_route import HttpRoute, RouteTable
from embedded_host.app.indexing_errors import indexing_error
from embedded_host.app.route_problems import in_name_order, route_problems
from embedded_host.app.route_template import RouteTemplateError, function_route, route_error
from embedded_host.app.schedule import ScheduleError
from embedded_host.app.setting import UnresolvedSettingError, resolve_percent, setting
from embedded_host.app.timer_trigger import TimerTrigger
from embedded_host.parity.app_findings import app_findings
from embedded_host.workers.failure_texts import FailureTexts
from embedded_worker.log_levels import ERROR, RESULTS, LogLevels
from embedded_worker.protocol import (
    BindingSpec,
    ConsoleFormat,
    FindingData,
    FunctionSpec,
    LoadRequest,
    LoadResult,
    LogOptions,
)

SERVED = (
    "httptrigger",
    "orchestrationtrigger",
    "activitytrigger",
    "entitytrigger",
    "timertrigger",
    "warmuptrigger",
)
"""The types of served triggers, in lower case. A warmup function loads, and is never started."""
SILENT = {"default": "None"}
"""The log levels of an app whose records the console does not show."""


@dataclass(frozen=True)
class LoadedApp:
    """An app with the routes and timers of its usable functions, and the errors of the others."""

    app: App
    routes: Mapping[str, HttpRoute] = field(default_factory=dict)
    """Routes of HTTP functions, by function name."""
    timers: Mapping[str, TimerTrigger] = field(default_factory=dict)
    """Triggers of enabled timer functions, by function name.

    As on the Azure Functions host, they include the functions of ``unloaded``.
    """
    broken: Mapping[str, str] = field(default_factory=dict)
    """Reasons why functions are out of service, by function name."""
    problem: str | None = None
    """The problem of the whole app, for example a failed import, or None."""
    refused: Mapping[str, str] = field(default_factory=dict)
    """Routes of HTTP functions that are out of service, by function name."""
    findings: Sequence[FindingData] = ()
    """The parity findings of the app's code."""
    route_problems: Sequence[Problem] = ()
    """Conflicts of the routes of a v2 app. ``app.problems`` has those of function folders."""
    route_errors: Mapping[str, str] = field(default_factory=dict)
    """Messages of the Azure Functions host about invalid routes, by function name."""
    unloaded: frozenset[str] = frozenset()
    """The functions of ``broken`` whose code does not load.

    The Azure Functions host starts these functions, and each run fails. The other functions of
    ``broken`` do not exist there.
    """
    nameless: Sequence[Function] = ()
    """Functions of SDK 2.x that strict mode refuses because of the names of their bindings."""

    @cached_property
    def route_table(self) -> RouteTable:
        """The table that matches requests with ``routes``."""
        return RouteTable(self.routes.values())

    @cached_property
    def _levels(self) -> LogLevels:
        options = _log_options(self.app.host, "default")
        return LogLevels(options.levels, options.console_levels)

    @cached_property
    def failures(self) -> FailureTexts:
        """The texts of failed runs in the log."""
        return FailureTexts(self.app.root)

    def shows_failure(self, function: str) -> bool:
        """Return True if the log levels of host.json show the error of a failed function."""
        return any(
            self._levels.is_enabled(category, ERROR)
            for category in (f"Function.{function}", RESULTS)
        )

    @property
    def enabled(self) -> list[Function]:
        """The functions that are neither disabled nor excluded by host.json, in order of name."""
        functions = self.app.host.loaded(self.app.functions)
        return in_name_order(f for f in functions if f.name not in self.app.disabled)

    def hidden_folders(self) -> str:
        """Return the problem of function folders that a v2 app hides, or an empty string."""
        folders = sorted(file.parent.name for file in self.app.root.glob("*/function.json"))
        if not self.app.uses_v2_model or not folders:
            return ""
        return (
            "function_app.py hides the function folders, as on the Azure Functions host: "
            f"{', '.join(folders)}."
        )

    def of_type(self, *types: str) -> list[Function]:
        """Return the enabled functions with a trigger type in ``types``, which is in lower case."""
        return [f for f in self.enabled if f.trigger.type.lower() in types]


def load_request(
    app: App,
    environ: Mapping[str, str],
    rpc_base: str,
    *,
    strict: bool = False,
    console: ConsoleFormat = "default",
    keeps_logs: bool = False,
) -> LoadRequest:
    """Return the load request for the workers.

    ``rpc_base`` is the base URL of the durable client's endpoint. The gRPC channels of SDK 2.x have
    the host and port of this URL as their target, but the worker carries them over its connection
    to the host. ``strict`` is the mode of ``--parity``, and ``console`` is the value of
    ``--console``. If ``keeps_logs`` is true, the workers send their log lines. A folder with both
    programming models is a v2 app if its app object declares functions
    (functions-host.md#function-indexing).
    """
    script = setting("PYTHON_SCRIPT_FILE_NAME", environ) or "function_app.py"
    return LoadRequest(
        str(app.root),
        [_spec(function) for function in app.functions],
        _log_options(app.host, console)._replace(keeps=keeps_logs),
        script if app.uses_v2_model else None,
        rpc_base,
        urlsplit(rpc_base).netloc,
        strict,
    )


def _log_options(host: HostJson, console: ConsoleFormat) -> LogOptions:
    if not host.is_console_enabled:
        return LogOptions(SILENT, {}, console)
    return LogOptions(host.log_levels, host.console_log_levels, console)


def loaded_app(
    app: App, loaded: LoadResult, environ: Mapping[str, str], *, strict: bool = False
) -> LoadedApp:
    """Return ``app`` with its loaded functions, and with a reason for each unusable function.

    ``strict`` is the mode of ``--parity``.
    """
    if app.uses_v2_model and not loaded.functions and not loaded.problems:
        app = replace(app, uses_v2_model=False)
    # The function folders of a v2 app are not served.
    folder_problems = () if app.uses_v2_model else app.problems
    broken = {p.function: str(p) for p in folder_problems if p.function}
    broken |= {p.function: p.text for p in loaded.problems if p.function}
    conflicts: tuple[Problem, ...] = ()
    nameless: tuple[Function, ...] = ()
    refused = dict(app.refused)
    unloaded = frozenset(p.function for p in loaded.problems if p.function)
    if app.uses_v2_model:
        declared = [_function(spec, environ, broken) for spec in loaded.functions]
        functions = _without_errors(declared, app, broken, strict=strict)
        if strict:
            usable = {id(function) for function in functions}
            disabled = disabled_functions((f.name for f in declared), environ)
            nameless = tuple(
                function
                for function in declared
                if function.requires_grpc
                and id(function) not in usable
                and function.name not in disabled
            )
        conflicts = route_problems(app.host.loaded(functions), app.host.route_prefix)
        broken |= {p.function: str(p) for p in conflicts if p.function}
        app = replace(
            app,
            functions=functions,
            disabled=disabled_functions((f.name for f in functions), environ),
        )
    if app.host.retry is not None:
        app = replace(app, functions=tuple(map(app.host.with_retry, app.functions)))
    without_route = {p.function for p in (*folder_problems, *conflicts)}
    route_errors = {} if app.uses_v2_model else dict(app.route_errors)
    routes: dict[str, HttpRoute] = {}
    timers: dict[str, TimerTrigger] = {}
    for function in app.host.loaded(app.functions):
        kind = function.trigger.type.lower()
        if kind not in SERVED:
            broken.setdefault(
                function.name,
                f"{_with_article(function.trigger.type)} is not served by the embedded host, "
                f"which has no {_service(kind)}. Start its work from an HTTP or timer trigger "
                "here, or run the app with Core Tools.",
            )
        elif kind == "httptrigger" and function.name in broken.keys() - unloaded:
            refused[function.name] = _route(app, function)
        elif kind == "httptrigger" and function.name not in without_route:
            # A disabled function keeps its route, as on the Azure Functions host.
            try:
                routes[function.name] = HttpRoute.of(function, app.host.route_prefix)
            except RouteTemplateError as error:
                refused[function.name] = _route(app, function)
                broken[function.name] = (
                    f"the route '{refused[function.name]}' of '{function.name}' cannot be used: "
                    f"{error}"
                )
                route_errors[function.name] = route_error(
                    function.name, refused[function.name], error.message
                )
        elif (
            kind == "timertrigger"
            and function.name not in app.disabled
            and function.name not in broken.keys() - unloaded
        ):
            try:
                timers[function.name] = TimerTrigger.of(function, environ)
            except ScheduleError as error:
                broken[function.name] = (
                    f"{function.script_file.name}: the timer of '{function.name}' cannot run: "
                    f"{error}"
                )
                unloaded -= {function.name}  # it does not exist on the Azure Functions host
    problem = "\n".join(p.text for p in loaded.problems if p.function is None) or None
    if problem is not None:
        app, conflicts, unloaded = replace(app, functions=()), (), frozenset()
        routes, timers, broken, refused, route_errors = {}, {}, {}, {}, {}
    elif not app.functions and not broken:
        problem = "No job functions found."
    return LoadedApp(
        app,
        routes,
        timers,
        broken,
        problem,
        refused,
        [*loaded.findings, *app_findings(app, route_errors, environ)],
        conflicts,
        route_errors,
        unloaded,
        tuple(in_name_order(app.host.loaded(nameless))),
    )


def _with_article(kind: str) -> str:
    """Return ``an eventGridTrigger`` or ``a queueTrigger``."""
    return f"{'an' if kind[:1].lower() in 'aeio' else 'a'} {kind}"


def _without_errors(
    functions: Iterable[Function], app: App, broken: dict[str, str], *, strict: bool
) -> tuple[Function, ...]:
    """Return the v2 functions that the Azure Functions host accepts. Add the others to ``broken``.

    The functions in error do not exist. Those that SDK 2.x has added for ``call_http`` are not
    added, because they are in error in each app.
    """
    accepted: list[Function] = []
    for function in functions:
        error = indexing_error(function, has_bundle=app.host.has_bundle, strict=strict)
        if error and function.is_built_in:
            continue
        if error:
            where = f"{function.code_file} line {function.line}: " if function.code_file else ""
            broken[function.name] = f"{where}The '{function.name}' function is in error: {error}"
        else:
            accepted.append(function)
    return tuple(accepted)


def _route(app: App, function: Function) -> str:
    """Return the route of an HTTP function, including the prefix."""
    return function_route(app.host.route_prefix, function.trigger.route or "", function.name)


def _service(kind: str) -> str:
    return {
        "queuetrigger": "storage queues",
        "blobtrigger": "blob storage",
        "servicebustrigger": "Service Bus",
        "eventhubtrigger": "Event Hubs",
        "eventgridtrigger": "Event Grid",
        "cosmosdbtrigger": "Cosmos DB",
    }.get(kind, "such events")


def _spec(function: Function) -> FunctionSpec:
    return FunctionSpec(
        function.name,
        str(function.directory),
        str(function.script_file),
        function.entry_point,
        [BindingSpec(b.written_type, b.name, b.direction) for b in function.bindings],
    )


def _function(spec: FunctionSpec, environ: Mapping[str, str], broken: dict[str, str]) -> Function:
    """Return a v2 function. Add it to ``broken`` if a ``%NAME%`` refers to an unknown setting."""
    return Function(
        name=spec.name,
        directory=Path(spec.directory),
        script_file=Path(spec.script_file),
        entry_point=spec.entry_point,
        bindings=tuple(_bindings(spec, environ, broken)),
        config={
            "name": spec.name,
            "entryPoint": spec.entry_point,
            "scriptFile": Path(spec.script_file).name,
            "language": "python",
            "functionDirectory": str(Path(spec.script_file).parent),
            "bindings": [binding.properties for binding in spec.bindings],
        },
        code_file=spec.code_file,
        line=spec.line,
        retry=_retry(spec, broken),
    )


def _retry(spec: FunctionSpec, broken: dict[str, str]) -> FunctionRetry | None:
    """Return the policy of a v2 function. Add the function to ``broken`` if it is invalid."""
    if not spec.retry:
        return None
    try:
        return FunctionRetry.parse(spec.retry)
    except RetryPolicyError as error:
        broken.setdefault(spec.name, f"the @app.retry of '{spec.name}' is not valid: {error}")
        return None


def _bindings(
    spec: FunctionSpec, environ: Mapping[str, str], broken: dict[str, str]
) -> Iterable[Binding]:
    for binding in spec.bindings:
        properties = dict(binding.properties)
        # A schedule is resolved when it is parsed. A binding that is not served needs no settings.
        resolved = (
            RESOLVED - {"schedule"} if binding.type.lower() in (*SERVED, "durableclient") else ()
        )
        for key, value in binding.properties.items():
            if isinstance(value, str) and "%" in value and key.lower() in resolved:
                try:
                    properties[key] = resolve_percent(value, environ)
                except UnresolvedSettingError as error:
                    broken.setdefault(
                        spec.name,
                        f"{Path(spec.script_file).name}: '{key}' of '{spec.name}' cannot be "
                        f"resolved: {error} Set it in the environment or in Values of "
                        "local.settings.json.",
                    )
        yield Binding(binding.type, binding.name, binding.direction, properties)
