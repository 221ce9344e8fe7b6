"""The log lines in the dashboard's API."""

from __future__ import annotations

import json

from embedded_host.store.log_lines import LOG_LINES, LogLinesFile
from embedded_worker.log_levels import INFORMATION, WARNING
from embedded_worker.protocol import LogLine
from tests.dashboard.conftest import DashboardUnderTest

NOW = 2_000_000_000_000_000


def write(dashboard: DashboardUnderTest) -> None:
    file = LogLinesFile(dashboard.state.with_name(LOG_LINES), dashboard.host.hub.name, 1_000_000)
    file.write(
        [
            LogLine(NOW, INFORMATION, "Function.Echo.User", "hello", "Echo", "id-1", "i-1"),
            LogLine(NOW + 1, WARNING, "Function.Done.User", "bye", "Done", "id-2", "i-2"),
        ]
    )
    file.close()


async def messages(dashboard: DashboardUnderTest, query: str) -> list[str]:
    response = await dashboard.request(f"/api/logs{query}")
    assert response.status == 200, response.body
    return [line["message"] for line in json.loads(response.body)["lines"]]


async def test_a_line_has_all_fields(dashboard: DashboardUnderTest) -> None:
    write(dashboard)
    response = await dashboard.request("/api/logs?instanceId=i-1")
    assert json.loads(response.body) == {
        "lines": [
            {
                "id": 1,
                "time": NOW / 1000,
                "level": "Information",
                "category": "Function.Echo.User",
                "function": "Echo",
                "invocationId": "id-1",
                "instanceId": "i-1",
                "message": "hello",
            }
        ],
        "last": 1,
        "older": False,
    }


async def test_parameters_select_lines(dashboard: DashboardUnderTest) -> None:
    write(dashboard)
    assert await messages(dashboard, "?function=done") == ["bye"]
    assert await messages(dashboard, "?level=warning") == ["bye"]
    assert await messages(dashboard, "?after=1") == ["bye"]
    assert await messages(dashboard, "?limit=1") == ["bye"]
    assert await messages(dashboard, "?before=2") == ["hello"]


async def test_older_lines_are_reported(dashboard: DashboardUnderTest) -> None:
    write(dashboard)
    for query, has_older in (
        ("limit=1", True),
        ("limit=2", False),
        ("limit=1&before=2", False),
        ("limit=1&after=0", False),
    ):
        response = await dashboard.request(f"/api/logs?{query}")
        assert json.loads(response.body)["older"] is has_older, query


async def test_without_new_lines_the_last_number_is_repeated(
    dashboard: DashboardUnderTest,
) -> None:
    response = await dashboard.request("/api/logs?after=7")
    assert json.loads(response.body) == {
        "lines": [],
        "last": 7,
        "older": False,
    }


async def test_an_invalid_parameter_is_refused(dashboard: DashboardUnderTest) -> None:
    for query in ("level=loud", "after=x", "before=x", "limit=0"):
        response = await dashboard.request(f"/api/logs?{query}")
        assert (response.status, b"[EH336]" in response.body) == (400, True)
