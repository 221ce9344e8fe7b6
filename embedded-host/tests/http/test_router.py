"""Which part of the host answers which path."""

from __future__ import annotations

from pathlib import Path

import pytest

from embedded_host.app.definitions import App, HostJson, LocalSettings
from embedded_host.http.admin import Admin
from embedded_host.http.cors import Cors
from embedded_host.http.router import Dashboard, Router
from embedded_host.web.request import Request
from embedded_host.web.response import Response, text_response
from embedded_host.workers.current_app import CurrentApp
from embedded_host.workers.loaded_app import LoadedApp
from tests.http.api import Api, request
from tests.http.test_functions import HttpFunctionsFixture, loaded, route


class Served:
    def __init__(
        self,
        api: Api,
        home: str | None = "<h1>up</h1>",
        cors: Cors | None = None,
        dashboard: Dashboard | None = None,
    ) -> None:
        self.fixture = HttpFunctionsFixture(route("F", "f"), route("Admin2", "admin/x", prefix=""))
        app = CurrentApp(LoadedApp(App(Path("app"), HostJson(), LocalSettings(), ())))
        admin = Admin(app, lambda function, input: None)
        self.router = Router(
            self.fixture.functions, api.management, admin, lambda: home, cors, dashboard
        )

    async def ask(self, method: str, target: str, **headers: str) -> tuple[int, bytes]:
        named = {name.replace("_", "-"): value for name, value in headers.items()}
        answer = await self.router.public(request(method, target, headers=named))
        return answer.status, answer.body


@pytest.mark.parametrize(
    ("method", "target", "answer"),
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
async def test_paths(api: Api, method: str, target: str, answer: tuple[int, bytes]) -> None:
    assert await Served(api).ask(method, target) == answer


async def test_the_host_s_own_paths_precede_the_functions(api: Api) -> None:
    served = Served(api)
    assert await served.ask("GET", "/admin/x") == (404, b"")
    assert served.fixture.worker.calls == []


async def test_a_function_at_the_root_takes_the_home_page_s_place(api: Api) -> None:
    served = Served(api)
    served.fixture.app.replace(loaded(route("Root", "{*rest}", "GET", prefix="")))
    assert await served.ask("GET", "/") == (200, b"")
    assert (await served.ask("POST", "/"))[1] == b"<h1>up</h1>"


async def test_the_home_page_may_be_switched_off(api: Api) -> None:
    assert await Served(api, home=None).ask("GET", "/") == (204, b"")


@pytest.mark.parametrize(
    "target",
    ["/api/f", "/runtime/webhooks/durabletask/instances", "/admin/host/ping", "/none", "/"],
)
async def test_cors_is_for_all_of_it(api: Api, target: str) -> None:
    served = Served(api, cors=Cors(["http://a"]))
    preflight = {"Origin": "http://a", "Access_Control_Request_Method": "GET"}
    assert await served.ask("OPTIONS", target, **preflight) == (204, b"")
    answer = await served.router.public(request("GET", target, headers={"Origin": "http://a"}))
    assert ("Access-Control-Allow-Origin", "http://a") in answer.headers


class Page:
    async def handle(self, request: Request, path: str) -> Response:
        return text_response(f"dashboard {path}")


async def test_the_dashboard_has_its_own_path_without_cors(api: Api) -> None:
    served = Served(api, cors=Cors(["http://a"]), dashboard=Page())
    assert await served.ask("GET", "/dashboard") == (200, b"dashboard ")
    assert await served.ask("GET", "/Dashboard/api/x") == (200, b"dashboard /api/x")
    assert (await served.ask("GET", "/dashboards"))[0] == 404
    answer = await served.router.public(
        request("GET", "/dashboard", headers={"Origin": "http://a"})
    )
    assert not [name for name, _ in answer.headers if name.startswith("Access-Control")]


async def test_a_function_of_that_name_takes_the_dashboards_place(api: Api) -> None:
    served = Served(api, dashboard=Page())
    served.fixture.app.replace(loaded(route("Mine", "dashboard/{page}", "GET", prefix="")))
    assert not served.router.has_dashboard
    assert await served.ask("GET", "/dashboard/x") == (200, b"")
    served.fixture.app.replace(loaded(route("All", "{*rest}", "GET", prefix="")))
    assert await served.ask("GET", "/dashboard/x") == (200, b"dashboard /x")


async def test_the_private_endpoint_is_the_management_api_alone(api: Api) -> None:
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
