"""The command ``logs``: the log lines of functions."""

from __future__ import annotations

import time
from collections.abc import Iterator
from itertools import chain
from pathlib import Path
from typing import Protocol

import click

from embedded_host.cli.arguments import NonEmpty, only_instance_id
from embedded_host.cli.command import CommandError, command
from embedded_host.cli.output import printable
from embedded_host.cli.target import Target, target_options
from embedded_host.store.log_lines import LOG_LINES, LogQuery, StoredLine, read_lines
from embedded_worker.log_levels import LEVELS, level_number
from embedded_worker.log_output import json_text, line_text, time_text
from embedded_worker.protocol import LogLine

POLL_INTERVAL = 0.5
"""Seconds between two reads with ``--follow``."""
PAGE_SIZE = 1000


class Read(Protocol):
    """Reads stored lines."""

    def __call__(
        self, *, after: int | None = None, before: int | None = None, limit: int
    ) -> list[StoredLine]:
        """Return the first lines after a line's number, or the newest lines before one."""


@command()
@only_instance_id
@click.option("--function", type=NonEmpty(), metavar="NAME", help="Only this function.")
@click.option(
    "--level",
    type=click.Choice(LEVELS[:-1], case_sensitive=False),
    default="Trace",
    help="Only lines of this level or a higher one.",
)
@click.option(
    "--top",
    type=click.IntRange(1),
    default=200,
    show_default=True,
    help="The number of newest lines.",
)
@click.option("--follow", "-f", is_flag=True, help="Also print new lines until Ctrl+C.")
@click.option("--json", "as_json", is_flag=True, help="Print each line as a JSON object.")
@target_options
def logs(
    target: Target,
    instance_id: str | None,
    function: str | None,
    level: str,
    top: int,
    follow: bool,
    as_json: bool,
) -> None:
    """Print the log lines of functions: records, printed lines, starts, ends and failures.

    The command reads from the running host, or without one from the log file in the state folder.

    Examples:
      embedded-host logs --id order-7
      embedded-host logs --function charge_card --level Warning -f
    """
    read = _source(target, instance_id or "", function or "", level)
    selection = _selection(instance_id, function, level)
    try:
        lines, has_older = _newest(read, top)
        if has_older:
            number = "line" if top == 1 else f"{top:,} lines"
            click.echo(f"The newest {number}; --top N prints more.", err=True)
        if not lines:
            suffix = " yet" if follow else ""
            click.echo(f"There are no log lines{selection}{suffix}.", err=True)
        for stored in _followed(read, lines) if follow else lines:
            # click.echo flushes stdout, so the reader of a pipe receives the line at once.
            click.echo(json_text(stored.line) if as_json else _shown(stored.line))
    except KeyboardInterrupt:
        pass


def _selection(instance_id: str | None, function: str | None, level: str) -> str:
    """Return the words for the lines that the options select, or an empty string for all lines."""
    parts = []
    if level_number(level):
        parts.append(f" of level {level} or higher")
    if function:
        parts.append(f" of the function '{printable(function)}'")
    if instance_id:
        parts.append(f" of the instance '{printable(instance_id)}'")
    return "".join(parts)


def _newest(read: Read, top: int) -> tuple[list[StoredLine], bool]:
    """Return the newest lines, and True if there are older ones."""
    pages: list[list[StoredLine]] = []
    missing, before = top + 1, None
    while missing > 0:
        limit = min(missing, PAGE_SIZE)
        page = read(before=before, limit=limit)
        pages.append(page)
        missing -= len(page)
        if len(page) < limit:
            break
        before = page[0].id
    lines = list(chain.from_iterable(reversed(pages)))
    return lines[-top:], len(lines) > top


def _followed(read: Read, lines: list[StoredLine]) -> Iterator[StoredLine]:
    """Return ``lines``, and then all new lines."""
    yield from lines
    last = lines[-1].id if lines else 0
    while True:
        lines = read(after=last, limit=PAGE_SIZE)
        yield from lines
        if lines:
            last = lines[-1].id
        if len(lines) < PAGE_SIZE:
            time.sleep(POLL_INTERVAL)


def _shown(line: LogLine) -> str:
    text = "\n".join(map(printable, line_text(line).split("\n")))
    return f"{time_text(line.time)} {text}"


def _source(target: Target, instance_id: str, function: str, level: str) -> Read:
    """Return the function that reads the lines. Print the name of the file or host on stderr."""
    path = target.state_folder / LOG_LINES
    if not target.has_host():
        if not path.is_file():
            raise CommandError(
                f"There is no log file in {target.state_folder}. Start the host (embedded-host "
                "start, without --log-limit 0), select a state folder with --state, or select a "
                "host with --url. [EH502]"
            )
        click.echo(f"Logs: {path}", err=True)
        return _file(path, target, instance_id, function, level)
    api = target.host()

    def read(
        *, after: int | None = None, before: int | None = None, limit: int
    ) -> list[StoredLine]:
        query = {
            "instanceId": instance_id,
            "function": function,
            "level": level,
            "limit": str(limit),
            "after": "" if after is None else str(after),
            "before": "" if before is None else str(before),
        }
        return [
            StoredLine(
                item["id"],
                LogLine(
                    round(item["time"] * 1000),
                    level_number(item["level"]) or 0,
                    item["category"],
                    item["message"],
                    item["function"],
                    item["invocationId"],
                    item["instanceId"],
                ),
            )
            for item in api.logs({name: value for name, value in query.items() if value})
        ]

    return read


def _file(path: Path, target: Target, instance_id: str, function: str, level: str) -> Read:
    hub = target.hub or target.app_hub() or ""
    number = level_number(level) or 0

    def read(
        *, after: int | None = None, before: int | None = None, limit: int
    ) -> list[StoredLine]:
        query = LogQuery(hub, instance_id, function, number, after, limit, before)
        return read_lines(path, query)

    return read
