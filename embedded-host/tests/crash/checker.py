"""The comparison of the request log with the evidence. It does not use the host."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from enum import Enum
from typing import Any

from embedded_host.engine.events import HistoryEvent, TaskCompleted
from tests.crash.evidence import Evidence
from tests.crash.history_check import history_faults
from tests.crash.requests import Outcome, PlannedInstance, RequestLog


class Kind(str, Enum):
    """The kind of a finding."""

    LOST = "lost"
    """A request was acknowledged, but its effect is missing."""
    WRONG = "wrong"
    """An effect is incorrect: repeated, out of order, or without a request."""
    STUCK = "stuck"
    """An instance or a message was not processed to the end."""


@dataclass(frozen=True)
class Finding:
    """A fault that the checker found."""

    kind: Kind
    text: str

    def __str__(self) -> str:
        return f"{self.kind.value}: {self.text}"


def check(request_log: RequestLog, evidence: Evidence) -> list[Finding]:
    """Return all faults."""
    return list(_Check(request_log, evidence).all())


Findings = Iterator[Finding]


def lost(text: str) -> Finding:
    """Return a finding of the kind LOST."""
    return Finding(Kind.LOST, text)


def wrong(text: str) -> Finding:
    """Return a finding of the kind WRONG."""
    return Finding(Kind.WRONG, text)


def stuck(text: str) -> Finding:
    """Return a finding of the kind STUCK."""
    return Finding(Kind.STUCK, text)


class _Check:
    def __init__(self, request_log: RequestLog, evidence: Evidence) -> None:
        self.request_log, self.evidence = request_log, evidence
        self.starts = {
            request.token: request
            for request in request_log.requests
            if request.operation == "start" and request.outcome is not Outcome.REJECTED
        }
        self.results: Counter[str] = Counter()
        """Number of histories that contain the result of a run, by the id of the run."""

    def all(self) -> Findings:
        yield from (lost(text) for text in self.evidence.damage)
        yield from (stuck(f"still pending: {text}") for text in self.evidence.pending)
        for planned in self.request_log.planned.values():
            if planned.kind == "Signals":
                yield from self.signals(planned)
            else:
                yield from self.instance(planned)
        for instance_id, turns in self.evidence.histories.items():
            yield from self.history(instance_id, turns)
        yield from self.entities()
        yield from self.unrequested()

    # -- one instance ------------------------------------------------------------------------------

    def instance(self, planned: PlannedInstance) -> Findings:
        status = self.evidence.statuses.get(planned.id)
        if planned.end == "Gone":
            if planned.finished and status is not None:
                yield lost(f"the purge of {planned.id} was acknowledged, but it exists again")
            return
        if status is None:
            if any(
                a.outcome is Outcome.ACKNOWLEDGED for a in self.request_log.of("start", planned.id)
            ):
                yield lost(f"the start of {planned.id} was acknowledged, but it does not exist")
            return
        if status["runtimeStatus"] in ("Pending", "Running", "Suspended"):
            yield stuck(f"{planned.id} is still {status['runtimeStatus']}")
            return
        if status["runtimeStatus"] != planned.end:
            yield wrong(
                f"{planned.id} is {status['runtimeStatus']}, not {planned.end}: "
                f"{str(status['output'])[:300]}"
            )
            return
        yield from self.operations(planned)
        tokens = self.request_log.tokens(planned)
        output = status["output"]
        if planned.end == "Terminated":
            reasons = [a.token for a in self.request_log.of("terminate", planned.id)]
            if output not in reasons:
                yield wrong(f"{planned.id} has the reason {output!r}, which was not requested")
            return
        token = output[0] if isinstance(output, list) and output else None
        if token not in tokens:
            yield lost(f"{planned.id} was started by {token!r} instead of {tokens}")
            return
        yield from self.output(planned, str(token), output)

    def output(self, planned: PlannedInstance, token: str, output: list[Any]) -> Findings:
        """Check that the output has each step once, in order, and with the result of a real run."""
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
            yield wrong(f"{planned.id} has the output {output}; the expected steps are {expected}")
            return
        if planned.name == "Counting" and output[2] != count:
            yield wrong(f"{planned.id} counted {output[2]} on its entity, not {count}")
        times = 1 + sum(
            a.outcome is Outcome.ACKNOWLEDGED for a in self.request_log.of("restart", planned.id)
        )
        for step in steps:
            label, _, run = step.partition("#")
            runs = self.evidence.runs.get(label, Counter())
            if not runs[run]:
                yield wrong(
                    f"{planned.id} has {step} in its output, a run that is not in the run log"
                )
            if sum(runs.values()) < times:
                yield lost(
                    f"{label} ran {sum(runs.values())} times instead of at least {times} times"
                )
        if planned.name in ("Counting", "Signalling"):
            missing = {f"{token}+{n}" for n in range(count)} - set(
                self.evidence.entities.get(f"tally@{token}") or ()
            )
            if missing:
                yield lost(f"{planned.id} has completed, but its entity has no {sorted(missing)}")
        if planned.group:
            book = self.evidence.entities.get(f"book@{planned.group}") or []
            yield from (
                lost(f"{planned.id} has completed, but the update of {token}+{n} is missing")
                for n in range(count)
                if f"{token}+{n}" not in book
            )

    def events(self, planned: PlannedInstance, received: Sequence[str]) -> Findings:
        outcomes = {a.token: a.outcome for a in self.request_log.of("event", planned.id)}
        yield from (
            wrong(f"{planned.id} received {e!r}, which was not raised")
            for e in received
            if e not in outcomes
        )
        yield from (
            wrong(f"{planned.id} received {e!r} {n} times")
            for e, n in Counter(received).items()
            if n > 1
        )
        acknowledged = [
            token for token, outcome in outcomes.items() if outcome is Outcome.ACKNOWLEDGED
        ]
        yield from (
            lost(f"{planned.id} did not receive {e!r}, although it was acknowledged")
            for e in acknowledged
            if e not in set(received)
        )
        in_order = [e for e in received if outcomes.get(e) is Outcome.ACKNOWLEDGED]
        if sorted(in_order, key=acknowledged.index) != in_order:
            yield wrong(
                f"{planned.id} received its events in the order {in_order}, not {acknowledged}"
            )

    def operations(self, planned: PlannedInstance) -> Findings:
        """Check that the history contains each acknowledged operation, with its reason."""
        history = str(self.evidence.histories.get(planned.id, []))
        for operation in ("suspend", "resume", "terminate", "rewind"):
            requests = list(self.request_log.of(operation, planned.id))
            acknowledged = [a for a in requests if a.outcome is Outcome.ACKNOWLEDGED]
            if operation == "terminate" and len(requests) > len(acknowledged):
                acknowledged = []  # an earlier request may have ended the instance
            yield from (
                lost(f"{a.token} was acknowledged, but it is not in the history")
                for a in acknowledged
                if a.token not in history
            )

    # -- entities ----------------------------------------------------------------------------------

    def signals(self, planned: PlannedInstance) -> Findings:
        requests = list(self.request_log.of("signal", planned.id))
        state = self.evidence.entities.get(f"tally@{planned.id}") or {}
        yield from (
            lost(f"{a.token} was acknowledged, but its entity did not receive it")
            for a in requests
            if a.outcome is Outcome.ACKNOWLEDGED and a.token not in state
        )
        yield from (
            wrong(f"{planned.id} received {t!r}, which was not sent")
            for t in state
            if t not in {a.token for a in requests}
        )

    def entities(self) -> Findings:
        for entity, state in self.evidence.entities.items():
            name, _, key = entity.partition("@")
            if state is None:
                yield wrong(f"{entity} has no state: its first operation failed")
            elif name == "tally":
                yield from (
                    wrong(f"{entity} received {token!r} {n} times")
                    for token, n in state.items()
                    if n != 1
                )
                if key not in self.starts and key not in self.request_log.planned:
                    yield wrong(f"{entity} exists, but was not requested")
            elif name == "gate" and state != "":
                yield stuck(f"{entity} is still held by {state!r}")
            elif name == "book":
                copy = self.evidence.entities.get(f"{entity}.copy", state)
                if copy != state:
                    yield wrong(f"{entity} has {state}, but its copy under the same lock {copy}")
                yield from (
                    wrong(f"{entity} has {e!r} {n} times")
                    for e, n in Counter(state).items()
                    if n != 1
                )
                yield from (
                    wrong(f"{entity} has an entry that was not requested: {e!r}")
                    for e in state
                    if e.partition("+")[0] not in self.starts
                )

    # -- histories and runs -------------------------------------------------------------------

    def history(self, instance_id: str, turns: Sequence[Sequence[HistoryEvent]]) -> Findings:
        status = self.evidence.statuses.get(instance_id, {}).get("runtimeStatus")
        for text in history_faults(turns, completed=status == "Completed"):
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
                if not self.evidence.runs.get(label, Counter())[run]:
                    yield wrong(
                        f"{instance_id}: the result {result} is of a run that is not in the run log"
                    )

    def unrequested(self) -> Findings:
        """Check that all instances and runs were requested."""
        for label, runs in self.evidence.runs.items():
            if label.partition("/")[0].partition(".")[0] not in self.starts:
                yield wrong(f"{label} ran, but was not started")
            yield from (
                wrong(f"the run {run} of {label} is in the run log {n} times")
                for run, n in runs.items()
                if n > 1
            )
        for instance_id in self.evidence.statuses:
            base = instance_id.partition(".")[0]
            if base not in self.request_log.planned and base not in self.starts:
                yield wrong(f"the instance {instance_id} exists, but was not started")
