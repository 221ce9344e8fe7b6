"""The console output at startup, in the format of ``func start``.

Source: functions-host.md#function-indexing.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable

from embedded_host.app.http_route import HttpRoute
from embedded_host.workers.current_app import NOT_LOADED
from embedded_host.workers.loaded_app import LoadedApp
from embedded_worker.protocol import LoadResult


def functions_text(loaded: LoadedApp, base_url: str) -> str:
    """Return the list of functions.

    The list contains HTTP functions, then other functions, then disabled functions, then functions
    that did not load. Each group is sorted by name.
    """
    routes, broken = loaded.routes, loaded.broken
    lines = ["", "Functions:", ""]
    for function in loaded.enabled:
        if route := routes.get(function.name):
            url, mark = f"{base_url}/{route.text}", _mark(loaded, function.name)
            lines += [f"\t{function.name}: {_methods(route)} {url}{mark}", ""]
    others = [f for f in loaded.enabled if f.name not in routes and not f.is_built_in]
    lines += [f"\t{f.name}: {f.trigger.type}{_mark(loaded, f.name)}" for f in others]
    if others:
        lines.append("")
    lines += [f"\tFunction {name} is disabled." for name in sorted(loaded.app.disabled)]
    lines += [
        f"\t{name}: out of service, see above"
        for name in sorted(set(broken) - {f.name for f in loaded.app.functions})
    ]
    if start := _start_url(loaded, base_url):
        lines += [f"Start an orchestration: {start}", ""]
    return "\n".join(lines)


def problems_text(problems: Iterable[str]) -> str:
    """Return the problems of a loaded app, each after an empty line, or an empty string."""
    return "\n".join(f"\n{problem}" for problem in problems)


def app_problems(
    app: LoadedApp, loaded: LoadResult, install: Callable[[str], str], *, is_reload: bool = False
) -> list[str]:
    """Return the problems of a loaded app.

    The problems are functions that do not load, with their tracebacks, and parts of the app that
    have no effect on this host. ``loaded`` contains the problems that the worker reported.
    ``install`` returns the command that installs the app's packages, for the text of a problem.
    ``is_reload`` is True for changed code that replaces other code only if it loads.
    """
    problems: list[str] = []
    if not app.app.uses_v2_model:
        problems += [str(fault) for fault in app.app.problems if fault.function is not None]
    for problem in loaded.problems:
        if problem.function is not None:
            subject = f"Worker failed to load function: '{problem.function}'"
        elif is_reload:
            subject = NOT_LOADED
        else:
            subject = (
                "Worker failed to index functions. The app has no functions, as on the Azure "
                "Functions host"
            )
        lines = [f"{subject}: {problem.text} [EH310]"]
        if "to requirements.txt" in problem.text or "in requirements.txt" in problem.text:
            # The problem's text omits this line, because HTTP responses contain that text too.
            lines.append(f"    In the app folder run: {install(problem.text)}")
        if problem.stack:
            lines += ["    " + line for line in problem.stack.rstrip().splitlines()]
        problems.append("\n".join(lines))
    known = {p.code for p in app.app.problems} | {p.function for p in loaded.problems}
    if app.problem is not None and not known & {None, "EH102"}:
        problems.append(f"{app.problem} The app object of function_app.py declares none. [EH102]")
    reported = {p.function for p in loaded.problems}
    reported |= {p.function for p in (*app.app.problems, *app.route_problems)}
    existing = {function.name for function in app.app.functions}
    for name in sorted(app.broken.keys() - existing - reported):
        problems.append(f"{app.broken[name]} [EH140]")
    for function in app.enabled:
        if function.name in app.broken and function.name not in reported:
            problems.append(f"{function.name}: {app.broken[function.name]} [EH311]")
        discarded = [
            f"'{b.name}' ({b.type})"
            for b in function.bindings
            if b.direction == "out" and b.type.lower() != "http"
        ]
        if discarded and function.name not in app.broken:
            problems.append(
                f"{function.name}: the embedded host discards the values of its output "
                f"binding{'' if len(discarded) == 1 else 's'} {', '.join(discarded)}, because it "
                "does not write to other services. The function runs. [EH312]"
            )
    problems += [str(problem) for problem in app.route_problems]
    if hidden := app.hidden_folders():
        problems.append(f"{hidden} [EH313]")
    return problems


def _methods(route: HttpRoute) -> str:
    methods = route.function.trigger.methods
    return f"[{','.join(methods)}]" if methods else ""


def _mark(loaded: LoadedApp, name: str) -> str:
    return "   (out of service, see above)" if name in loaded.broken else ""


def _start_url(loaded: LoadedApp, base_url: str) -> str | None:
    """Return a URL that starts an orchestration in a browser, or None.

    The URL is that of an HTTP function with a durable client. The function must accept GET, and its
    route must have the parameter ``{functionName}``.
    """
    orchestrators = [
        f.durable_name
        for f in loaded.of_type("orchestrationtrigger")
        if f.name not in loaded.broken and not f.is_built_in
    ]
    for function in loaded.of_type("httptrigger"):
        route = loaded.routes.get(function.name)
        if route is None:
            continue
        takes_name = "{functionname}" in route.text.lower()
        if (
            orchestrators
            and takes_name
            and route.takes_client
            and (not route.methods or "GET" in route.methods)
        ):
            return f"{base_url}/{_with_name(route.text, orchestrators[0])}"
    return None


def _with_name(route: str, name: str) -> str:
    segments = [
        name if segment.lower() == "{functionname}" else segment
        for segment in route.split("/")
        if not segment.endswith("?}") and not segment.startswith("{*")
    ]
    return "/".join(segments)
