"""The command ``timeline``: a Gantt chart of an instance's history."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timezone

import click

from embedded_host.cli.arguments import as_json, instance_id
from embedded_host.cli.command import command
from embedded_host.cli.instances import require
from embedded_host.cli.output import console, on_terminal, print_json, printable
from embedded_host.cli.reader import InstanceStatus, Json
from embedded_host.cli.target import Target, target_options
from embedded_host.engine.events import EventRaised
from embedded_host.history import (
    Call,
    CallKind,
    HistoryView,
    Outcome,
    Step,
    Timer,
)

NARROWEST, PLAIN = 20, 40
"""The minimum width of the chart on a terminal, and its width in a pipe or file, in columns."""
_MARKS = ("event", "sentEvent")
"""The kinds of bars without a length."""
SHORTEST = 12
"""The minimum width of the names in columns."""


@dataclass(frozen=True)
class Bar:
    """A row of the chart."""

    kind: str
    """``orchestration``, ``suspended``, or the kind of a step in camel case."""
    name: str
    start: datetime
    end: datetime | None
    """The end, or None if the step has not ended."""
    outcome: str
    """A runtime status, or Abandoned for a call without a result in a finished instance."""
    instance_id: str | None = None
    """The instance id of a sub-orchestration."""

    @property
    def label(self) -> str:
        """The name, with the instance id of a sub-orchestration."""
        return f"{self.name} ({self.instance_id})" if self.instance_id else self.name

    def as_json(self, now: datetime) -> Json:
        """Return the JSON object of ``--json``. An open bar ends at ``now``."""
        return {
            "kind": self.kind,
            "name": self.name,
            **({"instanceId": self.instance_id} if self.instance_id else {}),
            "start": self.start.isoformat().replace("+00:00", "Z"),
            "end": self.end and self.end.isoformat().replace("+00:00", "Z"),
            "seconds": ((self.end or now) - self.start).total_seconds(),
            "outcome": self.outcome,
        }


@command()
@instance_id
@as_json
@target_options
def timeline(target: Target, instance_id: str, as_json: bool) -> None:
    """Draw a chart of an instance's history over time.

    The chart has a bar for each activity, sub-orchestration, timer, lock request and suspension,
    and a mark for each event.

    Examples:
      embedded-host timeline --id order-7
      embedded-host timeline --id order-7 --json
    """
    reader = target.reader()
    status = require(reader.instance(instance_id, history=True), instance_id, reader.name)
    now = datetime.now(timezone.utc)
    chart = bars(status)
    if as_json:
        document = [bar.as_json(now) for bar in chart]
        print_json(
            {"instanceId": instance_id, "runtimeStatus": status.runtime_status, "bars": document}
        )
    elif not chart:
        click.echo("The instance has no history yet.", err=True)
    else:
        draw(chart, now)


def bars(status: InstanceStatus) -> list[Bar]:
    """Return the bars of an instance with a history.

    The first bar is the orchestration. The other bars are sorted by their start.
    """
    view = HistoryView.of(status.events())
    if view.started is None:
        return []
    end = view.events[-1].occurred_at if status.is_finished else None
    orchestration = Bar(
        "orchestration", status.name, view.started.occurred_at, end, status.runtime_status
    )
    inner = [bar for step in view.steps if (bar := _bar(step, end)) is not None]
    return [orchestration, *sorted(inner, key=lambda bar: bar.start)]


def _bar(step: Step, end: datetime | None) -> Bar | None:
    """Return a step's bar, or None for an entity's operation, its response, or a release.

    ``end`` is the end of the orchestration.
    """
    if isinstance(step, Call):
        if step.kind in (CallKind.ENTITY, CallKind.RELEASE):
            return None
        if step.kind is CallKind.SENT_EVENT:
            name = f"{step.name} to {step.instance_id}"
            return Bar("sentEvent", name, step.scheduled_at, step.finished_at, "Completed")
        kind = "activity" if step.kind is CallKind.HTTP else step.kind.value
        is_lock = step.kind is CallKind.LOCK
        outcome = {Outcome.COMPLETED: "Completed", Outcome.FAILED: "Failed"}.get(step.outcome)
        finished = step.finished_at if outcome else end
        outcome = outcome or ("Abandoned" if end else "Running")
        name = f"lock of {', '.join(step.entities)}" if is_lock else step.name or "?"
        child = step.instance_id if step.kind is CallKind.SUB_ORCHESTRATION else None
        return Bar(kind, name, step.scheduled_at, finished, outcome, child or None)
    if isinstance(step, Timer):
        if step.fired_at is not None:
            return Bar("timer", "timer", step.created_at, step.fired_at, "Completed")
        name = f"timer due {step.due_at:%Y-%m-%dT%H:%M:%S}Z"
        return Bar("timer", name, step.created_at, end, "Canceled" if end else "Running")
    if isinstance(step, EventRaised):
        if _is_request_id(step.name):
            return None
        return Bar("event", step.name, step.occurred_at, step.occurred_at, "Completed")
    return Bar("suspended", "suspended", step.suspended_at, step.resumed_at or end, "Suspended")


def draw(chart: Sequence[Bar], now: datetime) -> None:
    """Print a chart. Open bars end at ``now``."""
    begin = min(bar.start for bar in chart)
    end = max(bar.end or now for bar in chart)
    span = max((end - begin).total_seconds(), 0.001)
    columns = [
        (("  " if index else "") + printable(bar.label), bar.outcome, *_times(bar, begin, now))
        for index, bar in enumerate(chart)
    ]
    widths = [max(len(row[index]) for row in columns) for index in range(4)]
    if on_terminal():
        from rich.text import Text

        from embedded_host.cli.layout import STYLES

        screen = console()
        width = max(NARROWEST, screen.width - sum(widths) - 8)
        widths[0] = max(SHORTEST, min(widths[0], screen.width - width - sum(widths[1:]) - 8))
        for row, bar in zip(columns, chart, strict=True):
            before, length = _columns(bar, begin, now, span, width)
            name = row[0]
            if len(name) > widths[0]:  # the name has its own line
                screen.print(Text(name), soft_wrap=True)
                name = ""
            line = Text.assemble(
                name.ljust(widths[0]) + "  ",
                (row[1].ljust(widths[1]), STYLES.get(bar.outcome, "dim")),
                f"  {row[2].rjust(widths[2])}  {row[3].rjust(widths[3])}  ",
                " " * before,
                (_mark(bar) * length, STYLES.get(bar.outcome, "dim")),
            )
            screen.print(line, no_wrap=True, overflow="crop")
        return
    for row, bar in zip(columns, chart, strict=True):
        before, length = _columns(bar, begin, now, span, PLAIN)
        cells = (
            row[0].ljust(widths[0]),
            row[1].ljust(widths[1]),
            row[2].rjust(widths[2]),
            row[3].rjust(widths[3]),
        )
        click.echo("  ".join(cells) + "  " + " " * before + _mark(bar) * length)


def _times(bar: Bar, begin: datetime, now: datetime) -> tuple[str, str]:
    seconds = ((bar.end or now) - bar.start).total_seconds()
    return (
        f"+{format_duration((bar.start - begin).total_seconds())}",
        "" if bar.kind in _MARKS else format_duration(seconds),
    )


def format_duration(seconds: float) -> str:
    """Return a duration such as ``20 ms`` or ``1.5 s``."""
    if seconds < 1:
        return f"{seconds * 1000:.0f} ms"
    if seconds < 120:
        return f"{seconds:.1f} s"
    return f"{seconds / 60:.0f} min" if seconds < 7200 else f"{seconds / 3600:.1f} h"


def _columns(bar: Bar, begin: datetime, now: datetime, span: float, width: int) -> tuple[int, int]:
    """Return the number of columns before a bar, and the width of the bar in columns.

    The minimum width is 1.
    """
    first = min(int((bar.start - begin).total_seconds() / span * width), width - 1)
    last = int(((bar.end or now) - begin).total_seconds() / span * width)
    return first, max(1, min(last, width) - first)


def _mark(bar: Bar) -> str:
    """Return the character that draws a bar. Waits have a lighter character than calls."""
    marks = {"event": "◆", "sentEvent": "◇", "timer": "░", "lock": "░", "suspended": "░"}
    plain = {"event": "*", "sentEvent": "*", "timer": "-", "lock": "-", "suspended": "-"}
    try:
        "█░◆◇".encode(sys.stdout.encoding or "ascii")
    except (UnicodeEncodeError, LookupError):
        return plain.get(bar.kind, "#")
    return marks.get(bar.kind, "█")


def _is_request_id(name: str) -> bool:
    """Return True if an event's name is a UUID: the event is then the response of an entity.

    The API may return a response without its request.
    """
    return len(name) == 36 and name.count("-") == 4
