from __future__ import annotations

import json
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

from embedded_host.app.folder import read_app
from embedded_host.dashboard.dashboard import Dashboard
from embedded_host.store.sqlite import SqliteStore
from embedded_host.web.response import Response
from embedded_host.workers.current_app import CurrentApp
from embedded_host.workers.loaded_app import LoadedApp
from tests.http.api import counter, done, fail, request, wait
from tests.support.app_folder import AppFolder
from tests.task_hub.kit import HubUnderTest, InlineInvoker


def parent(context: Any) -> Any:
    yield context.call_sub_orchestrator("Wait", None, "child")


def failing_parent(context: Any) -> Any:
    yield context.call_sub_orchestrator("Fail", None, "a-child")


def step(context: Any) -> Any:
    yield context.call_activity("Echo", 1)


def echoing(context: Any) -> Any:
    return (yield context.call_activity("Echo", context.get_input()))


class DashboardUnderTest:
    """A dashboard and its task hub, which has a state file and a stopped clock."""

    def __init__(self, folder: Path) -> None:
        app = AppFolder(folder / "app", hub="Hub")
        app.starter()
        app.orchestrator("Done", "return 1")
        app.activity("Echo", "return value")
        app.function("Broken", "", {"name": "message", "type": "queueTrigger", "direction": "in"})
        self.state = folder / "state.db"
        self.store = SqliteStore(self.state, fsync=False)
        orchestrators = {
            "Done": done,
            "Wait": wait,
            "Fail": fail,
            "Parent": parent,
            "Step": step,
            "FailingParent": failing_parent,
            "Echoing": echoing,
        }
        self._invoker = InlineInvoker(
            orchestrators, {"Echo": lambda value: value}, {"Counter": counter}
        )
        self.app = CurrentApp(LoadedApp(read_app(app.root, {})))
        self._begin()

    def _begin(self) -> None:
        self.host = HubUnderTest(self._invoker, self.store)
        self.dashboard = Dashboard(self.state, self.host.hub, self.app)

    async def restart(self) -> None:
        """Start another host with the same state file."""
        self.dashboard.close()
        await self.host.kill()
        self._begin()

    async def request(self, path: str, method: str = "GET", **headers: str) -> Response:
        """Send a request. ``path`` is the part of the URL after ``/dashboard``."""
        named = {name.replace("_", "-"): value for name, value in headers.items()}
        return await self.dashboard.handle(
            request(method, f"/dashboard{path}", headers=named), path.partition("?")[0]
        )

    async def get(self, endpoint: str) -> Any:
        response = await self.request(f"/api/{endpoint}")
        assert response.status == 200, response.body
        return json.loads(response.body)

    async def ids(self, endpoint: str) -> list[str]:
        return [row["id"] for row in (await self.get(endpoint))["rows"]]


@pytest.fixture
async def dashboard(tmp_path: Path) -> AsyncIterator[DashboardUnderTest]:
    dashboard = DashboardUnderTest(tmp_path)
    yield dashboard
    dashboard.dashboard.close()
    dashboard.store.close()
