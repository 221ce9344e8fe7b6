"""The finding of a replay that differs from the history."""

from __future__ import annotations

from datetime import datetime, timezone

import pytest

from embedded_host.app.definitions import HostJson
from embedded_host.engine import history as h
from embedded_host.engine.events import HistoryEvent
from embedded_host.engine.history import History
from embedded_host.engine.invocations import CallLines
from embedded_host.engine.orchestration import Orchestration
from embedded_host.parity.findings import Finding, Findings
from embedded_host.parity.replay_findings import add_replay_finding

NOW = datetime(2026, 1, 2, tzinfo=timezone.utc)
CALL = h.task_scheduled(NOW, 0, "A", None)
BEFORE = {0: "flow/__init__.py line 5"}


def found(
    event: HistoryEvent, replayed: CallLines, recorded: dict[int, str] | None = None
) -> list[Finding]:
    state = Orchestration("i-1", "Flow", "e", NOW, NOW, history=History([event]))
    findings = Findings(HostJson())
    add_replay_finding(findings, state, 0, BEFORE if recorded is None else recorded, replayed)
    return list(findings)


@pytest.mark.parametrize(
    ("replayed", "instead", "line"),
    [
        (
            CallLines({0: "flow/__init__.py line 7"}),
            "The replay made another call in flow/__init__.py line 7.",
            7,
        ),
        (
            CallLines(waits="flow/__init__.py line 9"),
            "The replay did not make this call, and waited in flow/__init__.py line 9.",
            5,
        ),
        (CallLines(), "The replay ended without this call.", 5),
    ],
)
def test_a_finding_has_both_lines(replayed: CallLines, instead: str, line: int) -> None:
    (finding,) = found(CALL, replayed)
    assert finding.kind.code == "EH860"
    assert (finding.file, finding.line) == ("flow/__init__.py", line)
    assert finding.instances == ["i-1"]
    assert finding.detail == (
        f"The activity 'A' was scheduled in flow/__init__.py line 5. {instead}"
    )


@pytest.mark.parametrize(
    ("event", "text"),
    [
        (
            h.sub_orchestration_created(NOW, 0, "B", "b-1", None, None),
            "The sub-orchestration 'B' was",
        ),
        (h.timer_created(NOW, 0, NOW), "A timer was"),
        (h.event_sent(NOW, 0, "@counter@k", "op", "{}"), "A message to '@counter@k' was"),
        (CALL, "The activity 'A' was"),
    ],
)
def test_a_finding_names_the_recorded_call(event: HistoryEvent, text: str) -> None:
    (finding,) = found(event, CallLines())
    assert finding.detail.startswith(text)


def test_a_call_of_other_code_is_no_finding() -> None:
    assert found(CALL, CallLines(), {1: "flow/__init__.py line 5"}) == []
