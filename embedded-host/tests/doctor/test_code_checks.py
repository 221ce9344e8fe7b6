"""Findings about the app's code."""

from __future__ import annotations

from pathlib import Path

from embedded_host.app.definitions import App, HostJson, LocalSettings, Problem
from embedded_host.doctor.code_checks import check_code
from embedded_host.workers.app_loading import AppLoading
from embedded_host.workers.loaded_app import LoadedApp
from embedded_worker.protocol import LoadProblem, LoadResult


def test_a_function_that_does_not_load_is_an_error_and_one_that_is_not_served_a_warning() -> None:
    problem = Problem("Old/function.json:1:1", "It is so.", function="Old", code="EH140")
    app = App(Path("app"), HostJson(), LocalSettings(), (), (problem,))
    loaded = LoadedApp(
        app, broken={"Old": "It is so.", "Hello": "no module", "Queue": "not served"}
    )
    result = LoadResult([LoadProblem("Hello", "no module"), LoadProblem(None, "no app")])
    findings = list(check_code(AppLoading(loaded, result)))
    assert [(finding.severity, finding.code, finding.text) for finding in findings] == [
        ("error", "EH310", "Hello cannot be served: no module"),
        ("error", "EH310", "The app cannot be served: no app"),
        ("warning", "EH311", "Queue: not served"),
    ]
