"""A live table of instances."""

from __future__ import annotations

import json
import time
from collections.abc import Iterator
from datetime import datetime, timezone

import click

from embedded_host.cli.arguments import NonEmpty, as_json
from embedded_host.cli.command import command, no_instance
from embedded_host.cli.output import console, on_terminal, rich_table, shown
from embedded_host.cli.reader import Json, Reader
from embedded_host.cli.target import Target, target_options
from embedded_host.engine.status import FINISHED, UNFINISHED
from embedded_host.store.interface import InstanceQuery

MOST = 500
"""Instances that are asked for at a time."""
MANY = f"the first {MOST} by their ids, and more run"
_SHORT = ("lastUpdatedTime", "instanceId", "name", "runtimeStatus", "customStatus")
COLUMNS = ("instanceId", "name", "runtimeStatus", "createdTime", "lastUpdatedTime", "customStatus")


@command()
@click.option(
    "--id",
    "ids",
    multiple=True,
    type=NonEmpty(),
    metavar="ID",
    help="Only this instance; may be repeated.",
)
@click.option("--prefix", metavar="TEXT", help="Only ids that begin so.")
@click.option(
    "--top", type=click.IntRange(1), default=20, show_default=True, help="Rows of the table."
)
@click.option(
    "--interval",
    type=click.FloatRange(0.05),
    default=1.0,
    show_default=True,
    help="Seconds from look to look.",
)
@click.option(
    "--until-finished", is_flag=True, help="End when all that was seen has finished. So does --id."
)
@as_json
@target_options
def watch(
    target: Target,
    ids: tuple[str, ...],
    prefix: str | None,
    top: int,
    interval: float,
    until_finished: bool,
    as_json: bool,
) -> None:
    """Show the instances that run, live, and what becomes of them. Ctrl+C ends it.

    Without a terminal it prints a line for each change; with --json each line is a JSON document (JSON Lines).

    \b
    Examples:
      embedded-host watch
      embedded-host watch --id order-7 --interval 0.2
      embedded-host watch --until-finished --json
    """
    watched = InstanceWatcher(target.reader(), ids, prefix)
    rows = watched.polls(interval, until_finished or bool(ids))
    try:
        if as_json or not on_terminal():
            _print_changes(watched, rows, as_json)
        else:
            _show_table(watched, rows, top)
    except KeyboardInterrupt:
        pass


class InstanceWatcher:
    """The instances that run, those that were started since, and what has become of them."""

    def __init__(self, reader: Reader, ids: tuple[str, ...], prefix: str | None) -> None:
        self._reader, self._ids, self._prefix = reader, ids, prefix
        self._since = datetime.now(timezone.utc)
        self._rows: dict[str, Json] = {}
        self.are_more = False
        """There are more than MOST, and not all of them are looked at."""

    def polls(self, interval: float, until_finished: bool) -> Iterator[list[Json]]:
        """What is seen, every ``interval`` seconds: what changed last comes first."""
        while True:
            self._poll()
            rows = sorted(self._rows.values(), key=lambda row: str(row["instanceId"]))
            yield sorted(rows, key=lambda row: str(row["lastUpdatedTime"]), reverse=True)
            if until_finished and all(row["runtimeStatus"] in FINISHED for row in rows):
                return
            time.sleep(interval)

    def _poll(self) -> None:
        if self._ids:
            for instance_id in self._ids:
                self._poll_instance(instance_id)
                if instance_id not in self._rows:
                    raise no_instance(instance_id, self._reader.name)
            return
        seen = set()
        self.are_more = False
        for query in (
            InstanceQuery(statuses=UNFINISHED, id_prefix=self._prefix),
            InstanceQuery(created_from=self._since, id_prefix=self._prefix),
        ):
            page = self._reader.instances(query, MOST)
            self.are_more |= page.token is not None
            for row in page.items:
                if not row["instanceId"].startswith("@"):
                    seen.add(row["instanceId"])
                    self._rows[row["instanceId"]] = row
        for instance_id, row in list(self._rows.items()):
            if instance_id not in seen and row["runtimeStatus"] not in FINISHED:
                self._poll_instance(instance_id)

    def _poll_instance(self, instance_id: str) -> None:
        status = self._reader.instance(instance_id)
        if status is not None:
            self._rows[instance_id] = status
        else:
            self._rows.pop(instance_id, None)  # purged


def _print_changes(watched: InstanceWatcher, polls: Iterator[list[Json]], as_json: bool) -> None:
    before: dict[str, Json] = {}
    told = False
    for rows in polls:
        if watched.are_more and not told:
            told = True
            click.echo(f"This watches {MANY}: choose among them with --prefix or --id.", err=True)
        for row in reversed(rows):
            instance_id = str(row["instanceId"])
            now = {name: row.get(name) for name in COLUMNS}
            if now == before.get(instance_id):
                continue
            before[instance_id] = now
            # Flushed, which click does: a pipe's reader is to see it now.
            click.echo(
                json.dumps(now)
                if as_json
                else "  ".join(shown(row[name]) for name in _SHORT).rstrip()
            )


def _show_table(watched: InstanceWatcher, polls: Iterator[list[Json]], top: int) -> None:
    from rich.live import Live

    with Live(console=console(), auto_refresh=False) as live:
        for rows in polls:
            cells = [[shown(row.get(name)) for name in COLUMNS] for row in rows[:top]]
            more = f", {len(rows) - top} more below" if len(rows) > top else ""
            running = sum(row["runtimeStatus"] not in FINISHED for row in rows)
            title = f"{running} not finished{more}" if not watched.are_more else f"{MANY}{more}"
            live.update(rich_table(COLUMNS, cells, title), refresh=True)
