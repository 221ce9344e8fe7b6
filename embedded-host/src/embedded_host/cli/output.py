"""The output of commands: one JSON document, a table, or a sentence.

On a terminal, the library rich draws the tables. In a pipe or a file, a table has plain columns.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Sequence
from typing import TYPE_CHECKING

import click

if TYPE_CHECKING:
    from rich.console import Console
    from rich.table import Table

STYLES = {
    "Completed": "green",
    "Failed": "red",
    "Terminated": "yellow",
    "Canceled": "yellow",
    "Running": "cyan",
    "Pending": "dim",
    "Suspended": "magenta",
}
"""The color of each runtime status."""
_TIMES = {
    "createdTime": "created (UTC)",
    "lastUpdatedTime": "updated (UTC)",
    "lastOperationTime": "last operation (UTC)",
    "time": "time (UTC)",
}
_HEADINGS = {
    **_TIMES,
    "runtimeStatus": "status",
    "customStatus": "custom status",
    "waitsFor": "waits for",
}
"""The headings on a terminal, short enough for 80 columns."""
_HIDDEN_FIRST = ("createdTime", "lastUpdatedTime", "lastOperationTime")
"""The columns that are hidden on a narrow terminal, in this order."""
NARROW = 12
"""The minimum width of a long value on a terminal, in characters."""
CELL = 200
"""The maximum number of characters of a value in a table. ``--json`` prints complete values."""


def print_lines(text: object) -> None:
    """Print a text of several lines, such as a traceback. Print nothing for None."""
    for line in str(text).splitlines() if text is not None else ():
        click.echo(printable(line))


def print_json(value: object) -> None:
    """Print a JSON value. Characters that stdout cannot encode are escaped."""
    text = json.dumps(value, indent=2, ensure_ascii=False)
    if not all(line.isprintable() for line in text.split("\n")):
        # Control characters must not reach the terminal. JSON contains them only in strings, where
        # an escape has the same meaning.
        text = "".join(c if c.isprintable() or c == "\n" else json.dumps(c)[1:-1] for c in text)
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
        click.echo(printable(sentence))


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
    return "".join(c if c.isprintable() else c.encode("unicode_escape").decode() for c in str(text))


def format_cell(value: object) -> str:
    """Return a JSON value as the string of a table cell, truncated to CELL characters."""
    if value is None:
        return ""
    text = printable(value if isinstance(value, str) else json.dumps(value, ensure_ascii=False))
    return text if len(text) <= CELL else text[: CELL - 3] + "..."


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
        console().print(rich_table(columns, rows))
    else:
        widths = [max(map(len, cells)) for cells in zip(columns, *rows, strict=True)]
        for row in (columns, *rows):
            cells = [cell.ljust(width) for cell, width in zip(row, widths, strict=True)]
            click.echo("  ".join(cells).rstrip())


def rich_table(
    columns: Sequence[str], rows: Sequence[Sequence[str]], title: str | None = None
) -> Table:
    """Return a table for a terminal, without the optional columns that do not fit."""
    from rich.box import SIMPLE_HEAD
    from rich.table import Table
    from rich.text import Text

    table = Table(box=SIMPLE_HEAD, title=title, title_justify="left", pad_edge=False)
    visible = _visible_columns(columns, rows, console().width)
    for column in visible:
        table.add_column(
            _HEADINGS.get(column, column), overflow="fold", no_wrap=column in _HEADINGS
        )
    for row in rows:
        cells = [
            _short(cell, column) if column in _TIMES else cell
            for column, cell in zip(columns, row, strict=True)
            if column in visible
        ]
        table.add_row(*(Text(cell, STYLES.get(cell, "")) for cell in cells))
    return table


def _visible_columns(
    columns: Sequence[str], rows: Sequence[Sequence[str]], screen_width: int
) -> list[str]:
    widths = {}
    for index, column in enumerate(columns):
        widest = max(
            len(cell) for cell in (_HEADINGS.get(column, column), *(row[index] for row in rows))
        )
        widths[column] = 3 + (14 if column in _TIMES else min(widest, NARROW))
    for column in _HIDDEN_FIRST:
        if sum(widths.values()) > screen_width:
            widths.pop(column, None)
    return list(widths)


def _short(time: str, column: str) -> str:
    """Return ``11-23 03:04:05`` for ``2026-11-23T03:04:05.123Z``.

    The column ``time`` of a history keeps the milliseconds.
    """
    return time[5 : 23 if column == "time" else 19].replace("T", " ").rstrip("Z")


def print_fields(fields: dict[str, str]) -> None:
    """Print each field of one object on its own line."""
    width = max(map(len, fields))
    if on_terminal():
        from rich.table import Table
        from rich.text import Text

        table = Table.grid(padding=(0, 2))
        for name, value in fields.items():
            table.add_row(Text(name, "bold"), Text(value, STYLES.get(value, "")))
        console().print(table)
        return
    for name, value in fields.items():
        click.echo(f"{name.ljust(width)}  {value}".rstrip())
