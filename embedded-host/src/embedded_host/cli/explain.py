"""What a message's code stands for."""

from __future__ import annotations

import re

import click

from embedded_host.cli.command import NotFoundError, command
from embedded_host.error_codes import CODE, entries, listed


@command()
@click.argument("code", required=False, metavar="[CODE]")
def explain(code: str | None) -> None:
    """Say what is behind a message that ends with a code such as [EH201]: the cause, and what to do. Without a code, list all.

    \b
    Examples:
      embedded-host explain EH201
      embedded-host explain
    """
    book = entries()
    if code is None:
        for name, entry in book.items():
            click.echo(f"{name}  {_message(entry)}")
        return
    found = CODE.search(code.upper())
    text = book.get(found[0]) if found else None
    if found is None or text is None:
        raise NotFoundError(f"There is no code '{code}'. embedded-host explain lists them. [EH533]")
    for part in (f"{found[0]}\n\n{text}", *(f"\n{section}" for section in listed(text))):
        click.echo(_plain(part))


def _plain(text: str) -> str:
    """Without the marks of Markdown that a terminal has no use for."""
    return re.sub(r"\[([^\]]*)\]\([^)]*\)", r"\1", text.replace("**", ""))


def _message(text: str) -> str:
    """The entry's first line with something in it, which is the message."""
    return next(line.strip() for line in text.splitlines() if line.strip(" `"))
