"""What an instance waits for, and since when; on a clock that stands still."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Generator
from datetime import timedelta
from typing import Any

import azure.durable_functions as df
import pytest

from embedded_host.engine.failures import UserError
from embedded_host.engine.payload import TurnPayload
from embedded_host.task_hub import diagnosis as diagnosis_module
from embedded_host.task_hub import hub as hub_module
from embedded_host.task_hub.client import HubClient
from embedded_host.task_hub.diagnosis import LINES, diagnosis
from tests.embedded_host.task_hub.kit import AppInvoker, Host
from tests.support.polling import eventually_async

Steps = Generator[Any, Any, Any]
BEGAN = "2026-01-02T03:04:05Z"
"""The kit's clock."""


def waits(context: Any) -> Steps:
    return (yield context.wait_for_external_event("Go"))


def sleeps(context: Any) -> Steps:
    yield context.create_timer(context.current_utc_datetime + timedelta(hours=1))


def works(context: Any) -> Steps:
    yield context.task_all([context.call_activity("Double", n) for n in range(context.get_input() or 1)])


def retries(context: Any) -> Steps:
    yield context.call_activity_with_retry("Flaky", df.RetryOptions(5000, 3), None)


def parent(context: Any) -> Steps:
    count = context.get_input() or 1
    yield context.task_all([context.call_sub_orchestrator("Waits", None, f"child-{n}") for n in range(count)])


def leaves_child(context: Any) -> Steps:
    child = context.call_sub_orchestrator("Waits", None, "child-0")
    yield context.task_any([child, context.wait_for_external_event("Go")])


def asks(context: Any) -> Steps:
    yield context.call_entity(df.EntityId("Counter", "k"), "add", 1)


def several(context: Any) -> Steps:
    timer = context.create_timer(context.current_utc_datetime + timedelta(hours=1))
    yield context.task_any([timer, context.wait_for_external_event("Go"), context.wait_for_external_event("Stop")])


def counter(context: Any) -> None:
    context.set_result(1)


def fails(_: Any) -> None:
    raise RuntimeError("not yet")


class GatedInvoker(AppInvoker):
    """Turns, and entities, wait for their gates too."""

    turn_gate: asyncio.Event | None = None
    entity_gate: asyncio.Event | None = None

    async def orchestrator(self, name: str, payload: TurnPayload) -> str | UserError:
        if self.turn_gate is not None:
            await self.turn_gate.wait()
        return await super().orchestrator(name, payload)

    async def entity(self, name: str, instance_id: str, payload: str) -> str | UserError:
        if self.entity_gate is not None:
            await self.entity_gate.wait()
        return await super().entity(name, instance_id, payload)


def new_host(**settings: Any) -> tuple[Host, GatedInvoker]:
    orchestrators = {
        "Waits": waits,
        "Sleeps": sleeps,
        "Works": works,
        "Retries": retries,
        "Parent": parent,
        "LeavesChild": leaves_child,
        "Asks": asks,
        "Several": several,
    }
    invoker = GatedInvoker(orchestrators, {"Double": lambda n: 2 * n, "Flaky": fails}, {"Counter": counter})
    return Host(invoker, **settings), invoker


async def told(host: Host, instance_id: str = "i-1") -> dict[str, Any]:
    found = await diagnosis(host.hub, instance_id)
    assert found is not None
    return found


async def until(host: Host, text: str, instance_id: str = "i-1") -> dict[str, Any]:
    """The diagnosis once its text has ``text``: for instances that something holds up at a gate."""
    for _ in range(2000):
        found = await diagnosis(host.hub, instance_id)
        if found is not None and text in found["text"]:
            return found
        await asyncio.sleep(0)
    raise AssertionError(f"not told: {text}; but {found}")


# -- what it waits for -----------------------------------------------------------------------------


async def test_an_event() -> None:
    host, _ = new_host()
    await host.start("Waits")
    host.clock.advance(100)
    assert await told(host) == {
        "waitsFor": [{"kind": "event", "since": BEGAN, "name": "Go"}],
        "text": f"It waits for the external event 'Go' since {BEGAN}.",
    }


async def test_a_timer() -> None:
    host, _ = new_host()
    await host.start("Sleeps")
    due = "2026-01-02T04:04:05Z"
    assert await told(host) == {
        "waitsFor": [{"kind": "timer", "since": BEGAN, "due": due, "taskId": 0}],
        "text": f"It waits for the timer due at {due} since {BEGAN}.",
    }


async def test_several_at_once() -> None:
    host, _ = new_host()
    await host.start("Several")
    found = await told(host)
    assert [(wait["kind"], wait.get("name")) for wait in found["waitsFor"]] == [
        ("timer", None),
        ("event", "Go"),
        ("event", "Stop"),
    ]
    assert found["text"].count("; ") == 2


async def test_activities_that_run_and_that_are_queued() -> None:
    host, invoker = new_host(max_activities=1)
    invoker.gate = asyncio.Event()
    await host.client.start("Works", '"2"', "i-1")
    found = await until(host, "running since")
    assert found["waitsFor"] == [
        {"kind": "activity", "since": BEGAN, "name": "Double", "taskId": 0, "state": f"running since {BEGAN}"},
        {"kind": "activity", "since": BEGAN, "name": "Double", "taskId": 1, "state": "queued: all places are taken"},
    ]
    assert (
        f"the activity 'Double' (running since {BEGAN}) since {BEGAN}; the activity 'Double' (queued" in found["text"]
    )
    invoker.gate.set()
    await host.idle()
    assert (await told(host))["text"] == "It has finished: Completed."


async def test_the_attempt_of_a_retry() -> None:
    host, invoker = new_host()
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
    host, _ = new_host()
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
    host, invoker = new_host()
    invoker.entity_gate = asyncio.Event()
    await host.client.start("Asks", None, "i-1")
    found = await until(host, "entity")
    assert found == {
        "waitsFor": [{"kind": "entity", "since": BEGAN, "instanceId": "@counter@k", "operation": "add"}],
        "text": f"It waits for the entity '@counter@k' to answer 'add' since {BEGAN}.",
    }
    invoker.entity_gate.set()
    await host.idle()


async def test_a_worker() -> None:
    host, invoker = new_host()
    invoker.turn_gate = asyncio.Event()
    await host.client.start("Waits", None, "i-1")
    found = await until(host, "worker")
    assert [wait["kind"] for wait in found["waitsFor"]] == ["worker"]
    invoker.turn_gate.set()
    await host.idle()


async def test_one_that_is_suspended() -> None:
    host, _ = new_host()
    await host.start("Waits")
    host.clock.advance(60)
    await host.client.suspend("i-1", "lunch")
    await host.idle()
    found = await told(host)
    assert found["waitsFor"] == []
    assert found["text"] == "It is suspended since 2026-01-02T03:05:05Z (lunch); resume it to let it go on."


async def test_one_that_has_finished() -> None:
    host, _ = new_host()
    await host.start("Waits")
    await host.raise_event("Go")
    assert await told(host) == {"waitsFor": [], "text": "It has finished: Completed."}


async def test_an_id_that_is_none() -> None:
    host, _ = new_host()
    assert await diagnosis(host.hub, "nobody") is None
    await host.start("Asks")
    assert await diagnosis(host.hub, "@counter@k") is None


async def test_children_that_go_on_after_their_parents_end(caplog: pytest.LogCaptureFixture) -> None:
    host, _ = new_host()
    await host.start("Parent", input=2)
    with caplog.at_level(logging.WARNING):
        await host.client.terminate("i-1", "enough")
        await host.idle()
    assert [record.getMessage() for record in caplog.records] == [
        "Instance 'i-1' was terminated; its sub-orchestrations go on: child-0, child-1."
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
async def test_one_that_is_no_longer_in_memory_is_replayed(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    host, invoker = new_host()
    await host.start(name)
    resident = await told(host)
    monkeypatch.setattr(hub_module, "IDLE_INSTANCES", 0)
    evicted, _ = new_host(store=host.store, clock=host.clock)
    evicted.hub.start()
    await evicted.idle()
    evicted.hub._instances.clear()
    assert evicted.hub.resident("i-1") is None
    assert await told(evicted) == resident
    assert evicted.invoker.calls[name] == 1
    assert invoker.calls[name] == 1


async def test_one_that_cannot_be_replayed() -> None:
    host, _ = new_host()
    await host.start("Waits")
    other = Host(AppInvoker({"Other": waits}), store=host.store, clock=host.clock)
    other.hub.start()
    await other.idle()
    assert (await told(other))["text"].startswith("It cannot be replayed")


async def test_many_waits_are_counted() -> None:
    host, _ = new_host()
    await host.start("Parent", input=LINES + 3)
    found = await told(host)
    assert len(found["waitsFor"]) == LINES + 3
    assert found["text"].endswith("; and 3 more.")


# -- the console -----------------------------------------------------------------------------------


def lines(caplog: pytest.LogCaptureFixture) -> list[str]:
    return [
        record.getMessage()
        for record in caplog.records
        if "waited for" in record.msg or " waits for " in record.getMessage()
    ]


async def test_the_console_says_it_once_after_30_seconds(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO)
    host, _ = new_host()
    quiet = host.hub._quiet.timer
    await host.start("Waits")
    instance = host.hub.resident("i-1")
    assert instance is not None
    host.hub._quiet.rests(instance)  # a message that it had no use for came meanwhile
    host.clock.advance(29)
    quiet.fire_due()
    assert lines(caplog) == []
    host.clock.advance(1)
    quiet.fire_due()
    expected = [f"Instance 'i-1' of 'Waits' waits for the external event 'Go' since {BEGAN}."]
    assert lines(caplog) == expected
    await host.raise_event("Unheard")  # it has moved, and rests again
    host.clock.advance(100)
    quiet.fire_due()
    assert lines(caplog) == expected, "only once"
    assert len(quiet) == 0


async def test_one_whose_code_has_changed_is_replayed_to_tell(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO)
    host, _ = new_host()
    await host.start("Waits")
    host.hub.forget_executions()
    host.clock.advance(30)
    host.hub._quiet.timer.fire_due()
    assert host.hub._quiet._replaying is not None
    await host.hub._quiet._replaying
    assert lines(caplog) == [f"Instance 'i-1' of 'Waits' waits for the external event 'Go' since {BEGAN}."]


async def test_one_that_an_earlier_host_left_waiting_is_told_of(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO)
    host, invoker = new_host()
    await host.start("Waits")
    await host.kill()
    host = Host(invoker, host.store, host.clock)
    host.hub.start()
    assert host.hub.resident("i-1") is None
    host.clock.advance(30)
    host.hub._quiet.timer.fire_due()
    assert host.hub._quiet._replaying is not None
    await host.hub._quiet._replaying
    assert lines(caplog) == [f"Instance 'i-1' of 'Waits' waits for the external event 'Go' since {BEGAN}."]


async def test_one_that_has_moved_since_is_not_told_of(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO)
    host, _ = new_host()
    quiet = host.hub._quiet.timer
    await host.start("Several")
    await host.start("Waits", "i-2")
    host.clock.advance(20)
    await host.raise_event("Unheard")
    await host.raise_event("Go", instance_id="i-2")
    host.clock.advance(10)
    quiet.fire_due()
    assert lines(caplog) == []
    host.clock.advance(20)
    quiet.fire_due()
    assert [line.split("'")[1] for line in lines(caplog)] == ["i-1"], (
        "30 s after it came to rest, and not the one that ended"
    )


async def test_only_so_many_lines_at_a_time(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO)
    host, _ = new_host()
    for number in range(LINES + 2):
        await host.start("Waits", f"i-{number}")
    host.clock.advance(30)
    host.hub._quiet.timer.fire_due()
    told = lines(caplog)
    assert len(told) == LINES + 1
    assert told[-1] == "2 more instances have waited for 30 s; the list of instances shows them."


async def test_one_that_is_suspended_is_not_told_of(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO)
    host, _ = new_host()
    await host.start("Waits")
    await host.client.suspend("i-1", None)
    await host.idle()
    host.clock.advance(60)
    host.hub._quiet.timer.fire_due()
    assert lines(caplog) == []
    await host.client.resume("i-1", None)
    await host.idle()
    host.clock.advance(30)
    host.hub._quiet.timer.fire_due()
    assert len(lines(caplog)) == 1, "once it waits for something"


async def test_by_the_wall_clock_the_console_is_told_by_itself(monkeypatch: pytest.MonkeyPatch) -> None:
    """The timer that tells is armed when an instance comes to rest."""
    monkeypatch.setattr(diagnosis_module, "QUIET", timedelta(seconds=0.05))
    host, invoker = new_host()
    hub = hub_module.TaskHub("Other", host.store, host.hub._commit, invoker, host.hub.settings)
    await HubClient(hub).start("Waits", None, "i-1")
    await eventually_async(lambda: "i-1" in hub._quiet._told, "it is told", 5)
    await hub.close(0)
