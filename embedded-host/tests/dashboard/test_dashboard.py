"""The dashboard's API: access, lists, one instance, functions and streams."""

from __future__ import annotations

import asyncio
import json

import pytest

from embedded_host.app.definitions import HostJson
from embedded_host.dashboard.dashboard import Dashboard
from embedded_host.dashboard.long_values import LONGEST
from embedded_host.dashboard.server_sent_events import POLL_INTERVAL
from embedded_host.management.host_report import HostDetails
from embedded_host.parity.findings import Findings
from embedded_host.parity.kinds.sdk2 import CALL_HTTP
from embedded_host.workers.worker import ProcessStatus, WorkerStatus
from tests.dashboard.conftest import DashboardUnderTest
from tests.http.api import request

# -- access


@pytest.mark.parametrize(
    "path", ["", "/app.js", "/none", "/api/instances", "/api/none", "/api/events", "/api/instance"]
)
async def test_every_response_has_the_security_headers(
    dashboard: DashboardUnderTest, path: str
) -> None:
    response = await dashboard.request(path)
    headers = dict(response.headers)
    policy = headers["Content-Security-Policy"]
    assert "default-src 'none'" in policy
    assert "frame-ancestors 'none'" in policy
    assert "unsafe" not in policy
    assert headers["X-Content-Type-Options"] == "nosniff"
    assert headers["X-Frame-Options"] == "DENY"
    if response.stream is not None:
        await response.stream.aclose()


@pytest.mark.parametrize("method", ["POST", "PUT", "DELETE", "PATCH", "OPTIONS"])
@pytest.mark.parametrize("path", ["", "/api/instances", "/api/instance?id=a"])
async def test_methods_other_than_get_and_head_are_refused(
    dashboard: DashboardUnderTest, method: str, path: str
) -> None:
    response = await dashboard.request(path, method)
    assert (response.status, dict(response.headers)["Allow"]) == (405, "GET, HEAD")


@pytest.mark.parametrize(
    ("site", "status"),
    [("cross-site", 403), ("same-site", 403), ("same-origin", 200), ("none", 200)],
)
async def test_the_api_refuses_requests_of_other_sites(
    dashboard: DashboardUnderTest, site: str, status: int
) -> None:
    assert (await dashboard.request("/api/instances", Sec_Fetch_Site=site)).status == status
    assert (await dashboard.request("", Sec_Fetch_Site=site)).status == 200, (
        "it may link to the page"
    )


@pytest.mark.parametrize(
    ("endpoint", "expected"),
    [
        ("instances?limit=0", "'limit'"),
        ("instances?limit=1001", "'limit'"),
        ("instances?limit=x", "'limit'"),
        ("instances?limit=000000000001999", "'limit'"),
        ("instances?limit=%C2%B2", "'limit'"),
        ("instances?offset=-1", "'offset'"),
        ("instances?offset=9999999999999", "'offset'"),
        ("instances?sort=key", "'sort'"),
        ("instances?order=-key", "'order'"),
        (f"instances?search={'x' * 1001}", "'search'"),
        ("instances?status=Nope", "'Nope' is not a runtime status"),
        ("instances?from=yesterday", "'from'"),
        ("instance", "'id'"),
        ("histogram?spans=5000", "'spans'"),
    ],
)
async def test_an_invalid_parameter_is_named_in_the_error(
    dashboard: DashboardUnderTest, endpoint: str, expected: str
) -> None:
    response = await dashboard.request(f"/api/{endpoint}")
    assert response.status == 400
    error = json.loads(response.body)["error"]
    assert expected in error
    assert error.endswith(". [EH336]")


async def test_an_unreadable_state_is_reported_with_status_500(
    dashboard: DashboardUnderTest,
) -> None:
    dashboard.store._writer.execute("DROP TABLE entities")
    response = await dashboard.request("/api/instances")
    assert response.status == 500
    assert "could not read the state file" in json.loads(response.body)["error"]


# -- lists


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


async def test_the_values_of_instances_are_listed_on_request(
    dashboard: DashboardUnderTest,
) -> None:
    await dashboard.host.start("Done", "a", 1)
    [row] = (await dashboard.get("instances?values=true"))["rows"]
    assert (row["input"], row["output"], row["customStatus"]) == ('"1"', "1", '{"step":1}')
    [row] = (await dashboard.get("instances"))["rows"]
    assert "input" not in row


async def test_another_task_hub_is_refused(dashboard: DashboardUnderTest) -> None:
    assert (await dashboard.get("instances?taskHub=HUB"))["rows"] == []
    response = await dashboard.request("/api/instances?taskHub=Other")
    assert response.status == 404
    assert "'Other'" in json.loads(response.body)["error"]


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


# -- one instance


async def test_an_instance_has_its_parent_and_its_events(dashboard: DashboardUnderTest) -> None:
    await dashboard.host.start("Parent", "parent")
    child = await dashboard.get("instance?id=child")
    assert child["parent"]["OrchestrationInstance"]["InstanceId"] == "parent"
    assert (child["name"], child["status"], child["output"]) == ("Wait", "Running", None)
    assert [event["EventType"] for event in child["events"]] == [12, 0, 13]
    assert (await dashboard.request("/api/instance?id=none")).status == 404


async def test_only_events_after_the_known_ones_are_sent(dashboard: DashboardUnderTest) -> None:
    await dashboard.host.start("Wait", "i-1")
    first = await dashboard.get("instance?id=i-1")
    again = await dashboard.get(f"instance?id=i-1&known={first['known']}")
    assert (again["appended"], again["events"]) == (True, [])
    await dashboard.host.raise_event("Go", 5)
    rest = await dashboard.get(f"instance?id=i-1&known={first['known']}")
    assert rest["appended"]
    assert rest["output"] == "5"
    history = first["known"].rpartition("/")[0]
    for known in (
        "nonsense",
        history,
        f"{history}/",
        f"{history}/-1",
        f"{history}/%C2%B2",
        f"{history}/{10**12}",
    ):
        full = await dashboard.get(f"instance?id=i-1&known={known}")
        assert full["events"] == first["events"] + rest["events"]
        assert not full["appended"]


async def test_a_rewound_history_is_sent_again(dashboard: DashboardUnderTest) -> None:
    await dashboard.host.start("Fail", "i-1")
    first = await dashboard.get("instance?id=i-1")
    await dashboard.host.client.rewind("i-1", "again")
    await dashboard.host.idle()
    rewound = await dashboard.get(f"instance?id=i-1&known={first['known']}")
    assert not rewound["appended"]


async def test_an_id_with_html_is_returned_unchanged(dashboard: DashboardUnderTest) -> None:
    await dashboard.host.start("Done", "<img src=x onerror=alert(1)>")
    body = await dashboard.get("instance?id=%3Cimg%20src%3Dx%20onerror%3Dalert(1)%3E")
    assert body["id"] == "<img src=x onerror=alert(1)>"


# -- functions


async def test_functions_have_bindings_counts_last_inputs_and_calls(
    dashboard: DashboardUnderTest,
) -> None:
    await dashboard.host.start("Done", "a", {"x": 1})
    await dashboard.host.start("Step", "b")
    await dashboard.host.start("Parent", "c")
    body = await dashboard.get("functions?calls=1")
    functions = {function["name"]: function for function in body["functions"]}
    assert sorted(functions) == ["Broken", "Done", "Echo", "Starter"]
    assert (body["hub"], body["problem"]) == ("Hub", None)
    assert functions["Done"]["instances"] == 1
    assert json.loads(json.loads(functions["Done"]["lastInput"])) == {"x": 1}
    assert functions["Starter"]["file"] == "Starter/__init__.py"
    assert {"type": "activityTrigger", "name": "value", "direction": "in"} in functions["Echo"][
        "bindings"
    ]
    assert body["calls"] == {
        "Done": [],
        "Step": ["activity Echo"],
        "Parent": ["orchestrator Wait"],
        "Wait": [],
    }


async def test_head_of_a_stream_has_no_body(dashboard: DashboardUnderTest) -> None:
    response = await dashboard.request("/api/events", "HEAD")
    assert (response.status, response.body, response.stream) == (200, b"", None)
    assert dict(response.headers)["Content-Type"] == "text/event-stream"


async def test_the_stream_of_one_instance_announces_only_its_changes(
    dashboard: DashboardUnderTest,
) -> None:
    await dashboard.host.start("Wait", "i-1")
    response = await dashboard.request("/api/events?id=i-1")
    assert dict(response.headers)["Content-Type"] == "text/event-stream"
    assert response.stream is not None
    assert b"data: open" in await anext(response.stream)
    await dashboard.host.start("Done", "other")
    announced = asyncio.ensure_future(anext(response.stream))
    await asyncio.wait([announced], timeout=3 * POLL_INTERVAL)
    assert not announced.done()
    await dashboard.host.raise_event("Go")
    assert await announced == b"data: changed\n\n"
    await response.stream.aclose()


async def test_the_findings_have_the_instances(dashboard: DashboardUnderTest) -> None:
    dashboard.host.hub.findings = Findings(HostJson())
    dashboard.host.hub.findings.add(CALL_HTTP, "Done", instance_id="i-1")
    body = await dashboard.get("findings")
    assert body["mode"] == "helpful"
    [finding] = body["findings"]
    assert (finding["code"], finding["function"], finding["count"]) == ("EH802", "Done", 1)
    assert finding["instances"] == ["i-1"]


async def test_an_event_that_nothing_waits_for_is_not_a_wait(dashboard: DashboardUnderTest) -> None:
    await dashboard.host.start("Wait")
    await dashboard.host.raise_event("Unknown")
    [row] = (await dashboard.get("instances"))["rows"]
    assert [wait.partition(" ")[0] for wait in row["waits"]] == ["event"]


async def test_the_tree_of_an_instance_contains_its_children(dashboard: DashboardUnderTest) -> None:
    await dashboard.host.start("Parent", "order/7 ä")
    tree = await dashboard.get("instances/order%2F7%20%C3%A4/tree")
    assert (tree["instanceId"], tree["runtimeStatus"]) == ("order/7 ä", "Running")
    [child] = tree["children"]
    assert child["instanceId"] == "child"
    assert child["waitsFor"].startswith("the external event")
    assert (await dashboard.get("instances/order%2F7%20%C3%A4/tree?limit=1"))["truncated"] == 1
    other_hub = await dashboard.request("/api/instances/order%2F7%20%C3%A4/tree?taskHub=Other")
    assert other_hub.status == 404
    for path in ("instances/none/tree", "instances/tree"):
        assert (await dashboard.request(f"/api/{path}")).status == 404


async def test_a_long_value_is_cut_and_can_be_downloaded(dashboard: DashboardUnderTest) -> None:
    text = "x" * (LONGEST + 10)
    await dashboard.host.start("Echoing", "long", text)
    body = await dashboard.get("instance?id=long")
    assert body["cut"]["output"] == len(text) + 2
    assert len(body["output"]) == LONGEST
    index = next(n for n, event in enumerate(body["events"]) if event["EventType"] == 5)
    assert body["cut"]["events"][str(index)] == {"Result": len(text) + 2}
    assert await dashboard.get("value?id=long&part=output") == text
    assert await dashboard.get("value?id=long&part=input") == text
    assert await dashboard.get(f"value?id=long&event={index}&field=Result") == text
    history = await dashboard.get("value?id=long&part=history")
    assert len(history) == len(body["events"])
    assert len(history[index]["Result"]) == len(text) + 2
    for query in ("id=no&part=output", "id=long&part=no", "id=long&event=0&field=Timestamp"):
        assert (await dashboard.request(f"/api/value?{query}")).status == 404


async def test_the_report_about_the_host_is_served(dashboard: DashboardUnderTest) -> None:
    assert await dashboard.get("host") is None, "the scheduler has no report"
    status = WorkerStatus([ProcessStatus(7, "ready", [])], 0)
    details = HostDetails(
        dashboard.app, dashboard.host.hub, lambda: status, dashboard.state, [], 0.0
    )
    served = Dashboard(dashboard.state, dashboard.host.hub, dashboard.app, details.report)
    response = await served.handle(request("GET", "/dashboard/api/host"), "/api/host")
    report = json.loads(response.body)
    assert report["workerProcesses"] == [{"pid": 7, "state": "ready", "calls": {}}]
    assert report["stateBytes"] > 0
    served.close()
