from __future__ import annotations

from pathlib import Path

import pytest

from tests.cli.calling import call
from tests.cli.conftest import Ask
from tests.support.app_folder import AppFolder, orchestration_trigger
from tests.support.running_host import RunningHost

pytestmark = pytest.mark.process

KEYS = ["name", "trigger", "durableName", "methods", "route", "url", "disabled", "problem"]


@pytest.fixture
def app(tmp_path: Path) -> AppFolder:
    app = AppFolder(tmp_path / "app")
    app.write(
        "local.settings.json", '{"IsEncrypted": false, "Values": {}, "Host": {"LocalHttpPort": 1}}'
    )
    return app


def test_the_functions_of_a_running_host_are_listed(host: RunningHost, ask: Ask) -> None:
    found = {function["name"]: function for function in ask("functions", "list", "--json").json}
    assert list(found["Chain"]) == KEYS
    assert (found["Chain"]["trigger"], found["Chain"]["durableName"]) == (
        "orchestrationTrigger",
        "Chain",
    )
    assert found["Greet"]["methods"] == ["GET"]
    assert found["Greet"]["url"] == f"{host.base}/api/greet"
    lines = ask("functions", "list").out.splitlines()
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
    assert called.err.splitlines()[0] == f"App: {app.root} (no host answers)"
    found = {function["name"]: function for function in called.json}
    assert list(found["Hello"]) == KEYS
    assert (found["Hello"]["methods"], found["Hello"]["route"]) == (
        ["GET", "POST"],
        "/api/hello/{name?}",
    )
    assert found["Named"]["durableName"] == "Other"
    assert "no_such_thing" in found["Broken"]["problem"]


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
    none = call("functions", "list", "--script-root", tmp_path / "empty")
    assert none.code == 1
    assert "host.json" in none.err
    assert call("functions", "list", "--state", tmp_path).code == 2
