"""The dashboard's API: access, functions, trees, the host and streams."""

from __future__ import annotations

import asyncio
import json

import pytest

from embedded_host.app.definitions import HostJson
from embedded_host.dashboard.dashboard import Dashboard
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


async def test_another_task_hub_is_refused(dashboard: DashboardUnderTest) -> None:
    assert (await dashboard.get("instances?taskHub=HUB"))["rows"] == []
    response = await dashboard.request("/api/instances?taskHub=Other")
    assert response.status == 404
    assert "'Other'" in json.loads(response.body)["error"]


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
