"""The findings of observed differences."""

from __future__ import annotations

import pytest

from embedded_host.app.definitions import HostJson
from embedded_host.engine.observations import Difference, Observation
from embedded_host.parity.findings import Findings
from embedded_host.parity.observed_findings import add_observed_findings


@pytest.mark.parametrize(
    ("difference", "subjects", "code", "detail"),
    [
        (Difference.EVENT_BEFORE_WAIT, ("Go",), "EH870", "The name of the event is 'Go'."),
        (Difference.NEWEST_WAIT, ("Go",), "EH871", "The name of the event is 'Go'."),
        (Difference.EVENT_CASE, ("go", "Go"), "EH872", "'go', and the orchestrator awaits 'Go'."),
        (Difference.CARRIED_EVENT, ("A", "B"), "EH873", "The lost events are: 'A', 'B'."),
        (Difference.SHORT_TIMER, ("0.5",), "EH874", "A timer of 0.5 s fires at once"),
        (Difference.CLOSE_RACE, (), "EH874", "in the last second of the timer"),
        (Difference.LONG_TIMER, (), "EH875", "parts of three days"),
        (Difference.SUSPENDED_RETRY, (), "EH875", "while the instance was suspended"),
        (Difference.NOT_A_NUMBER, ("NaN",), "EH880", "The value contains NaN."),
        (Difference.METADATA, ("$type", "$id"), "EH881", "The value loses '$type', '$id'."),
        (Difference.LOST_ACTIONS, (), "EH882", ""),
        (
            Difference.UNKNOWN_FUNCTION,
            ("activity", "Ecko"),
            "EH883",
            "The activity 'Ecko' does not exist.",
        ),
        (Difference.CHILD_ID, ("@a",), "EH884", "The id is '@a'."),
        (Difference.ENTITY_BATCH, ("ValueError: boom.",), "EH885", "ValueError: boom."),
        (Difference.OTHER_VERSION, (), "EH886", ""),
        (Difference.NEWER_VERSION, (), "EH806", ""),
        (Difference.LONE_SURROGATE, (), "EH888", ""),
        (
            Difference.UNKNOWN_FUNCTION_OF_2X,
            ("orchestrator", "Sub"),
            "EH889",
            "The orchestrator 'Sub' does not exist.",
        ),
    ],
)
def test_each_difference_has_a_finding(
    difference: Difference, subjects: tuple[str, ...], code: str, detail: str
) -> None:
    findings = Findings(HostJson())
    add_observed_findings(findings, "Main", "i-1", [Observation(difference, subjects)])
    [finding] = findings
    assert (finding.kind.code, finding.function, finding.instances) == (code, "Main", ["i-1"])
    assert detail in finding.detail


def test_each_difference_has_a_case_above() -> None:
    assert len(Difference) == 18


def test_the_orchestrator_of_call_http_has_no_findings() -> None:
    findings = Findings(HostJson())
    short = Observation(Difference.SHORT_TIMER, ("0.5",))
    add_observed_findings(findings, "BuiltIn__HttpPollOrchestrator", "i-1", [short])
    assert list(findings) == []
