"""The command ``parity``: the parts of an app that would fail on the Azure Functions host."""

from __future__ import annotations

import sys

import click

from embedded_host.cli.app_folder import load_folder
from embedded_host.cli.arguments import as_json, completed_by
from embedded_host.cli.command import CommandError, command
from embedded_host.cli.output import number_of, print_json, printable
from embedded_host.cli.reader import Json
from embedded_host.cli.target import Target, host_options


@command("parity")
@as_json
@click.option(
    "--ignore",
    "ignored",
    multiple=True,
    metavar="CODE",
    shell_complete=completed_by("parity codes"),
    help="Omit the findings with this code, such as EH805. Repeatable.",
)
@click.option("--python", metavar="PATH", help="Load the app folder with this interpreter.")
@host_options
def parity(target: Target, as_json: bool, ignored: tuple[str, ...], python: str | None) -> None:
    """List the parts of the app that would fail on Azure Functions.

    A running host reports the findings of the app's code and of the functions that have run since
    the code was loaded. If no host responds, the command imports the app's code and reports only
    the findings of the code.

    The exit code is 1 if there is a finding, and 0 otherwise.

    Examples:
      embedded-host parity
      embedded-host parity --json --ignore EH805
    """
    if target.state:
        raise click.UsageError(
            "A state folder does not contain parity findings: select the app folder with "
            "--script-root."
        )
    document = target.host().parity() if target.has_host() else of_folder(target, python)
    codes = {code.upper() for code in ignored}
    found = document.get("findings")
    findings: list[Json] = [
        finding
        for finding in (found if isinstance(found, list) else [])
        if isinstance(finding, dict) and finding.get("code") not in codes
    ]
    if as_json:
        print_json({**document, "findings": findings})
    elif findings:
        for finding in findings:
            click.echo(printable(_paragraph(finding)))
        click.echo(f"{number_of(len(findings), 'part')} of the app would differ on Azure.")
    else:
        click.echo("No part of the app is known to differ on Azure.")
    if findings:
        sys.exit(1)


def of_folder(target: Target, python: str | None = None) -> Json:
    """Return the document with the findings of an app folder's code.

    Raises CommandError if the app cannot be loaded.
    """
    import msgspec

    from embedded_host.parity.documents import parity_document
    from embedded_host.parity.findings import Findings
    from embedded_host.workers.load_findings import add_load_findings

    loaded = load_folder(target, python)
    if loaded.problem:
        raise CommandError(
            f"The app in {target.root.absolute()} cannot be loaded: {loaded.problem} [EH310]"
        )
    findings = Findings(loaded.app.host, is_logged=False)  # the command prints them
    add_load_findings(findings, loaded)
    document: Json = msgspec.to_builtins(parity_document(findings))
    return document


def _paragraph(finding: Json) -> str:
    """Return the text of a finding with its instances."""
    text = str(finding.get("text", ""))
    instances = finding.get("instances")
    if isinstance(instances, list) and instances:
        more = ", ..." if len(instances) > 3 else ""
        noun = "Instance" if len(instances) == 1 else "Instances"
        text += f" {noun}: {', '.join(map(str, instances[:3]))}{more}"
    return text
