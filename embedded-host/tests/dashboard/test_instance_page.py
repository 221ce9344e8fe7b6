"""One instance in the dashboard's API."""

from __future__ import annotations

from embedded_host.dashboard.long_values import LONGEST
from tests.dashboard.conftest import DashboardUnderTest


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
