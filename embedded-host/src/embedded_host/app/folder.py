"""Read an app folder into an ``App``."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from pathlib import Path

from embedded_host.app.definitions import App, Problem
from embedded_host.app.errors import AppError, HostJsonError
from embedded_host.app.function_json import FunctionFolder, read_function
from embedded_host.app.host_json import read_host_json
from embedded_host.app.local_settings import NAME, effective_environment, read_local_settings
from embedded_host.app.route_problems import route_problems
from embedded_host.app.schedule import time_zone
from embedded_host.app.setting import setting
from embedded_worker.app_files import is_script_name

_HOST_JSON = (
    '{"version": "2.0", "extensionBundle": {"id": "Microsoft.Azure.Functions.ExtensionBundle", '
    '"version": "[4.*, 5.0.0)"}}'
)


def read_app(root: Path, environ: Mapping[str, str]) -> App:
    """Return the app in the folder ``root``.

    ``environ`` has the environment variables of the process, which override local.settings.json.
    Raises HostJsonError if host.json is invalid, or missing beside functions. Raises AppError if
    the folder has no app. ``App.problems`` has all other problems: invalid functions, an app
    without functions, and warnings.
    """
    root = root.absolute()
    settings, settings_problems = read_local_settings(root)
    added, _ = effective_environment(settings, environ, root)
    merged = {**environ, **added}
    try:
        host, host_problems = read_host_json(root, merged)
    except FileNotFoundError:
        script = setting("PYTHON_SCRIPT_FILE_NAME", merged) or "function_app.py"
        if root.is_dir() and (_function_folders(root) or _holds(root, script)):
            raise HostJsonError(_no_host_json(root)) from None
        raise AppError(_no_app(root)) from None
    folders = [
        read_function(folder, merged, host.route_prefix, has_bundle=host.has_bundle)
        for folder in _function_folders(root)
    ]
    folders = _without_namesakes(folders)
    script = setting("PYTHON_SCRIPT_FILE_NAME", merged) or "function_app.py"
    # The worker reports an invalid name, even if there is no such file.
    uses_v2_model = not is_script_name(script) or (root / script).exists()
    is_empty = not folders and not uses_v2_model
    functions = tuple(folder.function for folder in folders if folder.function)
    locations = {folder.name: folder.route_location for folder in folders}
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
            *((_no_functions(root, script),) if is_empty else ()),
            *(
                problem
                for folder in folders
                if host.runs(folder.name)
                for problem in folder.problems
            ),
            *route_problems(host.loaded(functions), host.route_prefix, locations),
        ),
        uses_v2_model=uses_v2_model,
        refused={
            folder.name: folder.refused_route
            for folder in folders
            if folder.refused_route and host.runs(folder.name)
        },
        disabled=disabled_functions((function.name for function in functions), merged),
        route_errors={
            folder.name: folder.route_error
            for folder in folders
            if folder.route_error and host.runs(folder.name)
        },
        route_locations=locations,
    )


def disabled_functions(names: Iterable[str], environ: Mapping[str, str]) -> frozenset[str]:
    """Return the functions that a setting disables (functions-host.md#local-settings-json).

    The setting is ``AzureWebJobs.{name}.Disabled``, or ``AzureWebJobs_{name}_Disabled`` on systems
    whose variable names cannot contain dots. The values ``true`` and ``1`` disable the function.
    """
    return frozenset(
        name
        for name in names
        for written in (f"AzureWebJobs.{name}.Disabled", f"AzureWebJobs_{name}_Disabled")
        if (setting(written, environ) or "").strip().lower() in ("true", "1")
    )


def _function_folders(root: Path) -> list[Path]:
    """Return the function folders, ordered by name as on the Azure Functions host."""
    folders = (folder for folder in root.iterdir() if _holds(folder, "function.json"))
    return sorted(folders, key=lambda folder: (folder.name.upper(), folder.name))


def _without_namesakes(folders: list[FunctionFolder]) -> list[FunctionFolder]:
    """Disable each function whose name differs from an earlier name only in case."""
    first: dict[str, str] = {}
    kept: list[FunctionFolder] = []
    for folder in folders:
        name = first.setdefault(folder.name.lower(), folder.name)
        if name != folder.name:
            problem = Problem(
                f"{folder.name}/function.json",
                f"The route specified conflicts with the route defined by function '{name}'. "
                f"'{folder.name}' and '{name}' differ only in case. The names of functions are "
                "compared without regard to case.",
                "Rename one of the folders.",
                function=folder.name,
                code="EH103",
            )
            folder = FunctionFolder(
                folder.name, None, (*folder.problems, problem), folder.route_location
            )
        kept.append(folder)
    return kept


def _runtime_problem(environ: Mapping[str, str]) -> tuple[Problem, ...]:
    runtime = setting("FUNCTIONS_WORKER_RUNTIME", environ) or "python"
    if runtime.lower() == "python":
        return ()
    fault = f"FUNCTIONS_WORKER_RUNTIME is '{runtime}', but the host runs only Python functions."
    fix = 'Set it to "python". Until then the host treats the app as a Python app.'
    return (Problem(NAME, fault, fix, code="EH104"),)


def _time_zone_problem(environ: Mapping[str, str]) -> tuple[Problem, ...]:
    _, fault = time_zone(environ)
    fix = "Use a name like 'Europe/Berlin' or 'America/New_York'. Until then, schedules use UTC."
    return (Problem(NAME, fault, fix, code="EH105"),) if fault else ()


def _holds(folder: Path, name: str) -> bool:
    try:
        return (folder / name).is_file()
    except OSError:  # no permission to read the folder
        return False


def _no_host_json(root: Path) -> Problem:
    return Problem(
        "host.json",
        f"The file does not exist in {root}, which has functions.",
        f"Create the file with the content {_HOST_JSON}. Or create a new app in "
        "another folder: embedded-host init my-app.",
        fatal=True,
        code="EH101",
    )


def _no_app(root: Path) -> Problem:
    if not root.is_dir():
        return Problem(
            str(root),
            "The folder does not exist.",
            "Pass the app folder with --script-root.",
            fatal=True,
            code="EH101",
        )
    parents = [folder for folder in root.parents if _holds(folder, "host.json")][:1]
    try:
        children = sorted(folder for folder in root.iterdir() if _holds(folder, "host.json"))
    except OSError:
        children = []
    found = [*parents, *children]
    fault = "The folder has no host.json, so it is not an app."
    if not found:
        return Problem(
            str(root),
            fault,
            "Run the command in an app folder, or pass the folder with --script-root. The parent "
            "folders and the subfolders have no app either. To create an app, run embedded-host "
            "init.",
            fatal=True,
            code="EH101",
        )
    folders = ", ".join(str(folder) for folder in found)
    return Problem(
        str(root),
        f"{fault} Apps nearby: {folders}.",
        "Run the command in an app folder, or pass the app folder with --script-root.",
        fatal=True,
        code="EH101",
    )


def _no_functions(root: Path, script: str) -> Problem:
    deeper = sorted(
        file.parent.relative_to(root).as_posix() for file in root.glob("*/*/function.json")
    )[:3]
    fix = (
        f"Function folders must be directly in the app folder. Move {', '.join(deeper)} there."
        if deeper
        else "Add a folder with __init__.py and function.json, or a function_app.py with "
        '"app = df.DFApp()".'
    )
    return Problem(
        str(root),
        "No job functions found. The app has no function folder (*/function.json) and no "
        f"{script}.",
        fix,
        code="EH102",
    )
