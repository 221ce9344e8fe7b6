"""Holds what was acknowledged against what is there. Knows nothing of the host: data in, findings out."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from enum import Enum
from typing import Any

from embedded_host.engine.events import HistoryEvent, TaskCompleted
from tests.crash.acknowledged import Ledger, Planned, Told
from tests.crash.evidence import Evidence
from tests.crash.history_check import wrong_in_history


class Kind(str, Enum):
    LOST = "lost"
    """It was acknowledged, and is not there."""
    WRONG = "wrong"
    """It is there, but not as it must be: twice, out of order, of somebody else."""
    STUCK = "stuck"
    """It did not come to its end."""


@dataclass(frozen=True)
class Finding:
    kind: Kind
    text: str

    def __str__(self) -> str:
        return f"{self.kind.value}: {self.text}"


def check(ledger: Ledger, found: Evidence) -> list[Finding]:
    return list(_Check(ledger, found).all())


Found = Iterator[Finding]


def lost(text: str) -> Finding:
    return Finding(Kind.LOST, text)


def wrong(text: str) -> Finding:
    return Finding(Kind.WRONG, text)


def stuck(text: str) -> Finding:
    return Finding(Kind.STUCK, text)


class _Check:
    def __init__(self, ledger: Ledger, found: Evidence) -> None:
        self.ledger, self.found = ledger, found
        self.starts = {
            a.token: a for a in ledger.asked if a.what == "start" and a.told is not Told.REFUSED
        }
        self.results: Counter[str] = Counter()
        """How many histories have the result of a run."""

    def all(self) -> Found:
        yield from (lost(text) for text in self.found.damage)
        yield from (stuck(f"nobody took it: {text}") for text in self.found.left)
        for planned in self.ledger.planned.values():
            if planned.kind == "Signals":
                yield from self.signals(planned)
            else:
                yield from self.instance(planned)
        for instance_id, turns in self.found.histories.items():
            yield from self.history(instance_id, turns)
        yield from self.entities()
        yield from self.strangers()

    # -- one instance ------------------------------------------------------------------------------

    def instance(self, planned: Planned) -> Found:
        status = self.found.statuses.get(planned.id)
        if planned.end == "Gone":
            if planned.finished and status is not None:
                yield lost(f"{planned.id} was purged, which was acknowledged, and is there again")
            return
        if status is None:
            if any(a.told is Told.ACKNOWLEDGED for a in self.ledger.of("start", planned.id)):
                yield lost(f"{planned.id} was started, which was acknowledged, and is not there")
            return
        if status["runtimeStatus"] in ("Pending", "Running", "Suspended"):
            yield stuck(f"{planned.id} is {status['runtimeStatus']} in the end")
            return
        if status["runtimeStatus"] != planned.end:
            yield wrong(
                f"{planned.id} is {status['runtimeStatus']}, not {planned.end}: {str(status['output'])[:300]}"
            )
            return
        yield from self.operations(planned)
        tokens = self.ledger.tokens(planned)
        output = status["output"]
        if planned.end == "Terminated":
            reasons = [a.token for a in self.ledger.of("terminate", planned.id)]
            if output not in reasons:
                yield wrong(f"{planned.id} was terminated for {output!r}, which nobody asked for")
            return
        token = output[0] if isinstance(output, list) and output else None
        if token not in tokens:
            yield lost(f"{planned.id} is what {token!r} started, not {tokens}")
            return
        yield from self.output(planned, str(token), output)

    def output(self, planned: Planned, token: str, output: list[Any]) -> Found:
        """Every step once, in its place, with the result of a run that there was."""
        count = planned.count
        if planned.name == "Collect":
            count = len(output[2])
            yield from self.events(planned, output[2])
        steps = output[1]
        if planned.name == "Parent":
            expected = [f"{token}.{child}/{step}" for child in range(count) for step in range(2)]
            steps = [step for child in steps for step in child[1]]
        elif planned.name in ("Fragile", "FragileParent"):
            expected = [f"{token}/0", f"{token}/1"]
            steps = steps if planned.name == "Fragile" else steps[0][1]
        else:
            expected = [f"{token}/{step}" for step in range(count)]
        if [step.partition("#")[0] for step in steps] != expected:
            yield wrong(f"{planned.id} has the output {output}, not that of {expected}")
            return
        if planned.name == "Counting" and output[2] != count:
            yield wrong(f"{planned.id} counted {output[2]} on its entity, not {count}")
        times = 1 + sum(a.told is Told.ACKNOWLEDGED for a in self.ledger.of("restart", planned.id))
        for step in steps:
            label, _, run = step.partition("#")
            runs = self.found.runs.get(label, Counter())
            if not runs[run]:
                yield wrong(f"{planned.id} has {step} in its output, a run that there never was")
            if sum(runs.values()) < times:
                yield lost(
                    f"{label} ran {sum(runs.values())} times, but was to run at least {times} times"
                )
        if planned.name in ("Counting", "Signalling"):
            missing = {f"{token}+{n}" for n in range(count)} - set(
                self.found.entities.get(f"tally@{token}") or ()
            )
            if missing:
                yield lost(
                    f"{planned.id} has completed, but its entity never heard of {sorted(missing)}"
                )
        if planned.group:
            book = self.found.entities.get(f"book@{planned.group}") or []
            yield from (
                lost(f"{planned.id} has completed, but its section {token}+{n} has left no trace")
                for n in range(count)
                if f"{token}+{n}" not in book
            )

    def events(self, planned: Planned, taken: Sequence[str]) -> Found:
        asked = {a.token: a.told for a in self.ledger.of("event", planned.id)}
        yield from (
            wrong(f"{planned.id} took {e!r}, which nobody raised") for e in taken if e not in asked
        )
        yield from (
            wrong(f"{planned.id} took {e!r} {n} times") for e, n in Counter(taken).items() if n > 1
        )
        sure = [token for token, told in asked.items() if told is Told.ACKNOWLEDGED]
        yield from (
            lost(f"{planned.id} never took {e!r}, which was acknowledged")
            for e in sure
            if e not in set(taken)
        )
        in_order = [e for e in taken if asked.get(e) is Told.ACKNOWLEDGED]
        if sorted(in_order, key=sure.index) != in_order:
            yield wrong(f"{planned.id} took its events in the order {in_order}, not {sure}")

    def operations(self, planned: Planned) -> Found:
        """What was done to it stands in its history, with the reason that was given."""
        text = str(self.found.histories.get(planned.id, []))
        for what in ("suspend", "resume", "terminate", "rewind"):
            asked = list(self.ledger.of(what, planned.id))
            sure = [a for a in asked if a.told is Told.ACKNOWLEDGED]
            if what == "terminate" and len(asked) > len(sure):
                sure = []  # an earlier one may have ended it: nothing takes the later one
            yield from (
                lost(f"{a.token} was acknowledged, and is in no history")
                for a in sure
                if a.token not in text
            )

    # -- entities ----------------------------------------------------------------------------------

    def signals(self, planned: Planned) -> Found:
        asked = list(self.ledger.of("signal", planned.id))
        state = self.found.entities.get(f"tally@{planned.id}") or {}
        yield from (
            lost(f"{a.token} was acknowledged, but never reached its entity")
            for a in asked
            if a.told is Told.ACKNOWLEDGED and a.token not in state
        )
        yield from (
            wrong(f"{planned.id} heard {t!r}, which nobody said")
            for t in state
            if t not in {a.token for a in asked}
        )

    def entities(self) -> Found:
        for entity, state in self.found.entities.items():
            name, _, key = entity.partition("@")
            if state is None:
                yield wrong(f"{entity} has no state: its first operation failed")
            elif name == "tally":
                yield from (
                    wrong(f"{entity} heard {token!r} {n} times")
                    for token, n in state.items()
                    if n != 1
                )
                if key not in self.starts and key not in self.ledger.planned:
                    yield wrong(f"{entity} was made by nobody")
            elif name == "gate" and state != "":
                yield stuck(f"{entity} is still held by {state!r}")
            elif name == "book":
                yield from (
                    wrong(f"{entity} has {e!r} {n} times")
                    for e, n in Counter(state).items()
                    if n != 1
                )
                yield from (
                    wrong(f"{entity} has an entry of nobody: {e!r}")
                    for e in state
                    if e.partition("+")[0] not in self.starts
                )

    # -- histories, and what ran -------------------------------------------------------------------

    def history(self, instance_id: str, turns: Sequence[Sequence[HistoryEvent]]) -> Found:
        status = self.found.statuses.get(instance_id, {}).get("runtimeStatus")
        for text in wrong_in_history(turns, completed=status == "Completed"):
            yield wrong(f"{instance_id}: {text}")
        for event in (event for turn in turns for event in turn):
            if not isinstance(event, TaskCompleted):
                continue
            result = str(event.result or "").strip('"')
            label, mark, run = result.partition("#")
            if mark:
                self.results[run] += 1
                if self.results[run] > 1:
                    yield wrong(
                        f"{instance_id}: the result {result} is recorded {self.results[run]} times"
                    )
                if not self.found.runs.get(label, Counter())[run]:
                    yield wrong(
                        f"{instance_id}: the result {result} is of a run that there never was"
                    )

    def strangers(self) -> Found:
        """Nothing is there, and nothing ran, that was not asked for."""
        for label, runs in self.found.runs.items():
            if label.partition("/")[0].partition(".")[0] not in self.starts:
                yield wrong(f"{label} ran, but nobody has started it")
            yield from (
                wrong(f"the run {run} of {label} is noted {n} times")
                for run, n in runs.items()
                if n > 1
            )
        for instance_id in self.found.statuses:
            base = instance_id.partition(".")[0]
            if base not in self.ledger.planned and base not in self.starts:
                yield wrong(f"the instance {instance_id} was started by nobody")
