"""Tests of the web site of the scheduler."""

from __future__ import annotations

import json
from collections.abc import Iterator

import pytest

from embedded_host.scheduler.site import Site
from embedded_host.web.request import Request
from embedded_host.web.response import Response
from tests.scheduler.conftest import Scheduler


class Browser:
    """Sends requests to a site."""

    def __init__(self, scheduler: Scheduler, token: str = "") -> None:
        self.site = Site(scheduler.state, scheduler.hubs, token)

    async def get(self, path: str, key: str = "") -> Response:
        async def read() -> bytes:
            return b""

        path, _, query = path.partition("?")
        headers = {"x-functions-key": key} if key else {}
        return await self.site.handle(Request("GET", path, query, headers, "http://x", read))


@pytest.fixture
def browser(scheduler: Scheduler) -> Iterator[Browser]:
    browser = Browser(scheduler)
    yield browser
    browser.site.close()


async def test_the_home_page_lists_the_task_hubs(scheduler: Scheduler, browser: Browser) -> None:
    assert b"No client or worker" in (await browser.get("/")).body
    scheduler.hubs.open("shop")
    page = (await browser.get("/")).body.decode()
    assert '<a href="/shop/dashboard">shop</a> (0 connected workers)' in page


async def test_each_task_hub_has_a_dashboard(scheduler: Scheduler, browser: Browser) -> None:
    await scheduler.call("StartInstance", "shop", instanceId="i", name="O")
    assert (await browser.get("/shop/dashboard")).status == 200
    for path in ("/shop/dashboard/api/instances", "/dashboard/api/instances?taskHub=shop"):
        rows = json.loads((await browser.get(path)).body)["rows"]
        assert [row["id"] for row in rows] == ["i"]
    functions = json.loads((await browser.get("/shop/dashboard/api/functions")).body)
    assert (functions["hub"], functions["ran"]) == ("shop", ["O"])
    assert (await browser.get("/unknown/dashboard")).status == 404
    assert scheduler.hubs.names == ["shop"]


async def test_each_task_hub_has_a_management_api(scheduler: Scheduler, browser: Browser) -> None:
    await scheduler.call("StartInstance", "shop", instanceId="i", name="O")
    path = "/runtime/webhooks/durabletask/instances/i"
    for url in (f"/shop{path}", f"{path}?taskHub=shop"):
        assert json.loads((await browser.get(url)).body)["name"] == "O"
    assert (await browser.get(path)).status == 404
    assert (await browser.get("/shop/other")).status == 404


async def test_a_deleted_task_hub_is_shown_empty(scheduler: Scheduler, browser: Browser) -> None:
    await scheduler.call("StartInstance", "shop", instanceId="i", name="O")
    await browser.get("/shop/dashboard/api/instances")
    await scheduler.rpcs.create_task_hub("shop", True)
    rows = json.loads((await browser.get("/shop/dashboard/api/instances")).body)["rows"]
    assert rows == []


async def test_data_needs_the_token(scheduler: Scheduler) -> None:
    scheduler.hubs.open("default")
    browser = Browser(scheduler, "secret")
    for path in ("/", "/dashboard/api/instances", "/runtime/webhooks/durabletask/instances"):
        assert (await browser.get(path)).status == 401
        assert (await browser.get(path, "wrong")).status == 401
        assert (await browser.get(path, "secret")).status == 200
    assert (await browser.get("/dashboard")).status == 200
    assert (await browser.get("/dashboard/%61pi/instances")).status == 401
    browser.site.close()
