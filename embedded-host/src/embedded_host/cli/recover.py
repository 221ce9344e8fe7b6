"""The command ``recover``, which recovers the readable data of a damaged state file."""

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
"""The number of instances to list for each outcome. The report file lists all instances."""


@command()
@as_json
@state_options
def recover(target: Target, as_json: bool) -> None:
    """Recover the readable data of a damaged state file.

    Stop the host first. The command writes the recovered rows to a new file. This file replaces the
    damaged file, which is kept in the same folder. If the file is not damaged, the command does not
    change it.

    The command reports the outcome for each instance. If an unfinished instance lost required data,
    its status becomes Failed, and its output is the reason. Other instances continue.

    The recovery runs sqlite3, the shell of SQLite, which must support the command .recover.

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
            f"{path} is not damaged and was not changed. It has "
            f"{number_of_instances(len(report.instances))}."
        )
        return
    for problem in report.problems:
        click.echo(f"Damage found: {printable(problem)}.")
    click.echo(
        f"Recovered instances: {count['finished']} finished, {count['continued']} unfinished. "
        f"Recovered entities: {count['entity']}. "
        f"Set to Failed: {count['failed']}. Lost: {count['lost']}."
    )
    _list("Set to Failed, because required data is lost", report.of("failed"))
    _list("Recovered, but incomplete", report.incomplete)
    _list("Lost", report.of("lost"))
    click.echo(f"The damaged file was renamed to {result.damaged}.")
    click.echo(f"The full report is in {result.report_file}.")


def _list(heading: str, outcomes: Sequence[InstanceOutcome]) -> None:
    if not outcomes:
        return
    click.echo(f"{heading} ({len(outcomes)}):")
    for outcome in outcomes[:SHOWN]:
        is_known = outcome.id is not None
        name = f"'{printable(outcome.id)}'" if is_known else "an instance with an unknown id"
        hub = f" of {printable(outcome.hub)}" if outcome.hub else ""
        status = f", {outcome.status}" if outcome.status else ""
        click.echo(f"  {name}{hub}{status}: {printable(outcome.detail or '')}")
    if len(outcomes) > SHOWN:
        click.echo(f"  and {len(outcomes) - SHOWN} more")
