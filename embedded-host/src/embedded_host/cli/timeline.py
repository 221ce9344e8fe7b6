"""An instance's Gantt chart, from its history."""

from __future__ import annotations

import sys
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timezone
from typing import Any

import click

from embedded_host.cli.arguments import as_json, instance_id
from embedded_host.cli.command import command
from embedded_host.cli.instances import found
from embedded_host.cli.output import STYLES, console, on_terminal, print_json, printable
from embedded_host.cli.reader import Json
from embedded_host.cli.target import Target, target_options
from embedded_host.engine.status import FINISHED

_SETTLED = {
    "TaskCompleted": ("activity", "Completed"),
    "TaskFailed": ("activity", "Failed"),
    "SubOrchestrationInstanceCompleted": ("subOrchestration", "Completed"),
    "SubOrchestrationInstanceFailed": ("subOrchestration", "Failed"),
}
_OPEN = {"TaskScheduled": "activity", "SubOrchestrationInstanceCreated": "subOrchestration"}
NARROWEST, PLAIN = 20, 40
"""Columns of the chart: on a narrow terminal, and where there is none."""
SHORTEST = 12
"""What a narrow terminal leaves of a name."""


@dataclass(frozen=True)
class Bar:
    kind: str
    """orchestration, activity, subOrchestration, timer, event or suspended"""
    name: str
    start: datetime
    end: datetime | None
    """None while it goes on."""
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
    """Draw when an instance's activities, timers and events were.

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
        print_json({"instanceId": instance_id, "runtimeStatus": status["runtimeStatus"], "bars": document})
    elif not drawn:
        click.echo("It has no history yet.", err=True)
    else:
        draw(drawn, now)


def bars(status: Json) -> list[Bar]:
    """In order of their start, the orchestration's own first; from a status with its ``historyEvents``."""
    events: Sequence[Json] = status.get("historyEvents") or ()
    started = next((event for event in events if event["EventType"] == "ExecutionStarted"), None)
    if started is None:
        return []
    over = _moment(events[-1]["Timestamp"]) if status["runtimeStatus"] in FINISHED else None
    # FireAt tells a timer that fired from those that did not: the event's own time is that of its creation.
    fired = Counter(event["FireAt"] for event in events if event["EventType"] == "TimerFired")
    inner: list[Bar] = []
    held: datetime | None = None
    for event in events:
        kind, at = event["EventType"], _moment(event["Timestamp"])
        if kind in _SETTLED:
            what, outcome = _SETTLED[kind]
            since = _moment(event["ScheduledTime"]) if event.get("ScheduledTime") else at
            inner.append(Bar(what, str(event.get("FunctionName") or "?"), since, at, outcome, _child(event)))
        elif kind in _OPEN:
            outcome = "Abandoned" if over else "Running"
            inner.append(Bar(_OPEN[kind], str(event.get("Name") or "?"), at, over, outcome, _child(event)))
        elif kind == "TimerCreated":
            due = _moment(event["FireAt"])
            if fired[event["FireAt"]]:
                fired[event["FireAt"]] -= 1
                inner.append(Bar("timer", "timer", at, max(at, due), "Completed"))
            else:
                inner.append(
                    Bar("timer", f"timer due {event['FireAt'][:19]}Z", at, over, "Canceled" if over else "Running")
                )
        elif kind == "EventRaised" and not _is_answer(event):
            inner.append(Bar("event", str(event["Name"]), at, at, "Completed"))
        elif kind == "ExecutionSuspended":
            held = at
        elif kind == "ExecutionResumed" and held:
            inner.append(Bar("suspended", "suspended", held, at, "Suspended"))
            held = None
    if held:
        inner.append(Bar("suspended", "suspended", held, over, "Suspended"))
    inner.sort(key=lambda bar: bar.start)
    whole = Bar("orchestration", str(status["name"]), _moment(started["Timestamp"]), over, status["runtimeStatus"])
    return [whole, *inner]


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
        texts = row[0].ljust(widths[0]), row[1].ljust(widths[1]), row[2].rjust(widths[2]), row[3].rjust(widths[3])
        click.echo("  ".join(texts) + "  " + " " * before + _mark(bar) * length)


def _times(bar: Bar, begin: datetime, now: datetime) -> tuple[str, str]:
    seconds = ((bar.end or now) - bar.start).total_seconds()
    return f"+{_seconds((bar.start - begin).total_seconds())}", "" if bar.kind == "event" else _seconds(seconds)


def _seconds(seconds: float) -> str:
    if seconds < 1:
        return f"{seconds * 1000:.0f} ms"
    if seconds < 120:
        return f"{seconds:.1f} s"
    return f"{seconds / 60:.0f} min" if seconds < 7200 else f"{seconds / 3600:.1f} h"


def _place(bar: Bar, begin: datetime, now: datetime, span: float, width: int) -> tuple[int, int]:
    """Columns before the bar, and its own: one at least."""
    first = min(int((bar.start - begin).total_seconds() / span * width), width - 1)
    last = int(((bar.end or now) - begin).total_seconds() / span * width)
    return first, max(1, min(last, width) - first)


def _mark(bar: Bar) -> str:
    """What waits is drawn lighter than what runs."""
    marks = {"event": "◆", "timer": "░", "suspended": "░"}
    plain = {"event": "*", "timer": "-", "suspended": "-"}
    try:
        "█░◆".encode(sys.stdout.encoding or "ascii")
    except (UnicodeEncodeError, LookupError):
        return plain.get(bar.kind, "#")
    return marks.get(bar.kind, "█")


def _child(event: Json) -> str | None:
    """Return the instance id of a sub-orchestration, or None for an activity and for hosts that omit the id."""
    is_child = str(event["EventType"]).startswith("SubOrchestrationInstance")
    return str(event["InstanceId"]) if is_child and event.get("InstanceId") else None


def _is_answer(event: Json) -> bool:
    """An entity's answer to a call is an event too, with the call's id for its name."""
    name = str(event.get("Name", ""))
    return len(name) == 36 and name.count("-") == 4


def _moment(text: Any) -> datetime:
    from embedded_host.engine.timestamps import parse_moment

    return parse_moment(str(text))
