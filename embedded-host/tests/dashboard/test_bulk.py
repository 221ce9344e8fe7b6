"""Actions on all instances of a filter."""

from __future__ import annotations

import json
from typing import Any

import pytest

from embedded_host.dashboard import bulk
from tests.dashboard.conftest import DashboardUnderTest


async def act(dashboard: DashboardUnderTest, parameters: str) -> Any:
    """Send requests until all instances are examined, and return the sums."""
    total, more = {"done": 0, "skipped": 0, "failed": 0}, ""
    for _ in range(20):
        response = await dashboard.request(f"/api/bulk?{parameters}{more}", "POST")
        assert response.status == 200, response.body
        body = json.loads(response.body)
        total = {name: total[name] + body[name] for name in total}
        if body["next"] is None:
            return total
        more = f"&after={body['next']['after']}&until={body['next']['until']}"
    pytest.fail("the action does not end")


async def statuses(dashboard: DashboardUnderTest) -> dict[str, str]:
    rows = (await dashboard.get("instances?sort=id"))["rows"]
    return {row["id"]: row["status"] for row in rows}


async def test_an_action_changes_the_instances_of_the_filter(
    dashboard: DashboardUnderTest,
) -> None:
    for id in ("a-1", "a-2", "b"):
        await dashboard.host.start("Wait", id)
    await dashboard.host.start("Done", "a-3", 1)
    assert await act(dashboard, "action=suspend&prefix=a&reason=stop") == {
        "done": 2,
        "skipped": 1,
        "failed": 0,
    }
    await dashboard.host.idle()
    assert await statuses(dashboard) == {
        "a-1": "Suspended",
        "a-2": "Suspended",
        "a-3": "Completed",
        "b": "Running",
    }
    assert (await act(dashboard, "action=resume"))["done"] == 2
    await dashboard.host.idle()
    assert (await act(dashboard, "action=terminate&name=Wait"))["done"] == 3
    await dashboard.host.idle()
    assert (await act(dashboard, "action=purge&status=Terminated"))["done"] == 3
    assert await statuses(dashboard) == {"a-3": "Completed"}


async def test_the_failures_of_a_cause_are_rewound_and_restarted(
    dashboard: DashboardUnderTest, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(bulk, "STEP", 0.0)  # one batch for each request
    monkeypatch.setattr("embedded_host.task_hub.bulk_actions.BATCH", 1)
    await dashboard.host.start("Done", "done", 1)
    for id in ("0-1", "0-2", "0-3"):
        await dashboard.host.start("Fail", id)
    [cause] = await dashboard.get("causes")
    dashboard.host.clock.advance(1)
    assert (await act(dashboard, f"action=rewind&cause={cause['key']}"))["done"] == 3
    await dashboard.host.idle()
    [again] = await dashboard.get("causes")
    assert (again["key"], again["count"]) == (cause["key"], 3)
    assert again["first"] > cause["last"]
    restarted = await act(dashboard, "action=restart&name=Fail")
    assert restarted["done"] == 3, "the new instances are not restarted"
    await dashboard.host.idle()
    assert len(await statuses(dashboard)) == 7


async def test_a_failed_sub_orchestration_is_rewound_with_its_failed_parent(
    dashboard: DashboardUnderTest,
) -> None:
    await dashboard.host.start("FailingParent", "parent")
    await dashboard.host.idle()
    assert await statuses(dashboard) == {"a-child": "Failed", "parent": "Failed"}
    result = await act(dashboard, "action=rewind&status=Failed")
    assert (result["done"], result["skipped"]) == (1, 1)
    result = await act(dashboard, "action=rewind&prefix=a-")
    await dashboard.host.idle()
    assert result["done"] == 1, "the parent does not match"


@pytest.mark.parametrize(
    ("parameters", "named"),
    [
        ("", "'action'"),
        ("action=run", "'action'"),
        ("action=purge&until=x", "'until'"),
        ("action=purge&chause=x", "'chause'"),
        ("action=purge&topLevel=yes", "'toplevel'"),
    ],
)
async def test_an_invalid_parameter_is_named_and_nothing_changes(
    dashboard: DashboardUnderTest, parameters: str, named: str
) -> None:
    await dashboard.host.start("Done", "done", 1)
    await dashboard.host.idle()
    response = await dashboard.request(f"/api/bulk?{parameters}", "POST")
    assert response.status == 400
    assert named in json.loads(response.body)["error"]
    assert await statuses(dashboard) == {"done": "Completed"}


async def test_only_the_page_itself_can_act_and_only_with_post(
    dashboard: DashboardUnderTest,
) -> None:
    refused = await dashboard.request("/api/bulk?action=purge", "POST", Sec_Fetch_Site="cross-site")
    assert refused.status == 403
    read = await dashboard.request("/api/bulk?action=purge")
    assert (read.status, dict(read.headers)["Allow"]) == (405, "POST")
