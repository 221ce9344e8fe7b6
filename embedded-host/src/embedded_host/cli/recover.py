"""The command ``recover``."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import click

from embedded_host.cli.arguments import as_json
from embedded_host.cli.command import command
from embedded_host.cli.output import number_of_instances, print_json, printable
from embedded_host.cli.state_file import state_lock
from embedded_host.cli.target import Target, state_options
from embedded_host.store.files import STATE_FILE

if TYPE_CHECKING:
    from embedded_host.recovery.recover import Recovery
    from embedded_host.recovery.report import InstanceOutcome

SHOWN = 20
"""Instances to list of each kind; the report file has all."""


@command()
@as_json
@state_options
def recover(target: Target, as_json: bool) -> None:
    """Recover the readable data of a damaged state file, and report the outcome for each instance.

    SQLite's program sqlite3 (its command .recover) rebuilds the file; the rows that are left go into a new file in the old one's
    place. The damaged file is kept beside it. Live instances that lost data that they need become Failed, with the reason as
    their output; the others continue. A sound file is not changed. Stop the host first.

    \b
    Examples:
      embedded-host recover
      embedded-host recover --state .embedded-host --json
    """
    from embedded_host.recovery.recover import recover as recover_file
    from embedded_host.store.state_file import RECOVERED

    path = target.state_folder / STATE_FILE
    if not path.with_name(path.name + RECOVERED).exists():
        path = target.state_path()
    with state_lock(path.parent):
        result = recover_file(path)
    if as_json:
        print_json({"state": str(path), **result.document()})
    else:
        _print(result, str(path))


def _print(result: Recovery, path: str) -> None:
    report = result.report
    count = report.count()
    if result.damaged is None:
        click.echo(
            f"{path} is sound: {number_of_instances(len(report.instances))} in it, and nothing was changed."
        )
        return
    for problem in report.problems:
        click.echo(f"Found: {printable(problem)}.")
    click.echo(
        f"Recovered {count['finished']} finished and {count['continued']} live instances and {count['entity']} entities. "
        f"{count['failed']} failed and {count['lost']} lost."
    )
    _list("Failed, because data that they need is lost", report.of("failed"))
    _list("Recovered, but incomplete", report.incomplete)
    _list("Lost", report.of("lost"))
    click.echo(f"The damaged file is kept as {result.damaged}.")
    click.echo(f"The complete report: {result.report_file}.")


def _list(heading: str, outcomes: Sequence[InstanceOutcome]) -> None:
    if not outcomes:
        return
    click.echo(f"{heading} ({len(outcomes)}):")
    for one in outcomes[:SHOWN]:
        name = "an instance with unknown id" if one.id is None else f"'{printable(one.id)}'"
        hub = f" of {printable(one.hub)}" if one.hub else ""
        status = f", {one.status}" if one.status else ""
        click.echo(f"  {name}{hub}{status}: {printable(one.detail or '')}")
    if len(outcomes) > SHOWN:
        click.echo(f"  and {len(outcomes) - SHOWN} more")
