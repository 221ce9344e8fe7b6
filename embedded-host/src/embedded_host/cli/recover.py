"""What can be had out of a damaged state."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import click

from embedded_host.cli.arguments import as_json
from embedded_host.cli.command import command
from embedded_host.cli.output import print_json, printable
from embedded_host.cli.target import Target, state_options
from embedded_host.store.files import STATE_FILE

if TYPE_CHECKING:
    from embedded_host.recovery.recover import Recovered
    from embedded_host.recovery.report import Lost

SHOWN = 20
"""Lines of each kind; the file of the report has all."""


@command()
@as_json
@state_options
def recover(target: Target, as_json: bool) -> None:
    """Get out of a damaged state what can be read, and say exactly what cannot.

    What can be read goes into a new file in the old one's place, on which the host starts. The damaged file is kept beside
    it. Instances that cannot go on because something that they need is lost are Failed, with the reason as their output. A
    file that is sound is left alone. The host must be stopped before.

    \b
    Examples:
      embedded-host recover
      embedded-host recover --state .embedded-host --json
    """
    from embedded_host.cli.state_file import exclusively
    from embedded_host.recovery.recover import recover as recovered
    from embedded_host.store.connection import RECOVERED

    path = target.state_folder / STATE_FILE
    if not path.with_name(path.name + RECOVERED).exists():
        path = target.state_path()
    with exclusively(path.parent):
        result = recovered(path)
    if as_json:
        print_json({"state": str(path), **result.document()})
    else:
        _say(result, str(path))


def _say(result: Recovered, path: str) -> None:
    report = result.report
    if result.damaged is None:
        click.echo(f"{path} is sound: {_count(report.kept)} in it, and nothing was changed.")
        return
    for problem in report.problems:
        click.echo(f"Found: {printable(problem)}.")
    click.echo(f"Recovered {_count(report.kept)} as they were.")
    _list("Failed now, because they could not go on", report.failed)
    _list("Recovered, but not as they were", report.incomplete)
    _list("Lost", report.left_out)
    click.echo(f"The damaged file is kept as {result.damaged}.")
    click.echo(f"All of this report: {result.report_file}.")


def _list(heading: str, lost: Sequence[Lost]) -> None:
    if not lost:
        return
    click.echo(f"{heading} ({len(lost)}):")
    for one in lost[:SHOWN]:
        name = "an instance whose id is not known" if one.id is None else f"'{printable(one.id)}'"
        hub = f" of {printable(one.hub)}" if one.hub else ""
        status = f", {one.status}" if one.status else ""
        click.echo(f"  {name}{hub}{status}: {printable(one.what)}")
    if len(lost) > SHOWN:
        click.echo(f"  and {len(lost) - SHOWN} more")


def _count(number: int) -> str:
    return "1 instance or entity" if number == 1 else f"{number} instances and entities"
