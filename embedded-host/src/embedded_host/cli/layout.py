"""The layout of rows on a terminal: a table, or cards if the table is too wide.

No word is broken, so that ids, timestamps and URLs can be copied. A word that is longer than a line
is on its own line, and only the terminal wraps it.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

from rich.box import SIMPLE_HEAD
from rich.cells import cell_len
from rich.console import Group, RenderableType
from rich.table import Table
from rich.text import Text

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
WIDE = 100
"""The number of columns from which the cells of a table may have several lines."""
_TIMES = {
    "createdTime": "created (UTC)",
    "lastUpdatedTime": "updated (UTC)",
    "lastOperationTime": "last operation (UTC)",
    "time": "time (UTC)",
}
_HEADINGS = {
    **_TIMES,
    "instanceId": "id",
    "runtimeStatus": "status",
    "customStatus": "custom status",
    "waitsFor": "waits for",
}
"""The headings on a terminal."""
_SEPARATOR, _MARGIN = 3, 2
"""The number of blanks between two columns of a table, and around a table."""
_INDENT = 2
"""The indentation of the fields of a card."""


def rows_renderable(
    columns: Sequence[str], rows: Sequence[Sequence[str]], width: int, title: str | None = None
) -> RenderableType:
    """Return a table, or cards if the table does not fit into ``width`` columns."""
    table = _table(columns, rows, width, title)
    if table is not None:
        return table
    cards: list[Text] = [Text(title, "italic")] if title else []
    for row in rows:
        if cards:
            cards.append(Text())
        cards.extend(_card(columns, row, width))
    return Group(*cards)


def _table(
    columns: Sequence[str], rows: Sequence[Sequence[str]], width: int, title: str | None
) -> Table | None:
    """Return a table, or None if it does not fit.

    On a wide terminal, it also fits if the texts are broken between words.
    """
    cells = [
        [_short(cell, column) for column, cell in zip(columns, row, strict=True)] for row in rows
    ]
    headings = [_HEADINGS.get(column, column) for column in columns]
    natural = [max(map(cell_len, column)) for column in zip(headings, *cells, strict=True)]
    least = natural
    if width >= WIDE:
        words = [
            max(cell_len(word) for cell in column for word in cell.split(" "))
            for column in zip(headings, *cells, strict=True)
        ]
        least = [max(word, min(size, WIDE // 4)) for word, size in zip(words, natural, strict=True)]
    if sum(least) + _SEPARATOR * (len(columns) - 1) + _MARGIN > width:
        return None
    table = Table(box=SIMPLE_HEAD, title=title, title_justify="left", pad_edge=False)
    for heading, size, shortest in zip(headings, natural, least, strict=True):
        table.add_column(heading, overflow="fold", no_wrap=size == shortest, min_width=shortest)
    for line in cells:
        table.add_row(*(Text(cell, STYLES.get(cell, "")) for cell in line))
    return table


def _short(time: str, column: str) -> str:
    """Return ``11-23 03:04:05`` for ``2026-11-23T03:04:05.123Z`` in a column of times.

    The column ``time`` of a history keeps the milliseconds.
    """
    if column not in _TIMES:
        return time
    return time[5 : 23 if column == "time" else 19].replace("T", " ").rstrip("Z")


def _card(columns: Sequence[str], row: Sequence[str], width: int) -> Iterator[Text]:
    """Yield the lines of a card. The first value is the heading of the card."""
    yield Text(row[0], "bold")
    fields = {
        _HEADINGS.get(column, column): cell
        for column, cell in zip(columns[1:], row[1:], strict=True)
        if cell
    }
    yield from field_lines(fields, width, _INDENT)


def field_lines(fields: Mapping[str, str], width: int, indent: int = 0) -> Iterator[Text]:
    """Yield a line for each field, or several lines for a long value.

    The values are aligned. A value with a longer word begins on the next line.
    """
    names = max(map(cell_len, fields), default=0)
    for name, value in fields.items():
        column = indent + names + 2
        style = STYLES.get(value, "")
        longest = max(map(cell_len, value.split(" ")))
        if longest > width - column:
            yield Text.assemble(" " * indent, (name, "bold" if not indent else "dim"))
            column = min(indent + 2, max(width - longest, 0))
            for line in word_lines(value, width - column):
                yield Text.assemble(" " * column, (line, style))
            continue
        first, *others = word_lines(value, width - column)
        label = (name.ljust(names + 2), "bold" if not indent else "dim")
        yield Text.assemble(" " * indent, label, (first, style))
        for line in others:
            yield Text.assemble(" " * column, (line, style))


def word_lines(text: str, width: int) -> list[str]:
    """Return the lines of a text that is broken between words only.

    Each line has the indentation of the text.
    """
    if cell_len(text) <= width:
        return [text]
    words = text.split()
    indent = " " * (len(text) - len(text.lstrip(" ")))
    lines = [indent + words[0]] if words else [""]
    for word in words[1:]:
        if cell_len(lines[-1]) + 1 + cell_len(word) > width:
            lines.append(indent + word)
        else:
            lines[-1] += f" {word}"
    return lines
