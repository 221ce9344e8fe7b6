"""The load of an app in the test's process."""

from __future__ import annotations

import os
import sys
from pathlib import Path

import pytest

from embedded_host.testing import AppError, AppLoadError, DurableApp
from tests.support.app_folder import AppFolder

V2 = """\
import azure.durable_functions as df
import azure.functions as func

app = df.DFApp(http_auth_level=func.AuthLevel.ANONYMOUS)
loads = []
loads.append("{greeting}")


@app.orchestration_trigger(context_name="context")
def Greeter(context: df.DurableOrchestrationContext):
    return (yield context.call_activity("greet", context.get_input()))


@app.activity_trigger(input_name="name")
def greet(name: str) -> str:
    return f"{greeting} {{name}}"


@app.route(route="start")
@app.durable_client_input(client_name="client")
async def start(req: func.HttpRequest, client: df.DurableOrchestrationClient) -> func.HttpResponse:
    instance_id = await client.start_new("Greeter", None, "you")
    return client.create_check_status_response(req, instance_id)
"""


def v2_app(root: Path, greeting: str) -> Path:
    app = AppFolder(root)
    app.write("function_app.py", V2.format(greeting=greeting))
    return app.root


def test_directory_import_path_and_environment_are_restored(
    shop_root: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("MINE", "before")
    before = (Path.cwd(), list(sys.path), dict(os.environ))
    with DurableApp(shop_root, settings={"MINE": "during", "OTHER": "1"}):
        assert Path.cwd() == shop_root
        assert sys.path[-1] == str(shop_root)
        assert (os.environ["MINE"], os.environ["OTHER"]) == ("during", "1")
        assert os.environ["AzureWebJobsStorage"] == "UseDevelopmentStorage=true"  # noqa: SIM112
    assert (Path.cwd(), list(sys.path), dict(os.environ)) == before


def test_a_variable_that_the_test_changes_keeps_its_value(
    shop_root: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("MINE", "before")
    with DurableApp(shop_root, settings={"MINE": "during"}):
        os.environ["MINE"] = "by the test"
    assert os.environ["MINE"] == "by the test"


async def test_two_v2_apps_can_be_opened_in_turn(tmp_path: Path) -> None:
    first, second = v2_app(tmp_path / "a", "Hello"), v2_app(tmp_path / "b", "Good day")
    for root, greeting in ((first, "Hello"), (second, "Good day"), (first, "Hello")):
        with DurableApp(root) as app:
            assert (await app.run("Greeter", "you")).output == f"{greeting} you"
            started = await app.http("GET", "/api/start")
            assert app.instance(started.json()["id"]).output == f"{greeting} you"


async def test_an_app_is_imported_once_for_many_tests(tmp_path: Path) -> None:
    root = v2_app(tmp_path / "a", "Hello")
    modules = []
    for _ in range(2):
        with DurableApp(root) as app:
            await app.run("Greeter", "you")
            modules.append(sys.modules["function_app"])
    assert modules[0] is modules[1]
    assert modules[0].loads == ["Hello"]


def test_an_app_that_does_not_load_raises_and_restores_the_process(tmp_path: Path) -> None:
    before = (Path.cwd(), list(sys.path), dict(os.environ))
    with pytest.raises(AppError, match=r"has no host\.json, so it is not an app"):
        DurableApp(tmp_path)
    app = AppFolder(tmp_path / "a")
    app.write("function_app.py", "import no_such_package\n")
    with pytest.raises(AppLoadError, match="No module named 'no_such_package'"):
        DurableApp(app.root)
    assert (Path.cwd(), list(sys.path), dict(os.environ)) == before


async def test_the_sdks_http_functions_are_replaced_while_an_app_is_open(shop_root: Path) -> None:
    module = sys.modules["azure.durable_functions.models.DurableOrchestrationClient"]
    before = module.post_async_request
    with DurableApp(shop_root) as app:
        await app.http("POST", "/api/start/Order", 7)
        assert module.post_async_request is not before
    assert module.post_async_request is before
