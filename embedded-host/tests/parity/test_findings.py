"""A finding is logged once for each function and kind."""

from __future__ import annotations

import pytest

from embedded_host.app.definitions import HostJson
from embedded_host.parity.findings import INSTANCES, Findings
from embedded_host.parity.kinds.sdk2 import CALL_HTTP, CONTEXT_NAME
from embedded_worker.protocol import FindingData
from tests.parity.kit import codes, function


def new_findings() -> Findings:
    findings = Findings(HostJson())
    findings.use([function("Chain"), function("renamed", orchestration="Other Name")])
    return findings


def test_the_message_has_the_behavior_the_function_its_position_and_the_alternative(
    caplog: pytest.LogCaptureFixture,
) -> None:
    new_findings().add(CONTEXT_NAME, "chain")
    [record] = caplog.records
    assert record.levelname == "WARNING"
    assert record.getMessage() == (
        "On the Azure Functions host, the function 'Chain' (function_app.py line 12) is invalid, "
        "because its trigger has the binding name '_durable_input', which SDK 2.x derives from "
        'context_name="context". Write context_name="ctx", and rename the parameter. [EH801]'
    )


def test_a_finding_is_logged_once_for_each_function_and_kind(
    caplog: pytest.LogCaptureFixture,
) -> None:
    findings = new_findings()
    for name in ("Chain", "CHAIN", "other name"):
        findings.add(CALL_HTTP, name)
    findings.add(CONTEXT_NAME, "Chain")
    expected = [("EH802", "Chain"), ("EH802", "renamed"), ("EH801", "Chain")]
    assert codes(findings) == expected
    assert len(caplog.records) == 3
    assert findings.has(CALL_HTTP, "chain")
    assert not findings.has(CONTEXT_NAME, "Other Name")


def test_several_functions_are_logged_in_one_line(caplog: pytest.LogCaptureFixture) -> None:
    functions = [function(f"F{number}") for number in range(7)]
    findings = Findings(HostJson())
    for _ in range(2):  # a reload does not log them again
        findings.use(functions)
        findings.add_all(CONTEXT_NAME, [function.name for function in functions])
    assert len(codes(findings)) == 7
    [record] = caplog.records
    text = record.getMessage()
    assert text.startswith(
        "On the Azure Functions host, the functions 'F0' (function_app.py line 12), 'F1' ("
    )
    assert "'F4' (function_app.py line 12) and 2 more are invalid, because" in text
    assert text.endswith('Write context_name="ctx", and rename the parameter. [EH801]')
    findings.use([*functions, function("F7")])
    findings.add_all(CONTEXT_NAME, ["F0", "F7"])
    assert "the function 'F7' (function_app.py line 12) is invalid" in caplog.messages[-1]


def test_a_reload_removes_the_findings_and_does_not_log_them_again(
    caplog: pytest.LogCaptureFixture,
) -> None:
    findings = new_findings()
    findings.add(CALL_HTTP, "Chain")
    findings.use([function("Chain")])
    assert codes(findings) == []
    findings.add(CALL_HTTP, "Chain")
    assert codes(findings) == [("EH802", "Chain")]
    assert len(caplog.records) == 1


def test_the_position_of_an_unknown_function_is_omitted() -> None:
    findings = new_findings()
    findings.add(CALL_HTTP, "Unknown")
    [finding] = findings
    assert "in the orchestrator 'Unknown' fails" in str(finding)


def test_a_hub_without_an_app_has_no_findings(caplog: pytest.LogCaptureFixture) -> None:
    findings = Findings()
    findings.add(CALL_HTTP, "Chain")
    assert codes(findings) == []
    assert not caplog.records


def test_occurrences_are_counted_with_the_first_instances() -> None:
    findings = new_findings()
    for number in range(30):
        findings.add(CALL_HTTP, "Chain", instance_id=f"i{number}")
    findings.add(CALL_HTTP, "Chain", instance_id="i0")
    [finding] = findings
    assert finding.count == 31
    assert finding.instances == [f"i{number}" for number in range(INSTANCES)]


def test_a_finding_of_a_worker_has_its_own_position_and_detail(
    caplog: pytest.LogCaptureFixture,
) -> None:
    findings = new_findings()
    findings.add_reported(FindingData("EH802", "Chain", "It is the second.", "shared/x.py", 4, "i"))
    [finding] = findings
    assert finding.position == "'Chain' (shared/x.py line 4)"
    assert finding.instances == ["i"]
    assert " It is the second. Send the request in an activity. [EH802]" in caplog.text


def test_a_task_hub_without_an_app_has_no_findings() -> None:
    findings = Findings()
    findings.add(CALL_HTTP, "Chain")
    assert not list(findings)
