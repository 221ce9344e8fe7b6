"""A scheduler without gRPC, whose workers are the tests."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import durabletask.internal.orchestrator_service_pb2 as pb
import pytest
from durabletask.internal import helpers

from embedded_host.scheduler.rpcs import SchedulerRpcs
from embedded_host.scheduler.task_hubs import TaskHubs
from embedded_host.store.sqlite import SqliteStore
from embedded_host.task_hub.commit import InlineCommit


class Scheduler:
    """Task hubs, and the RPCs of their clients and workers."""

    def __init__(self, state: Path) -> None:
        self.state = state
        self.errors: list[BaseException] = []
        self.store = SqliteStore(state, fsync=False)
        self.hubs = TaskHubs(self.store, InlineCommit(self.store), self.errors.append)
        self.rpcs = SchedulerRpcs(self.hubs)

    async def call(self, rpc: str, hub: str = "default", **request: Any) -> Any:
        """Return the response to a client's RPC. Raises RuntimeError with its status."""
        body = json.dumps({**request, "taskHub": hub}).encode()
        response = await self.rpcs.send("RPC", rpc, body)
        document = json.loads(response.body)
        if response.status:
            raise RuntimeError(f"{response.status} {document['details']}")
        return document

    async def status(self, id: str, hub: str = "default") -> Any:
        """Return the state of an instance."""
        response = await self.call("GetInstance", hub, instanceId=id, getInputsAndOutputs=True)
        return response.get("orchestrationState")

    def worker(self, hub: str = "default", **request: Any) -> Worker:
        """Connect a worker."""
        return Worker(self, hub, pb.GetWorkItemsRequest(**request))

    async def close(self) -> None:
        """Stop the task hubs, without the second that unfinished turns get."""
        self.hubs.end_streams()
        for hub in self.hubs._hubs.values():
            await hub.hub.drop()
        await self.hubs.close(0)
        self.store.close()


class Worker:
    """A worker that the test controls."""

    def __init__(self, scheduler: Scheduler, hub: str, request: pb.GetWorkItemsRequest) -> None:
        self._rpcs, self.hub = scheduler.rpcs, hub
        self.items = scheduler.rpcs.work_items(hub, request)

    async def next(self) -> pb.WorkItem:
        """Return the next work item."""
        return await self.items.__anext__()

    async def decide(self, item: pb.WorkItem, *actions: pb.OrchestratorAction) -> None:
        """Complete a turn."""
        response = pb.OrchestratorResponse(
            instanceId=item.orchestratorRequest.instanceId,
            actions=actions,
            completionToken=item.completionToken,
        )
        await self._rpcs.complete_orchestrator(self.hub, response)

    async def return_value(self, item: pb.WorkItem, json_text: str) -> None:
        """Complete an activity."""
        response = pb.ActivityResponse(
            result=helpers.get_string_value(json_text), completionToken=item.completionToken
        )
        await self._rpcs.complete_activity(self.hub, response)

    async def fail(self, item: pb.WorkItem, failure: pb.TaskFailureDetails) -> None:
        """Fail an activity."""
        response = pb.ActivityResponse(failureDetails=failure, completionToken=item.completionToken)
        await self._rpcs.complete_activity(self.hub, response)

    async def disconnect(self) -> None:
        """End the stream."""
        await self.items.aclose()


def call_activity(id: int, name: str, input: str, **tags: str) -> pb.OrchestratorAction:
    return helpers.new_schedule_task_action(id, name, input, tags)


def complete(id: int, output: str) -> pb.OrchestratorAction:
    return helpers.new_complete_orchestration_action(
        id, pb.ORCHESTRATION_STATUS_COMPLETED, output, None
    )


@pytest.fixture
async def scheduler(tmp_path: Path) -> AsyncIterator[Scheduler]:
    scheduler = Scheduler(tmp_path / "state.db")
    scheduler.hubs.start()
    yield scheduler
    await scheduler.close()
    assert scheduler.errors == []
