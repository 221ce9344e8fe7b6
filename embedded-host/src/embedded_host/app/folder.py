"""An app's folder -> App: the one way in."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from pathlib import Path

from embedded_host.app.definitions import App, Binding, Function, Problem
from embedded_host.app.errors import AppError
from embedded_host.app.function_json import FunctionFolder, read_function
from embedded_host.app.host_json import read_host_json
from embedded_host.app.local_settings import NAME, effective_environment, read_local_settings
from embedded_host.app.route_template import RouteTemplate, function_route
from embedded_host.app.schedule import time_zone
from embedded_host.app.setting import setting


def read_app(root: Path, environ: Mapping[str, str]) -> App:
    """Everything that ``root`` and ``environ`` (the process's; it wins over local.settings.json) say of an app.

    Raises AppError, with all that was found, for what no app can start with: no app there, a host.json that cannot be
    used, no functions at all. Everything else is in ``App.problems``: functions out of service, and warnings.
    """
    root = root.absolute()
    settings, settings_problems = read_local_settings(root)
    added, _ = effective_environment(settings, environ, root)
    merged = {**environ, **added}
    try:
        host, host_problems = read_host_json(root, merged)
    except FileNotFoundError:
        raise AppError(_no_app(root)) from None
    folders = [
        read_function(folder, merged, host.route_prefix) for folder in _function_folders(root)
    ]
    folders = _without_namesakes(folders)
    script = setting("PYTHON_SCRIPT_FILE_NAME", merged) or "function_app.py"
    uses_v2_model = (root / script).is_file()
    if not folders and not uses_v2_model:
        raise AppError(_no_functions(root, script))
    functions = tuple(folder.function for folder in folders if folder.function)
    return App(
        root=root,
        host=host,
        settings=settings,
        functions=functions,
        problems=(
            *settings_problems,
            *_runtime_problem(merged),
            *_time_zone_problem(merged),
            *host_problems,
            *(problem for folder in folders for problem in folder.problems),
            *route_conflicts(
                functions,
                host.route_prefix,
                {folder.name: folder.route_place for folder in folders},
            ),
        ),
        uses_v2_model=uses_v2_model,
        refused={folder.name: folder.refused_route for folder in folders if folder.refused_route},
        disabled=disabled_functions((function.name for function in functions), merged),
    )


def disabled_functions(names: Iterable[str], environ: Mapping[str, str]) -> frozenset[str]:
    """Those of ``names`` that ``AzureWebJobs.{name}.Disabled`` (or, where names of variables cannot have dots,
    ``AzureWebJobs_{name}_Disabled``) switches off with ``true`` or ``1`` (functions-host.md#local-settings-json)."""
    return frozenset(
        name
        for name in names
        for written in (f"AzureWebJobs.{name}.Disabled", f"AzureWebJobs_{name}_Disabled")
        if (setting(written, environ) or "").strip().lower() in ("true", "1")
    )


def route_conflicts(
    functions: Iterable[Function], prefix: str, places: Mapping[str, str]
) -> tuple[Problem, ...]:
    """A warning for each HTTP function that another one before it keeps requests from.

    ``functions`` are in order, which is the order in which routes are tried (functions-host.md#http-routing); ``places`` has where each
    one's route stands.
    """
    problems: list[Problem] = []
    earlier: list[tuple[Function, RouteTemplate, frozenset[str]]] = []
    for function in functions:
        if function.trigger.type != "httpTrigger":
            continue
        route = RouteTemplate.parse(function_route(prefix, function.trigger.route, function.name))
        methods = _methods(function.trigger)
        for other, other_route, other_methods in earlier:
            shared = (
                methods & other_methods if methods and other_methods else methods | other_methods
            )
            if not route.overlaps(other_route) or (methods and other_methods and not shared):
                continue
            all_of_it = not other_methods or methods == shared
            answered = "every method" if not shared else ", ".join(sorted(shared))
            fate = "is never reached" if all_of_it else "is not reached with these methods"
            problems.append(
                Problem(
                    places.get(function.name, f"{function.name}/function.json"),
                    f"'{function.name}' has the same route as '{other.name}' ('{route.template}', {answered}): "
                    f"'{other.name}' comes first by name and answers, and '{function.name}' {fate}.",
                    "Give one of them another route or other methods.",
                    code="EH106",
                )
            )
            break
        earlier.append((function, route, methods))
    return tuple(problems)


def _methods(trigger: Binding) -> frozenset[str]:
    """In upper case; empty for all."""
    return frozenset(trigger.methods or ())


def _function_folders(root: Path) -> list[Path]:
    """Every folder directly in ``root`` with a function.json, by name as the real host orders them."""
    folders = (folder for folder in root.iterdir() if _holds(folder, "function.json"))
    return sorted(folders, key=lambda folder: (folder.name.upper(), folder.name))


def _without_namesakes(folders: list[FunctionFolder]) -> list[FunctionFolder]:
    """Of folders whose names differ only in case, those after the first are out of service."""
    first: dict[str, str] = {}
    kept: list[FunctionFolder] = []
    for folder in folders:
        name = first.setdefault(folder.name.lower(), folder.name)
        if name != folder.name:
            problem = Problem(
                f"{folder.name}/function.json",
                f"'{folder.name}' and '{name}' differ only in case, and names of functions are compared without it.",
                "Rename one of the folders.",
                function=folder.name,
                code="EH103",
            )
            folder = FunctionFolder(
                folder.name, None, (*folder.problems, problem), folder.route_place
            )
        kept.append(folder)
    return kept


def _runtime_problem(environ: Mapping[str, str]) -> tuple[Problem, ...]:
    runtime = setting("FUNCTIONS_WORKER_RUNTIME", environ) or "python"
    if runtime.lower() == "python":
        return ()
    what = f"FUNCTIONS_WORKER_RUNTIME is '{runtime}', but the embedded host runs Python functions only."
    return (Problem(NAME, what, 'Set it to "python"; it is taken as that.', code="EH104"),)


def _time_zone_problem(environ: Mapping[str, str]) -> tuple[Problem, ...]:
    _, what = time_zone(environ)
    remedy = "Write it as in 'Europe/Berlin' or 'America/New_York'; until then schedules go by UTC."
    return (Problem(NAME, what, remedy, code="EH105"),) if what else ()


def _holds(folder: Path, name: str) -> bool:
    try:
        return (folder / name).is_file()
    except OSError:  # a folder that may not be looked into
        return False


def _no_app(root: Path) -> Problem:
    if not root.is_dir():
        return Problem(
            str(root),
            "There is no such folder.",
            "Name the app's folder with --script-root.",
            fatal=True,
            code="EH101",
        )
    parents = [folder for folder in root.parents if _holds(folder, "host.json")][:1]
    try:
        children = sorted(folder for folder in root.iterdir() if _holds(folder, "host.json"))
    except OSError:
        children = []
    found = [*parents, *children]
    what = "There is no app in this folder: an app has a host.json at its top."
    if not found:
        return Problem(
            str(root),
            what,
            "Run it in an app's folder or name that with --script-root (looked above and one level below).",
            fatal=True,
            code="EH101",
        )
    places = ", ".join(str(folder) for folder in found)
    return Problem(
        str(root),
        f"{what} There is one in: {places}.",
        "Run it there or use --script-root.",
        fatal=True,
        code="EH101",
    )


def _no_functions(root: Path, script: str) -> Problem:
    deeper = sorted(file.relative_to(root).as_posix() for file in root.glob("*/*/function.json"))[
        :3
    ]
    remedy = (
        f"Found deeper: {', '.join(deeper)}; a function's folder must be directly in the app's folder."
        if deeper
        else 'The least is a folder Hello with __init__.py and function.json, or a function_app.py with "app = df.DFApp()".'
    )
    return Problem(
        str(root),
        f"No functions found: neither a folder with a function.json (*/function.json) nor {script}.",
        remedy,
        fatal=True,
        code="EH102",
    )
