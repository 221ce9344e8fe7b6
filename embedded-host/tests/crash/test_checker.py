"""The checker finds what it is there to find: sound evidence passes, and each way of breaking it is reported as what it is."""

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
from tests.crash.acknowledged import Ledger, Planned, Told
from tests.crash.checker import Kind, check
from tests.crash.evidence import Evidence

NOW = datetime(2026, 1, 1, tzinfo=timezone.utc)
ACKNOWLEDGED, UNKNOWN, REFUSED = Told.ACKNOWLEDGED, Told.UNKNOWN, Told.REFUSED


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


def plan(id: str, kind: str, name: str, count: int = 2, **more: Any) -> Planned:
    return Planned(id, kind, name, count, finished=True, **more)


def status(token: str, *rest: Any, status: str = "Completed") -> dict[str, Any]:
    return {"runtimeStatus": status, "output": [token, *rest]}


def sound() -> tuple[Ledger, Evidence]:
    """A chain whose first start was not answered, one that collects events, one that was suspended, one that was restarted, one
    that was purged, one that was terminated, signals, and a critical section."""
    ledger = Ledger()
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
        ledger.planned[planned.id] = planned
    ledger.note("start", "C", "C~0", UNKNOWN)
    ledger.note("start", "C", "C~1", ACKNOWLEDGED)
    for id in "ERPTLN":
        ledger.note("start", id, f"{id}~0", ACKNOWLEDGED)
    ledger.note("event", "E", "E!0.0", UNKNOWN)
    ledger.note("event", "E", "E!0.1", ACKNOWLEDGED)
    ledger.note("event", "E", "E!1.0", ACKNOWLEDGED)
    ledger.note("suspend", "E", "E:suspend.0", ACKNOWLEDGED)
    ledger.note("restart", "R", "R:restart.0", ACKNOWLEDGED)
    ledger.note("purge", "P", "P:purge.0", ACKNOWLEDGED)
    ledger.note("terminate", "T", "T:terminate.0", ACKNOWLEDGED)
    ledger.note("signal", "S", "S^0.0", ACKNOWLEDGED)
    ledger.note("signal", "S", "S^1.0", UNKNOWN)
    ledger.note("signal", "S", "S^1.1", ACKNOWLEDGED)
    found = Evidence()
    found.statuses = {
        "C": status("C~1", ["C~1/0#a0", "C~1/1#a1"]),
        "E": status("E~0", ["E~0/0#e0", "E~0/1#e1"], ["E!0.1", "E!1.0"]),
        "R": status("R~0", ["R~0/0#r1"]),
        "T": {"runtimeStatus": "Terminated", "output": "T:terminate.0"},
        "L": status("L~0", ["L~0/0#l0"]),
        "N": status("N~0", ["N~0/0#n0"], 1),
    }
    found.histories = {
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
    found.entities = {
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
        found.runs.setdefault(label, Counter())[run] += 1
    return ledger, found


def test_sound_evidence_passes() -> None:
    assert check(*sound()) == []


def test_an_unanswered_request_may_have_had_its_effect_or_not() -> None:
    ledger, found = sound()
    found.entities["tally@S"]["S^1.0"] = 1
    found.statuses["E"]["output"] = [
        "E~0",
        ["E~0/0#e0", "E~0/1#e1", "E~0/2#e2"],
        ["E!0.0", "E!0.1", "E!1.0"],
    ]
    found.runs["E~0/2"] = Counter(e2=1)
    assert check(ledger, found) == []


def test_an_id_that_was_taken_is_that_of_an_earlier_try() -> None:
    ledger, found = sound()
    ledger.asked[1] = replace(ledger.asked[1], told=REFUSED)
    found.statuses["C"]["output"] = ["C~0", ["C~0/0#x", "C~0/1#y"]]
    found.runs["C~0/1"] = Counter(y=1)
    del found.histories["C"], found.runs["C~1/0"], found.runs["C~1/1"]
    assert check(ledger, found) == []


Break = Callable[[Evidence], object]
BREAKS: dict[str, tuple[Kind, str, Break]] = {
    "a start": (Kind.LOST, "C was started", lambda f: f.statuses.pop("C")),
    "an instance of an older start": (
        Kind.LOST,
        "C is what 'C~0' started",
        lambda f: f.statuses.update(C=status("C~0", ["C~0/0#x", "C~0/1#y"])),
    ),
    "an event": (
        Kind.LOST,
        "E never took 'E!1.0'",
        lambda f: f.statuses.update(E=status("E~0", ["E~0/0#e0"], ["E!0.1"])),
    ),
    "an event that came twice": (
        Kind.WRONG,
        "E took 'E!0.1' 2 times",
        lambda f: f.statuses.update(
            E=status("E~0", ["E~0/0#e0", "E~0/1#e1", "E~0/2#e1"], ["E!0.1", "E!0.1", "E!1.0"])
        ),
    ),
    "events out of order": (
        Kind.WRONG,
        "in the order",
        lambda f: f.statuses["E"]["output"][2].reverse(),
    ),
    "an event of nobody": (
        Kind.WRONG,
        "nobody raised",
        lambda f: f.statuses["E"]["output"][2].__setitem__(0, "E!7.0"),
    ),
    "a suspension": (Kind.LOST, "E:suspend.0 was acknowledged", lambda f: f.histories["E"].pop(2)),
    "a signal": (Kind.LOST, "S^0.0 was acknowledged", lambda f: f.entities["tally@S"].pop("S^0.0")),
    "a signal that came twice": (
        Kind.WRONG,
        "2 times",
        lambda f: f.entities["tally@S"].update({"S^0.0": 2}),
    ),
    "a signal of nobody": (
        Kind.WRONG,
        "nobody said",
        lambda f: f.entities["tally@S"].update({"S^9.0": 1}),
    ),
    "an entity's operation": (
        Kind.LOST,
        "never heard of",
        lambda f: f.entities["tally@N~0"].clear(),
    ),
    "a count": (Kind.WRONG, "counted 2", lambda f: f.statuses["N"]["output"].__setitem__(2, 2)),
    "an update under a lock": (
        Kind.LOST,
        "has left no trace",
        lambda f: f.entities["book@g"].clear(),
    ),
    "an update under a lock, twice": (
        Kind.WRONG,
        "2 times",
        lambda f: f.entities["book@g"].append("L~0+0"),
    ),
    "a lock that is never let go": (
        Kind.STUCK,
        "still held",
        lambda f: f.entities.update({"gate@g": "L~0"}),
    ),
    "a restart": (Kind.LOST, "ran 1 times", lambda f: f.runs["R~0/0"].pop("r0")),
    "a purge": (
        Kind.LOST,
        "P was purged",
        lambda f: f.statuses.update(P=status("P~0", ["P~0/0#p0", "P~0/1#p1"])),
    ),
    "a termination": (
        Kind.WRONG,
        "nobody asked for",
        lambda f: f.statuses["T"].update(output="something else"),
    ),
    "an end": (
        Kind.STUCK,
        "C is Running",
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
        "a run that there never was",
        lambda f: f.statuses["C"]["output"][1].__setitem__(0, "C~1/0#zz"),
    ),
    "an activity that never ran": (Kind.WRONG, "never was", lambda f: f.runs.pop("C~1/1")),
    "an activity that nobody asked for": (
        Kind.WRONG,
        "X~0/0 ran",
        lambda f: f.runs.update({"X~0/0": Counter(x=1)}),
    ),
    "an instance that nobody asked for": (
        Kind.WRONG,
        "by nobody",
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
    "half a turn": (Kind.WRONG, "no whole turn", lambda f: f.histories["C"][1].pop()),
    "a message that nobody takes": (
        Kind.STUCK,
        "nobody took it",
        lambda f: f.left.append("message 1"),
    ),
    "a damaged file": (Kind.LOST, "row 7", lambda f: f.damage.append("row 7 missing from index")),
}


def _again(listed: list[Any], index: int) -> None:
    listed.insert(index, listed[index])


@pytest.mark.parametrize("broken", BREAKS)
def test_each_broken_history_is_found(broken: str) -> None:
    kind, text, harm = BREAKS[broken]
    ledger, found = sound()
    harm(found)
    findings = check(ledger, found)
    assert any(f.kind is kind and text in f.text for f in findings), [str(f) for f in findings]
