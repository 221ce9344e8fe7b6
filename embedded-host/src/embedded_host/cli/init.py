"""The command ``init``: a new app from the templates."""

from __future__ import annotations

import os
import re
import sys
from importlib.util import find_spec
from pathlib import Path

import click

from embedded_host.cli.command import CommandError, command
from embedded_host.cli.installation import own_requirement, quoted
from embedded_host.workers.sdk2_environment import find_python
from embedded_host.workers.sdk_versions import PYTHON_FOR_SDK_2

TEMPLATES = Path(__file__).parent / "templates"
_RENAMED = {"gitignore": ".gitignore", "funcignore": ".funcignore", "vscode": ".vscode"}
"""The names of files and folders in a new app, by their names in the template.

The names of these templates have no dot, so that no tool applies the templates to this repository.
"""
_OLDEST_FOR_SDK_2 = ".".join(map(str, PYTHON_FOR_SDK_2))
_KEPT = {"README.md"}
"""The files that may exist. A new repository often has a README, which ``init`` does not change."""


@command()
@click.argument("folder", type=click.Path(file_okay=False, path_type=Path), default=Path())
@click.option(
    "--model",
    type=click.Choice(["v1", "v2"]),
    default="v2",
    show_default=True,
    help="The programming model. v2: decorators in function_app.py. v1: a folder with a "
    "function.json for each function.",
)
@click.option(
    "--sdk",
    type=click.Choice(["1", "2"]),
    default="1",
    show_default=True,
    help="The major version of azure-functions-durable. Version 2 is a pre-release, which needs "
    "Python 3.13 or newer and the v2 model.",
)
def init(folder: Path, model: str, sdk: str) -> None:
    """Create a new app in FOLDER. Default: the current folder.

    The app has an HTTP function, an orchestrator, an activity, tests, and settings for VS Code. If
    FOLDER already contains one of the app's files, the command fails and writes nothing. Only an
    existing README.md is kept.

    Examples:
      embedded-host init my-app
      embedded-host init my-app --model v1
      embedded-host init my-app --sdk 2
    """
    if sdk == "2" and model == "v1":
        raise CommandError(
            "azure-functions-durable 2.x has no v1 model, so nothing was written. "
            "Omit --model v1: embedded-host init my-app --sdk 2. [EH534]"
        )
    folder = Path(
        os.path.normpath(folder)
    )  # "new/../app" becomes "app", even if "new" does not exist
    files = app_files(folder, "sdk2" if sdk == "2" else model)
    files = {p: text for p, text in files.items() if p.name not in _KEPT or not p.exists()}
    existing = [path for path in files if path.exists()]
    if existing:
        raise CommandError(
            f"{existing[0]} exists, so nothing was written. Use a folder without an app: "
            "embedded-host init my-app. [EH530]"
        )
    try:
        for path, content in files.items():
            path.parent.mkdir(parents=True, exist_ok=True)
            with path.open("x", encoding="utf-8", newline="\n") as file:
                file.write(content)
    except OSError as error:
        raise CommandError(f"The app cannot be written: {error}. [EH532]") from error
    for path in files:
        click.echo(f"  {path.as_posix()}")
    name = _orchestrator(model)
    is_current = folder == Path()
    option = "" if is_current else f" --script-root {_quoted(folder)}"
    environment = _environment_commands(folder) if sdk == "2" else ""
    click.echo(
        f"\nCreated the app. {environment}Start it:\n\n  embedded-host start{option}\n\n"
        "Start an orchestration: open "
        f"http://localhost:7071/api/orchestrators/{name}, or run in another terminal:\n\n"
        f"  embedded-host start-new{option} --function-name {name}\n\n"
        f"{_test_commands(folder, sdk)}"
    )


def _orchestrator(template: str) -> str:
    return "HelloCities" if template == "v1" else "hello_cities"


def _quoted(path: Path) -> str:
    return quoted(str(path))


def _python_of(folder: Path) -> str:
    """Return the path of the interpreter in the environment of an app, for a command."""
    scripts = "Scripts" if sys.platform == "win32" else "bin"
    return _quoted(folder / ".venv" / scripts / "python")


def _test_commands(folder: Path, sdk: str) -> str:
    """Return the commands that run the app's tests.

    The tests import the app's packages, pytest and the test kit. The host's environment has them if
    it is an environment for development. Otherwise the commands install them for the app.
    """
    argument = "" if folder == Path() else f" {_quoted(folder)}"
    if sdk == "1" and find_spec("pytest") and find_spec("pytest_asyncio"):
        return f"Run the app's tests:\n\n  python -m pytest{argument}"
    python = _python_of(folder)
    commands = [
        f"{python} -m pip install -r {_quoted(folder / 'requirements-dev.txt')}",
        f"{python} -m pytest{argument}",
    ]
    if sdk == "1":
        commands.insert(0, f"{quoted(sys.executable)} -m venv {_quoted(folder / '.venv')}")
    return (
        "Run the app's tests in the app's environment, with pytest and the test kit of the host:"
        "\n\n" + "\n".join(f"  {command}" for command in commands)
    )


def _environment_commands(folder: Path) -> str:
    """Return the commands that create the environment of an app for SDK 2.x."""
    python = find_python()
    if python is None and sys.version_info >= PYTHON_FOR_SDK_2:
        python = sys.executable
    note = (
        "Create"
        if python
        else f"It was not found on this machine. Install Python {_OLDEST_FOR_SDK_2}, and create"
    )
    requirements = _quoted(folder / "requirements.txt")
    return (
        f"Its SDK needs Python {_OLDEST_FOR_SDK_2} or newer. {note} the app's environment:\n\n"
        f"  {quoted(python or f'python{_OLDEST_FOR_SDK_2}')} -m venv {_quoted(folder / '.venv')}\n"
        f"  {_python_of(folder)} -m pip install -r {requirements}\n\n"
    )


def app_files(folder: Path, template: str) -> dict[Path, str]:
    """Return the files of a new app: the content of each file by its path.

    The files of ``template`` replace those of ``common``.
    """
    python = f"python{_OLDEST_FOR_SDK_2}" if template == "sdk2" else "python"
    values = {
        "APP_NAME": folder.absolute().name or "App",
        "TASK_HUB": hub_name(folder),
        "ORCHESTRATOR_NAME": _orchestrator(template),
        "PYTHON_COMMAND": python,
        "HOST_REQUIREMENT": own_requirement(),
    }
    placeholder = re.compile("|".join(values))
    files = {}
    for part in (TEMPLATES / "common", TEMPLATES / template):
        for source in sorted(part.rglob("*"), key=lambda path: path.as_posix().lower()):
            if source.is_file() and "__pycache__" not in source.parts:
                names = (_RENAMED.get(name, name) for name in source.relative_to(part).parts)
                text = source.read_text(encoding="utf-8")
                path = folder.joinpath(*names)
                files[path] = placeholder.sub(lambda found: values[found[0]], text)
    return files


def hub_name(folder: Path) -> str:
    """Return a name for the task hub, derived from the folder's name.

    A task hub's name has 3 to 45 letters and digits and starts with a letter
    (https://learn.microsoft.com/azure/azure-functions/durable/durable-functions-task-hubs).
    """
    words = re.findall("[A-Za-z0-9]+", folder.absolute().name)
    name = "".join(word[:1].upper() + word[1:] for word in words)[:42]
    return f"{name}Hub" if re.match("[A-Za-z]", name) else "MyTaskHub"
