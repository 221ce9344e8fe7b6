"""The command ``timeline``: an instance's Gantt chart, from its history."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timezone

import click

from embedded_host.cli.arguments import as_json, instance_id
from embedded_host.cli.command import command
from embedded_host.cli.instances import found
from embedded_host.cli.output import STYLES, console, on_terminal, print_json, printable
from embedded_host.cli.reader import Json
from embedded_host.cli.target import Target, target_options
from embedded_host.engine.events import EventRaised
from embedded_host.engine.status import FINISHED
from embedded_host.history import (
    Call,
    CallKind,
    HistoryView,
    Outcome,
    Step,
    Timer,
    events_of_status,
)

NARROWEST, PLAIN = 20, 40
"""Width of the chart in columns: the least on a terminal, and without a terminal."""
SHORTEST = 12
"""The least width of the names in columns."""


@dataclass(frozen=True)
class Bar:
    kind: str
    """orchestration, activity, subOrchestration, timer, event or suspended."""
    name: str
    start: datetime
    end: datetime | None
    """None while it runs."""
    outcome: str
    instance_id: str | None = None
    """The instance id of a sub-orchestration."""

    @property
    def label(self) -> str:
        return f"{self.name} ({self.instance_id})" if self.instance_id else self.name

    def as_json(self, now: datetime) -> Json:
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
    """Draw the times of an instance's activities, timers and events.

    \b
    Examples:
      embedded-host timeline --id order-7
      embedded-host timeline --id order-7 --json
    """
    reader = target.reader()
    status = found(reader.instance(instance_id, history=True), instance_id, reader.name)
    now = datetime.now(timezone.utc)
    drawn = bars(status)
    if as_json:
        document = [bar.as_json(now) for bar in drawn]
        print_json(
            {"instanceId": instance_id, "runtimeStatus": status["runtimeStatus"], "bars": document}
        )
    elif not drawn:
        click.echo("It has no history yet.", err=True)
    else:
        draw(drawn, now)


def bars(status: Json) -> list[Bar]:
    """Return the bars of a status with ``historyEvents``: the orchestration's first, the others in the order of their start."""
    view = HistoryView.of(events_of_status(status))
    if view.started is None:
        return []
    end = view.events[-1].occurred_at if status["runtimeStatus"] in FINISHED else None
    whole = Bar(
        "orchestration", str(status["name"]), view.started.occurred_at, end, status["runtimeStatus"]
    )
    inner = [bar for step in view.steps if (bar := _bar(step, end)) is not None]
    return [whole, *sorted(inner, key=lambda bar: bar.start)]


def _bar(step: Step, end: datetime | None) -> Bar | None:
    """Return a step's bar, or None for an entity's operation or response. ``end`` is that of the orchestration."""
    if isinstance(step, Call):
        if step.kind is CallKind.ENTITY:
            return None
        kind = step.kind.value if step.kind is CallKind.SUB_ORCHESTRATION else "activity"
        outcome = {Outcome.COMPLETED: "Completed", Outcome.FAILED: "Failed"}.get(step.outcome)
        finished = step.finished_at if outcome else end
        outcome = outcome or ("Abandoned" if end else "Running")
        return Bar(
            kind, step.name or "?", step.scheduled_at, finished, outcome, step.instance_id or None
        )
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


def draw(drawn: Sequence[Bar], now: datetime) -> None:
    begin = min(bar.start for bar in drawn)
    end = max(bar.end or now for bar in drawn)
    span = max((end - begin).total_seconds(), 0.001)
    columns = [
        (("" if at == 0 else "  ") + printable(bar.label), bar.outcome, *_times(bar, begin, now))
        for at, bar in enumerate(drawn)
    ]
    widths = [max(len(row[at]) for row in columns) for at in range(4)]
    if on_terminal():
        from rich.text import Text

        screen = console()
        width = max(NARROWEST, screen.width - sum(widths) - 8)
        widths[0] = max(SHORTEST, min(widths[0], screen.width - width - sum(widths[1:]) - 8))
        for row, bar in zip(columns, drawn, strict=True):
            before, length = _place(bar, begin, now, span, width)
            name = row[0] if len(row[0]) <= widths[0] else row[0][: widths[0] - 1] + "…"
            line = Text.assemble(
                name.ljust(widths[0]) + "  ",
                (row[1].ljust(widths[1]), STYLES.get(bar.outcome, "dim")),
                f"  {row[2].rjust(widths[2])}  {row[3].rjust(widths[3])}  ",
                " " * before,
                (_mark(bar) * length, STYLES.get(bar.outcome, "dim")),
            )
            screen.print(line, no_wrap=True, overflow="crop")
        return
    for row, bar in zip(columns, drawn, strict=True):
        before, length = _place(bar, begin, now, span, PLAIN)
        texts = (
            row[0].ljust(widths[0]),
            row[1].ljust(widths[1]),
            row[2].rjust(widths[2]),
            row[3].rjust(widths[3]),
        )
        click.echo("  ".join(texts) + "  " + " " * before + _mark(bar) * length)


def _times(bar: Bar, begin: datetime, now: datetime) -> tuple[str, str]:
    seconds = ((bar.end or now) - bar.start).total_seconds()
    return (
        f"+{_seconds((bar.start - begin).total_seconds())}",
        "" if bar.kind == "event" else _seconds(seconds),
    )


def _seconds(seconds: float) -> str:
    if seconds < 1:
        return f"{seconds * 1000:.0f} ms"
    if seconds < 120:
        return f"{seconds:.1f} s"
    return f"{seconds / 60:.0f} min" if seconds < 7200 else f"{seconds / 3600:.1f} h"


def _place(bar: Bar, begin: datetime, now: datetime, span: float, width: int) -> tuple[int, int]:
    """Return the number of columns before the bar, and of the bar: at least one."""
    first = min(int((bar.start - begin).total_seconds() / span * width), width - 1)
    last = int(((bar.end or now) - begin).total_seconds() / span * width)
    return first, max(1, min(last, width) - first)


def _mark(bar: Bar) -> str:
    """Return the character of a bar. Timers and suspensions are lighter than calls."""
    marks = {"event": "◆", "timer": "░", "suspended": "░"}
    plain = {"event": "*", "timer": "-", "suspended": "-"}
    try:
        "█░◆".encode(sys.stdout.encoding or "ascii")
    except (UnicodeEncodeError, LookupError):
        return plain.get(bar.kind, "#")
    return marks.get(bar.kind, "█")


def _is_request_id(name: str) -> bool:
    """An entity's response is an event with the request's id, a UUID, as its name. The API may not show the request."""
    return len(name) == 36 and name.count("-") == 4
