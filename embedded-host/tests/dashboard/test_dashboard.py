"""The dashboard's API: access, lists, one instance, functions and streams."""

from __future__ import annotations

import asyncio
import json

import pytest

from embedded_host.dashboard.server_sent_events import POLL_INTERVAL
from tests.dashboard.conftest import DashboardUnderTest

# -- access ---------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "path", ["", "/app.js", "/none", "/api/instances", "/api/none", "/api/events", "/api/instance"]
)
async def test_every_response_has_the_security_headers(
    looked: DashboardUnderTest, path: str
) -> None:
    answer = await looked.ask(path)
    headers = dict(answer.headers)
    policy = headers["Content-Security-Policy"]
    assert "default-src 'none'" in policy
    assert "frame-ancestors 'none'" in policy
    assert "unsafe" not in policy
    assert headers["X-Content-Type-Options"] == "nosniff"
    assert headers["X-Frame-Options"] == "DENY"
    if answer.stream is not None:
        await answer.stream.aclose()


@pytest.mark.parametrize("method", ["POST", "PUT", "DELETE", "PATCH", "OPTIONS"])
@pytest.mark.parametrize("path", ["", "/api/instances", "/api/instance?id=a"])
async def test_methods_other_than_get_and_head_are_refused(
    looked: DashboardUnderTest, method: str, path: str
) -> None:
    answer = await looked.ask(path, method)
    assert (answer.status, dict(answer.headers)["Allow"]) == (405, "GET, HEAD")


@pytest.mark.parametrize(
    ("site", "status"),
    [("cross-site", 403), ("same-site", 403), ("same-origin", 200), ("none", 200)],
)
async def test_the_api_refuses_requests_of_other_sites(
    looked: DashboardUnderTest, site: str, status: int
) -> None:
    assert (await looked.ask("/api/instances", Sec_Fetch_Site=site)).status == status
    assert (await looked.ask("", Sec_Fetch_Site=site)).status == 200, "it may link to the page"


@pytest.mark.parametrize(
    ("question", "wrong"),
    [
        ("instances?limit=0", "'limit'"),
        ("instances?limit=1001", "'limit'"),
        ("instances?limit=x", "'limit'"),
        ("instances?limit=000000000001999", "'limit'"),
        ("instances?limit=%C2%B2", "'limit'"),
        ("instances?offset=-1", "'offset'"),
        ("instances?offset=9999999999999", "'offset'"),
        ("instances?sort=key", "'sort'"),
        ("instances?status=Nope", "no status 'Nope'"),
        ("instances?from=yesterday", "'from'"),
        ("instance", "'id'"),
        ("histogram?spans=5000", "'spans'"),
    ],
)
async def test_an_invalid_parameter_is_named_in_the_error(
    looked: DashboardUnderTest, question: str, wrong: str
) -> None:
    answer = await looked.ask(f"/api/{question}")
    assert answer.status == 400
    error = json.loads(answer.body)["error"]
    assert wrong in error
    assert error.endswith(". [EH336]")


async def test_an_unreadable_state_is_reported_with_status_500(looked: DashboardUnderTest) -> None:
    looked.store._writer.execute("DROP TABLE entities")
    answer = await looked.ask("/api/instances")
    assert answer.status == 500
    assert "could not read the state" in json.loads(answer.body)["error"]


# -- lists -----------------------------------------------------------------------------------------


async def test_lists_of_an_empty_hub_are_empty(looked: DashboardUnderTest) -> None:
    found = await looked.get("instances?counts=1")
    assert (found["rows"], found["counts"]) == ([], {})
    assert (await looked.get("histogram"))["start"] is None
    assert (await looked.get("entities")) == {"rows": [], "total": 0, "names": []}


async def test_instances_are_filtered_sorted_paged_and_counted(looked: DashboardUnderTest) -> None:
    await looked.host.start("Done", "a", 1)
    looked.host.clock.advance(1)
    await looked.host.start("Wait", "b")
    looked.host.clock.advance(1)
    await looked.host.start("Fail", "c")
    await looked.host.client.suspend("b", None)
    await looked.host.idle()
    found = await looked.get("instances?counts=1&desc=1")
    assert [(row["id"], row["name"], row["status"]) for row in found["rows"]] == [
        ("c", "Fail", "Failed"),
        ("b", "Wait", "Suspended"),
        ("a", "Done", "Completed"),
    ]
    assert found["counts"] == {"Completed": 1, "Failed": 1, "Suspended": 1}
    assert found["rows"][2]["created"] == 1767323045000
    assert await looked.ids("instances?sort=created") == ["a", "b", "c"]
    assert await looked.ids("instances?status=Failed,Completed&sort=id") == ["a", "c"]
    assert await looked.ids("instances?limit=1&offset=1&sort=id") == ["b"]
    counts = await looked.get("instances?status=Failed&name=Fail&counts=1")
    assert counts["counts"] == {"Failed": 1}, (
        "counts are of all statuses that the rest of the filter leaves"
    )


async def test_waits_are_listed_and_filter_the_list_also_after_a_restart(
    looked: DashboardUnderTest,
) -> None:
    await looked.host.start("Wait", "event")
    await looked.host.start("Parent", "parent")
    rows = {row["id"]: row["waits"] for row in (await looked.get("instances"))["rows"]}
    assert rows == {"event": ["event Go"], "parent": ["child Wait"], "child": ["event Go"]}
    await looked.restart()
    assert looked.host.hub.cached("event") is None
    rows = {row["id"]: row["waits"] for row in (await looked.get("instances"))["rows"]}
    assert rows == {"event": ["event Go"], "parent": ["child Wait"], "child": ["event Go"]}
    assert sorted(await looked.ids("instances?waiting=event")) == ["child", "event"]
    assert sorted(await looked.ids("instances?waiting=event:Go")) == ["child", "event"]
    assert await looked.ids("instances?waiting=event:Other") == []
    assert await looked.ids("instances?waiting=child:Wait") == ["parent"]
    await looked.host.raise_event("Go", 1, "event")
    assert await looked.ids("instances?waiting=event") == ["child"]


async def test_the_histogram_counts_starts_and_ends_in_each_span(
    looked: DashboardUnderTest,
) -> None:
    for number in range(4):
        await looked.host.start("Done" if number else "Fail", f"i-{number}")
        looked.host.clock.advance(600)
    found = await looked.get("histogram?spans=4&to=2026-01-02T03:37:25Z")
    assert found["started"] == [1, 1, 1, 1]
    assert found["ended"] == {"Completed": [0, 1, 1, 1], "Failed": [1, 0, 0, 0]}
    assert found["start"] == 1767323045000
    only = await looked.get("histogram?spans=4&to=2026-01-02T03:37:25Z&name=Fail")
    assert only["started"] == [1, 0, 0, 0]


async def test_entities_are_listed_apart_from_instances(looked: DashboardUnderTest) -> None:
    from embedded_host.engine.entity_messages import EntityId

    for key in ("a", "b"):
        await looked.host.client.signal_entity(EntityId("counter", key), "add", None)
    await looked.host.idle()
    found = await looked.get("entities")
    assert [(row["id"], row["state"]) for row in found["rows"]] == [
        ("@counter@a", "1"),
        ("@counter@b", "1"),
    ]
    assert (found["total"], found["names"]) == (2, ["counter"])
    assert await looked.ids("entities?name=Counter&prefix=b") == ["@counter@b"]
    assert await looked.ids("instances") == [], "they are no orchestrations"


# -- one instance ----------------------------------------------------------------------------------


async def test_an_instance_has_its_parent_and_its_events(looked: DashboardUnderTest) -> None:
    await looked.host.start("Parent", "parent")
    child = await looked.get("instance?id=child")
    assert child["parent"]["OrchestrationInstance"]["InstanceId"] == "parent"
    assert (child["name"], child["status"], child["output"]) == ("Wait", "Running", None)
    assert [event["EventType"] for event in child["events"]] == [12, 0, 13]
    assert (await looked.ask("/api/instance?id=none")).status == 404


async def test_only_events_after_the_known_ones_are_sent(looked: DashboardUnderTest) -> None:
    await looked.host.start("Wait", "i-1")
    first = await looked.get("instance?id=i-1")
    again = await looked.get(f"instance?id=i-1&known={first['known']}")
    assert (again["appended"], again["events"]) == (True, [])
    await looked.host.raise_event("Go", 5)
    rest = await looked.get(f"instance?id=i-1&known={first['known']}")
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
        full = await looked.get(f"instance?id=i-1&known={known}")
        assert full["events"] == first["events"] + rest["events"]
        assert not full["appended"]


async def test_a_rewound_history_is_sent_again(looked: DashboardUnderTest) -> None:
    await looked.host.start("Fail", "i-1")
    first = await looked.get("instance?id=i-1")
    await looked.host.client.rewind("i-1", "again")
    await looked.host.idle()
    rewound = await looked.get(f"instance?id=i-1&known={first['known']}")
    assert not rewound["appended"]


async def test_an_id_with_html_is_returned_unchanged(looked: DashboardUnderTest) -> None:
    await looked.host.start("Done", "<img src=x onerror=alert(1)>")
    found = await looked.get("instance?id=%3Cimg%20src%3Dx%20onerror%3Dalert(1)%3E")
    assert found["id"] == "<img src=x onerror=alert(1)>"


# -- functions -------------------------------------------------------------------------------------


async def test_functions_have_bindings_counts_last_inputs_and_calls(
    looked: DashboardUnderTest,
) -> None:
    await looked.host.start("Done", "a", {"x": 1})
    await looked.host.start("Step", "b")
    await looked.host.start("Parent", "c")
    found = await looked.get("functions?calls=1")
    shown = {function["name"]: function for function in found["functions"]}
    assert sorted(shown) == ["Broken", "Done", "Echo", "Starter"]
    assert (found["hub"], found["problem"]) == ("Hub", None)
    assert shown["Done"]["instances"] == 1
    assert json.loads(json.loads(shown["Done"]["lastInput"])) == {"x": 1}
    assert shown["Starter"]["file"] == "Starter/__init__.py"
    assert {"type": "activityTrigger", "name": "value", "direction": "in"} in shown["Echo"][
        "bindings"
    ]
    assert found["calls"] == {
        "Done": [],
        "Step": ["activity Echo"],
        "Parent": ["orchestrator Wait"],
        "Wait": [],
    }


async def test_head_of_a_stream_has_no_body(looked: DashboardUnderTest) -> None:
    answer = await looked.ask("/api/events", "HEAD")
    assert (answer.status, answer.body, answer.stream) == (200, b"", None)
    assert dict(answer.headers)["Content-Type"] == "text/event-stream"


async def test_the_stream_of_one_instance_announces_only_its_changes(
    looked: DashboardUnderTest,
) -> None:
    await looked.host.start("Wait", "i-1")
    answer = await looked.ask("/api/events?id=i-1")
    assert dict(answer.headers)["Content-Type"] == "text/event-stream"
    assert answer.stream is not None
    assert b"data: open" in await anext(answer.stream)
    await looked.host.start("Done", "other")
    told = asyncio.ensure_future(anext(answer.stream))
    await asyncio.wait([told], timeout=3 * POLL_INTERVAL)
    assert not told.done()
    await looked.host.raise_event("Go")
    assert await told == b"data: changed\n\n"
    await answer.stream.aclose()
