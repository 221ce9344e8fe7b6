"""What the host prints when it has started."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

from embedded_host.app.folder import read_app
from embedded_host.startup_output import functions_text, problems_text
from embedded_host.workers.loaded_app import LoadedApp, loaded_app
from embedded_worker.protocol import LoadProblem, LoadResult
from tests.support.app_folder import CLIENT, HTTP_OUT, AppFolder, http_trigger

BASE = "http://localhost:7071"


@pytest.fixture
def folder(tmp_path: Path) -> AppFolder:
    folder = AppFolder(tmp_path)
    folder.http("zebra", "", "z")
    folder.http("Apple", "", "a/{id:int}", "get", "post")
    folder.activity("Echo", "return value")
    return folder


def load(folder: AppFolder, *problems: LoadProblem, **environ: str) -> tuple[LoadedApp, LoadResult]:
    loaded = LoadResult(list(problems))
    return loaded_app(read_app(folder.root, environ), loaded, environ), loaded


def shown(folder: AppFolder, *problems: LoadProblem, **environ: str) -> str:
    return functions_text(load(folder, *problems, **environ)[0], BASE)


def told(folder: AppFolder, *problems: LoadProblem) -> str:
    return problems_text(*load(folder, *problems))


def test_which_python_lacks_a_package(folder: AppFolder) -> None:
    """Said on the console alone: the problem's text goes out over HTTP."""
    text = "there is no module named 'x'. Is it in requirements.txt, and installed for the Python that the host runs on?"
    assert f"\n    That is {sys.executable}." in told(folder, LoadProblem("Echo", text))
    assert sys.executable not in told(folder, LoadProblem("Echo", "no such folder"))


# -- the functions ---------------------------------------------------------------------------------


def test_http_functions_come_first(folder: AppFolder) -> None:
    assert shown(folder) == (
        "\nFunctions:\n\n"
        f"\tApple: [GET,POST] {BASE}/api/a/{{id:int}}\n\n"
        f"\tzebra:  {BASE}/api/z\n\n"
        "\tEcho: activityTrigger\n"
    )


def test_functions_that_are_disabled_or_out_of_service_are_marked(folder: AppFolder) -> None:
    folder.http("Bad", "", "bad/{id:nosuch}")
    text = shown(
        folder,
        LoadProblem("Echo", "x"),
        LoadProblem("Apple", "x"),
        **{"AzureWebJobs.zebra.Disabled": "1"},
    )
    assert f"\tApple: [GET,POST] {BASE}/api/a/{{id:int}}   (out of service, see above)\n" in text
    assert "\tEcho: activityTrigger   (out of service, see above)\n" in text
    assert "\tFunction zebra is disabled.\n" in text
    assert "zebra: " not in text
    assert text.count("Bad") == 1
    assert "\tBad: out of service, see above" in text


@pytest.mark.parametrize(
    ("route", "url"),
    [
        ("start/{functionName}", "start/Hello"),
        ("start/{FunctionName}/{instanceId?}", "start/Hello"),
        ("start/{functionName}/{*rest}", "start/Hello"),
        ("{functionName}", "Hello"),
    ],
)
def test_where_an_orchestration_can_be_started(folder: AppFolder, route: str, url: str) -> None:
    folder.http("Starter", "", route, "get", client=True)
    assert "Start an orchestration" not in shown(folder), "there is none"
    folder.orchestrator("Hello", "yield")
    assert f"Start an orchestration: {BASE}/api/{url}\n" in shown(folder)
    assert "Start an orchestration" not in shown(folder, LoadProblem("Hello", "x")), "it would fail"


@pytest.mark.parametrize(
    ("route", "methods", "client"),
    [
        ("start", ["get"], True),
        ("start/{functionName}", ["post"], True),
        ("start/{functionName}", ["get"], False),
    ],
)
def test_where_none_can_be_started_in_a_browser(
    folder: AppFolder, route: str, methods: list[str], client: bool
) -> None:
    folder.orchestrator("Hello", "yield")
    folder.http("Starter", "", route, *methods, client=client)
    assert "Start an orchestration" not in shown(folder)


# -- the problems ----------------------------------------------------------------------------------


def test_no_problems_no_text(folder: AppFolder) -> None:
    assert told(folder) == ""


def test_what_a_worker_found_wrong(folder: AppFolder) -> None:
    text = told(
        folder,
        LoadProblem("Echo", "line 1 is wrong", "Traceback:\n  File x\n"),
        LoadProblem(None, "function_app.py cannot be imported"),
    )
    assert text == (
        "\nEcho cannot be served: line 1 is wrong [EH310]\n    Traceback:\n      File x\n"
        "\nThe app cannot be served: function_app.py cannot be imported [EH310]"
    )


def test_triggers_that_are_not_served_are_named_once(folder: AppFolder) -> None:
    trigger = {
        "name": "message",
        "type": "queueTrigger",
        "direction": "in",
        "queueName": "q",
        "connection": "C",
    }
    folder.function("FromQueue", "def main(message): ...", trigger)
    assert told(folder).count("FromQueue") == 1
    assert "\nFromQueue: a queueTrigger is not served by the embedded host" in told(folder)


def test_outputs_that_go_nowhere(folder: AppFolder) -> None:
    queue = {
        "name": "out",
        "type": "queue",
        "direction": "out",
        "queueName": "q",
        "connection": "C",
    }
    folder.function(
        "Sends", "def main(req, out): ...", http_trigger("sends"), HTTP_OUT, CLIENT, queue
    )
    assert "\nSends: what it sets on its output 'out' (queue) goes nowhere" in told(folder)
    assert "goes nowhere" not in told(folder, LoadProblem("Sends", "x")), "it does not run at all"


def test_both_models(folder: AppFolder) -> None:
    folder.write("function_app.py", "")
    assert told(folder) == (
        "\nThe folder has a v2 app, so function.json files do not count, as on the real host: Apple, Echo, zebra. [EH313]"
    )
