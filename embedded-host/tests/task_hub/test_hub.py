"""Orchestrations, time, lost workers and memory in a task hub."""

from __future__ import annotations

import asyncio
import gc
import json
import weakref
from typing import Any

import azure.durable_functions as df
import pytest

from embedded_host.engine import turn
from embedded_host.engine.events import EventSent
from embedded_host.engine.message_labels import OutgoingLabels
from embedded_host.engine.orchestration import Orchestration
from embedded_host.task_hub import instance_cache
from embedded_host.task_hub.invoker import LOST_WORKERS
from tests.task_hub.app import Steps, counter, new_hub
from tests.task_hub.kit import HubUnderTest, InlineInvoker

AT_ONCE: list[tuple[str, Any, Any]] = [
    ("Chain", 3, 12),
    ("chain", None, 4),
    ("FanOut", None, [0, 2, 4, 6, 8]),
    ("Parent", None, [4, 8]),
    ("CountsDown", 4, "zero"),
    ("CallsEntity", None, [8, "entity exploded"]),
    ("CallsHttp", None, {"statusCode": 200, "headers": {}, "content": "http://localhost/x"}),
]


@pytest.mark.parametrize(("name", "input", "output"), AT_ONCE, ids=[c[0] for c in AT_ONCE])
async def test_orchestrations_complete_and_leave_no_messages(
    name: str, input: Any, output: Any
) -> None:
    host = new_hub()
    await host.start(name, input=input)
    assert host.outcome() == ("Completed", output)
    assert host.left_over() == []
    assert host.store.continued() == []


async def test_the_labels_of_operations_are_read_from_the_history_once(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """A turn with ten thousand signals takes minutes if each signal reads the history."""
    read: list[int] = []

    class Counted(OutgoingLabels):
        def __init__(self, history: Any) -> None:
            read.append(len(history))
            super().__init__(history)

    def talks(context: df.DurableOrchestrationContext) -> Steps:
        for n in range(30):
            context.signal_entity(df.EntityId("Counter", str(n % 2)), "add", 1)
        for _ in range(5):
            yield context.call_entity(df.EntityId("Counter", "0"), "add", 1)

    monkeypatch.setattr(turn, "OutgoingLabels", Counted)
    invoker = InlineInvoker({"Talks": talks}, entities={"Counter": counter})
    host = HubUnderTest(invoker, replayed_instances=0)
    await host.start("Talks")
    assert host.outcome() == ("Completed", None)
    assert len(read) == 1
    sent = [
        (e.instance_id, json.loads(e.input))
        for e in host.client.history(host.row())
        if isinstance(e, EventSent)
    ]
    assert len(sent) == 35
    assert len({(entity, message["Timestamp"]) for entity, message in sent}) == 35
    last: dict[str, str] = {}
    for entity, message in sent:
        assert message["Predecessor"] == last.get(entity, "0001-01-01T00:00:00")
        last[entity] = message["Timestamp"]


# -- time ------------------------------------------------------------------------------------------


async def test_a_timer_is_never_early() -> None:
    host = new_hub()
    await host.start("Sleeps", input=10)
    await host.advance(9.999999)
    assert host.outcome() == ("Running", None)
    await host.advance(0.000001)
    assert host.outcome() == ("Completed", "awake")
    assert host.left_over() == []


async def test_a_past_timer_fires_at_once() -> None:
    host = new_hub()
    await host.start("Sleeps", input=-10)
    assert host.outcome() == ("Completed", "awake")


@pytest.mark.parametrize("winner", ["timer", "event"])
async def test_the_first_task_wins_a_race(winner: str) -> None:
    host = new_hub()
    await host.start("Race")
    if winner == "event":
        await host.raise_event("Go")
    else:
        await host.advance(3600)
    assert host.outcome() == ("Completed", winner)
    assert host.left_over() == []
    await host.advance(7200)
    assert host.outcome() == ("Completed", winner)


async def test_retries_wait_for_their_interval() -> None:
    host = new_hub(flaky_failures=2)
    await host.start("Retries")
    for attempts in (1, 2):
        await host.advance(4.9)
        assert host.invoker.calls["Flaky"] == attempts
        await host.advance(0.1)
    assert host.outcome() == ("Completed", "at last")


async def test_retries_end_after_the_last_attempt() -> None:
    host = new_hub(flaky_failures=9)
    await host.start("Retries")
    await host.advance(5)
    await host.advance(5)
    assert host.invoker.calls["Flaky"] == 3
    status, output = host.outcome()
    assert status == "Failed"
    assert "RuntimeError: not yet" in output
    assert host.left_over() == []


# -- workers ---------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", ["Chain", "Double"])
async def test_a_call_whose_worker_was_lost_is_retried(name: str) -> None:
    host = new_hub()
    host.invoker.deaths[name] = LOST_WORKERS - 1
    await host.start("Chain")
    assert host.outcome() == ("Completed", 4)


@pytest.mark.parametrize("name", ["Chain", "Double"])
async def test_a_call_that_ends_every_worker_fails(name: str) -> None:
    host = new_hub()
    host.invoker.deaths[name] = LOST_WORKERS
    await host.start("Chain")
    status, output = host.outcome()
    assert status == "Failed"
    assert "the worker process ended 3 times while it ran" in output
    assert f"'{name}': killed by signal 9" in output


async def test_an_operation_that_ends_every_worker_fails() -> None:
    host = new_hub()
    host.invoker.deaths["Counter"] = LOST_WORKERS
    await host.start("CallsEntity")
    status, output = host.outcome()
    assert status == "Failed"
    assert "the worker process ended 3 times while it ran the entity 'Counter'" in output


# -- memory ----------------------------------------------------------------------------------------


async def test_evicted_instances_are_loaded_again(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(instance_cache, "WAITING", 2)
    host = new_hub()
    ids = [f"i-{n}" for n in range(6)]
    for id in ids:
        await host.start("Waits", id)
    await host.start("Sleeps", "s", 10)
    assert sum(host.hub.cached(id) is not None for id in [*ids, "s"]) == 2
    for id in ids:
        assert host.row(id).custom_status == '"waiting"'
        await host.raise_event("Go", id, id)
        assert host.outcome(id) == ("Completed", id)
    await host.advance(10)
    assert host.outcome("s") == ("Completed", "awake")
    assert all(host.hub.cached(id) is None for id in [*ids, "s"])


async def test_an_evicted_instance_is_freed_without_the_garbage_collector(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(instance_cache, "WAITING", 1)
    host = new_hub()
    await host.start("Waits", "a")
    gc.collect()
    gc.disable()
    try:
        instance = host.hub.cached("a")
        assert instance is not None
        assert isinstance(instance.state, Orchestration)
        assert instance.state.execution is not None
        alive = weakref.ref(instance.state.execution)
        del instance
        assert alive() is not None
        await host.start("Waits", "b")
        assert host.hub.cached("a") is None
        assert alive() is None
    finally:
        gc.enable()


async def test_a_reload_replays_instances_from_the_history() -> None:
    host = new_hub()
    await host.start("Waits")
    host.hub.forget_executions()
    instance = host.hub.cached("i-1")
    assert instance is not None
    assert (instance.state.execution, instance.state.seen) == (None, 0)  # type: ignore[union-attr]
    await host.raise_event("Go", 1)
    assert host.outcome() == ("Completed", 1)


async def test_concurrent_activities_are_limited() -> None:
    host = new_hub(max_activities=2)
    running: list[int] = []

    class Gate(asyncio.Event):
        async def wait(self) -> Any:
            running.append(host.hub._activities.busy)
            return await super().wait()

    host.invoker.gate = Gate()
    await host.client.start("FanOut", None, "i-1")
    for _ in range(30):
        await asyncio.sleep(0)
    assert len(running) == 2
    host.invoker.gate.set()
    await host.idle()
    assert max(running) == 2
    assert host.outcome() == ("Completed", [0, 2, 4, 6, 8])
