"""Diagnoses of waiting instances, with a manual clock."""

from __future__ import annotations

import asyncio
import logging

import pytest

from embedded_host.engine.invocations import OrchestratorInput, OrchestratorResult
from embedded_host.history.waits import LISTED
from embedded_host.store.interface import InstanceRow, SaveEntity, SaveInstance
from embedded_host.task_hub import instance_cache
from embedded_host.task_hub.diagnosis import diagnose
from embedded_host.task_hub.instance_cache import InstanceCache
from tests.task_hub.kit import T0, HubUnderTest, InlineInvoker
from tests.task_hub.waiting_app import BEGAN, diagnosed, new_gated_hub, until, waits


async def test_an_instance_waits_for_an_external_event() -> None:
    host, _ = new_gated_hub()
    await host.start("Waits")
    host.clock.advance(100)
    assert await diagnosed(host) == {
        "waitsFor": [{"kind": "event", "since": BEGAN, "name": "Go"}],
        "text": f"It waits for the external event 'Go' since {BEGAN}.",
    }


async def test_an_instance_waits_for_a_timer() -> None:
    host, _ = new_gated_hub()
    await host.start("Sleeps")
    due = "2026-01-02T04:04:05Z"
    assert await diagnosed(host) == {
        "waitsFor": [{"kind": "timer", "since": BEGAN, "due": due, "taskId": 0}],
        "text": f"It waits for the timer due at {due} since {BEGAN}.",
    }


async def test_several_waits_are_listed() -> None:
    host, _ = new_gated_hub()
    await host.start("Several")
    diagnosis = await diagnosed(host)
    assert [(wait["kind"], wait.get("name")) for wait in diagnosis["waitsFor"]] == [
        ("timer", None),
        ("event", "Go"),
        ("event", "Stop"),
    ]
    assert diagnosis["text"].count("; ") == 2


async def test_running_and_queued_activities_are_distinguished() -> None:
    host, invoker = new_gated_hub(max_activities=1)
    invoker.gate = asyncio.Event()
    await host.client.start("Works", '"2"', "i-1")
    diagnosis = await until(host, "running since")
    assert diagnosis["waitsFor"] == [
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
            "state": "queued: the concurrency limit is reached",
        },
    ]
    assert (
        f"the activity 'Double' (running since {BEGAN}) since {BEGAN}; the activity 'Double' ("
        "queued" in diagnosis["text"]
    )
    invoker.gate.set()
    await host.idle()
    assert (await diagnosed(host))["text"] == "It has finished: Completed."


async def test_the_attempt_of_a_retried_activity_is_reported() -> None:
    host, invoker = new_gated_hub()
    await host.start("Retries")
    (wait,) = (await diagnosed(host))["waitsFor"]
    assert (wait["kind"], wait["due"]) == ("timer", "2026-01-02T03:04:10Z")
    invoker.gate = asyncio.Event()
    host.clock.advance(5)
    host.hub.timers.fire_due()
    diagnosis = await until(host, "running since")
    assert diagnosis["waitsFor"][0]["attempt"] == 2
    assert (
        "the activity 'Flaky', attempt 2 (running since 2026-01-02T03:04:10Z)" in diagnosis["text"]
    )
    invoker.gate.set()
    await host.idle()


async def test_a_sub_orchestration_is_reported_with_its_status() -> None:
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
    assert (await diagnosed(host))["waitsFor"] == [expected]
    await host.client.suspend("child-0", None)
    await host.idle()
    diagnosis = await diagnosed(host)
    assert diagnosis["waitsFor"][0]["runtimeStatus"] == "Suspended"
    assert (
        "the sub-orchestration 'Waits' with the id 'child-0' (Suspended) since" in diagnosis["text"]
    )


async def test_an_instance_waits_for_an_entity() -> None:
    host, invoker = new_gated_hub()
    invoker.entity_gate = asyncio.Event()
    await host.client.start("CallsEntity", None, "i-1")
    diagnosis = await until(host, "entity")
    assert diagnosis == {
        "waitsFor": [
            {"kind": "entity", "since": BEGAN, "instanceId": "@counter@k", "operation": "add"}
        ],
        "text": f"It waits for the response of the entity '@counter@k' to 'add' since {BEGAN}.",
    }
    invoker.entity_gate.set()
    await host.idle()


async def test_an_instance_waits_for_a_turn_on_a_worker() -> None:
    host, invoker = new_gated_hub()
    invoker.turn_gate = asyncio.Event()
    await host.client.start("Waits", None, "i-1")
    diagnosis = await until(host, "worker")
    assert [wait["kind"] for wait in diagnosis["waitsFor"]] == ["worker"]
    invoker.turn_gate.set()
    await host.idle()


async def test_a_suspended_instance_is_reported_with_the_reason() -> None:
    host, _ = new_gated_hub()
    await host.start("Waits")
    host.clock.advance(60)
    await host.client.suspend("i-1", "lunch")
    await host.idle()
    diagnosis = await diagnosed(host)
    assert diagnosis["waitsFor"] == []
    assert (
        diagnosis["text"]
        == "It has been suspended since 2026-01-02T03:05:05Z (lunch). Resume it to continue."
    )


async def test_a_finished_instance_waits_for_no_task() -> None:
    host, _ = new_gated_hub()
    await host.start("Waits")
    await host.raise_event("Go")
    assert await diagnosed(host) == {"waitsFor": [], "text": "It has finished: Completed."}


async def test_unknown_ids_have_no_diagnosis() -> None:
    host, _ = new_gated_hub()
    assert await diagnose(host.hub, "unknown") is None


async def test_an_idle_entity_has_no_operation() -> None:
    host, _ = new_gated_hub()
    await host.start("CallsEntity")
    diagnosis = await diagnosed(host, "@counter@k")
    assert diagnosis["text"] == "It is idle: no operation is queued."
    assert diagnosis["entity"]["lockedBy"] is None


async def test_a_busy_entity_runs_its_operations() -> None:
    host, invoker = new_gated_hub()
    invoker.entity_gate = asyncio.Event()
    await host.client.start("CallsEntity", None, "i-1")
    diagnosis = await until(host, "It runs operations on a worker.", "@counter@k")
    assert diagnosis["text"].endswith(f"1 operation is queued: 'add' of 'i-1' since {BEGAN}.")
    invoker.entity_gate.set()
    await host.idle()


async def test_the_owner_of_a_lock_is_the_root_cause_of_a_locked_entity() -> None:
    host, _ = new_gated_hub()
    await host.start("Waits", "i-2")
    row = InstanceRow(99, "Hub", "@counter@k", "@counter", "Running", T0, T0, "")
    host.store.write([SaveInstance(row), SaveEntity(99, False, None, "i-2")])
    await host.start("CallsEntity")
    path = f"@counter@k > i-2 waits for the external event 'Go' since {BEGAN}"
    entity = await diagnosed(host, "@counter@k")
    assert entity["text"].startswith("It is locked by 'i-2' (Running). 1 operation is queued: ")
    assert entity["rootCause"]["text"] == path
    assert (await diagnosed(host))["rootCause"]["text"] == f"i-1 > {path}"


async def test_the_root_cause_is_the_wait_of_the_deepest_sub_orchestration() -> None:
    host, _ = new_gated_hub()
    await host.start("Grandparent")
    diagnosis = await diagnose(host.hub, "i-1")
    assert diagnosis is not None
    text = f"i-1 > west > child-0 waits for the external event 'Go' since {BEGAN}"
    assert diagnosis.document()["rootCause"] == {
        "path": ["i-1", "west", "child-0"],
        "instanceIds": ["i-1", "i-1:west", "child-0"],
        "text": text,
        "undeliveredEvents": [],
    }
    assert diagnosis.sentences[1] == f"{text}."


async def test_the_state_of_an_activity_is_in_the_root_cause() -> None:
    host, invoker = new_gated_hub()
    invoker.gate = asyncio.Event()
    await host.client.start("ParentOfWork", None, "i-1")
    for _ in range(2000):
        cause = (await diagnosed(host)).get("rootCause")
        if cause is not None and "running since" in cause["text"]:
            break
        await asyncio.sleep(0)
    else:
        raise AssertionError(cause)
    invoker.gate.set()
    await host.idle()


async def test_an_event_with_a_similar_name_is_suggested() -> None:
    host, _ = new_gated_hub()
    await host.start("Grandparent")
    for _ in range(2):
        host.clock.advance(60)
        await host.raise_event("Goo", instance_id="child-0")
    leaf = await diagnosed(host, "child-0")
    expected = [{"name": "Goo", "receivedTime": "2026-01-02T03:06:05Z", "didYouMean": "Go"}]
    assert leaf["undeliveredEvents"] == expected
    assert leaf["waitsFor"] == [{"kind": "event", "since": BEGAN, "name": "Go"}]
    cause = (await diagnosed(host))["rootCause"]
    assert cause["undeliveredEvents"] == expected
    assert cause["text"].endswith("but nothing waits for it. Did you mean 'Go'?")


async def test_running_children_of_a_finished_parent_are_reported(
    caplog: pytest.LogCaptureFixture,
) -> None:
    host, _ = new_gated_hub()
    await host.start("Parent", input=2)
    with caplog.at_level(logging.WARNING):
        await host.client.terminate("i-1", "enough")
        await host.idle()
    assert [record.getMessage() for record in caplog.records] == [
        "Instance 'i-1' was terminated, but its sub-orchestrations continue: child-0, child-1. "
        "[EH404]"
    ]
    diagnosis = await diagnosed(host)
    assert diagnosis["text"].startswith(
        "It has finished: Terminated. Still running: the sub-orchestration 'Waits' with the id"
    )
    assert [wait["instanceId"] for wait in diagnosis["waitsFor"]] == ["child-0", "child-1"]
    await host.raise_event("Go", instance_id="child-0")
    assert [wait["instanceId"] for wait in (await diagnosed(host))["waitsFor"]] == ["child-1"]
    await host.raise_event("Go", instance_id="child-1")
    assert await diagnosed(host) == {"waitsFor": [], "text": "It has finished: Terminated."}


@pytest.mark.parametrize("name", ["Waits", "Sleeps", "Several", "Parent"])
async def test_an_instance_that_is_not_in_memory_is_replayed(
    name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    host, invoker = new_gated_hub()
    await host.start(name)
    in_memory = await diagnosed(host)
    monkeypatch.setattr(instance_cache, "WAITING", 0)
    evicted, _ = new_gated_hub(store=host.store, clock=host.clock)
    evicted.hub.start()
    await evicted.idle()
    evicted.hub._cache = InstanceCache()
    assert evicted.hub.cached("i-1") is None
    turns: list[OrchestratorInput] = []
    orchestrator = evicted.invoker.orchestrator

    async def recorded(name: str, turn: OrchestratorInput) -> OrchestratorResult:
        turns.append(turn)
        return await orchestrator(name, turn)

    monkeypatch.setattr(evicted.invoker, "orchestrator", recorded)
    assert await diagnosed(evicted) == in_memory
    assert [turn.is_diagnosis for turn in turns] == [True]
    assert evicted.invoker.calls[name] == 1
    assert invoker.calls[name] == 1


async def test_an_instance_that_cannot_be_replayed_is_reported() -> None:
    host, _ = new_gated_hub()
    await host.start("Waits")
    other = HubUnderTest(InlineInvoker({"Other": waits}), store=host.store, clock=host.clock)
    other.hub.start()
    await other.idle()
    assert (await diagnosed(other))["text"].startswith("It cannot be replayed")


async def test_waits_over_the_limit_are_counted() -> None:
    host, _ = new_gated_hub()
    await host.start("Parent", input=LISTED + 3)
    diagnosis = await diagnosed(host)
    assert len(diagnosis["waitsFor"]) == LISTED + 3
    assert diagnosis["text"].endswith("; and 3 more.")


@pytest.mark.parametrize(("owner", "status"), [("i-9", "purged"), ("i-2", "Running")])
async def test_the_owner_of_a_locked_entity_is_named(owner: str, status: str) -> None:
    host, _ = new_gated_hub()
    await host.start("Waits", "i-2")
    row = InstanceRow(99, "Hub", "@counter@k", "@counter", "Running", T0, T0, "")
    host.store.write([SaveInstance(row), SaveEntity(99, False, None, owner)])
    await host.start("CallsEntity")
    [wait] = (await diagnosed(host))["waitsFor"]
    assert wait["state"] == f"locked by '{owner}', {status}"
