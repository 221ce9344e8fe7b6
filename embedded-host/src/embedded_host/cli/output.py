"""What commands print: one JSON document, or tables: with rich on a terminal, plain columns elsewhere."""

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
"""By status."""
_TIMES = {
    "createdTime": "created (UTC)",
    "lastUpdatedTime": "updated (UTC)",
    "lastOperationTime": "last operation (UTC)",
    "time": "time (UTC)",
}
_HEADINGS = {**_TIMES, "runtimeStatus": "status"}
"""On a terminal, where 80 columns have to do."""
_EXPENDABLE = ("createdTime", "lastUpdatedTime", "lastOperationTime")
"""What a narrow terminal is spared, in this order."""
NARROW = 12
"""Columns of the screen that a long value is not squeezed below."""
CELL = 200
"""Characters of a value in a table; ``--json`` has all of it."""


def print_json(value: object) -> None:
    text = json.dumps(value, indent=2, ensure_ascii=False)
    if not all(line.isprintable() for line in text.split("\n")):
        # Within JSON texts alone, where this is the same: as in a table, it must not steer the terminal.
        text = "".join(c if c.isprintable() or c == "\n" else json.dumps(c)[1:-1] for c in text)
    try:
        text.encode(sys.stdout.encoding or "utf-8")
    except (UnicodeEncodeError, LookupError):
        text = json.dumps(value, indent=2)
    click.echo(text)


def print_result(as_json: bool, document: object, sentence: str) -> None:
    """Print the result of an operation: the document with ``--json``, otherwise the sentence."""
    if as_json:
        print_json(document)
    else:
        click.echo(printable(sentence))


def number_of_instances(count: int) -> str:
    return "1 instance or entity" if count == 1 else f"{count} instances and entities"


def printable(text: object) -> str:
    """In one line and without control characters: what an instance holds must not steer the terminal."""
    return "".join(c if c.isprintable() else c.encode("unicode_escape").decode() for c in str(text))


def shown(value: object) -> str:
    """A JSON value in a table's cell."""
    if value is None:
        return ""
    text = printable(value if isinstance(value, str) else json.dumps(value, ensure_ascii=False))
    return text if len(text) <= CELL else text[: CELL - 3] + "..."


def on_terminal() -> bool:
    return sys.stdout.isatty()


def console() -> Console:
    from rich.console import Console

    return Console(highlight=False, markup=False, emoji=False)


def print_table(columns: Sequence[str], rows: Sequence[Sequence[str]], nothing: str) -> None:
    """``nothing`` is said, on stderr, where there are no rows. Cells are made printable here."""
    rows = [[printable(cell) for cell in row] for row in rows]
    if not rows:
        click.echo(nothing, err=True)
    elif on_terminal():
        console().print(rich_table(columns, rows))
    else:
        widths = [max(len(row[at]) for row in (columns, *rows)) for at in range(len(columns))]
        for row in (columns, *rows):
            cells = [cell.ljust(width) for cell, width in zip(row, widths, strict=True)]
            click.echo("  ".join(cells).rstrip())


def rich_table(
    columns: Sequence[str], rows: Sequence[Sequence[str]], title: str | None = None
) -> Table:
    from rich.box import SIMPLE_HEAD
    from rich.table import Table
    from rich.text import Text

    table = Table(box=SIMPLE_HEAD, title=title, title_justify="left", pad_edge=False)
    kept = _fitting(columns, rows, console().width)
    for column in kept:
        table.add_column(
            _HEADINGS.get(column, column), overflow="fold", no_wrap=column in _HEADINGS
        )
    for row in rows:
        cells = [
            _short(cell, column) if column in _TIMES else cell
            for column, cell in zip(columns, row, strict=True)
            if column in kept
        ]
        table.add_row(*(Text(cell, STYLES.get(cell, "")) for cell in cells))
    return table


def _fitting(columns: Sequence[str], rows: Sequence[Sequence[str]], width: int) -> list[str]:
    needed = {}
    for at, column in enumerate(columns):
        widest = max(
            len(text) for text in (_HEADINGS.get(column, column), *(row[at] for row in rows))
        )
        needed[column] = 3 + (14 if column in _TIMES else min(widest, NARROW))
    for column in _EXPENDABLE:
        if sum(needed.values()) > width:
            needed.pop(column, None)
    return list(needed)


def _short(time: str, column: str) -> str:
    """``11-23 03:04:05`` for ``2026-11-23T03:04:05.123Z``, and a history's with its milliseconds."""
    return time[5 : 23 if column == "time" else 19].replace("T", " ").rstrip("Z")


def print_fields(fields: dict[str, str]) -> None:
    """One thing: its fields below each other."""
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
