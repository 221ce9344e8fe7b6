"""Tests of v2 apps: functions that decorators define, and invalid apps."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.e2e.conftest import StartHost
from tests.support.app_folder import AppFolder
from tests.support.polling import eventually
from tests.support.running_host import MANAGEMENT, RunningHost

pytestmark = pytest.mark.needs_durable("1.2.4", "the app has a blueprint")
_HEAD = """\
import json
from datetime import timedelta

import azure.durable_functions as df
import azure.functions as func

app = df.DFApp(http_auth_level=func.AuthLevel.ANONYMOUS)


@app.route(route="start/{functionName}/{instanceId?}")
@app.durable_client_input(client_name="client")
async def Starter(
    req: func.HttpRequest, client: df.DurableOrchestrationClient
) -> func.HttpResponse:
    body, route = req.get_body(), req.route_params
    given = json.loads(body) if body else None
    instance_id = await client.start_new(route["functionName"], route.get("instanceId"), given)
    return client.create_check_status_response(req, instance_id)


@app.route(route="greet/{name:alpha}", methods=["GET"])
def greet(req: func.HttpRequest) -> str:
    return "hello " + req.route_params["name"]
"""

_APP = (
    _HEAD
    + """

from more import more

app.register_functions(more)


@app.function_name("CustomHttp")
@app.route(route="custom")
async def called_otherwise(req: func.HttpRequest) -> str:
    return "custom"


@app.orchestration_trigger(context_name="context")
def Whole(context: df.DurableOrchestrationContext):
    entity = df.EntityId("Counter", context.instance_id)
    doubled = yield context.call_activity("Double", context.get_input())
    named = yield context.call_activity("TripleIt", doubled)
    context.signal_entity(entity, "add", named)
    total = yield context.call_entity(entity, "add", 1)
    child = yield context.call_sub_orchestrator("NamedChild", total)
    return [doubled, named, total, child]


@app.orchestration_trigger(context_name="context", orchestration="NamedChild")
def child_code(context: df.DurableOrchestrationContext):
    return (yield context.call_activity(in_brackets, context.get_input()))


@app.function_name("FunctionNamed")
@app.orchestration_trigger(context_name="context")
def another_name(context: df.DurableOrchestrationContext):
    return (yield context.call_activity("Quadruple", context.get_input()))


@app.activity_trigger(input_name="value")
def Double(value: int) -> int:
    return 2 * value


@app.activity_trigger(input_name="value", activity="TripleIt")
def triple_code(value: int) -> int:
    return 3 * value


@app.activity_trigger(input_name="value")
def in_brackets(value: int) -> str:
    return f"<{value}>"


@app.entity_trigger(context_name="context")
def Counter(context: df.DurableEntityContext) -> None:
    total = context.get_state(lambda: 0) + context.get_input()
    context.set_state(total)
    context.set_result(total)
"""
)

_MORE = """\
import azure.durable_functions as df
import azure.functions as func

more = df.Blueprint()


@more.route(route="blueprint")
@more.durable_client_input(client_name="client")
async def FromBlueprint(req: func.HttpRequest, client) -> func.HttpResponse:
    status = await client.get_status(req.params["id"])
    return func.HttpResponse(status.name)


@more.activity_trigger(input_name="value")
def Quadruple(value: int) -> int:
    return 4 * value
"""


@pytest.fixture(scope="module", params=["workers", "in-process"])
def host(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[RunningHost]:
    folder = tmp_path_factory.mktemp("v2")
    app = AppFolder(folder / "app")
    app.write("function_app.py", _APP)
    app.write("more.py", _MORE)
    arguments = ["--in-process"] if request.param == "in-process" else []
    with RunningHost(app.root, folder / "state", *arguments) as host:
        yield host
        assert host.stop() == 0, host.log


def test_every_kind_of_function_of_a_v2_app_runs(host: RunningHost) -> None:
    assert host.run("Whole", 5) == [10, 30, 31, "<31>"]


def test_functions_are_called_by_their_decorated_names(host: RunningHost) -> None:
    assert host.run("FunctionNamed", 5) == 20
    assert host.run("NamedChild", 1) == "<1>"
    missing = host.end(host.start("child_code", 1))
    assert missing["runtimeStatus"] == "Failed", "it is known by its other name only"


def test_http_functions_of_a_v2_app_return_responses(host: RunningHost) -> None:
    assert host.get("/api/greet/Ada").text == "hello Ada"
    assert host.get("/api/greet/007").status == 404
    assert host.post("/api/greet/Ada").status == 404
    assert host.get("/api/custom").text == "custom"


def test_the_http_function_of_a_blueprint_returns_its_response(host: RunningHost) -> None:
    links = host.start("FunctionNamed", 1)
    host.end(links)
    assert host.get(f"/api/blueprint?id={links['id']}").text == "FunctionNamed"


def test_entities_of_a_v2_app_are_readable_over_http(host: RunningHost) -> None:
    for _ in range(2):
        assert host.post(f"{MANAGEMENT}/entities/Counter/k?op=add", '"3"').status == 202
    eventually(
        lambda: host.get(f"{MANAGEMENT}/entities/Counter/k").text == "6", "both have been added"
    )


def test_the_start_prints_functions_of_both_styles(host: RunningHost) -> None:
    assert f"\tgreet: [GET] {host.base}/api/greet/{{name:alpha}}\n" in host.log
    assert "\tCustomHttp: " in host.log
    assert "\tCounter: entityTrigger\n" in host.log
    assert "\tFromBlueprint: " in host.log
    assert "Traceback" not in host.log


# -- invalid apps ----------------------------------------------------------------------------------


def wrong(root: Path, text: str) -> AppFolder:
    app = AppFolder(root / "app")
    app.write("function_app.py", text)
    return app


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        (
            "import azure.functions\n\nimport no_such_thing\n",
            ["function_app.py line 3: import no_such_thing"],
        ),
        (
            "import helper\n",
            ["function_app.py", "helper.py line 2: VALUE = 1 / 0", "ZeroDivisionError"],
        ),
        ("def broken(:\n    pass\n", ["function_app.py line 1: def broken(:", "SyntaxError"]),
        ("import sys\nsys.exit(3)\n", ["function_app.py line 2: sys.exit(3)"]),
        (
            "import azure.functions\n",
            ["Could not find top level function app instances in function_app.py.", "df.DFApp("],
        ),
        (
            _HEAD + "\nsecond = func.FunctionApp()\n",
            ["More than one DFApp or other top level", "app, second", "register_functions"],
        ),
    ],
    ids=["import", "imported", "syntax", "exits", "no app", "two apps"],
)
def test_an_app_that_cannot_be_loaded_is_an_error(
    tmp_path: Path, start_host: StartHost, text: str, expected: list[str]
) -> None:
    app = wrong(tmp_path, text)
    app.write("helper.py", "\nVALUE = 1 / 0\n")
    host = start_host(app.root)
    response = host.get("/api/anything")
    assert response.status == 404
    for part in expected:
        assert part in host.log
        assert part in response.text
    assert "embedded_host" not in response.text
    assert host.get(f"{MANAGEMENT}/instances").status == 200, "the rest of the host serves"


def test_an_app_object_without_functions_does_not_hide_the_folders(
    tmp_path: Path, start_host: StartHost
) -> None:
    app = wrong(tmp_path, "import azure.durable_functions as df\n\napp = df.DFApp()\n")
    app.http("FromFolder", "def main(req) -> str:\n    return 'from the folder'\n", "folder")
    host = start_host(app.root)
    assert host.get("/api/folder").text == "from the folder"
    assert "EH313" not in host.log


_BAD = """

@app.route(route="twice")
def greet(req: func.HttpRequest) -> str:
    return "second"


@app.durable_client_input(client_name="client")
def NoTrigger(client):
    return None


@app.route(route="a/{b:nosuch}")
def BadRoute(req: func.HttpRequest) -> str:
    return ""


@app.route(route="unmatched")
def BadParameter(request: func.HttpRequest, req: func.HttpRequest) -> str:
    return ""


@app.route(route="annotated")
def BadAnnotation(req: int) -> str:
    return ""


@app.orchestration_trigger(context_name="context")
async def AsyncOrchestrator(context):
    return 1


@app.orchestration_trigger(context_name="context")
def Works(context):
    return (yield context.call_activity("Echo", "works"))


@app.activity_trigger(input_name="value")
def Echo(value):
    return value
"""

_PARTLY_SERVED = """
@app.queue_trigger(arg_name="message", queue_name="work", connection="AzureWebJobsStorage")
def FromQueue(message) -> None: ...


@app.route(route="private")
def _private(req: func.HttpRequest) -> str:
    return ""


@app.orchestration_trigger(context_name="context")
async def AsyncOrchestrator(context):
    return 1


@app.orchestration_trigger(context_name="context")
def Works(context):
    return (yield context.call_activity("Echo", "works"))


@app.activity_trigger(input_name="value")
def Echo(value):
    return value
"""


def test_functions_that_are_not_valid_disable_all_functions(
    tmp_path: Path, start_host: StartHost
) -> None:
    host = start_host(wrong(tmp_path, _HEAD + _BAD).root)
    for expected in (
        "Worker failed to index functions.",
        "function_app.py line 26: ValueError: Function greet does not have a unique function name.",
        "Function NoTrigger does not have a trigger.",
        "BadParameter",
        "BadAnnotation",
    ):
        assert expected in host.log, expected
    response = host.get("/api/greet/Ada")
    assert response.status == 404
    assert "does not have a unique function name" in response.text
    assert host.get("/admin/functions").json == []
    assert host.post("/admin/functions/greet", {"input": ""}).status == 404


def test_functions_that_the_host_refuses_do_not_disable_other_functions(
    tmp_path: Path, start_host: StartHost
) -> None:
    host = start_host(wrong(tmp_path, _HEAD + _PARTLY_SERVED).root)
    for expected in (
        "'AsyncOrchestrator' is an async def",
        "FromQueue: a queueTrigger is not served by the embedded host, which has no storage queues",
        "The '_private' function is in error: '_private' is not a valid function name.",
    ):
        assert expected in host.log, expected
    assert host.get("/api/private").status == 404
    assert host.run("Works") == "works"
    status = host.end(host.start("AsyncOrchestrator"))
    assert status["runtimeStatus"] == "Failed"
    assert "async def" in status["output"]
