"""The findings at load: those of the worker, and those of functions of SDK 2.x."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from embedded_host.app.definitions import App, HostJson, LocalSettings
from embedded_host.parity.findings import Findings
from embedded_host.workers.load_findings import add_load_findings
from embedded_host.workers.loaded_app import LoadedApp
from embedded_worker.protocol import FindingData
from tests.parity.kit import codes, function


def loaded(*reported: FindingData) -> LoadedApp:
    functions = (function("Chain"),)
    return LoadedApp(App(Path("/app"), HostJson(), LocalSettings(), functions), findings=reported)


def test_the_findings_of_the_worker_are_added_with_their_function() -> None:
    findings = Findings(HostJson())
    add_load_findings(findings, loaded(FindingData("EH802", "chain")))
    [finding] = findings
    assert (finding.function, finding.file, finding.line) == ("Chain", "function_app.py", 12)


def test_a_reload_removes_the_findings_of_the_previous_code() -> None:
    findings = Findings(HostJson())
    app = loaded(FindingData("EH802", "Chain"))
    add_load_findings(findings, app)
    add_load_findings(findings, replace(app, findings=()))
    assert codes(findings) == []


def test_functions_that_strict_mode_refuses_have_findings() -> None:
    findings = Findings(HostJson())
    refused = function("Total", "_durable_input", "entityTrigger")
    add_load_findings(findings, replace(loaded(), nameless=(refused,)))
    [finding] = findings
    assert (finding.kind.code, finding.function, finding.line) == ("EH801", "Total", 12)
