"""The routing of paths to the parts of the host."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from embedded_host.access_keys.access import Access
from embedded_host.access_keys.key_file import DEFAULT, KeyFile
from embedded_host.app.definitions import App, HostJson, LocalSettings
from embedded_host.http.admin import Admin
from embedded_host.http.authorization import Authorization
from embedded_host.http.cors import Cors
from embedded_host.http.router import Dashboard, Router
from embedded_host.web.request import Request
from embedded_host.web.response import Response, text_response
from embedded_host.workers.current_app import CurrentApp
from embedded_host.workers.loaded_app import LoadedApp
from embedded_worker.protocol import HttpResponseData, InvocationResult
from tests.http.api import Api, request
from tests.http.test_functions import HttpFunctionsFixture, loaded, route


async def metrics() -> str:
    return "up 1"


class Served:
    def __init__(
        self,
        api: Api,
        home: str | None = "<h1>up</h1>",
        cors: Cors | None = None,
        dashboard: Dashboard | None = None,
        **options: Any,
    ) -> None:
        self.fixture = HttpFunctionsFixture(route("F", "f"), route("Admin2", "admin/x", prefix=""))
        app = CurrentApp(LoadedApp(App(Path("app"), HostJson(), LocalSettings(), ())))
        admin = Admin(
            app, lambda function, input: None, options.get("authorization"), metrics=metrics
        )
        self.router = Router(
            self.fixture.functions, api.management, admin, lambda: home, cors, dashboard, **options
        )

    async def request(self, method: str, target: str, **headers: str) -> tuple[int, bytes]:
        named = {name.replace("_", "-"): value for name, value in headers.items()}
        response = await self.router.public(request(method, target, headers=named))
        return response.status, response.body


@pytest.mark.parametrize(
    ("method", "target", "response"),
    [
        ("GET", "/", (200, b"<h1>up</h1>")),
        ("POST", "/?x=1", (200, b"<h1>up</h1>")),
        ("GET", "/api/f", (200, b"")),
        ("GET", "/api", (404, b"")),
        ("GET", "/Runtime/Webhooks/DurableTask/Instances", (200, b"[]")),
        ("GET", "/runtime/webhooks/durabletask", (404, b"")),
        ("GET", "/runtime/webhooks/durabletaskX/instances", (404, b"")),
        ("GET", "/runtime", (404, b"")),
        ("GET", "/runtime/x", (404, b"")),
        ("GET", "/durabletask/instances", (404, b"")),
        ("GET", "/admin/host/ping", (200, b"")),
        ("GET", "/ADMIN/x", (404, b"")),
        ("GET", "/favicon.ico", (404, b"")),
        ("GET", "/robots933456.txt", (404, b"")),
    ],
)
async def test_each_path_is_routed_to_its_part_of_the_host(
    api: Api, method: str, target: str, response: tuple[int, bytes]
) -> None:
    assert await Served(api).request(method, target) == response


async def test_metrics_are_served_unless_a_function_has_their_route(api: Api) -> None:
    served = Served(api)
    assert await served.request("GET", "/metrics") == (200, b"up 1")
    assert await served.request("GET", "/Metrics") == (200, b"up 1")
    assert await served.request("POST", "/metrics") == (404, b"")
    # An app with its own metrics, such as a WSGI app at the root, keeps its route.
    served.fixture.app.replace(loaded(route("Root", "{*rest}", "GET", prefix="")))
    assert await served.request("GET", "/metrics") == (200, b"")
    assert served.fixture.worker.calls[0][0] == "Root"
    assert await served.request("GET", "/admin/host/metrics") == (200, b"up 1")


async def test_metrics_need_the_key_of_the_admin_endpoints(api: Api, tmp_path: Path) -> None:
    file = KeyFile(tmp_path)
    keys = file.begin()
    served = Served(api, authorization=Authorization(Access(file)))
    assert (await served.request("GET", "/metrics"))[0] == 401
    assert (await served.request("GET", f"/metrics?code={keys.host[DEFAULT]}"))[0] == 403
    assert await served.request("GET", f"/metrics?code={keys.master}") == (200, b"up 1")


async def test_the_host_s_own_paths_precede_the_functions(api: Api) -> None:
    served = Served(api)
    assert await served.request("GET", "/admin/x") == (404, b"")
    assert served.fixture.worker.calls == []


async def test_a_function_at_the_root_replaces_the_home_page(api: Api) -> None:
    served = Served(api)
    served.fixture.app.replace(loaded(route("Root", "{*rest}", "GET", prefix="")))
    assert await served.request("GET", "/") == (200, b"")
    assert (await served.request("POST", "/"))[1] == b"<h1>up</h1>"


async def test_a_disabled_home_page_is_204(api: Api) -> None:
    assert await Served(api, home=None).request("GET", "/") == (204, b"")


@pytest.mark.parametrize(
    "target",
    ["/api/f", "/runtime/webhooks/durabletask/instances", "/admin/host/ping", "/none", "/"],
)
async def test_cors_applies_to_all_public_paths(api: Api, target: str) -> None:
    served = Served(api, cors=Cors(["http://a"]))
    preflight = {"Origin": "http://a", "Access_Control_Request_Method": "GET"}
    assert await served.request("OPTIONS", target, **preflight) == (204, b"")
    response = await served.router.public(request("GET", target, headers={"Origin": "http://a"}))
    assert ("Access-Control-Allow-Origin", "http://a") in response.headers


class Page:
    async def handle(self, request: Request, path: str) -> Response:
        return text_response(f"dashboard {path}")


async def test_the_dashboard_is_routed_without_cors(api: Api) -> None:
    served = Served(api, cors=Cors(["http://a"]), dashboard=Page())
    assert await served.request("GET", "/dashboard") == (200, b"dashboard ")
    assert await served.request("GET", "/Dashboard/api/x") == (200, b"dashboard /api/x")
    assert (await served.request("GET", "/dashboards"))[0] == 404
    response = await served.router.public(
        request("GET", "/dashboard", headers={"Origin": "http://a"})
    )
    assert not [name for name, _ in response.headers if name.startswith("Access-Control")]


async def test_a_function_with_the_dashboards_route_replaces_the_dashboard(api: Api) -> None:
    served = Served(api, dashboard=Page())
    served.fixture.app.replace(loaded(route("Mine", "dashboard/{page}", "GET", prefix="")))
    assert not served.router.has_dashboard
    assert await served.request("GET", "/dashboard/x") == (200, b"")
    served.fixture.app.replace(loaded(route("All", "{*rest}", "GET", prefix="")))
    assert await served.request("GET", "/dashboard/x") == (200, b"dashboard /x")


async def test_the_sdk_endpoint_serves_only_the_management_api(api: Api) -> None:
    served = Served(api)
    for target, status in (
        ("/durabletask/instances", 200),
        ("/DurableTask/", 404),
        ("/api/f", 404),
        ("/", 404),
    ):
        assert (
            await served.router.private(request("GET", target), "http://public")
        ).status == status
    started = await served.router.private(
        request("POST", "/durabletask/orchestrators/Done/i-1", b""), "http://public"
    )
    assert dict(started.headers)["Location"].startswith(
        "http://public/runtime/webhooks/durabletask/instances/i-1?"
    )


async def test_each_response_has_the_custom_headers_of_host_json(api: Api) -> None:
    served = Served(api, custom_headers={"X-One": "host", "X-Two": "2"})

    async def headers(target: str) -> dict[str, str]:
        return dict((await served.router.public(request("GET", target))).headers)

    for target in ("/", "/api/f", "/api/none", "/admin/host/ping", "/runtime/webhooks/x"):
        found = await headers(target)
        assert (found["X-One"], found["X-Two"]) == ("host", "2"), target
    response = InvocationResult(1, HttpResponseData(200, [("x-one", "mine")], b""))
    served.fixture.worker.response = response
    found = await headers("/api/f")
    assert (found["x-one"], found["X-Two"], "X-One" in found) == ("mine", "2", False)


async def test_a_host_in_error_serves_only_admin_endpoints(api: Api) -> None:
    errors = ["wrong"]
    served = Served(api, in_error=lambda: bool(errors))
    refused = (503, b"Function host is not running.")
    for target in ("/", "/api/f", "/api/none", "/runtime/webhooks/durabletask/instances"):
        assert await served.request("GET", target) == refused
    assert (await served.request("GET", "/admin/host/ping"))[0] == 200
    errors.clear()
    assert (await served.request("GET", "/api/f"))[0] == 200


async def test_a_refused_call_of_the_sdk_is_logged_and_one_of_a_program_is_not(
    api: Api, caplog: pytest.LogCaptureFixture
) -> None:
    served = Served(api)
    path = "instances/none/terminate"
    await served.request("POST", f"/runtime/webhooks/durabletask/{path}")
    assert "EH342" not in caplog.text
    status, _ = await served.router.client_request("http://host", "POST", path, b"")
    assert status == 404
    assert "terminate of the instance 'none' was refused with status 404" in caplog.text
