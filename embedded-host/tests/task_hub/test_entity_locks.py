from __future__ import annotations

import asyncio
import json
from collections.abc import Generator
from random import Random
from typing import Any

import pytest

from embedded_host.engine import history as h
from embedded_host.engine.entity_messages import EntityId
from embedded_host.engine.events import EventRaised, EventSent
from embedded_host.engine.messages import Message
from embedded_host.store.interface import Store
from embedded_host.task_hub import instance_cache
from embedded_host.task_hub.entity_locks import blocking_lock, is_orphaned
from embedded_host.task_hub.unit_of_work import UnitOfWork
from embedded_host.testing.host_run import Crash, CrashingCommit
from tests.task_hub.kit import HubUnderTest
from tests.task_hub.locking_app import LockingInvoker, use_scripts

A, B, C = "@tally@a", "@tally@b", "@tally@c"
Steps = Generator[tuple[Any, ...], Any, Any]


@pytest.fixture(autouse=True)
def scripts(monkeypatch: pytest.MonkeyPatch) -> None:
    use_scripts(monkeypatch)


def transfer(id: str) -> Steps:
    """Change two entities in a critical section."""
    yield ("lock", [A, B])
    yield ("call", A, "add", id)
    yield ("call", B, "add", id)
    yield ("unlock",)
    return (yield ("call", A, "get", None))


def holder(id: str) -> Steps:
    """Lock two entities, and keep the locks until an event."""
    yield ("lock", [A, B])
    yield ("event", "Go")
    yield ("call", A, "held", id)
    return "done"


def last(id: str) -> Steps:
    yield ("lock", [B, C])
    yield ("call", C, "add", id)
    return "done"


def caller(id: str) -> Steps:
    yield ("signal", B, "signaled", id)
    return (yield ("call", B, "called", id))


SCRIPTS = {"Transfer": transfer, "Holder": holder, "Last": last, "Caller": caller}


def new_host(**settings: Any) -> HubUnderTest:
    return HubUnderTest(LockingInvoker(SCRIPTS), **settings)


def reopened(host: HubUnderTest) -> HubUnderTest:
    again = HubUnderTest(host.invoker, host.store, host.clock)
    again.hub.start()
    return again


def state(host: HubUnderTest, id: str) -> list[str]:
    stored = host.client.entity_state(EntityId.parse(id))
    return [] if stored is None else json.loads(stored[1])


def owners(host: HubUnderTest) -> dict[str, str]:
    return {locked.id: locked.locked_by for locked in host.store.locked_entities("Hub")}


def messages(host: HubUnderTest, id: str) -> list[tuple[str, Any]]:
    """Return the messages of an orchestration's history: targets or names, and JSON."""
    return [
        (e.instance_id if isinstance(e, EventSent) else e.name, json.loads(e.input or "null"))
        for e in host.client.history(host.row(id))
        if isinstance(e, (EventSent, EventRaised))
    ]


async def deliver(host: HubUnderTest, id: str, name: str, text: str) -> None:
    """Deliver a message to an entity."""
    unit, message = UnitOfWork(), Message(h.event_raised(host.clock.now(), name, text))
    target = host.hub.units.entity_instance(id, message, unit)
    host.hub.units.deliver(target, message, unit)
    await host.hub.record(unit)
    await host.idle()


async def test_a_critical_section_has_the_messages_of_the_recording() -> None:
    host = new_host()
    await host.start("Transfer", "i-1")
    assert host.outcome() == ("Completed", {"result": "2"})
    (_, lock), (section, granted), (_, call), (_, result), *rest = messages(host, "i-1")
    never = "0001-01-01T00:00:00"
    label = {"Timestamp": never, "Predecessor": never}
    assert lock == {
        "op": None,
        "id": section,
        "parent": "i-1",
        **label,
        "lockset": [{"name": "tally", "key": "a"}, {"name": "tally", "key": "b"}],
    }
    assert granted == {"result": "Lock Acquisition Completed"}
    assert call == {"op": "add", "input": '"i-1"', "id": call["id"], "parent": "i-1", **label}
    assert result == {"result": "1"}
    assert rest[2:4] == [
        (id, {"op": None, "id": section, "parent": "i-1", **label}) for id in (A, B)
    ]
    assert owners(host) == {}
    assert host.left_over() == []


async def test_others_wait_while_an_entity_is_locked_and_continue_in_order() -> None:
    host = new_host()
    await host.start("Holder", "i-1")
    assert owners(host) == {A: "i-1", B: "i-1"}
    await host.start("Transfer", "i-2")
    await host.start("Caller", "i-3")
    await host.start("Last", "i-4")
    await host.start("Transfer", "i-5")
    assert not host.hub.busy
    waiting = host.hub.cached(B)
    assert waiting is not None
    assert waiting.backlog == 3
    assert host.invoker.batches == []  # type: ignore[attr-defined]
    assert [host.row(f"i-{n}").status for n in range(1, 6)] == ["Running"] * 5
    await host.raise_event("Go")
    assert [host.row(f"i-{n}").status for n in range(1, 6)] == ["Completed"] * 5
    assert state(host, A)[:2] == ['held "i-1"', 'add "i-2"']
    assert state(host, B)[:2] == ['signaled "i-3"', 'called "i-3"']
    assert state(host, C) == ['add "i-4"']
    assert owners(host) == {}
    assert host.left_over() == []


async def test_waiting_messages_and_locks_survive_kills() -> None:
    host = new_host()
    for name, id in (("Holder", "i-1"), ("Transfer", "i-2"), ("Caller", "i-3")):
        await host.start(name, id)
        await host.kill()
        host = reopened(host)
        await host.idle()
    assert owners(host) == {A: "i-1", B: "i-1"}
    await host.raise_event("Go")
    assert [host.row(f"i-{n}").status for n in range(1, 4)] == ["Completed"] * 3
    assert host.left_over() == []


async def test_an_entity_with_waiting_messages_stays_in_memory(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(instance_cache, "WAITING", 1)
    host = new_host()
    await host.start("Holder", "i-1")
    await host.start("Caller", "i-2")
    for n in range(3):
        await host.client.signal_entity(EntityId("tally", f"other-{n}"), "add", None)
        await host.idle()
    assert host.hub.cached(A) is None
    await host.raise_event("Go")
    assert host.outcome("i-2") == ("Completed", {"result": "2"})


async def test_a_release_by_another_instance_is_ignored() -> None:
    host = new_host()
    await host.start("Holder", "i-1")
    await deliver(host, A, "release", '{"id":"x","parent":"i-2"}')
    assert owners(host) == {A: "i-1", B: "i-1"}
    await deliver(host, C, "release", '{"id":"x","parent":"i-2"}')
    assert owners(host) == {A: "i-1", B: "i-1"}
    assert host.left_over() == []


async def test_a_release_does_not_create_an_entity(caplog: pytest.LogCaptureFixture) -> None:
    def impatient(id: str) -> Steps:
        yield ("start-lock", [A, C])
        return "done"

    host = new_host()
    await host.start("Holder", "i-1")
    host.invoker.scripts = {"Impatient": impatient, **SCRIPTS}  # type: ignore[attr-defined]
    await host.start("Impatient", "i-2")
    await host.raise_event("Go")
    assert host.client.status(C) is None
    assert owners(host) == {}
    assert host.left_over() == []
    assert caplog.text == ""


async def test_an_entity_may_be_more_than_once_in_a_lock_set() -> None:
    def twice(id: str) -> Steps:
        yield ("lock", [A, A, B])
        yield ("call", A, "add", id)

    host = HubUnderTest(LockingInvoker({"Twice": twice}))
    await host.start("Twice", "i-1")
    assert host.row().status == "Completed"
    assert owners(host) == {}


async def test_the_release_of_an_orphaned_lock_does_not_affect_a_new_owner() -> None:
    host = new_host()
    await host.start("Holder", "i-1")
    assert not is_orphaned(host.hub, A, "i-1")
    assert is_orphaned(host.hub, C, "i-1")
    assert is_orphaned(host.hub, A, "i-2")
    await deliver(host, A, "release", '{"id":"fix-orphaned-lock","parent":"i-1"}')
    assert owners(host) == {A: "i-1", B: "i-1"}


async def test_a_lock_request_whose_orchestration_has_ended_has_no_effect() -> None:
    host = new_host()
    await host.start("Holder", "i-1")
    await host.start("Transfer", "i-2")
    await host.client.terminate("i-2", None)
    await host.idle()
    await host.raise_event("Go")
    assert owners(host) == {}
    assert host.left_over() == []


async def test_a_purged_entity_is_not_locked_anymore() -> None:
    host = new_host()
    await host.start("Holder", "i-1")
    await host.start("Caller", "i-2")
    assert await host.client.purge(B) == 1
    assert owners(host) == {A: "i-1"}
    await host.start("Caller", "i-3")
    assert host.row("i-3").status == "Completed"


async def test_a_batch_ends_before_a_change_of_the_lock() -> None:
    def signals(id: str) -> Steps:
        yield ("signal", A, "one", None)
        yield ("signal", A, "two", None)
        yield ("lock", [A])
        yield ("call", A, "three", None)
        yield ("unlock",)
        yield ("signal", A, "four", None)

    host = HubUnderTest(LockingInvoker({"Signals": signals}))
    await host.start("Signals", "i-1")
    assert host.invoker.batches == [  # type: ignore[attr-defined]
        (A, ["one", "two"]),
        (A, ["three"]),
        (A, ["four"]),
    ]


async def test_a_failed_operation_has_the_response_of_sdk_2() -> None:
    def fails(id: str) -> Steps:
        return (yield ("call", A, "explode", None))

    host = HubUnderTest(LockingInvoker({"Fails": fails}))
    await host.start("Fails", "i-1")
    assert messages(host, "i-1")[1][1] == {
        "result": None,
        "failureDetails": {
            "ErrorType": "builtins.ValueError",
            "ErrorMessage": "tally exploded",
            "StackTrace": None,
            "InnerFailure": None,
            "IsNonRetriable": False,
            "Properties": {},
        },
    }


async def test_an_entity_sends_signals_and_starts_orchestrations(
    caplog: pytest.LogCaptureFixture,
) -> None:
    host = new_host()
    at = "2026-01-02T03:05:00.123456700Z"
    for operation, input in (
        ("forward", {"instanceId": B, "name": "add", "input": "1"}),
        ("forward", {"instanceId": B, "name": "later", "scheduledTime": at}),
        ("start", {"instanceId": "new", "name": "Caller"}),
        ("start", {"instanceId": "later", "name": "Caller", "scheduledTime": at}),
        ("start", {"instanceId": "later", "name": "Caller"}),
    ):
        await host.client.signal_entity(EntityId("tally", "a"), operation, json.dumps(input))
        await host.idle()
    assert host.row("new").status == "Completed"
    assert state(host, B) == ["add 1", 'signaled "new"', 'called "new"']
    assert host.row("later").status == "Pending"
    assert "did not start the orchestration 'later'" in caplog.text
    await host.advance(60)
    assert host.row("later").status == "Completed"
    assert "later" in state(host, B)


async def test_a_signal_to_an_invalid_id_is_dropped(caplog: pytest.LogCaptureFixture) -> None:
    host = new_host()
    for id in ("@@", "@"):
        signal = json.dumps({"instanceId": id, "name": "add"})
        await host.client.signal_entity(EntityId("tally", "a"), "forward", signal)
        await host.idle()
        assert f"A message for the instance '{id}' was dropped" in caplog.text
    assert host.left_over() == []


async def test_the_holder_of_a_lock_is_named() -> None:
    host = new_host()
    await host.start("Last", "i-0")
    await host.start("Holder", "i-1")
    await host.start("Transfer", "i-2")
    waiting = host.hub.find("i-2")
    assert waiting is not None
    assert blocking_lock(host.hub, waiting, A) == (A, "i-1")
    owner = host.hub.find("i-1")
    assert owner is not None
    assert blocking_lock(host.hub, owner, A) is None

    def first_free(id: str) -> Steps:
        yield ("lock", ["@tally@Z", A])

    host.invoker.scripts = {**SCRIPTS, "FirstFree": first_free}  # type: ignore[attr-defined]
    await host.start("FirstFree", "i-3")
    blocked = host.hub.find("i-3")
    assert blocked is not None
    assert blocking_lock(host.hub, blocked, "@tally@Z") == (A, "i-1")


# -- crashes ---------------------------------------------------------------------------------------


async def run_until_crash(crash: Crash | None) -> tuple[HubUnderTest, int]:
    """Run a hub that crashes, and return it with the number of its turns."""
    commits: list[CrashingCommit] = []

    def commit(store: Store) -> CrashingCommit:
        commits.append(CrashingCommit(store, lambda: setattr(commits[0], "is_killed", True)))
        commits[0].crash = crash
        return commits[0]

    host = HubUnderTest(LockingInvoker(SCRIPTS), commit=commit)
    starts = [
        asyncio.ensure_future(host.client.start(name, None, f"i-{number}"))
        for number, name in enumerate(("Transfer", "Last", "Transfer", "Caller"))
    ]
    while host.hub.busy or not all(start.done() for start in starts):
        if commits[0].is_killed:
            break
        await asyncio.sleep(0)
    for start in starts:
        start.cancel()
    await host.kill()
    return host, commits[0].turns


@pytest.mark.parametrize("recorded", [False, True])
async def test_locks_survive_a_crash_at_any_turn(recorded: bool) -> None:
    _, turns = await run_until_crash(None)
    assert turns > 20
    for turn in range(1, turns + 1):
        crashed, _ = await run_until_crash(Crash(turn, recorded))
        host = reopened(crashed)
        await host.idle()
        for number in range(4):
            if (row := host.client.status(f"i-{number}")) is not None:
                assert row.status == "Completed", (turn, row.id)
        assert owners(host) == {}
        assert host.left_over() == []
        adds = [operation for operation in state(host, A) if operation.startswith("add")]
        assert len(adds) == len(set(adds))


# -- random schedules ------------------------------------------------------------------------------

ENTITIES = [f"@tally@{key}" for key in "abcd"]


def section(id: str) -> Steps:
    """Enter and leave all entities of a random lock set, twice."""
    chance = Random(id)
    for _ in range(2):
        ids = sorted(chance.sample(ENTITIES, chance.randrange(1, 4)))
        yield ("signal", chance.choice(ENTITIES), "outside", None)
        yield ("lock", ids)
        for entity_id in ids:
            yield ("call", entity_id, "enter", id)
        for entity_id in ids:
            yield ("call", entity_id, "leave", id)
        yield ("unlock",)
    yield ("lock", sorted(chance.sample(ENTITIES, 2)))
    yield ("event", "Go")


@pytest.mark.parametrize("seed", range(40))
async def test_an_entity_never_has_two_owners_and_all_finish(seed: int) -> None:
    chance = Random(seed)
    host = HubUnderTest(LockingInvoker({"Section": section}, chance), max_entity_batch=3)
    ids = [f"i-{seed}-{n}" for n in range(6)]
    terminated = chance.choice(ids)
    for id in ids:
        await host.client.start("Section", None, id)
    for _ in range(chance.randrange(3)):
        for _ in range(chance.randrange(300)):
            await host.invoker.pause()  # type: ignore[attr-defined]
        await host.kill()
        host = reopened(host)
    for _ in range(chance.randrange(100)):
        await host.invoker.pause()  # type: ignore[attr-defined]
    await host.client.terminate(terminated, None)
    await host.idle()
    for id in ids:
        if id != terminated:
            await host.client.raise_event(id, "Go", None)
    await host.idle()
    await host.client.release_orphaned_locks()
    await host.idle()
    assert {id: host.row(id).status for id in ids} == {
        id: "Terminated" if id == terminated else "Completed" for id in ids
    }
    assert owners(host) == {}
    assert host.left_over() == []
    for entity_id in ENTITIES:
        assert_exclusive(state(host, entity_id), terminated)


def assert_exclusive(operations: list[str], terminated: str) -> None:
    """Check that no operation of others is between the two operations of a critical section.

    A terminated instance may leave its section early.
    """
    inside: str | None = None
    for operation in operations:
        name, _, id = operation.partition(" ")
        if inside is not None and inside.strip('"') == terminated and id != inside:
            inside = None
        if name == "enter":
            assert inside is None
            inside = id
        elif name == "leave":
            assert inside == id
            inside = None
        else:
            assert inside is None
    assert inside is None or inside.strip('"') == terminated
