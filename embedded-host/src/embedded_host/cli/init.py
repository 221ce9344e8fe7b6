"""A new app."""

from __future__ import annotations

import re
import shlex
import sys
from pathlib import Path
from subprocess import list2cmdline

import click

from embedded_host.cli.command import CommandError, command

TEMPLATES = Path(__file__).parent / "templates"
_RENAMED = {"gitignore": ".gitignore", "funcignore": ".funcignore"}
"""Under its own name a template's .gitignore would count in this repository."""


@command()
@click.argument("folder", type=click.Path(file_okay=False, path_type=Path), default=Path())
@click.option(
    "--model",
    type=click.Choice(["v1", "v2"]),
    default="v2",
    show_default=True,
    help="v1: a folder and a function.json for each function. v2: function_app.py with decorators.",
)
def init(folder: Path, model: str) -> None:
    """Make a new app that runs, in FOLDER (default: this one). What is there already stays.

    \b
    Examples:
      embedded-host init my-app
      embedded-host init my-app --model v1
    """
    files = app_files(folder, model)
    taken = [path for path in files if path.exists()]
    if taken:
        raise CommandError(
            f"{taken[0]} is there already, so nothing was written. Name an empty folder, or one without an app: embedded-host "
            "init my-app. [EH530]"
        )
    try:
        for path, text in files.items():
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text, encoding="utf-8", newline="\n")
    except OSError as error:
        raise CommandError(f"The app cannot be written: {error}. [EH532]") from error
    for path in files:
        click.echo(f"  {path.as_posix()}")
    name = "hello_cities" if model == "v2" else "HelloCities"
    here = folder == Path()
    there = "" if here else f" --script-root {_quoted(folder)}"
    click.echo(
        f"\nThe app is made. Next:\n\n  embedded-host start{there}\n\nand open "
        f"http://localhost:7071/api/orchestrators/{name}, or in a second terminal:\n\n"
        f"  embedded-host start-new{there} --function-name {name}\n\nIts test (pip install pytest):\n\n"
        f"  python -m pytest{'' if here else ' ' + _quoted(folder)}"
    )


def _quoted(folder: Path) -> str:
    """As the shell of this system wants it."""
    return list2cmdline([str(folder)]) if sys.platform == "win32" else shlex.quote(str(folder))


def app_files(folder: Path, model: str) -> dict[Path, str]:
    """The new app's files with their texts."""
    files = {}
    for part in (TEMPLATES / "common", TEMPLATES / model):
        for source in sorted(part.rglob("*")):
            if source.is_file() and "__pycache__" not in source.parts:
                path = source.relative_to(part)
                text = source.read_text(encoding="utf-8").replace("TASK_HUB", hub_name(folder))
                files[folder / path.with_name(_RENAMED.get(path.name, path.name))] = text
    return files


def hub_name(folder: Path) -> str:
    """The folder's name as far as a task hub can have it: 3 to 45 letters and digits, a letter first (documented)."""
    words = re.findall("[A-Za-z0-9]+", folder.absolute().name)
    name = "".join(word[:1].upper() + word[1:] for word in words)[:42]
    return f"{name}Hub" if re.match("[A-Za-z]", name) else "MyTaskHub"
