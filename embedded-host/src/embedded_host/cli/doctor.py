"""The command ``doctor``: problems of the app, its environment and this machine."""

from __future__ import annotations

import os
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import click

from embedded_host.cli.arguments import as_json, script_root
from embedded_host.cli.command import command
from embedded_host.cli.output import number_of, on_terminal, print_json, printable

if TYPE_CHECKING:
    from embedded_host.doctor.examination import Examination
    from embedded_host.doctor.finding import Finding

_COLORS = {"error": "red", "warning": "yellow"}


@command()
@script_root
@click.option(
    "--python",
    metavar="PATH",
    help="Check the app with this interpreter. Default: the interpreter that start selects.",
)
@as_json
def doctor(script_root: Path, python: str | None, as_json: bool) -> None:
    """Find problems of the app, its environment and this machine.

    The command checks the app's interpreter, installed packages, requirements.txt, host.json,
    settings, functions, state file and port. It imports the app's code in a worker process, as
    start does. Each finding has a fix.

    An error stops the app or one of its functions on this machine. A warning is a problem on Azure,
    with func, with the test kit, or one that may be intended. With an error, the exit code is 1.
    Warnings do not change it.

    Examples:
      embedded-host doctor
      embedded-host doctor --script-root ../my-app --json
    """
    from embedded_host.doctor.examination import examine

    # Path.resolve() would follow links, which the output would show.
    root = Path(os.path.abspath(script_root))  # noqa: PTH100
    examination = examine(root, os.environ, python)
    if as_json:
        print_json(examination.document())
    else:
        _print(examination)
    if examination.count("error"):
        sys.exit(1)


def _print(examination: Examination) -> None:
    interpreter, environment = examination.interpreter, examination.environment
    click.echo(f"App: {printable(examination.root)}")
    if interpreter is not None:
        version = f"Python {environment.python}" if environment else "Python"
        click.echo(printable(f"{version}: {interpreter.executable} ({interpreter.reason})"))
    if environment is not None:
        versions = examination.sdk().items()
        click.echo(", ".join(f"{name} {version or 'not installed'}" for name, version in versions))
    for finding in examination.findings:
        _print_finding(finding)
    errors, warnings = examination.count("error"), examination.count("warning")
    click.echo(f"\n{number_of(errors, 'error')}, {number_of(warnings, 'warning')}.")


def _print_finding(finding: Finding) -> None:
    severity: str = finding.severity
    if on_terminal():
        severity = click.style(severity, fg=_COLORS[severity], bold=True)
    place = f"{finding.place}: " if finding.place else ""
    text = f"{place}{finding.text}" + (f"\nFix: {finding.fix}" if finding.fix else "")
    lines = [printable(line) for line in f"{text} [{finding.code}]".splitlines()]
    click.echo(f"\n{severity}  {lines[0]}")
    for line in lines[1:]:
        click.echo(f"    {line}")
