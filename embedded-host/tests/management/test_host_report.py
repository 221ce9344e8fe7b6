"""The report about the running host."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime, timedelta, timezone
from pathlib import Path

import msgspec

from embedded_host.app.folder import read_app
from embedded_host.management import host_report
from embedded_host.management.host_report import (
    FunctionReport,
    HostDetails,
    HostReport,
    function_reports,
    host_errors,
)
from embedded_host.workers.current_app import NOT_LOADED, CurrentApp
from embedded_host.workers.loaded_app import LoadedApp, loaded_app
from embedded_host.workers.worker import ProcessStatus, WorkerStatus
from embedded_worker.protocol import LoadProblem, LoadResult
from tests.support.app_folder import AppFolder
from tests.task_hub.kit import HubUnderTest, InlineInvoker

PROBLEM = (
    f"{NOT_LOADED}: function_app.py cannot be imported: function_app.py line 7: def f(:\n"
    "    SyntaxError: invalid syntax. [EH310]\n      File ..."
)


def loaded(folder: Path, *problems: LoadProblem) -> LoadedApp:
    app = AppFolder(folder)
    app.http("Start", "", "Orders/{functionName}", "post")
    app.activity("Echo", "return value")
    app.function(
        "Nightly",
        "",
        {"name": "t", "type": "timerTrigger", "direction": "in", "schedule": "0 0 3 * * *"},
    )
    app.function("Queue", "", {"name": "m", "type": "queueTrigger", "direction": "in"})
    return loaded_app(read_app(app.root, {}), LoadResult(list(problems)), {})


def report(app: CurrentApp, worker: WorkerStatus | None = None) -> HostReport:
    hub = HubUnderTest(InlineInvoker({}, {})).hub
    status = worker or WorkerStatus((), 0)
    return HostDetails(app, hub, lambda: status, Path("gone.db"), ["of the start"], 0.0).report()


def test_functions_have_routes_and_schedules_as_written(tmp_path: Path) -> None:
    app = loaded(tmp_path, LoadProblem("Echo", "no module named 'x'"))
    functions = {f.name: f for f in function_reports(app)}
    assert list(functions) == ["Echo", "Nightly", "Queue", "Start"]
    assert functions["Start"].route == "api/Orders/{functionName}"
    assert functions["Start"].methods == ["POST"]
    assert functions["Nightly"].schedule == "0 0 3 * * *"
    assert functions["Echo"].problem == "no module named 'x'"
    assert "no storage queues" in (functions["Queue"].problem or "")


def test_a_function_that_did_not_load_is_reported(tmp_path: Path) -> None:
    app = replace(loaded(tmp_path), broken={"Gone": "it has no function.json"})
    assert function_reports(app)[1] == FunctionReport(
        "Gone", "", "Gone", False, "it has no function.json"
    )


def test_calls_of_a_worker_process_are_counted_by_function(tmp_path: Path) -> None:
    status = WorkerStatus([ProcessStatus(7, "ready", ["Echo", "Start", "Echo"])], 2)
    document = report(CurrentApp(loaded(tmp_path)), status)
    assert document.worker_restarts == 2
    assert msgspec.to_builtins(document)["workerProcesses"] == [
        {"pid": 7, "state": "ready", "calls": {"Echo": 2, "Start": 1}}
    ]


def test_a_failed_reload_states_that_the_previous_code_runs(tmp_path: Path) -> None:
    app = CurrentApp(loaded(tmp_path))
    assert report(app).failed_reload is None
    app.reload_failed([PROBLEM])
    failed = report(app).failed_reload
    assert failed is not None
    assert failed.summary == (
        "function_app.py cannot be imported: function_app.py line 7: def f(: "
        "SyntaxError: invalid syntax. [EH310]"
    )
    since = app.loaded_time.astimezone().strftime("%H:%M:%S")
    assert f"the host still runs the code of {since}. function_app.py cannot" in failed.text
    assert host_errors(app)[0] == failed.text
    app.replace(loaded(tmp_path))
    assert report(app).failed_reload is None


def test_a_time_before_today_has_its_date() -> None:
    earlier = datetime.now(timezone.utc) - timedelta(days=2)
    assert host_report._local(earlier) == earlier.astimezone().strftime("%Y-%m-%d %H:%M:%S")


def test_an_app_that_does_not_load_is_an_error(tmp_path: Path) -> None:
    app = CurrentApp(replace(loaded(tmp_path), problem="No job functions found.", broken={}))
    assert host_errors(app) == ["No job functions found."]
    assert report(app).problem == "No job functions found."


def test_the_warnings_of_the_start_and_of_the_code_are_reported(tmp_path: Path) -> None:
    app = CurrentApp(loaded(tmp_path))
    app.problems = ["of the code"]
    assert report(app).warnings == ["of the start", "of the code"]
    app.replace(loaded(tmp_path))
    assert report(app).warnings == ["of the start"]
