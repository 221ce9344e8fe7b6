"""The findings of functions at load."""

from __future__ import annotations

from embedded_host.app.definitions import Binding, Function, HostJson
from embedded_host.parity.findings import Findings
from embedded_host.parity.function_findings import add_function_findings, is_of_sdk
from tests.parity.kit import codes, function

INVALID = "_durable_input"


def found(*functions: Function) -> list[tuple[str, str]]:
    findings = Findings(HostJson())
    findings.use(functions)
    add_function_findings(findings, functions)
    return codes(findings)


def test_a_trigger_with_the_name_of_the_sdk_is_invalid() -> None:
    assert found(
        function("Chain", INVALID),
        function("Fine"),
        function("Total", INVALID, "entityTrigger"),
        function("of_library", INVALID, code_file=""),
    ) == [("EH801", "Chain"), ("EH801", "Total"), ("EH801", "of_library")]


def test_the_functions_of_call_http_have_no_finding_before_their_use() -> None:
    assert found(function("BuiltIn__HttpPollOrchestrator", INVALID, code_file="")) == []


def test_scheduled_tasks_and_the_history_export_have_one_finding_each() -> None:
    assert found(
        function("Schedule", INVALID, "entityTrigger", code_file="", entityName="schedule"),
        function("execute_schedule_operation_orchestrator", INVALID, code_file=""),
        function("FunctionsExportJobEntity", INVALID, "entityTrigger", code_file=""),
        function("export_job_orchestrator", INVALID, code_file=""),
    ) == [("EH803", "Schedule"), ("EH804", "FunctionsExportJobEntity")]
    assert is_of_sdk("export_job_orchestrator")
    assert not is_of_sdk("Chain")


def test_a_function_of_the_app_may_have_the_name_of_a_function_of_the_sdk() -> None:
    assert found(function("Schedule", INVALID)) == [("EH801", "Schedule")]


def test_a_function_of_sdk_1x_has_no_finding() -> None:
    (trigger,) = function("Chain", INVALID).bindings
    old = Binding(trigger.type, trigger.name, "in")
    new = function("Chain", INVALID)
    assert found(Function("Chain", new.directory, new.script_file, "Chain", (old,))) == []
