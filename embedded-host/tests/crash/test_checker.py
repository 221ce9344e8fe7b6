"""The checker accepts sound evidence and reports each fault with its kind."""

from __future__ import annotations

import copy
import json
from collections import Counter
from collections.abc import Callable
from dataclasses import replace
from datetime import datetime, timezone
from typing import Any

import pytest

from embedded_host.engine import history as h
from embedded_host.engine.events import HistoryEvent
from tests.crash.checker import Kind, check
from tests.crash.evidence import Evidence
from tests.crash.requests import Outcome, PlannedInstance, RequestLog

NOW = datetime(2026, 1, 1, tzinfo=timezone.utc)
ACKNOWLEDGED, UNKNOWN, REJECTED = Outcome.ACKNOWLEDGED, Outcome.UNKNOWN, Outcome.REJECTED


def turn(*events: HistoryEvent) -> list[HistoryEvent]:
    return [h.orchestrator_started(NOW), *events, h.orchestrator_completed(NOW)]


def started() -> HistoryEvent:
    return h.execution_started(NOW, instance_id="i", execution_id="e", name="Main", input=None)


def scheduled(id: int) -> HistoryEvent:
    return h.task_scheduled(NOW, id, "Step")


def completed(id: int, result: str) -> HistoryEvent:
    return h.task_completed(NOW, id, json.dumps(result))


def raised(name: str, value: str) -> HistoryEvent:
    return h.event_raised(NOW, name, json.dumps(value))


def ended(id: int) -> HistoryEvent:
    return h.execution_completed(NOW, id, "Completed", None)


def plan(id: str, kind: str, name: str, count: int = 2, **more: Any) -> PlannedInstance:
    return PlannedInstance(id, kind, name, count, finished=True, **more)


def status(token: str, *rest: Any, status: str = "Completed") -> dict[str, Any]:
    return {"runtimeStatus": status, "output": [token, *rest]}


def sound() -> tuple[RequestLog, Evidence]:
    """Return a request log and the evidence that matches it.

    The instances are a chain whose first start had no response, an instance that collects events
    and was suspended, and instances that were restarted, purged and terminated. The log also has
    signals to an entity and a critical section.
    """
    request_log = RequestLog()
    for planned in (
        plan("C", "Chain", "Chain"),
        plan("E", "Collect", "Collect"),
        plan("R", "Restarted", "Chain", 1),
        plan("P", "Purged", "Chain", end="Gone"),
        plan("T", "Terminated", "Forever", end="Terminated"),
        plan("S", "Signals", ""),
        plan("L", "Section", "Section", 1, group="g"),
        plan("N", "Counting", "Counting", 1),
    ):
        request_log.planned[planned.id] = planned
    request_log.record("start", "C", "C~0", UNKNOWN)
    request_log.record("start", "C", "C~1", ACKNOWLEDGED)
    for id in "ERPTLN":
        request_log.record("start", id, f"{id}~0", ACKNOWLEDGED)
    request_log.record("event", "E", "E!0.0", UNKNOWN)
    request_log.record("event", "E", "E!0.1", ACKNOWLEDGED)
    request_log.record("event", "E", "E!1.0", ACKNOWLEDGED)
    request_log.record("suspend", "E", "E:suspend.0", ACKNOWLEDGED)
    request_log.record("restart", "R", "R:restart.0", ACKNOWLEDGED)
    request_log.record("purge", "P", "P:purge.0", ACKNOWLEDGED)
    request_log.record("terminate", "T", "T:terminate.0", ACKNOWLEDGED)
    request_log.record("signal", "S", "S^0.0", ACKNOWLEDGED)
    request_log.record("signal", "S", "S^1.0", UNKNOWN)
    request_log.record("signal", "S", "S^1.1", ACKNOWLEDGED)
    evidence = Evidence()
    evidence.statuses = {
        "C": status("C~1", ["C~1/0#a0", "C~1/1#a1"]),
        "E": status("E~0", ["E~0/0#e0", "E~0/1#e1"], ["E!0.1", "E!1.0"]),
        "R": status("R~0", ["R~0/0#r1"]),
        "T": {"runtimeStatus": "Terminated", "output": "T:terminate.0"},
        "L": status("L~0", ["L~0/0#l0"]),
        "N": status("N~0", ["N~0/0#n0"], 1),
    }
    evidence.histories = {
        "C": [
            turn(started(), scheduled(0)),
            turn(completed(0, "C~1/0#a0"), scheduled(1)),
            turn(completed(1, "C~1/1#a1"), ended(2)),
        ],
        "E": [
            turn(started()),
            turn(raised("E", "E!0.1"), scheduled(0)),
            turn(completed(0, "E~0/0#e0"), h.execution_suspended(NOW, "E:suspend.0")),
            turn(raised("E", "E!1.0"), scheduled(1)),
            turn(completed(1, "E~0/1#e1"), raised("E", "done"), raised("E", "done"), ended(2)),
        ],
        "T": [turn(started()), turn(h.execution_terminated(NOW, "T:terminate.0"), ended(0))],
    }
    evidence.entities = {
        "tally@S": {"S^0.0": 1, "S^1.1": 1},
        "gate@g": "",
        "book@g": ["L~0+0"],
        "tally@N~0": {"N~0+0": 1},
    }
    runs = (
        "C~0/0 x",
        "C~1/0 a0",
        "C~1/0 again",
        "C~1/1 a1",
        "E~0/0 e0",
        "E~0/1 e1",
        "R~0/0 r0",
        "R~0/0 r1",
    )
    for line in (*runs, "P~0/0 p0", "T~0/0 t0", "L~0/0 l0", "N~0/0 n0"):
        label, _, run = line.partition(" ")
        evidence.runs.setdefault(label, Counter())[run] += 1
    return request_log, evidence


def test_sound_evidence_passes() -> None:
    assert check(*sound()) == []


def test_a_request_with_an_unknown_outcome_may_have_an_effect() -> None:
    request_log, evidence = sound()
    evidence.entities["tally@S"]["S^1.0"] = 1
    evidence.statuses["E"]["output"] = [
        "E~0",
        ["E~0/0#e0", "E~0/1#e1", "E~0/2#e2"],
        ["E!0.0", "E!0.1", "E!1.0"],
    ]
    evidence.runs["E~0/2"] = Counter(e2=1)
    assert check(request_log, evidence) == []


def test_an_instance_may_be_that_of_an_earlier_request_without_a_response() -> None:
    request_log, evidence = sound()
    request_log.requests[1] = replace(request_log.requests[1], outcome=REJECTED)
    evidence.statuses["C"]["output"] = ["C~0", ["C~0/0#x", "C~0/1#y"]]
    evidence.runs["C~0/1"] = Counter(y=1)
    del evidence.histories["C"], evidence.runs["C~1/0"], evidence.runs["C~1/1"]
    assert check(request_log, evidence) == []


Break = Callable[[Evidence], object]
BREAKS: dict[str, tuple[Kind, str, Break]] = {
    "a start": (Kind.LOST, "the start of C was", lambda f: f.statuses.pop("C")),
    "an instance of an older start": (
        Kind.LOST,
        "C was started by 'C~0'",
        lambda f: f.statuses.update(C=status("C~0", ["C~0/0#x", "C~0/1#y"])),
    ),
    "an event": (
        Kind.LOST,
        "E did not receive 'E!1.0'",
        lambda f: f.statuses.update(E=status("E~0", ["E~0/0#e0"], ["E!0.1"])),
    ),
    "an event that came twice": (
        Kind.WRONG,
        "E received 'E!0.1' 2 times",
        lambda f: f.statuses.update(
            E=status("E~0", ["E~0/0#e0", "E~0/1#e1", "E~0/2#e1"], ["E!0.1", "E!0.1", "E!1.0"])
        ),
    ),
    "events out of order": (
        Kind.WRONG,
        "in the order",
        lambda f: f.statuses["E"]["output"][2].reverse(),
    ),
    "an event that was not raised": (
        Kind.WRONG,
        "was not raised",
        lambda f: f.statuses["E"]["output"][2].__setitem__(0, "E!7.0"),
    ),
    "a suspension": (Kind.LOST, "E:suspend.0 was acknowledged", lambda f: f.histories["E"].pop(2)),
    "a signal": (Kind.LOST, "S^0.0 was acknowledged", lambda f: f.entities["tally@S"].pop("S^0.0")),
    "a signal that came twice": (
        Kind.WRONG,
        "2 times",
        lambda f: f.entities["tally@S"].update({"S^0.0": 2}),
    ),
    "a signal that was not sent": (
        Kind.WRONG,
        "was not sent",
        lambda f: f.entities["tally@S"].update({"S^9.0": 1}),
    ),
    "an entity's operation": (
        Kind.LOST,
        "its entity has no",
        lambda f: f.entities["tally@N~0"].clear(),
    ),
    "a count": (Kind.WRONG, "counted 2", lambda f: f.statuses["N"]["output"].__setitem__(2, 2)),
    "an update under a lock": (
        Kind.LOST,
        "the update of L~0+0 is missing",
        lambda f: f.entities["book@g"].clear(),
    ),
    "an update under a lock, twice": (
        Kind.WRONG,
        "2 times",
        lambda f: f.entities["book@g"].append("L~0+0"),
    ),
    "a lock that is never released": (
        Kind.STUCK,
        "still held",
        lambda f: f.entities.update({"gate@g": "L~0"}),
    ),
    "a restart": (Kind.LOST, "ran 1 times", lambda f: f.runs["R~0/0"].pop("r0")),
    "a purge": (
        Kind.LOST,
        "the purge of P was",
        lambda f: f.statuses.update(P=status("P~0", ["P~0/0#p0", "P~0/1#p1"])),
    ),
    "a termination": (
        Kind.WRONG,
        "was not requested",
        lambda f: f.statuses["T"].update(output="something else"),
    ),
    "an end": (
        Kind.STUCK,
        "C is still Running",
        lambda f: f.statuses["C"].update(runtimeStatus="Running"),
    ),
    "success": (
        Kind.WRONG,
        "C is Failed",
        lambda f: f.statuses["C"].update(runtimeStatus="Failed"),
    ),
    "a wrong output": (
        Kind.WRONG,
        "has the output",
        lambda f: f.statuses["C"]["output"][1].reverse(),
    ),
    "a result of no run": (
        Kind.WRONG,
        "a run that is not in the run log",
        lambda f: f.statuses["C"]["output"][1].__setitem__(0, "C~1/0#zz"),
    ),
    "an activity that never ran": (Kind.WRONG, "not in the run log", lambda f: f.runs.pop("C~1/1")),
    "an activity that was not requested": (
        Kind.WRONG,
        "X~0/0 ran",
        lambda f: f.runs.update({"X~0/0": Counter(x=1)}),
    ),
    "an instance that was not requested": (
        Kind.WRONG,
        "but was not started",
        lambda f: f.statuses.update(X=status("X~0")),
    ),
    "a turn twice": (
        Kind.WRONG,
        "action 1 was taken 2 times",
        lambda f: _again(f.histories["C"], 1),
    ),
    "the first turn twice": (
        Kind.WRONG,
        "2 ExecutionStarted",
        lambda f: _again(f.histories["C"], 0),
    ),
    "a completion twice": (
        Kind.WRONG,
        "action 0 was completed 2 times",
        lambda f: f.histories["C"][1].insert(2, f.histories["C"][1][1]),
    ),
    "a result in two histories": (
        Kind.WRONG,
        "is recorded 2 times",
        lambda f: f.histories.update({"C~9": copy.deepcopy(f.histories["C"])}),
    ),
    "an event twice in a history": (
        Kind.WRONG,
        "raised 2 times",
        lambda f: _again(f.histories["E"][1], 1),
    ),
    "a completion that is missing": (
        Kind.WRONG,
        "was never completed",
        lambda f: f.histories["C"][1].pop(1),
    ),
    "a completion of nothing": (
        Kind.WRONG,
        "never scheduled",
        lambda f: f.histories["C"][0].pop(2),
    ),
    "an incomplete turn": (Kind.WRONG, "is incomplete", lambda f: f.histories["C"][1].pop()),
    "a pending message": (
        Kind.STUCK,
        "still pending",
        lambda f: f.pending.append("message 1"),
    ),
    "a damaged file": (Kind.LOST, "row 7", lambda f: f.damage.append("row 7 missing from index")),
}


def _again(listed: list[Any], index: int) -> None:
    listed.insert(index, listed[index])


@pytest.mark.parametrize("fault", BREAKS)
def test_each_fault_is_reported_with_its_kind(fault: str) -> None:
    kind, message, introduce = BREAKS[fault]
    request_log, evidence = sound()
    introduce(evidence)
    findings = check(request_log, evidence)
    assert any(f.kind is kind and message in f.text for f in findings), [str(f) for f in findings]
