"""Generate the list of commands for the documentation site; MkDocs calls ``on_page_markdown``."""

from __future__ import annotations

import html
import inspect
import re
from collections.abc import Iterator
from typing import Any

import click

from embedded_host.cli.commands import cli

MARKER = "<!-- The documentation site lists the commands here. -->"


def on_page_markdown(markdown: str, page: Any, **_: Any) -> str:
    """Replace the marker of ``reference/commands.md`` by the sections of all commands."""
    return markdown.replace(MARKER, "\n".join(sections(cli, "embedded-host", None)))


def sections(command: click.Command, path: str, parent: click.Context | None) -> Iterator[str]:
    """Yield the Markdown of a command, then that of its subcommands."""
    context = click.Context(command, parent=parent, info_name=path.rpartition(" ")[2])
    usage = command.get_usage(context).removeprefix("Usage: ")
    yield f"## {path}\n\n```text\n{usage}\n```\n"
    for paragraph in re.split(r"\n\s*\n", inspect.cleandoc(command.help or "")):
        if paragraph.startswith("\b"):  # click prints these lines unwrapped
            title, _, lines = paragraph.removeprefix("\b\n").partition("\n")
            yield f"{title}\n\n```text\n{inspect.cleandoc(lines)}\n```\n"
        else:
            yield f"{escape(paragraph)}\n"
    records = [parameter.get_help_record(context) for parameter in command.get_params(context)]
    yield "| Option | Meaning |\n|---|---|"
    for record in (record for record in records if record and record[1]):
        yield f"| `{record[0]}` | {escape(record[1])} |"
    yield ""
    if command.epilog and not parent:  # the exit codes, which each command repeats
        yield f"{escape(command.epilog)}\n"
    if isinstance(command, click.Group):
        for name in command.list_commands(context):
            if (child := command.get_command(context, name)) and not child.hidden:
                yield from sections(child, f"{path} {name}", context)


def escape(text: str) -> str:
    """Return the Markdown that shows a help text as it is."""
    return re.sub(r"([\\`*_\[\]|])", r"\\\1", html.escape(text, quote=False))
