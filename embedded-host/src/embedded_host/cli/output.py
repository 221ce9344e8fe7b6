"""The output of commands: one JSON document, a table, or a sentence.

On a terminal, the library rich draws the tables, and a table that is too wide becomes cards
(``layout``). In a pipe or a file, a table has plain columns.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Sequence
from typing import TYPE_CHECKING

import click

from embedded_worker.printable_text import visible, visible_json

if TYPE_CHECKING:
    from rich.console import Console

CELL = 200
"""The maximum number of characters of a value in a table. ``--json`` prints complete values."""


def print_lines(text: object, *, err: bool = False) -> None:
    """Print a text of several lines, such as a traceback. Print nothing for None."""
    for line in str(text).splitlines() if text is not None else ():
        print_text(printable(line), err=err)


def print_json(value: object) -> None:
    """Print a JSON value. Characters that stdout cannot encode are escaped."""
    # Control characters must not reach the terminal. JSON contains them only in strings.
    text = visible_json(json.dumps(value, indent=2, ensure_ascii=False), keeps="\n")
    try:
        text.encode(sys.stdout.encoding or "utf-8")
    except (UnicodeEncodeError, LookupError):
        text = json.dumps(value, indent=2)
    click.echo(text)


def print_result(as_json: bool, document: object, sentence: str) -> None:
    """Print the result of an operation: ``document`` as JSON, or ``sentence``."""
    if as_json:
        print_json(document)
    else:
        print_text(printable(sentence))


def number_of(count: int, noun: str) -> str:
    """Return a number with its noun, such as "1 step" or "2 steps"."""
    return f"{count} {noun}" if count == 1 else f"{count} {noun}s"


def number_of_instances(count: int) -> str:
    """Return a phrase such as ``3 instances and entities``."""
    return "1 instance or entity" if count == 1 else f"{count} instances and entities"


def printable(text: object) -> str:
    """Return a string with escapes for line breaks and control characters.

    Control characters in the data of an instance must not reach the terminal.
    """
    return visible(str(text))


def format_cell(value: object) -> str:
    """Return a JSON value as the string of a table cell, truncated to CELL characters.

    A truncated text ends after a word, unless the word is long.
    """
    if value is None:
        return ""
    text = printable(value if isinstance(value, str) else json.dumps(value, ensure_ascii=False))
    if len(text) <= CELL:
        return text
    cut = text[: CELL - 3]
    end = cut.rfind(" ") if text[len(cut)] != " " else -1
    return (cut[: end + 1] if end > CELL // 2 else cut) + "..."


def on_terminal() -> bool:
    """Return True if stdout is a terminal."""
    return sys.stdout.isatty()


def console() -> Console:
    """Return a rich console that prints strings unchanged."""
    from rich.console import Console

    return Console(highlight=False, markup=False, emoji=False)


def print_table(columns: Sequence[str], rows: Sequence[Sequence[str]], nothing: str) -> None:
    """Print a table, or the message ``nothing`` on stderr if there are no rows."""
    rows = [[printable(cell) for cell in row] for row in rows]
    if not rows:
        click.echo(nothing, err=True)
    elif on_terminal():
        from embedded_host.cli.layout import rows_renderable

        screen = console()
        screen.print(rows_renderable(columns, rows, screen.width), soft_wrap=True)
    else:
        widths = [max(map(len, cells)) for cells in zip(columns, *rows, strict=True)]
        for row in (columns, *rows):
            cells = [cell.ljust(width) for cell, width in zip(row, widths, strict=True)]
            click.echo("  ".join(cells).rstrip())


def print_fields(fields: dict[str, str]) -> None:
    """Print each field of one object on its own line."""
    if on_terminal():
        from embedded_host.cli.layout import field_lines

        screen = console()
        for line in field_lines(fields, screen.width):
            screen.print(line, soft_wrap=True)
        return
    width = max(map(len, fields))
    for name, value in fields.items():
        click.echo(f"{name.ljust(width)}  {value}".rstrip())


def print_text(text: str, *, err: bool = False) -> None:
    """Print a text. On a terminal, its lines are broken between words, and never in an id."""
    click.echo(for_terminal(text, err=err), err=err)


def for_terminal(text: str, *, err: bool = False, prefix: str = "") -> str:
    """Return a text whose lines fit a terminal, or the text unchanged outside a terminal.

    ``prefix`` is printed before the text.
    """
    if not (sys.stderr if err else sys.stdout).isatty():
        return text
    import shutil

    width = shutil.get_terminal_size().columns
    parts = f"{prefix}{text}".split("\n")
    if max(map(len, parts)) > width // 2:  # a character may have two columns
        from embedded_host.cli.layout import word_lines

        parts = ["\n".join(word_lines(part, width)) for part in parts]
    return "\n".join(parts)[len(prefix) :]
