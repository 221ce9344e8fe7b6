"""The command ``replay``, which compares recorded histories with the app's code."""

from __future__ import annotations

import contextlib
import os
import sys
from dataclasses import dataclass
from pathlib import Path

import click

from embedded_host.cli.arguments import as_json, script_root
from embedded_host.cli.command import CommandError, command
from embedded_host.cli.output import number_of, print_json, printable


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
    help="The orchestrator's current name. Default: the name in the file.",
)
@as_json
def replay(files: tuple[str, ...], script_root: Path, name: str | None, as_json: bool) -> None:
    """Compare recorded histories with the app's code.

    The command runs the app's orchestrators with the recorded results. It runs no other functions.
    If an orchestrator differs from its history, the output contains the first step that differs,
    and the exit code is 1.

    FILE is the output of embedded-host export or func durable get-history. FILE can also contain an
    instance's status: the response of an Azure Functions host to a status URL with
    showHistory=true&showHistoryOutput=true.

    Examples:
      embedded-host replay histories/*.json
      embedded-host replay order-7.json --script-root ../my-app
    """
    from embedded_host.testing import AppLoadError, EmbeddedHostError, HistoryMismatchError
    from embedded_host.workers.shared_environment import PackageConflictError

    _report_unused_interpreter(script_root.absolute())
    results: list[ReplayResult] = []
    paths = [(file, Path(file).absolute()) for file in files]
    try:
        from embedded_host.testing import DurableApp  # fails if the packages do not match

        opened = DurableApp(script_root)
    except (AppLoadError, PackageConflictError) as error:
        raise CommandError(str(error)) from error
    with opened as app:
        for file, path in paths:
            try:
                replayed = app.replay(path, name=name)
                result = ReplayResult(
                    file, True, name=replayed.name, steps=replayed.steps, turns=replayed.turns
                )
            except HistoryMismatchError as error:
                result = ReplayResult(
                    file,
                    False,
                    problem=str(error),
                    step=error.step,
                    turn=error.turn,
                    history=error.expected,
                    code=error.actual,
                )
            except (EmbeddedHostError, OSError) as error:
                result = ReplayResult(file, False, problem=str(error))
            results.append(result)
            if not as_json:
                click.echo(_line(result))
    if as_json:
        print_json([result.document() for result in results])
    if not all(result.fits for result in results):
        sys.exit(1)


def _report_unused_interpreter(root: Path) -> None:
    """Print that the app has another interpreter, whose packages the command does not use."""
    from embedded_host.workers.app_interpreter import AppInterpreterError, find_app_interpreter

    with contextlib.suppress(AppInterpreterError):
        interpreter = find_app_interpreter(root, os.environ)
        if not interpreter.is_host:
            click.echo(interpreter.unused("replay"), err=True)


@dataclass(frozen=True)
class ReplayResult:
    """The result of replaying one file."""

    file: str
    fits: bool
    name: str | None = None
    """The orchestrator's name."""
    steps: int | None = None
    """The number of compared steps."""
    turns: int | None = None
    """The number of compared turns."""
    problem: str | None = None
    step: int | None = None
    """The number of the first step that differs, from 1."""
    turn: int | None = None
    """The number of the turn that contains this step, from 1."""
    history: str | None = None
    """The recorded step that differs."""
    code: str | None = None
    """The step of the current code that differs."""

    def document(self) -> dict[str, object]:
        """Return the JSON object of ``--json``, without the members that are None."""
        return {name: value for name, value in vars(self).items() if value is not None}


def _line(result: ReplayResult) -> str:
    file = printable(result.file)
    if result.problem is None:
        steps = number_of(result.steps or 0, "step")
        turns = number_of(result.turns or 0, "turn")
        return f"{file}: {printable(result.name)} matches ({steps}, {turns})"
    return f"{file}: " + "\n".join(printable(line) for line in result.problem.splitlines())
