"""The command ``timeline``: a Gantt chart of an instance's history."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timezone

import click

from embedded_host.cli.arguments import as_json, instance_id
from embedded_host.cli.command import command
from embedded_host.cli.instances import require
from embedded_host.cli.output import console, on_terminal, print_json, printable
from embedded_host.cli.reader import InstanceStatus, Json
from embedded_host.cli.target import Target, target_options
from embedded_host.engine.events import EventRaised, HistoryEvent
from embedded_host.history import (
    Call,
    CallKind,
    HistoryView,
    Outcome,
    Step,
    StepGroup,
    StepRow,
    Timer,
    input_label,
    step_groups,
)

NARROWEST, PLAIN = 20, 40
"""The minimum width of the chart on a terminal, and its width in a pipe or file, in columns."""
_MARKS = ("event", "sentEvent")
"""The kinds of bars without a length."""
LABEL = 40
"""The maximum length of an input in a name."""
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
    attempt: int | None = None
    """The number of the attempt, or None for a call without a retry."""
    input: str | None = None
    """The start of the input, or None if the history does not contain it."""
    began: datetime | None = None
    """The time at which an activity began to run, if it was queued before."""
    attempts: int = 1
    """The number of attempts that the bar contains."""
    group: str = ""
    """The counts of a folded group, such as ``198 ok, 2 failed, p50 1.2 s, max 4.0 s``."""
    level: int = 1
    """The indentation."""

    @property
    def label(self) -> str:
        """The name, with the instance id of a sub-orchestration, the input and the attempts."""
        input = self.input or ""
        if len(input) > LABEL:
            input = f"{input[: LABEL - 1]}…"
        attempts = f"({self.attempts} attempts)" if self.attempts > 1 else ""
        if not attempts and self.attempt is not None:
            attempts = f"(attempt {self.attempt})"
        child = f"({self.instance_id})" if self.instance_id else ""
        return " ".join(filter(None, (self.name, child, attempts, "" if child else input)))

    @property
    def has_failed(self) -> bool:
        """True for a failed step, and for a group with failed steps."""
        return self.outcome == "Failed" or " failed" in self.group

    def as_json(self, now: datetime) -> Json:
        """Return the JSON object of ``--json``. An open bar ends at ``now``."""
        return {
            "kind": self.kind,
            "name": self.name,
            **({"instanceId": self.instance_id} if self.instance_id else {}),
            "start": _iso(self.start),
            "end": self.end and _iso(self.end),
            "seconds": ((self.end or now) - self.start).total_seconds(),
            "outcome": self.outcome,
            **({"attempt": self.attempt} if self.attempt else {}),
            **({"input": self.input} if self.input is not None else {}),
            **({"began": _iso(self.began)} if self.began else {}),
        }


@command()
@instance_id
@click.option("--failed", is_flag=True, help="Show failed steps only.")
@click.option("--unfold", is_flag=True, help="Show each attempt of each step in a line of its own.")
@as_json
@target_options
def timeline(target: Target, instance_id: str, failed: bool, unfold: bool, as_json: bool) -> None:
    """Draw a chart of an instance's history over time.

    The chart has a bar for each activity, sub-orchestration, timer, lock request and suspension,
    and a mark for each event. The attempts of a call share a bar. Four or more steps of a turn with
    the same name share a line, followed by a line for each of them that failed. With --json, each
    attempt has an object.

    Examples:
      embedded-host timeline --id order-7
      embedded-host timeline --id order-7 --failed
      embedded-host timeline --id order-7 --json
    """
    reader = target.reader()
    status = require(reader.instance(instance_id, history=True), instance_id, reader.name)
    now = datetime.now(timezone.utc)
    events = reader.recorded_history(instance_id) or status.events()
    chart = bars(status, events) if unfold or as_json else folded_bars(status, events)
    if failed:
        chart = [bar for bar in chart if bar.kind == "orchestration" or bar.has_failed]
    if as_json:
        document = [bar.as_json(now) for bar in chart]
        print_json(
            {"instanceId": instance_id, "runtimeStatus": status.runtime_status, "bars": document}
        )
    elif not chart:
        click.echo("The instance has no history yet.", err=True)
    else:
        draw(chart, now)


def bars(status: InstanceStatus, events: Sequence[HistoryEvent]) -> list[Bar]:
    """Return the bars of an instance with the history ``events``.

    The first bar is the orchestration. The other bars are sorted by their start.
    """
    view = HistoryView.of(events)
    if view.started is None:
        return []
    end = _end(view, status)
    orchestration = Bar(
        "orchestration", status.name, view.started.occurred_at, end, status.runtime_status
    )
    inner = [bar for step in view.steps if (bar := _bar(step, end)) is not None]
    return [orchestration, *sorted(inner, key=lambda bar: bar.start)]


def _end(view: HistoryView, status: InstanceStatus) -> datetime | None:
    if not status.is_finished:
        return None
    return view.ended_at or view.events[-1].occurred_at


def folded_bars(status: InstanceStatus, events: Sequence[HistoryEvent]) -> list[Bar]:
    """Return the bars of an instance, with one bar for each call and for each group of steps.

    The bars of the failed steps of a group follow the bar of the group.
    """
    view = HistoryView.of(events)
    if view.started is None:
        return []
    end = _end(view, status)
    chart = bars(status, events)[:1]
    for group in step_groups(view):
        rows = [(row, bar) for row in group.rows if (bar := _row_bar(row, end)) is not None]
        if not rows:
            continue
        if not group.is_folded:
            chart.append(rows[0][1])
            continue
        chart.append(_group_bar(group, [bar for _, bar in rows]))
        chart += [replace(bar, level=2) for row, bar in rows if row.outcome is Outcome.FAILED]
    return chart


def _row_bar(row: StepRow, end: datetime | None) -> Bar | None:
    """Return the bar of a call with all its attempts, or of another step."""
    attempts = row.attempts
    if len(row.steps) < 2:
        return _bar(row.steps[0], end)
    last = _bar(attempts[-1], end)
    if last is None:
        return None
    labels = [label for call in attempts if (label := input_label(call)) is not None]
    is_open = row.outcome is Outcome.OPEN
    return replace(
        last,
        start=row.started_at,
        end=None if is_open else last.end,
        outcome="Running" if is_open else last.outcome,
        input=labels[0] if labels else None,
        attempts=len(attempts),
        began=None,
    )


def _group_bar(group: StepGroup, rows: Sequence[Bar]) -> Bar:
    times = group.run_times
    parts = [group.summary]
    if group.median is not None:
        parts += [
            f"p50 {format_duration(group.median.total_seconds())}",
            f"max {format_duration(times[-1].total_seconds())}",
        ]
    outcomes = {bar.outcome for bar in rows}
    order = ("Running", "Failed", "Abandoned")
    ends = [bar.end for bar in rows if bar.end is not None]
    return Bar(
        rows[0].kind,
        f"{group.name} x {len(rows)}",
        min(bar.start for bar in rows),
        max(ends) if len(ends) == len(rows) else None,
        next((outcome for outcome in order if outcome in outcomes), rows[0].outcome),
        group=", ".join(parts),
    )


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
        return Bar(
            kind,
            name,
            step.scheduled_at,
            finished,
            outcome,
            child or None,
            attempt=step.attempt,
            input=None if is_lock else input_label(step),
            began=step.started_at,
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


def draw(chart: Sequence[Bar], now: datetime) -> None:
    """Print a chart. Open bars end at ``now``."""
    begin = min(bar.start for bar in chart)
    end = max(bar.end or now for bar in chart)
    span = max((end - begin).total_seconds(), 0.001)
    columns = [
        (
            "  " * (bar.level if index else 0) + printable(bar.label),
            bar.outcome,
            *_times(bar, begin, now),
        )
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
            queued = _queued(bar, length)
            line = Text.assemble(
                name.ljust(widths[0]) + "  ",
                (row[1].ljust(widths[1]), STYLES.get(bar.outcome, "dim")),
                f"  {row[2].rjust(widths[2])}  {row[3].rjust(widths[3])}  ",
                " " * before,
                (_waiting_mark() * queued, "dim"),
                (_mark(bar) * (length - queued), STYLES.get(bar.outcome, "dim")),
            )
            screen.print(line, no_wrap=True, overflow="crop")
            if bar.group:
                screen.print(Text(f"    {bar.group}", STYLES.get(bar.outcome, "dim")))
        return
    for row, bar in zip(columns, chart, strict=True):
        before, length = _columns(bar, begin, now, span, PLAIN)
        cells = (
            row[0].ljust(widths[0]),
            row[1].ljust(widths[1]),
            row[2].rjust(widths[2]),
            row[3].rjust(widths[3]),
        )
        queued = _queued(bar, length)
        drawn = _waiting_mark() * queued + _mark(bar) * (length - queued)
        click.echo("  ".join(cells) + "  " + " " * before + drawn)
        if bar.group:
            click.echo(f"    {bar.group}")


def _times(bar: Bar, begin: datetime, now: datetime) -> tuple[str, str]:
    seconds = ((bar.end or now) - bar.start).total_seconds()
    return (
        f"+{format_duration((bar.start - begin).total_seconds())}",
        "" if bar.kind in _MARKS else format_duration(seconds),
    )


def _iso(time: datetime) -> str:
    return time.isoformat().replace("+00:00", "Z")


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


def _queued(bar: Bar, length: int) -> int:
    """Return the number of columns in which an activity was queued. It runs in at least one."""
    if bar.began is None or bar.end is None or bar.end <= bar.start:
        return 0
    return min(int((bar.began - bar.start) / (bar.end - bar.start) * length + 0.5), length - 1)


def _waiting_mark() -> str:
    """Return the character that draws the time in a queue."""
    return "┄" if _can_draw() else "-"


def _mark(bar: Bar) -> str:
    """Return the character that draws a bar. Waits have a lighter character than calls."""
    marks = {"event": "◆", "sentEvent": "◇", "timer": "░", "lock": "░", "suspended": "░"}
    plain = {"event": "*", "sentEvent": "*", "timer": "-", "lock": "-", "suspended": "-"}
    return marks.get(bar.kind, "█") if _can_draw() else plain.get(bar.kind, "#")


def _can_draw() -> bool:
    """Return True if the console can encode the characters of the chart."""
    try:
        "█░◆◇┄".encode(sys.stdout.encoding or "ascii")
    except (UnicodeEncodeError, LookupError):
        return False
    return True


def _is_request_id(name: str) -> bool:
    """Return True if an event's name is a UUID: the event is then the response of an entity.

    The API may return a response without its request.
    """
    return len(name) == 36 and name.count("-") == 4
