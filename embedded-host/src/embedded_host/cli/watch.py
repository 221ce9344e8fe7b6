"""The command ``watch``: a live table of instances."""

from __future__ import annotations

import json
import time
from collections.abc import Iterator
from datetime import datetime, timezone

import click

from embedded_host.cli.arguments import NonEmpty, completed_by
from embedded_host.cli.command import command, no_instance
from embedded_host.cli.output import console, format_cell, on_terminal
from embedded_host.cli.reader import InstanceStatus, Reader
from embedded_host.cli.target import Target, target_options
from embedded_host.engine.status import UNFINISHED
from embedded_host.store.interface import InstanceQuery

PAGE_SIZE = 500
"""The maximum number of instances in a response, and of watched instances."""
LIMIT_NOTE = f"the first {PAGE_SIZE} instances by id; more instances are running"
_SHORT = ("lastUpdatedTime", "instanceId", "name", "runtimeStatus", "customStatus")
"""The columns of a line. The waits follow."""
COLUMNS = (
    "instanceId",
    "name",
    "runtimeStatus",
    "createdTime",
    "lastUpdatedTime",
    "customStatus",
    "waitsFor",
)
SETTLED = 2.0
"""Seconds after a change of an instance until its waits are read only once.

``lastUpdatedTime`` has no fractions of a second, so a later change may have the same time.
"""


@command()
@click.option(
    "--id",
    "ids",
    multiple=True,
    type=NonEmpty(),
    metavar="ID",
    shell_complete=completed_by("instance ids"),
    help="Only this instance. Repeatable.",
)
@click.option("--prefix", metavar="TEXT", help="Only ids that start with this prefix.")
@click.option(
    "--top",
    type=click.IntRange(1),
    default=20,
    show_default=True,
    help="The maximum number of rows.",
)
@click.option(
    "--interval",
    type=click.FloatRange(0.05),
    default=1.0,
    show_default=True,
    help="The polling interval in seconds.",
)
@click.option(
    "--until-finished",
    is_flag=True,
    help="Exit when all watched instances have finished. --id implies this option.",
)
@click.option("--json", "as_json", is_flag=True, help="Print each change as a line of JSON.")
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
    """Show a live table of running instances. Press Ctrl+C to exit.

    An instance that finishes stays in the table. If stdout is not a terminal, the command prints a
    line for each change.

    If an instance of --id fails or is terminated, the command prints its error, and exits with 1.

    Examples:
      embedded-host watch
      embedded-host watch --id order-7 --interval 0.2
      embedded-host watch --until-finished --json
    """
    reader = target.reader()
    watcher = InstanceWatcher(reader, ids, prefix)
    polls = watcher.polls(interval, until_finished or bool(ids))
    try:
        if as_json or not on_terminal():
            _print_changes(watcher, polls, as_json)
        else:
            _show_table(watcher, polls, top)
    except KeyboardInterrupt:
        return
    from embedded_host.cli.outcome import failure, print_error

    failed = [watcher.status(id) for id in ids if watcher.status(id).runtime_status != "Completed"]
    for status in failed:
        print_error(reader, status)
    if failed:
        raise failure(failed[0])


class InstanceWatcher:
    """A poller of running instances and of instances that start later."""

    def __init__(self, reader: Reader, ids: tuple[str, ...], prefix: str | None) -> None:
        self._reader, self._ids, self._prefix = reader, ids, prefix
        self._since = datetime.now(timezone.utc)
        self._statuses: dict[str, InstanceStatus] = {}
        self._waits: dict[str, tuple[str, float, float, str]] = {}
        """By instance id: the time of the instance's last change, the times when this change was
        seen and when the waits were read, and the waits."""
        self._has_diagnoses = True
        """False if the source does not diagnose instances."""
        self.is_limited = False
        """True if there are more than PAGE_SIZE instances. The others are not watched."""

    def polls(self, interval: float, until_finished: bool) -> Iterator[list[InstanceStatus]]:
        """Yield the statuses every ``interval`` seconds, the most recently changed status first."""
        while True:
            self._poll()
            statuses = sorted(self._statuses.values(), key=lambda status: status.instance_id)
            yield sorted(statuses, key=lambda status: status.updated, reverse=True)
            if until_finished and all(status.is_finished for status in statuses):
                return
            time.sleep(interval)

    def status(self, instance_id: str) -> InstanceStatus:
        """Return the last known status of an instance."""
        return self._statuses[instance_id]

    def row(self, status: InstanceStatus) -> dict[str, object]:
        """Return the values of COLUMNS."""
        row = {name: status.document.get(name) for name in COLUMNS}
        return {**row, "waitsFor": self._waits_for(status) or None}

    def _waits_for(self, status: InstanceStatus) -> str:
        """Return the waits of an instance. They are read only after a change."""
        if status.runtime_status not in ("Running", "Pending"):
            return ""
        from embedded_host.cli.outcome import waits_for

        if self._ids or not self._has_diagnoses:
            return waits_for(status)
        id, now = status.instance_id, time.monotonic()
        updated, seen, read, text = self._waits.get(id, ("", now, now, ""))
        if updated != status.updated:
            seen = now
        elif read - seen > SETTLED:
            return text
        detailed = self._reader.instance(id, diagnosis=True)
        if detailed is None:
            return ""
        self._has_diagnoses = "diagnosis" in detailed.document
        text = waits_for(detailed)
        self._waits[id] = (status.updated, seen, now, text)
        return text

    def _poll(self) -> None:
        if self._ids:
            for instance_id in self._ids:
                self._poll_instance(instance_id)
                if instance_id not in self._statuses:
                    raise no_instance(instance_id, self._reader.name)
            return
        seen = set()
        self.is_limited = False
        for query in (
            InstanceQuery(statuses=UNFINISHED, id_prefix=self._prefix),
            InstanceQuery(created_from=self._since, id_prefix=self._prefix),
        ):
            page = self._reader.instances(query, PAGE_SIZE)
            self.is_limited |= page.token is not None
            for status in page.items:
                if not status.instance_id.startswith("@"):  # not an entity
                    seen.add(status.instance_id)
                    self._statuses[status.instance_id] = status
        for instance_id, status in list(self._statuses.items()):
            if instance_id not in seen and not status.is_finished:
                self._poll_instance(instance_id)

    def _poll_instance(self, instance_id: str) -> None:
        status = self._reader.instance(instance_id, diagnosis=True)
        if status is not None:
            self._statuses[instance_id] = status
        else:
            self._statuses.pop(instance_id, None)  # the instance was purged


def _print_changes(
    watcher: InstanceWatcher, polls: Iterator[list[InstanceStatus]], as_json: bool
) -> None:
    printed: dict[str, dict[str, object]] = {}
    has_noted_limit = False
    for statuses in polls:
        if watcher.is_limited and not has_noted_limit:
            has_noted_limit = True
            click.echo(
                f"Watching only {LIMIT_NOTE}. Select instances with --prefix or --id.", err=True
            )
        for status in reversed(statuses):
            row = watcher.row(status)
            if row == printed.get(status.instance_id):
                continue
            printed[status.instance_id] = row
            # click.echo flushes stdout, so the reader of a pipe receives the line at once.
            click.echo(json.dumps(row) if as_json else _line(row))


def _line(row: dict[str, object]) -> str:
    cells = [format_cell(row[name]) for name in _SHORT]
    if row["waitsFor"]:
        cells.append(f"waits for {format_cell(row['waitsFor'])}")
    return "  ".join(filter(None, cells))


def _show_table(watcher: InstanceWatcher, polls: Iterator[list[InstanceStatus]], top: int) -> None:
    from rich.live import Live

    from embedded_host.cli.layout import rows_renderable

    screen = console()
    with Live(console=screen, auto_refresh=False) as live:
        for statuses in polls:
            cells = [
                [format_cell(value) for value in watcher.row(status).values()]
                for status in statuses[:top]
            ]
            hidden = f", {len(statuses) - top} more hidden" if len(statuses) > top else ""
            unfinished = sum(not status.is_finished for status in statuses)
            title = (LIMIT_NOTE if watcher.is_limited else f"{unfinished} not finished") + hidden
            live.update(rows_renderable(COLUMNS, cells, screen.width, title), refresh=True)
