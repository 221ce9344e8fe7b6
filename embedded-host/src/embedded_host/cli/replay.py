"""Replay of recorded histories with the app's current code, for CI before a deployment."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

import click

from embedded_host.cli.arguments import as_json, script_root
from embedded_host.cli.command import CommandError, command
from embedded_host.cli.output import print_json, printable


@command()
@click.argument(
    "files",
    nargs=-1,
    required=True,
    metavar="FILE...",
    type=click.Path(exists=True, dir_okay=False),
)
@script_root
@click.option(
    "--name",
    metavar="NAME",
    help="The orchestrator, where the files do not say it or it has another name now.",
)
@as_json
def replay(files: tuple[str, ...], script_root: Path, name: str | None, as_json: bool) -> None:
    """Replay recorded histories against the app's code; exit code 1 if any does not fit, with the first step that differs.

    FILE is what export wrote, what func durable get-history prints, or a real host's status with
    showHistory=true&showHistoryOutput=true. Nothing runs but orchestrators.

    \b
    Examples:
      embedded-host replay histories/*.json
      embedded-host replay order-7.json --script-root ../my-app
    """
    from embedded_host.testing import (
        AppLoadError,
        DurableApp,
        EmbeddedHostError,
        HistoryMismatchError,
    )

    found: list[dict[str, Any]] = []
    paths = [(file, Path(file).absolute()) for file in files]
    try:
        opened = DurableApp(script_root)
    except AppLoadError as error:
        raise CommandError(str(error)) from error
    with opened as app:
        for file, path in paths:
            entry: dict[str, Any] = {"file": file, "fits": False}
            try:
                replayed = app.replay(path, name=name)
                entry |= {
                    "fits": True,
                    "name": replayed.name,
                    "steps": replayed.steps,
                    "turns": replayed.turns,
                }
            except HistoryMismatchError as error:
                entry |= {"problem": str(error), "step": error.step, "turn": error.turn}
                entry |= {"history": error.expected, "code": error.actual}
            except (EmbeddedHostError, OSError) as error:
                entry["problem"] = str(error)
            found.append(entry)
            if not as_json:
                click.echo(_shown(entry))
    if as_json:
        print_json(found)
    if not all(entry["fits"] for entry in found):
        sys.exit(1)


def _shown(entry: dict[str, Any]) -> str:
    file = printable(entry["file"])
    if entry["fits"]:
        return f"{file}: {printable(entry['name'])} fits ({entry['steps']} steps, {entry['turns']} turns)"
    lines = "\n".join(printable(line) for line in entry["problem"].splitlines())
    return f"{file}: {lines}"
