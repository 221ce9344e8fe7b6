"""Tests of several task hubs in one state file."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.scheduler.conftest import Scheduler, call_activity


async def test_task_hubs_have_their_own_instances(scheduler: Scheduler) -> None:
    await scheduler.call("StartInstance", "one", instanceId="i", name="O")
    assert await scheduler.status("i", "two") is None
    assert (await scheduler.status("i", "ONE"))["name"] == "O"
    assert scheduler.hubs.names == ["one", "two"]


@pytest.mark.parametrize("name", ["a b", "../x", "a" * 65, "@"])
async def test_an_invalid_name_is_refused(scheduler: Scheduler, name: str) -> None:
    with pytest.raises(RuntimeError, match=r"^3 .* is not a valid name of a task hub"):
        await scheduler.call("StartInstance", name, name="O")
    assert scheduler.hubs.names == []


async def test_a_deleted_task_hub_is_empty_and_its_workers_are_disconnected(
    scheduler: Scheduler,
) -> None:
    await scheduler.call("StartInstance", instanceId="i", name="O")
    await scheduler.call("StartInstance", "other", instanceId="i", name="O")
    worker = scheduler.worker()
    await worker.next()
    await scheduler.rpcs.delete_task_hub("default")
    with pytest.raises(StopAsyncIteration):
        await worker.next()
    assert await scheduler.status("i") is None
    assert await scheduler.status("i", "other") is not None
    await scheduler.rpcs.delete_task_hub("unknown")


async def test_a_task_hub_can_be_created_again(scheduler: Scheduler) -> None:
    await scheduler.call("StartInstance", instanceId="i", name="O")
    await scheduler.rpcs.create_task_hub("default", False)
    assert await scheduler.status("i") is not None
    await scheduler.rpcs.create_task_hub("default", True)
    assert await scheduler.status("i") is None


async def test_a_restart_delivers_unfinished_work_again(tmp_path: Path) -> None:
    scheduler = Scheduler(tmp_path / "state.db")
    scheduler.hubs.start()
    await scheduler.call("StartInstance", "one", instanceId="i", name="O")
    worker = scheduler.worker("one")
    await worker.decide(await worker.next(), call_activity(1, "A", "1"))
    await worker.next()
    await scheduler.call("StartInstance", "two", instanceId="j", name="O")
    await scheduler.close()
    restarted = Scheduler(tmp_path / "state.db")
    restarted.hubs.start()
    assert restarted.hubs.names == ["one", "two"]
    assert (await restarted.worker("one").next()).activityRequest.name == "A"
    assert (await restarted.worker("two").next()).orchestratorRequest.instanceId == "j"
    await restarted.close()
