"""The lists in the dashboard's API."""

from __future__ import annotations

import json

import pytest

from tests.dashboard.conftest import DashboardUnderTest


async def test_lists_of_an_empty_hub_are_empty(dashboard: DashboardUnderTest) -> None:
    body = await dashboard.get("instances?counts=1")
    assert (body["rows"], body["counts"]) == ([], {})
    assert (await dashboard.get("histogram"))["start"] is None
    assert (await dashboard.get("entities")) == {"rows": [], "total": 0, "names": []}


async def test_instances_are_filtered_sorted_paged_and_counted(
    dashboard: DashboardUnderTest,
) -> None:
    await dashboard.host.start("Done", "a", 1)
    dashboard.host.clock.advance(1)
    await dashboard.host.start("Wait", "b")
    dashboard.host.clock.advance(1)
    await dashboard.host.start("Fail", "c")
    await dashboard.host.client.suspend("b", None)
    await dashboard.host.idle()
    body = await dashboard.get("instances?counts=1&desc=1")
    assert [(row["id"], row["name"], row["status"]) for row in body["rows"]] == [
        ("c", "Fail", "Failed"),
        ("b", "Wait", "Suspended"),
        ("a", "Done", "Completed"),
    ]
    assert body["counts"] == {"Completed": 1, "Failed": 1, "Suspended": 1}
    assert body["rows"][2]["created"] == 1767323045000
    assert await dashboard.ids("instances?sort=created") == ["a", "b", "c"]
    assert await dashboard.ids("instances?status=Failed,Completed&sort=id") == ["a", "c"]
    assert await dashboard.ids("instances?limit=1&offset=1&sort=id") == ["b"]
    counts = await dashboard.get("instances?status=Failed&name=Fail&counts=1")
    assert counts["counts"] == {"Failed": 1}, (
        "counts are of all statuses that the rest of the filter leaves"
    )


async def test_failures_are_listed_with_their_error_and_grouped_by_cause(
    dashboard: DashboardUnderTest,
) -> None:
    await dashboard.host.start("Done", "fine-1", 1)
    await dashboard.host.start("Fail", "f-1")
    dashboard.host.clock.advance(1)
    await dashboard.host.start("Fail", "f-2")
    rows = (await dashboard.get("instances?order=-createdTime"))["rows"]
    error = rows[0]["error"]
    assert [(row["id"], row.get("error")) for row in rows] == [
        ("f-2", error),
        ("f-1", error),
        ("fine-1", None),
    ]
    assert error
    assert "\n" not in error
    [cause] = await dashboard.get("causes")
    assert (cause["count"], cause["function"]) == (2, "Fail")
    assert (cause["first"], cause["last"]) == (1767323045000, 1767323046000)
    assert cause["example"] == {"instanceId": "f-2", "error": error}
    assert await dashboard.ids(f"instances?cause={cause['key']}&sort=id") == ["f-1", "f-2"]
    assert await dashboard.ids("instances?cause=none") == []
    assert await dashboard.ids("instances?search=FINE") == ["fine-1"]
    assert await dashboard.ids(f"instances?failedWith={error[:5]}&search=f-1") == ["f-1"]
    assert await dashboard.get("causes?failedWith=none") == []
    body = await dashboard.get("instances?search=f-&counts=1&limit=1")
    assert body["counts"] == {"Failed": 2}


async def test_a_failure_of_a_child_is_counted_once(dashboard: DashboardUnderTest) -> None:
    await dashboard.host.start("FailingParent", "parent")
    await dashboard.host.idle()
    assert len((await dashboard.get("instances?status=Failed"))["rows"]) == 2
    assert [cause["count"] for cause in await dashboard.get("causes")] == [1]


@pytest.mark.parametrize("endpoint", ["instances", "causes", "histogram", "entities"])
@pytest.mark.parametrize("invalid", ["chause=x", "topLevel=yes"])
async def test_an_invalid_parameter_of_a_list_is_named(
    dashboard: DashboardUnderTest, endpoint: str, invalid: str
) -> None:
    response = await dashboard.request(f"/api/{endpoint}?{invalid}")
    assert response.status == 400
    assert f"'{invalid.partition('=')[0].lower()}'" in json.loads(response.body)["error"]


async def test_the_values_of_instances_are_listed_on_request(
    dashboard: DashboardUnderTest,
) -> None:
    await dashboard.host.start("Done", "a", 1)
    [row] = (await dashboard.get("instances?values=true"))["rows"]
    assert (row["input"], row["output"], row["customStatus"]) == ('"1"', "1", '{"step":1}')
    [row] = (await dashboard.get("instances"))["rows"]
    assert "input" not in row


async def test_sub_orchestrations_are_counted_and_can_be_filtered(
    dashboard: DashboardUnderTest,
) -> None:
    await dashboard.host.start("Parent", "parent")
    rows = {row["id"]: row for row in (await dashboard.get("instances"))["rows"]}
    assert rows["parent"]["childCount"] == 1
    assert "parentInstanceId" not in rows["parent"]
    assert rows["child"]["parentInstanceId"] == "parent"
    assert "childCount" not in rows["child"]
    assert await dashboard.ids("instances?topLevel=true") == ["parent"]
    assert await dashboard.ids("instances?parent=parent") == ["child"]


async def test_waits_are_listed_and_filter_the_list_also_after_a_restart(
    dashboard: DashboardUnderTest,
) -> None:
    await dashboard.host.start("Wait", "event")
    await dashboard.host.start("Parent", "parent")
    rows = {row["id"]: row["waits"] for row in (await dashboard.get("instances"))["rows"]}
    assert rows == {"event": ["event Go"], "parent": ["child Wait"], "child": ["event Go"]}
    await dashboard.restart()
    assert dashboard.host.hub.cached("event") is None
    rows = {row["id"]: row["waits"] for row in (await dashboard.get("instances"))["rows"]}
    assert rows == {"event": ["event Go"], "parent": ["child Wait"], "child": ["event Go"]}
    assert sorted(await dashboard.ids("instances?waiting=event")) == ["child", "event"]
    assert sorted(await dashboard.ids("instances?waiting=event:Go")) == ["child", "event"]
    assert await dashboard.ids("instances?waiting=event:Other") == []
    assert await dashboard.ids("instances?waiting=child:Wait") == ["parent"]
    await dashboard.host.raise_event("Go", 1, "event")
    assert await dashboard.ids("instances?waiting=event") == ["child"]


async def test_an_event_that_nothing_waits_for_is_not_a_wait(dashboard: DashboardUnderTest) -> None:
    await dashboard.host.start("Wait")
    await dashboard.host.raise_event("Unknown")
    [row] = (await dashboard.get("instances"))["rows"]
    assert [wait.partition(" ")[0] for wait in row["waits"]] == ["event"]


async def test_the_histogram_counts_starts_and_ends_in_each_span(
    dashboard: DashboardUnderTest,
) -> None:
    for number in range(4):
        await dashboard.host.start("Done" if number else "Fail", f"i-{number}")
        dashboard.host.clock.advance(600)
    body = await dashboard.get("histogram?spans=4&to=2026-01-02T03:37:25Z")
    assert body["started"] == [1, 1, 1, 1]
    assert body["ended"] == {"Completed": [0, 1, 1, 1], "Failed": [1, 0, 0, 0]}
    assert body["start"] == 1767323045000
    only = await dashboard.get("histogram?spans=4&to=2026-01-02T03:37:25Z&name=Fail")
    assert only["started"] == [1, 0, 0, 0]


async def test_entities_are_listed_apart_from_instances(dashboard: DashboardUnderTest) -> None:
    from embedded_host.engine.entity_messages import EntityId

    for key in ("a", "b"):
        await dashboard.host.client.signal_entity(EntityId("counter", key), "add", None)
    await dashboard.host.idle()
    body = await dashboard.get("entities")
    assert [(row["id"], row["state"]) for row in body["rows"]] == [
        ("@counter@a", "1"),
        ("@counter@b", "1"),
    ]
    assert (body["total"], body["names"]) == (2, ["counter"])
    assert await dashboard.ids("entities?name=Counter&prefix=b") == ["@counter@b"]
    assert await dashboard.ids("instances") == [], "they are no orchestrations"
