"""Findings about the app's code."""

from __future__ import annotations

from pathlib import Path

from embedded_host.app.definitions import App, HostJson, LocalSettings, Problem
from embedded_host.doctor.code_checks import check_code
from embedded_host.workers.app_loading import AppLoading
from embedded_host.workers.loaded_app import LoadedApp
from embedded_worker.protocol import LoadProblem, LoadResult
from tests.support.app_folder import AppFolder


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


def test_function_folders_that_a_v2_app_hides_are_a_warning(tmp_path: Path) -> None:
    folder = AppFolder(tmp_path)
    folder.activity("Echo", "return value")
    app = App(folder.root, HostJson(), LocalSettings(), (), uses_v2_model=True)
    (finding,) = check_code(AppLoading(LoadedApp(app), LoadResult([])))
    assert (finding.severity, finding.code) == ("warning", "EH313")
    assert finding.text.endswith(": Echo.")
