from __future__ import annotations

import sys
from pathlib import Path

import pytest

from tests.cli.calling import call
from tests.cli.conftest import CallHost
from tests.support.app_folder import AppFolder, orchestration_trigger
from tests.support.running_host import RunningHost

pytestmark = pytest.mark.process

KEYS = [
    "name",
    "trigger",
    "durableName",
    "methods",
    "route",
    "url",
    "schedule",
    "disabled",
    "problem",
]


@pytest.fixture
def app(tmp_path: Path) -> AppFolder:
    app = AppFolder(tmp_path / "app")
    app.write(
        "local.settings.json", '{"IsEncrypted": false, "Values": {}, "Host": {"LocalHttpPort": 1}}'
    )
    return app


def test_the_functions_of_a_running_host_are_listed(host: RunningHost, call_host: CallHost) -> None:
    functions = {row["name"]: row for row in call_host("functions", "list", "--json").json}
    assert list(functions["Chain"]) == KEYS
    assert (functions["Chain"]["trigger"], functions["Chain"]["durableName"]) == (
        "orchestrationTrigger",
        "Chain",
    )
    assert functions["Greet"]["methods"] == ["GET"]
    assert functions["Greet"]["url"] == f"{host.base}/api/greet"
    lines = call_host("functions", "list").out.splitlines()
    assert lines[0].split() == ["name", "trigger", "methods", "where", "problem"]


def test_the_functions_of_a_v1_folder_are_listed(app: AppFolder) -> None:
    app.http("Hello", "def main(req): return 'hello'", "hello/{name?}", "get", "post")
    app.function(
        "Named", "def main(context): ...", {**orchestration_trigger(), "orchestration": "Other"}
    )
    app.function(
        "Broken", "import no_such_thing\ndef main(value): ...", {**orchestration_trigger("value")}
    )
    called = call("functions", "list", "--script-root", app.root, "--json")
    assert called.err.startswith(f"App: {app.root} (")
    functions = {row["name"]: row for row in called.json}
    assert list(functions["Hello"]) == KEYS
    assert (functions["Hello"]["methods"], functions["Hello"]["route"]) == (
        ["GET", "POST"],
        "/api/hello/{name?}",
    )
    assert functions["Named"]["durableName"] == "Other"
    assert "no_such_thing" in functions["Broken"]["problem"]


def test_the_functions_of_a_v2_folder_are_listed(app: AppFolder) -> None:
    app.write(
        "function_app.py",
        """\
        import azure.functions as func
        app = func.FunctionApp()

        @app.route(route="greet", methods=["GET"])
        def greet(req: func.HttpRequest) -> str:
            return "hello"
        """,
    )
    (function,) = call("functions", "list", "--script-root", app.root, "--json").json
    assert (function["name"], function["route"], function["problem"]) == (
        "greet",
        "/api/greet",
        None,
    )


def test_a_folder_that_does_not_load_is_reported(app: AppFolder, tmp_path: Path) -> None:
    app.write("function_app.py", "import azure.functions\n\nimport no_such_thing\n")
    called = call("functions", "list", "--script-root", app.root)
    assert called.code == 1
    assert "function_app.py line 3: import no_such_thing" in called.err
    (tmp_path / "empty").mkdir()
    (tmp_path / "empty" / "local.settings.json").write_text(
        (app.root / "local.settings.json").read_text()
    )
    called = call("functions", "list", "--script-root", tmp_path / "empty")
    assert called.code == 1
    assert "host.json" in called.err
    assert call("functions", "list", "--state", tmp_path).code == 2


def test_the_option_python_selects_the_interpreter(app: AppFolder, tmp_path: Path) -> None:
    app.activity("Echo", "return value")
    arguments = ("functions", "list", "--script-root", app.root, "--json", "--python")
    assert [row["name"] for row in call(*arguments, sys.executable).json] == ["Echo"]
    called = call(*arguments, tmp_path / "gone")
    assert called.code == 1
    assert "which does not exist" in called.err
    assert "[EH216]" in called.err
