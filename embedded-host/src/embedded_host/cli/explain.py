"""The command ``explain``: the cause and the fix of an error code."""

from __future__ import annotations

import re

import click

from embedded_host.cli.arguments import completed_by
from embedded_host.cli.command import NotFoundError, command
from embedded_host.cli.output import print_text
from embedded_host.error_codes import CODE, entries


@command()
@click.argument(
    "code", required=False, metavar="[CODE]", shell_complete=completed_by("error codes")
)
def explain(code: str | None) -> None:
    """Print the cause and the fix of an error code.

    Without a code, the command lists all codes.

    Examples:
      embedded-host explain EH201
      embedded-host explain
    """
    catalogue = entries()
    if code is None:
        for name, listed in catalogue.items():
            print_text(f"{name}  {_plain(_first_sentence(listed.cause))}")
        return
    match = CODE.search(code.upper())
    entry = catalogue.get(match[0]) if match else None
    if match is None or (entry := catalogue.get(match[0])) is None:
        raise NotFoundError(
            f"There is no error code '{code}'. For a list, run embedded-host explain. [EH533]"
        )
    print_text(f"{match[0]}\n\nCause: {_plain(entry.cause)}\n\nFix: {_plain(entry.fix)}")


def _plain(markdown: str) -> str:
    """Return Markdown in which each link is replaced by its text."""
    return re.sub(r"\[([^\]]*)\]\([^)]*\)", r"\1", markdown)


def _first_sentence(markdown: str) -> str:
    return re.split(r"(?<=[.:])\s", markdown.replace("\n", " "), maxsplit=1)[0].rstrip(":")
