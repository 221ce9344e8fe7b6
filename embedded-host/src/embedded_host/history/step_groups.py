"""The rows that show a history: the attempts of one call, and groups of steps of one name."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Hashable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import cached_property

from embedded_host.engine.events import EventRaised, OrchestratorStarted, SchedulingEvent
from embedded_host.history.steps import Call, CallKind, Outcome, Step, Timer
from embedded_host.history.view import HistoryView

FEWEST = 4
"""Minimum number of steps in a group. Fewer steps are easier to read one by one."""


@dataclass(frozen=True)
class StepRow:
    """A call with its attempts and the delays between them, or another step."""

    steps: Sequence[Step]
    """The attempts and the delays in the order of their start, or the only step."""

    @property
    def attempts(self) -> list[Call]:
        """The attempts of the call. The list is empty if the step is not a call."""
        return [step for step in self.steps if isinstance(step, Call)]

    @property
    def outcome(self) -> Outcome:
        """The outcome of the last attempt. It is open while the next attempt is due."""
        last = self.steps[-1]
        attempts = self.attempts
        if attempts and not (isinstance(last, Timer) and last.is_open):
            last = attempts[-1]
        return Outcome.COMPLETED if isinstance(last, EventRaised) else last.outcome

    @property
    def started_at(self) -> datetime:
        """The start of the step: for a call, the time at which it was scheduled."""
        return step_start(self.steps[0])

    @property
    def run_time(self) -> timedelta | None:
        """The time in which the attempts ran or the timer waited, or None for an open step."""
        spans = []
        for step in self.attempts or self.steps:
            end = step_end(step)
            if end is None:
                return None
            start = step.started_at if isinstance(step, Call) else None
            spans.append(end - (start or step_start(step)))
        return sum(spans, timedelta(0))


@dataclass(frozen=True)
class StepGroup:
    """One row, or at least ``FEWEST`` rows with the same kind, name and turn."""

    name: str
    rows: Sequence[StepRow]
    """The rows with the failed rows first, then in order of their start."""

    @property
    def is_folded(self) -> bool:
        """True if the group has several rows."""
        return len(self.rows) > 1

    def count(self, outcome: Outcome) -> int:
        """Return the number of rows with an outcome."""
        return sum(row.outcome is outcome for row in self.rows)

    @property
    def outcome(self) -> Outcome:
        """The outcome of the group: open, else failed, if this is the outcome of one row."""
        outcomes = {row.outcome for row in self.rows}
        order = (Outcome.OPEN, Outcome.FAILED, Outcome.ABANDONED)
        return next((outcome for outcome in order if outcome in outcomes), Outcome.COMPLETED)

    @cached_property
    def run_times(self) -> list[timedelta]:
        """The run times of the finished rows, in ascending order."""
        return sorted(time for row in self.rows if (time := row.run_time) is not None)

    @property
    def median(self) -> timedelta | None:
        """The median of the run times, or None if no row has finished."""
        return self.run_times[len(self.run_times) // 2] if self.run_times else None

    @property
    def summary(self) -> str:
        """The number of rows of each outcome, such as ``198 ok, 2 failed``."""
        names = {
            Outcome.COMPLETED: "ok",
            Outcome.FAILED: "failed",
            Outcome.OPEN: "open",
            Outcome.ABANDONED: "abandoned",
        }
        counts = ((self.count(outcome), name) for outcome, name in names.items())
        return ", ".join(f"{count} {name}" for count, name in counts if count)


def step_start(step: Step) -> datetime:
    """Return the time at which a step was scheduled, created or received."""
    if isinstance(step, Call):
        return step.scheduled_at
    if isinstance(step, Timer):
        return step.created_at
    return step.occurred_at if isinstance(step, EventRaised) else step.suspended_at


def step_end(step: Step) -> datetime | None:
    """Return the end of a step, or None if it has not ended."""
    if isinstance(step, Call):
        return step.finished_at
    if isinstance(step, Timer):
        return step.fired_at
    return step.occurred_at if isinstance(step, EventRaised) else step.resumed_at


def step_groups(view: HistoryView) -> list[StepGroup]:
    """Return the groups of an execution in order of their first steps."""
    groups: dict[Hashable, list[StepRow]] = {}
    turn_of = _Turns(view)
    rows = _rows(view)
    for row in rows:
        groups.setdefault(_key(row.steps[0], turn_of), []).append(row)
    result: list[StepGroup] = []
    for members in groups.values():
        name = _name(members[0].steps[0])
        if len(members) < FEWEST:
            result += [StepGroup(name, [row]) for row in members]
        else:
            result.append(
                StepGroup(name, sorted(members, key=lambda row: row.outcome is not Outcome.FAILED))
            )
    order = {id(row): number for number, row in enumerate(rows)}
    return sorted(result, key=lambda group: min(order[id(row)] for row in group.rows))


def _rows(view: HistoryView) -> list[StepRow]:
    """Return the rows in order of their first steps.

    After the last failure of a retried call, SDK 1.x creates a timer that is already due. No
    attempt follows it, so that it has no row.
    """
    matched = view.matched
    repeated = set(matched.previous.values())
    rows: list[list[Step]] = []
    calls: dict[int, list[Step]] = {}
    """The rows of calls, by the indexes of the scheduling events of their attempts."""
    for step in view.steps:
        failed = None
        if isinstance(step, Call):
            failed = matched.previous.get(step.event)
        elif isinstance(step, Timer):
            failed = matched.delays.get(step.event)
            is_due = step.due_at <= step.created_at
            if failed is not None and failed not in repeated and is_due:
                continue
        row = None if failed is None else calls.get(failed)
        if row is None:
            rows.append(row := [])
        row.append(step)
        if isinstance(step, Call):
            calls[step.event] = row
    return [StepRow(row) for row in rows]


class _Turns:
    """The number of the turn of each event."""

    def __init__(self, view: HistoryView) -> None:
        self._starts = [
            index for index, e in enumerate(view.events) if isinstance(e, OrchestratorStarted)
        ] or list(_inferred_starts(view))

    def __call__(self, index: int) -> int:
        return bisect_right(self._starts, index)


def _inferred_starts(view: HistoryView) -> Iterator[int]:
    """Yield the index of the first scheduling event of each turn.

    The management API omits the events of turns. It returns all scheduling events of a turn before
    the completions that start the next turn.
    """
    was_scheduling = False
    for index, event in enumerate(view.events):
        is_scheduling = isinstance(event, SchedulingEvent)
        if is_scheduling and not was_scheduling:
            yield index
        was_scheduling = is_scheduling


def _key(step: Step, turn_of: _Turns) -> Hashable:
    if isinstance(step, Call):
        return (step.kind, step.is_signal, _name(step), turn_of(step.event))
    if isinstance(step, Timer):
        return ("timer", step.name, turn_of(step.event))
    return id(step)


def _name(step: Step) -> str:
    """Return the name of a step without its id. For an entity it is ``@counter add``."""
    if isinstance(step, Call):
        if step.kind in (CallKind.ENTITY, CallKind.RELEASE):
            entity = "@" + (step.instance_id or "@").split("@")[1]
            return f"{entity} {step.name}"
        return step.name
    if isinstance(step, Timer):
        return "timer"
    return step.name if isinstance(step, EventRaised) else "suspended"


def positions(view: HistoryView, groups: Iterable[StepGroup]) -> list[list[list[int]]]:
    """Return the indexes in ``view.steps`` of the steps of each row of each group."""
    index = {id(step): number for number, step in enumerate(view.steps)}
    return [[[index[id(step)] for step in row.steps] for row in group.rows] for group in groups]
