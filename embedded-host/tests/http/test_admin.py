"""The admin endpoints against recorded responses (functions-host.md#admin-endpoints)."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from embedded_host.app.definitions import App, Binding, Function, HostJson, LocalSettings
from embedded_host.app.http_route import HttpRoute
from embedded_host.http.admin import Admin
from embedded_host.web.response import Response
from embedded_host.workers.current_app import CurrentApp
from embedded_host.workers.loaded_app import LoadedApp
from tests.http.api import BASE, request

CONFIG = {"bindings": [{"type": "httpTrigger"}]}


def function(name: str, kind: str, route: str | None = None) -> Function:
    folder = Path("app") / name
    return Function(
        name,
        folder,
        folder / "__init__.py",
        "main",
        (Binding(kind, "x", "in", {"route": route}),),
        CONFIG,
    )


class AdminFixture:
    def __init__(self, **options: Any) -> None:
        start, act = (
            function("Start", "httpTrigger", "start/{functionName}/{instanceId?}"),
            function("act", "activityTrigger"),
        )
        of_sdk = function("BuiltIn__HttpPollOrchestrator", "orchestrationTrigger")
        app = App(Path("/apps/app"), HostJson(), LocalSettings(), (start, act, of_sdk))
        self.invoked: list[tuple[str, str | None]] = []
        self.app = CurrentApp(LoadedApp(app, routes={"Start": HttpRoute.of(start, "api")}))
        self.admin = Admin(
            self.app, lambda f, input: self.invoked.append((f.name, input)), **options
        )

    async def request(
        self, method: str, target: str, body: str = "", content_type: str | None = None
    ) -> Response:
        headers = {"Content-Type": content_type} if content_type is not None else {}
        return await self.admin.handle(request(method, target, body, headers))

    async def start(self, name: str, body: str) -> Response:
        return await self.request("POST", f"/admin/functions/{name}", body, "application/json")


@pytest.mark.parametrize("method", ["GET", "POST"])
async def test_ping_is_an_empty_200(method: str) -> None:
    response = await AdminFixture().request(method, "/Admin/Host/Ping/")
    assert (response.status, response.body) == (200, b"")
    assert response.headers == [("Cache-Control", "no-store,no-cache")]


@pytest.mark.parametrize("method", ["GET", "POST"])
async def test_warmup_starts_the_warmup_function_without_a_key(method: str) -> None:
    fixture = AdminFixture()
    assert (await fixture.request(method, "/admin/warmup")).status == 200
    assert fixture.invoked == []
    app = replace(fixture.app.loaded.app, functions=(function("Warm", "warmupTrigger"),))
    fixture.app.replace(LoadedApp(app))
    response = await fixture.request(method, "/admin/warmup")
    assert (response.status, response.body, fixture.invoked) == (200, b"", [("Warm", None)])


async def test_a_warmup_function_whose_code_does_not_load_is_started_and_fails() -> None:
    fixture = AdminFixture()
    app = replace(fixture.app.loaded.app, functions=(function("Warm", "warmupTrigger"),))
    broken = {"Warm": "no module named 'x'"}
    fixture.app.replace(LoadedApp(app, broken=broken))
    await fixture.request("GET", "/admin/warmup")
    assert fixture.invoked == [], "the function does not exist on the Azure Functions host"
    fixture.app.replace(LoadedApp(app, broken=broken, unloaded=frozenset({"Warm"})))
    await fixture.request("GET", "/admin/warmup")
    assert fixture.invoked == [("Warm", None)]


async def test_synctriggers_is_refused_outside_azure() -> None:
    response = await AdminFixture().request("POST", "/admin/host/synctriggers")
    assert response.status == 500
    assert json.loads(response.body) == {
        "status": "Invalid environment for SyncTriggers operation."
    }


async def test_a_folder_is_not_deleted() -> None:
    response = await AdminFixture().request("DELETE", "/admin/functions/act")
    assert response.status == 404
    assert b"does not delete the folder" in response.body


async def test_a_disabled_function_is_listed_as_disabled() -> None:
    fixture = AdminFixture()
    app = replace(fixture.app.loaded.app, disabled=frozenset({"act"}))
    fixture.app.replace(LoadedApp(app))
    described = json.loads((await fixture.request("GET", "/admin/functions/act")).body)
    assert described["isDisabled"] is True


async def test_the_host_status_has_the_recorded_keys() -> None:
    status = json.loads((await AdminFixture().request("GET", "/admin/host/status")).body)
    assert list(status) == [
        *(
            "id",
            "state",
            "version",
            "versionDetails",
            "platformVersion",
            "instanceId",
            "computerName",
            "processUptime",
        ),
        "functionAppContentEditingState",
    ]
    assert (status["state"], status["version"]) == ("Running", "4.1037.0.0")


async def test_the_host_status_has_the_report_in_a_field_of_its_own() -> None:
    fixture = AdminFixture(report=lambda: {"workers": []})
    status = json.loads((await fixture.request("GET", "/admin/host/status")).body)
    assert list(status)[-2:] == ["functionAppContentEditingState", "embeddedHost"]
    assert status["embeddedHost"] == {"workers": []}


async def test_the_host_status_lists_a_failed_reload_and_the_problem_of_the_app() -> None:
    fixture = AdminFixture()
    fixture.app.replace(LoadedApp(fixture.app.loaded.app, problem="it cannot be imported"))
    fixture.app.reload_failed(["line 7 does not parse"])
    status = json.loads((await fixture.request("GET", "/admin/host/status")).body)
    assert status["state"] == "Running"
    failed, problem = status["errors"]
    assert "the host still runs the code of" in failed
    assert "line 7 does not parse" in failed
    assert problem == "it cannot be imported"


async def test_the_metrics_are_text() -> None:
    async def metrics() -> str:
        return "up 1\n"

    response = await AdminFixture(metrics=metrics).request("GET", "/admin/host/metrics")
    assert (response.status, response.body) == (200, b"up 1\n")
    assert response.headers == [("Content-Type", "text/plain; version=0.0.4; charset=utf-8")]
    assert (await AdminFixture().request("GET", "/admin/host/metrics")).status == 404


async def test_the_host_status_lists_functions_out_of_service() -> None:
    fixture = AdminFixture()
    fixture.app.replace(LoadedApp(fixture.app.loaded.app, broken={"act": "no module named 'x'"}))
    status = json.loads((await fixture.request("GET", "/admin/host/status")).body)
    assert status["errors"] == ["no module named 'x'"]
    assert json.loads((await fixture.request("GET", "/admin/functions/ACT/status")).body) == {
        "errors": ["no module named 'x'"]
    }
    assert (await fixture.request("GET", "/admin/functions/Start/status")).body == b"{}"


async def test_functions_have_the_recorded_description() -> None:
    functions = json.loads((await AdminFixture().request("GET", "/admin/functions")).body)
    assert [f["name"] for f in functions] == ["act", "Start"]
    assert functions[0]["invoke_url_template"] is None
    assert functions[1] == json.loads(
        (await AdminFixture().request("GET", "/admin/functions/start")).body
    )
    assert list(functions[1].items()) == [
        ("name", "Start"),
        ("script_root_path_href", f"{BASE}/admin/vfs/app/Start/"),
        ("script_href", f"{BASE}/admin/vfs/app/Start/__init__.py"),
        ("config_href", f"{BASE}/admin/vfs/app/Start/function.json"),
        ("test_data_href", None),
        ("href", f"{BASE}/admin/functions/Start"),
        ("invoke_url_template", f"{BASE}/api/start/{{functionname}}/{{instanceid?}}"),
        ("language", "python"),
        ("config", CONFIG),
        ("files", None),
        ("test_data", ""),
        ("isDisabled", False),
        ("isDirect", False),
        ("isProxy", False),
    ]


@pytest.mark.parametrize(
    ("body", "input"),
    [
        ('{"input": "text"}', "text"),
        ('{"INPUT": "a", "input": "b"}', "b"),
        ('{"input": ""}', ""),
        ('{"input": null}', None),
        ("{}", None),
        ('{"other": 1}', None),
        ('{"input": 5}', "5"),
    ],
)
async def test_posting_an_input_starts_a_function(body: str, input: str | None) -> None:
    fixture = AdminFixture()
    response = await fixture.start("Act", body)
    assert (response.status, response.body, fixture.invoked) == (202, b"", [("act", input)])


@pytest.mark.parametrize("name", ["act", "unknown"])
@pytest.mark.parametrize(
    "body",
    ["", "x", "[1]", '"s"', "null", '{"input": {"a": 1}}', '{"input": []}', "[" * 100_000, "\xff"],
)
async def test_a_start_without_a_valid_body_is_400(body: str, name: str) -> None:
    fixture = AdminFixture()
    assert (await fixture.start(name, body)).status == 400
    assert fixture.invoked == []


@pytest.mark.parametrize(
    ("content_type", "status"),
    [
        (None, 415),
        ("", 415),
        ("text/plain", 415),
        ("application/json; charset=utf-8", 202),
        ("text/json", 202),
        ("application/problem+json", 202),
    ],
)
async def test_a_start_requires_a_content_type_of_json(
    content_type: str | None, status: int
) -> None:
    response = await AdminFixture().request("POST", "/admin/functions/act", "{}", content_type)
    assert response.status == status


async def test_a_start_of_an_unknown_function_is_404_and_lists_the_functions() -> None:
    response = await AdminFixture().start("Nope", "{}")
    assert (response.status, response.body) == (
        404,
        b"There is no function 'Nope'. The functions are: act, Start.",
    )


async def test_a_function_whose_code_does_not_load_is_started_and_fails() -> None:
    fixture = AdminFixture()
    app, broken = fixture.app.loaded.app, {"act": "no module named 'x'"}
    fixture.app.replace(LoadedApp(app, broken=broken, unloaded=frozenset({"act"})))
    assert (await fixture.start("act", "{}")).status == 202
    fixture.app.replace(LoadedApp(app, broken=broken))
    refused = await fixture.start("act", "{}")
    assert (refused.status, refused.body) == (
        404,
        b"Function 'act' is out of service: no module named 'x'",
    )
    assert len(fixture.invoked) == 1


@pytest.mark.parametrize(
    "request_line",
    [
        *(
            "GET /admin",
            "GET /admin/x",
            "GET /admin/functions/none",
            "PUT /admin/functions/act",
        ),
        *(
            "POST /admin/host/status",
            "GET /admin/functions/act/x",
            "GET /admin/functions/act/status/x",
            "PUT /admin/host/ping",
        ),
        *("DELETE /admin/functions", "POST /admin/functions"),
    ],
)
async def test_unknown_admin_paths_are_404(request_line: str) -> None:
    method, _, target = request_line.partition(" ")
    response = await AdminFixture().request(method, target, '{"input": "x"}')
    assert (response.status, response.body, response.headers) == (404, b"", [])


async def test_the_parity_findings_have_an_endpoint_of_their_own() -> None:
    response = await AdminFixture().request("GET", "/admin/host/parity")
    assert json.loads(response.body) == {"mode": "helpful", "findings": []}


async def test_a_function_of_a_v2_app_has_no_folder() -> None:
    fixture = AdminFixture()
    app = replace(fixture.app.loaded.app, uses_v2_model=True)
    fixture.app.replace(LoadedApp(app))
    described = json.loads((await fixture.request("GET", "/admin/functions/act")).body)
    assert (described["script_root_path_href"], described["config_href"]) == (None, None)
    assert described["script_href"] == f"{BASE}/admin/vfs/app/__init__.py"


async def test_the_app_of_the_host_is_named() -> None:
    response = await AdminFixture().request("GET", "/admin/host/app")
    assert json.loads(response.body) == {
        "root": str(Path("/apps/app")),
        "taskHub": "TestHubName",
    }
