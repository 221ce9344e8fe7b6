"""What an instance waits for, and since when; on a clock that stands still."""

from __future__ import annotations

import asyncio
import logging

import pytest

from embedded_host.history.waits import SENTENCES
from embedded_host.task_hub import instance_cache as residents
from embedded_host.task_hub.diagnosis import diagnose
from embedded_host.task_hub.instance_cache import InstanceCache
from tests.task_hub.kit import HubUnderTest, InlineInvoker
from tests.task_hub.waiting_app import BEGAN, new_gated_hub, told, until, waits

# -- what it waits for -----------------------------------------------------------------------------


async def test_an_event() -> None:
    host, _ = new_gated_hub()
    await host.start("Waits")
    host.clock.advance(100)
    assert await told(host) == {
        "waitsFor": [{"kind": "event", "since": BEGAN, "name": "Go"}],
        "text": f"It waits for the external event 'Go' since {BEGAN}.",
    }


async def test_a_timer() -> None:
    host, _ = new_gated_hub()
    await host.start("Sleeps")
    due = "2026-01-02T04:04:05Z"
    assert await told(host) == {
        "waitsFor": [{"kind": "timer", "since": BEGAN, "due": due, "taskId": 0}],
        "text": f"It waits for the timer due at {due} since {BEGAN}.",
    }


async def test_several_at_once() -> None:
    host, _ = new_gated_hub()
    await host.start("Several")
    found = await told(host)
    assert [(wait["kind"], wait.get("name")) for wait in found["waitsFor"]] == [
        ("timer", None),
        ("event", "Go"),
        ("event", "Stop"),
    ]
    assert found["text"].count("; ") == 2


async def test_activities_that_run_and_that_are_queued() -> None:
    host, invoker = new_gated_hub(max_activities=1)
    invoker.gate = asyncio.Event()
    await host.client.start("Works", '"2"', "i-1")
    found = await until(host, "running since")
    assert found["waitsFor"] == [
        {
            "kind": "activity",
            "since": BEGAN,
            "name": "Double",
            "taskId": 0,
            "state": f"running since {BEGAN}",
        },
        {
            "kind": "activity",
            "since": BEGAN,
            "name": "Double",
            "taskId": 1,
            "state": "queued: all places are taken",
        },
    ]
    assert (
        f"the activity 'Double' (running since {BEGAN}) since {BEGAN}; the activity 'Double' (queued"
        in found["text"]
    )
    invoker.gate.set()
    await host.idle()
    assert (await told(host))["text"] == "It has finished: Completed."


async def test_the_attempt_of_a_retry() -> None:
    host, invoker = new_gated_hub()
    await host.start("Retries")
    (wait,) = (await told(host))["waitsFor"]
    assert (wait["kind"], wait["due"]) == ("timer", "2026-01-02T03:04:10Z")
    invoker.gate = asyncio.Event()
    host.clock.advance(5)
    host.hub.timers.fire_due()
    found = await until(host, "running since")
    assert found["waitsFor"][0]["attempt"] == 2
    assert "the activity 'Flaky', attempt 2 (running since 2026-01-02T03:04:10Z)" in found["text"]
    invoker.gate.set()
    await host.idle()


async def test_a_child_with_its_status() -> None:
    host, _ = new_gated_hub()
    await host.start("Parent")
    expected = {
        "kind": "subOrchestration",
        "since": BEGAN,
        "name": "Waits",
        "instanceId": "child-0",
        "taskId": 0,
        "runtimeStatus": "Running",
        "state": "Running",
    }
    assert (await told(host))["waitsFor"] == [expected]
    await host.client.suspend("child-0", None)
    await host.idle()
    found = await told(host)
    assert found["waitsFor"][0]["runtimeStatus"] == "Suspended"
    assert "the sub-orchestration 'Waits' with the id 'child-0' (Suspended) since" in found["text"]


async def test_an_entity() -> None:
    host, invoker = new_gated_hub()
    invoker.entity_gate = asyncio.Event()
    await host.client.start("Asks", None, "i-1")
    found = await until(host, "entity")
    assert found == {
        "waitsFor": [
            {"kind": "entity", "since": BEGAN, "instanceId": "@counter@k", "operation": "add"}
        ],
        "text": f"It waits for the entity '@counter@k' to answer 'add' since {BEGAN}.",
    }
    invoker.entity_gate.set()
    await host.idle()


async def test_a_worker() -> None:
    host, invoker = new_gated_hub()
    invoker.turn_gate = asyncio.Event()
    await host.client.start("Waits", None, "i-1")
    found = await until(host, "worker")
    assert [wait["kind"] for wait in found["waitsFor"]] == ["worker"]
    invoker.turn_gate.set()
    await host.idle()


async def test_one_that_is_suspended() -> None:
    host, _ = new_gated_hub()
    await host.start("Waits")
    host.clock.advance(60)
    await host.client.suspend("i-1", "lunch")
    await host.idle()
    found = await told(host)
    assert found["waitsFor"] == []
    assert (
        found["text"]
        == "It is suspended since 2026-01-02T03:05:05Z (lunch); resume it to let it go on."
    )


async def test_one_that_has_finished() -> None:
    host, _ = new_gated_hub()
    await host.start("Waits")
    await host.raise_event("Go")
    assert await told(host) == {"waitsFor": [], "text": "It has finished: Completed."}


async def test_an_id_that_is_none() -> None:
    host, _ = new_gated_hub()
    assert await diagnose(host.hub, "nobody") is None
    await host.start("Asks")
    assert await diagnose(host.hub, "@counter@k") is None


async def test_children_that_go_on_after_their_parents_end(
    caplog: pytest.LogCaptureFixture,
) -> None:
    host, _ = new_gated_hub()
    await host.start("Parent", input=2)
    with caplog.at_level(logging.WARNING):
        await host.client.terminate("i-1", "enough")
        await host.idle()
    assert [record.getMessage() for record in caplog.records] == [
        "Instance 'i-1' was terminated; its sub-orchestrations go on: child-0, child-1. [EH404]"
    ]
    found = await told(host)
    assert found["text"].startswith(
        "It has finished: Terminated. Still running: the sub-orchestration 'Waits' with the id"
    )
    assert [wait["instanceId"] for wait in found["waitsFor"]] == ["child-0", "child-1"]
    await host.raise_event("Go", instance_id="child-0")
    assert [wait["instanceId"] for wait in (await told(host))["waitsFor"]] == ["child-1"]
    await host.raise_event("Go", instance_id="child-1")
    assert await told(host) == {"waitsFor": [], "text": "It has finished: Terminated."}


@pytest.mark.parametrize("name", ["Waits", "Sleeps", "Several", "Parent"])
async def test_one_that_is_no_longer_in_memory_is_replayed(
    name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    host, invoker = new_gated_hub()
    await host.start(name)
    resident = await told(host)
    monkeypatch.setattr(residents, "WAITING", 0)
    evicted, _ = new_gated_hub(store=host.store, clock=host.clock)
    evicted.hub.start()
    await evicted.idle()
    evicted.hub._cache = InstanceCache()
    assert evicted.hub.cached("i-1") is None
    assert await told(evicted) == resident
    assert evicted.invoker.calls[name] == 1
    assert invoker.calls[name] == 1


async def test_one_that_cannot_be_replayed() -> None:
    host, _ = new_gated_hub()
    await host.start("Waits")
    other = HubUnderTest(InlineInvoker({"Other": waits}), store=host.store, clock=host.clock)
    other.hub.start()
    await other.idle()
    assert (await told(other))["text"].startswith("It cannot be replayed")


async def test_many_waits_are_counted() -> None:
    host, _ = new_gated_hub()
    await host.start("Parent", input=SENTENCES + 3)
    found = await told(host)
    assert len(found["waitsFor"]) == SENTENCES + 3
    assert found["text"].endswith("; and 3 more.")
