"""Sends each RPC of a client or worker to the task hub in its metadata."""

from __future__ import annotations

from collections.abc import AsyncGenerator

import durabletask.internal.orchestrator_service_pb2 as pb
import msgspec
from google.protobuf.message import Message

from embedded_host.engine.json_codec import compact
from embedded_host.scheduler.task_hubs import ScheduledHub, TaskHubs
from embedded_host.sidecar.rpc_error import RpcError
from embedded_worker.protocol import ClientResponse
from embedded_worker.sdk2.grpc_server import WorkItemKind
from embedded_worker.sdk2.rpc import RpcStatusError


class _HubField(msgspec.Struct, rename="camel"):
    task_hub: str = ""


_hub_field = msgspec.json.Decoder(_HubField).decode


class SchedulerRpcs:
    """The implementation of ``grpc_server.WorkerRpcs`` and ``rpc.Send``."""

    def __init__(self, hubs: TaskHubs) -> None:
        self._hubs = hubs

    async def send(self, method: str, path: str, body: bytes) -> ClientResponse:
        """Return the response to the RPC ``path`` of a client."""
        try:
            hub = self._hubs.open(_hub_field(body).task_hub)
        except RpcError as error:
            details = compact({"details": str(error)}).encode()
            return ClientResponse(0, int(error.status), details)
        status, response = await hub.sidecar.call(path, body)
        return ClientResponse(0, status, response)

    async def work_items(
        self, task_hub: str, request: pb.GetWorkItemsRequest
    ) -> AsyncGenerator[pb.WorkItem, None]:
        """Yield the work items for one worker."""
        queue = self._open(task_hub).queue
        stream = queue.connect(request)
        try:
            while (item := await stream.next()) is not None:
                yield item
        finally:
            queue.disconnect(stream)

    async def complete_orchestrator(self, task_hub: str, response: pb.OrchestratorResponse) -> None:
        """Accept the result of a turn, or a part of it."""
        self._complete(task_hub, "orchestrator", response.completionToken, response)

    async def complete_activity(self, task_hub: str, response: pb.ActivityResponse) -> None:
        """Accept the result of an activity."""
        self._complete(task_hub, "activity", response.completionToken, response)

    async def complete_entity(self, task_hub: str, result: pb.EntityBatchResult) -> None:
        """Accept the result of a batch of entity operations."""
        self._complete(task_hub, "entity", result.completionToken, result)

    def _complete(self, task_hub: str, kind: WorkItemKind, token: str, response: Message) -> None:
        if hub := self._hubs.find(task_hub):
            hub.queue.complete(kind, token, response)

    async def abandon(self, task_hub: str, kind: WorkItemKind, completion_token: str) -> None:
        """Deliver a work item again, if possible to another worker."""
        if hub := self._hubs.find(task_hub):
            hub.queue.abandon(kind, completion_token)

    async def create_task_hub(self, task_hub: str, recreate: bool) -> None:
        """Create a task hub. If it exists and ``recreate`` is True, delete it first."""
        if recreate:
            await self._hubs.delete(task_hub)
        self._open(task_hub)

    async def delete_task_hub(self, task_hub: str) -> None:
        """Delete a task hub with its instances."""
        await self._hubs.delete(task_hub)

    def _open(self, task_hub: str) -> ScheduledHub:
        try:
            return self._hubs.open(task_hub)
        except RpcError as error:
            raise RpcStatusError(int(error.status), str(error)) from error
