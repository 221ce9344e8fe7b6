"""Tests of the RPCs of clients and workers."""

from __future__ import annotations

import durabletask.internal.orchestrator_service_pb2 as pb
import pytest

from embedded_worker.sdk2.rpc import RpcStatusError
from tests.scheduler.conftest import Scheduler


async def test_an_abandoned_item_is_delivered_again(scheduler: Scheduler) -> None:
    await scheduler.call("StartInstance", instanceId="i", name="O")
    worker = scheduler.worker()
    first = await worker.next()
    await scheduler.rpcs.abandon("default", "orchestrator", first.completionToken)
    second = await worker.next()
    assert second.orchestratorRequest.instanceId == "i"
    assert second.completionToken != first.completionToken


async def test_a_token_is_valid_in_its_task_hub_only(scheduler: Scheduler) -> None:
    await scheduler.call("StartInstance", instanceId="i", name="O")
    item = await scheduler.worker().next()
    response = pb.OrchestratorResponse(completionToken=item.completionToken)
    await scheduler.rpcs.complete_orchestrator("other", response)
    await scheduler.rpcs.abandon("other", "orchestrator", item.completionToken)
    assert len(scheduler.hubs.open("default").queue.items) == 1
    assert scheduler.hubs.find("other") is None


async def test_a_worker_of_an_invalid_task_hub_is_refused(scheduler: Scheduler) -> None:
    with pytest.raises(RpcStatusError, match="not a valid name") as raised:
        await scheduler.worker("a/b").next()
    assert raised.value.code == 3


async def test_a_lifecycle_request_without_an_effect_is_accepted(scheduler: Scheduler) -> None:
    await scheduler.call("StartInstance", instanceId="i", name="O")
    await scheduler.call("ResumeInstance", instanceId="i")
    with pytest.raises(RuntimeError, match=r"^5 "):
        await scheduler.call("ResumeInstance", instanceId="unknown")
