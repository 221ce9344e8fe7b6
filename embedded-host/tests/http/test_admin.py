"""The admin endpoints against recorded responses (functions-host.md#admin-endpoints)."""

from __future__ import annotations

import json
from pathlib import Path

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
    def __init__(self) -> None:
        start, act = (
            function("Start", "httpTrigger", "start/{functionName}/{instanceId?}"),
            function("act", "activityTrigger"),
        )
        of_sdk = function("BuiltIn__HttpPollOrchestrator", "orchestrationTrigger")
        app = App(Path("/apps/app"), HostJson(), LocalSettings(), (start, act, of_sdk))
        self.invoked: list[tuple[str, str]] = []
        self.app = CurrentApp(LoadedApp(app, routes={"Start": HttpRoute.of(start, "api")}))
        self.admin = Admin(self.app, lambda f, input: self.invoked.append((f.name, input)))

    async def request(self, method: str, target: str, body: str = "") -> Response:
        return await self.admin.handle(request(method, target, body))


@pytest.mark.parametrize("method", ["GET", "POST"])
async def test_ping_is_an_empty_200(method: str) -> None:
    response = await AdminFixture().request(method, "/Admin/Host/Ping/")
    assert (response.status, response.body, response.headers) == (200, b"", [])


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
    ("body", "input"), [('{"input": "text"}', "text"), ('{"input": {"a": 1}}', '{"a": 1}')]
)
async def test_posting_an_input_starts_a_function(body: str, input: str) -> None:
    fixture = AdminFixture()
    response = await fixture.request("POST", "/admin/functions/Act", body)
    assert (response.status, response.body, fixture.invoked) == (202, b"", [("act", input)])


@pytest.mark.parametrize("body", ["", "x", "[]", "{}", "null", "[" * 100_000])
async def test_a_start_without_a_valid_input_is_400(body: str) -> None:
    fixture = AdminFixture()
    assert (await fixture.request("POST", "/admin/functions/act", body)).status == 400
    assert fixture.invoked == []


@pytest.mark.parametrize(
    "request_line",
    [
        *(
            "GET /admin",
            "GET /admin/x",
            "GET /admin/functions/none",
            "POST /admin/functions/none",
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
