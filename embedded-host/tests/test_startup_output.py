"""The console output of the host at start."""

from __future__ import annotations

from pathlib import Path

import pytest

from embedded_host.app.folder import read_app
from embedded_host.startup_output import app_problems, functions_text, problems_text
from embedded_host.workers.loaded_app import LoadedApp, loaded_app
from embedded_worker.protocol import LoadProblem, LoadResult
from tests.support.app_folder import CLIENT, HTTP_OUT, AppFolder, http_trigger

INSTALL = "python -m pip install -r requirements.txt"
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


def functions_output(folder: AppFolder, *problems: LoadProblem, **environ: str) -> str:
    return functions_text(load(folder, *problems, **environ)[0], BASE)


def problems_output(folder: AppFolder, *problems: LoadProblem) -> str:
    return problems_text(app_problems(*load(folder, *problems), lambda _: INSTALL))


def test_a_missing_package_is_reported_with_the_command_that_installs_it(folder: AppFolder) -> None:
    """The problem's text does not have the command, because HTTP responses contain the text."""
    text = "no module named 'x'. Add it to requirements.txt and install it."
    assert f"\n    In the app folder run: {INSTALL}\n" in problems_output(
        folder, LoadProblem("Echo", text, "Traceback")
    )
    assert INSTALL not in problems_output(folder, LoadProblem("Echo", "no such folder"))


def test_changed_code_that_does_not_load_is_not_called_the_app(folder: AppFolder) -> None:
    """The previous code stays in service, so the app still has its functions."""
    loaded = load(folder, LoadProblem(None, "line 7: invalid syntax"))
    (problem,) = app_problems(*loaded, lambda _: INSTALL, is_reload=True)
    assert problem == "The changed code does not load: line 7: invalid syntax [EH310]"
    (problem,) = app_problems(*loaded, lambda _: INSTALL)
    assert problem.startswith("Worker failed to index functions. The app has no functions")


# -- the functions ---------------------------------------------------------------------------------


def test_http_functions_are_listed_before_other_functions(folder: AppFolder) -> None:
    assert functions_output(folder) == (
        "\nFunctions:\n\n"
        f"\tApple: [GET,POST] {BASE}/api/a/{{id:int}}\n\n"
        f"\tzebra:  {BASE}/api/z\n\n"
        "\tEcho: activityTrigger\n"
    )


def test_functions_that_are_disabled_or_out_of_service_are_marked(folder: AppFolder) -> None:
    folder.http("Bad", "", "bad/{id:nosuch}")
    text = functions_output(
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
def test_the_url_of_a_starter_is_printed_with_the_name_of_an_orchestrator(
    folder: AppFolder, route: str, url: str
) -> None:
    folder.http("Starter", "", route, "get", client=True)
    assert "Start an orchestration" not in functions_output(folder), "the app has no orchestrator"
    folder.orchestrator("Hello", "yield")
    assert f"Start an orchestration: {BASE}/api/{url}\n" in functions_output(folder)
    assert "Start an orchestration" not in functions_output(folder, LoadProblem("Hello", "x"))


@pytest.mark.parametrize(
    ("route", "methods", "client"),
    [
        ("start", ["get"], True),
        ("start/{functionName}", ["post"], True),
        ("start/{functionName}", ["get"], False),
    ],
)
def test_no_url_is_printed_if_a_browser_cannot_start_an_orchestration(
    folder: AppFolder, route: str, methods: list[str], client: bool
) -> None:
    folder.orchestrator("Hello", "yield")
    folder.http("Starter", "", route, *methods, client=client)
    assert "Start an orchestration" not in functions_output(folder)


# -- the problems ----------------------------------------------------------------------------------


def test_an_app_without_problems_has_no_problem_output(folder: AppFolder) -> None:
    assert problems_output(folder) == ""


def test_a_function_that_does_not_load_is_reported_with_its_traceback(folder: AppFolder) -> None:
    text = problems_output(
        folder,
        LoadProblem("Echo", "line 1 is wrong", "Traceback:\n  File x\n"),
        LoadProblem(None, "function_app.py cannot be imported"),
    )
    assert text == (
        "\nWorker failed to load function: 'Echo': line 1 is wrong [EH310]\n    Traceback:\n"
        "      File x\n\nWorker failed to index functions. The app has no functions, as on the "
        "Azure Functions host: function_app.py cannot be imported [EH310]"
    )


def test_an_unsupported_trigger_is_reported_once(folder: AppFolder) -> None:
    trigger = {
        "name": "message",
        "type": "queueTrigger",
        "direction": "in",
        "queueName": "q",
        "connection": "C",
    }
    folder.function("FromQueue", "def main(message): ...", trigger)
    assert problems_output(folder).count("FromQueue") == 1
    assert "\nFromQueue: a queueTrigger is not served by the embedded host" in problems_output(
        folder
    )


def test_an_unsupported_output_binding_is_reported(folder: AppFolder) -> None:
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
    assert (
        "\nSends: the embedded host discards the values of its output binding 'out' (queue)"
        in problems_output(folder)
    )
    assert "discards" not in problems_output(folder, LoadProblem("Sends", "x"))


def test_function_json_files_beside_a_v2_app_are_reported(folder: AppFolder) -> None:
    folder.write("function_app.py", "")
    assert problems_output(folder, LoadProblem(None, "x")).endswith(
        "\nfunction_app.py hides the function folders, as on the Azure Functions host: Apple, "
        "Echo, zebra. [EH313]"
    )
    assert problems_output(folder) == ""


def test_an_app_without_functions_is_reported_once(tmp_path: Path) -> None:
    folder = AppFolder(tmp_path / "empty")
    # ``read_app`` reports a folder without function_app.py.
    assert "No job functions found" not in problems_output(folder)
    folder.write("function_app.py", "")
    assert problems_output(folder).count("No job functions found. ") == 1


def test_the_errors_of_functions_are_those_of_the_functions_host(folder: AppFolder) -> None:
    folder.write("Bad/function.json", '{"bindings": []}')
    folder.write("Bad/__init__.py", "")
    text = problems_output(folder)
    assert "The 'Bad' function is in error: At least one binding must be declared." in text
    assert text.count("Bad/function.json") == 1
