"""A gRPC server with the whole service ``TaskHubSidecarService``, for clients and for workers.

Only ``embedded-host scheduler`` uses this server: see ``carried_channels`` for the reason. A
function of the type ``rpc.Send`` processes the RPCs of clients. ``WorkerRpcs`` processes the RPCs
of workers.
"""

from __future__ import annotations

import asyncio
import hmac
import logging
from collections.abc import AsyncGenerator, Awaitable, Callable, Sequence
from typing import Literal, NamedTuple, Optional, Protocol, Union, cast

import durabletask.internal.orchestrator_service_pb2 as pb
import grpc
import grpc.aio
from google.protobuf.message import Message

from embedded_worker.rpc_protocol import RpcStatus
from embedded_worker.sdk2.carrier import deadline_of
from embedded_worker.sdk2.rpc import (
    CLIENT_RPCS,
    HISTORY,
    SERVICE,
    RpcStatusError,
    Send,
    exchange,
    message_types,
    parsed,
    request_document,
    response_messages,
)
from embedded_worker.sdk2.status_codes import STATUS_CODES

log = logging.getLogger("embedded_host.scheduler")
DEFAULT_TASK_HUB = "default"
"""The task hub of a call without the metadata ``taskhub``."""
PING_INTERVAL = 30.0
"""Seconds without a work item after which a worker receives a ping.

durabletask's worker reconnects after 120 seconds without a message.
"""
_NO_DEADLINE = 1e9
_OPTIONS: tuple[tuple[str, int], ...] = (
    ("grpc.max_receive_message_length", -1),
    ("grpc.max_send_message_length", -1),
    ("grpc.so_reuseport", 0),  # a second server on the same port is an error
    # The pings detect a worker whose machine has failed. Another worker receives its work items.
    ("grpc.keepalive_time_ms", 30_000),
    ("grpc.keepalive_timeout_ms", 10_000),
    # Clients with keepalive send pings although no call runs.
    ("grpc.keepalive_permit_without_calls", 1),
    ("grpc.http2.min_recv_ping_interval_without_data_ms", 1000),
    ("grpc.http2.max_ping_strikes", 0),
)

_Metadata = Sequence[tuple[str, Union[str, bytes]]]
WorkItemKind = Literal["activity", "orchestrator", "entity"]


class WorkerRpcs(Protocol):
    """The RPCs of workers, for any task hub.

    Each method may raise RpcStatusError.
    """

    def work_items(
        self, task_hub: str, request: pb.GetWorkItemsRequest
    ) -> AsyncGenerator[pb.WorkItem, None]:
        """Yield the work items for one worker.

        The server closes the generator when the worker disconnects. The worker may not have
        received the last work item.
        """

    async def complete_orchestrator(self, task_hub: str, response: pb.OrchestratorResponse) -> None:
        """Accept the result of a turn, or a part of it."""

    async def complete_activity(self, task_hub: str, response: pb.ActivityResponse) -> None:
        """Accept the result of an activity."""

    async def complete_entity(self, task_hub: str, result: pb.EntityBatchResult) -> None:
        """Accept the result of a batch of entity operations."""

    async def abandon(self, task_hub: str, kind: WorkItemKind, completion_token: str) -> None:
        """Deliver a work item to another worker, because its worker does not complete it."""

    async def create_task_hub(self, task_hub: str, recreate: bool) -> None:
        """Create a task hub, or do nothing if it exists and ``recreate`` is False."""

    async def delete_task_hub(self, task_hub: str) -> None:
        """Delete a task hub with its instances."""


class GrpcServer:
    """Serves ``TaskHubSidecarService`` on one address."""

    def __init__(self, send: Send, workers: WorkerRpcs, *, token: str = "") -> None:
        """Create the server.

        ``send`` receives the requests of clients, with the additional field ``taskHub``.
        If ``token`` is not empty, each call needs the metadata ``authorization: Bearer TOKEN``.
        """
        handler = _ServiceHandler(send, workers, token)
        self._server = grpc.aio.server(handlers=[handler], options=_OPTIONS)

    async def start(self, address: str) -> int:
        """Listen on ``address``, which is ``HOST:PORT``, and return the port.

        Port 0 selects a free one. Raises OSError if the address cannot be used.
        """
        try:
            port = self._server.add_insecure_port(address)
        except RuntimeError as error:
            raise OSError(str(error)) from error
        if not port:
            raise OSError(f"cannot listen on {address}")
        await self._server.start()
        return port

    async def stop(self, grace: float | None = None) -> None:
        """Refuse new calls, and cancel the calls that still run after ``grace`` seconds."""
        await self._server.stop(grace)


class _Call(NamedTuple):
    """A call of a client or a worker."""

    rpc: str
    request: bytes
    task_hub: str
    timeout: float | None


_Context = grpc.aio.ServicerContext
_WorkerMethod = Callable[[str, Message], Awaitable[None]]


class _ServiceHandler(grpc.GenericRpcHandler):  # type: ignore[type-arg]
    """Processes the calls of the service.

    The handler parses requests itself, because grpc logs a traceback for each malformed request.
    """

    def __init__(self, send: Send, workers: WorkerRpcs, token: str) -> None:
        self._send, self._workers = send, workers
        self._authorization = f"Bearer {token}".encode() if token else b""
        self._worker_methods: dict[str, _WorkerMethod] = {
            "Hello": self._hello,
            "CompleteOrchestratorTask": cast(_WorkerMethod, workers.complete_orchestrator),
            "CompleteActivityTask": cast(_WorkerMethod, workers.complete_activity),
            "CompleteEntityTask": cast(_WorkerMethod, workers.complete_entity),
            "AbandonTaskActivityWorkItem": self._abandons("activity"),
            "AbandonTaskOrchestratorWorkItem": self._abandons("orchestrator"),
            "AbandonTaskEntityWorkItem": self._abandons("entity"),
            "CreateTaskHub": cast(_WorkerMethod, self._create_task_hub),
            "DeleteTaskHub": self._delete_task_hub,
        }

    def service(
        self, handler_call_details: grpc.HandlerCallDetails
    ) -> grpc.RpcMethodHandler[bytes, bytes] | None:
        """Return the handler of a method, or None if the service does not have it."""
        service, _, rpc = handler_call_details.method.lstrip("/").rpartition("/")
        if service != SERVICE:
            return None

        async def unary(request: bytes, context: _Context[bytes, bytes]) -> bytes:
            try:
                return await self._response(self._call(rpc, request, context))
            except RpcStatusError as error:
                status = error
            except Exception as error:
                status = _unexpected(rpc, error)
            return await context.abort(STATUS_CODES[status.code], status.details)

        async def stream(request: bytes, context: _Context[bytes, bytes]) -> None:
            try:
                await self._stream(self._call(rpc, request, context), context)
                return
            except RpcStatusError as error:
                status = error
            except Exception as error:
                status = _unexpected(rpc, error)
            await context.abort(STATUS_CODES[status.code], status.details)

        if rpc in (HISTORY, "GetWorkItems"):
            return grpc.unary_stream_rpc_method_handler(stream)
        if rpc in CLIENT_RPCS or rpc in self._worker_methods:
            return grpc.unary_unary_rpc_method_handler(unary)
        return None

    def _call(self, rpc: str, request: bytes, context: _Context[bytes, bytes]) -> _Call:
        """Return the call. Raises RpcStatusError if the token is missing or incorrect."""
        metadata = {
            key: value
            for key, value in cast("_Metadata", context.invocation_metadata() or ())
            if isinstance(value, str)
        }
        given = metadata.get("authorization", "").encode()
        if self._authorization and not hmac.compare_digest(given, self._authorization):
            raise RpcStatusError(
                RpcStatus.UNAUTHENTICATED,
                "The scheduler requires its token in the metadata 'authorization: Bearer TOKEN'.",
            )
        timeout = cast(Optional[float], context.time_remaining())
        if timeout is not None and timeout > _NO_DEADLINE:
            timeout = None
        return _Call(rpc, request, metadata.get("taskhub") or DEFAULT_TASK_HUB, timeout)

    async def _response(self, call: _Call) -> bytes:
        method = self._worker_methods.get(call.rpc)
        if method is None:
            return b"".join([message async for message in self._client_messages(call)])
        request_type, response_type = message_types(call.rpc)
        await method(call.task_hub, parsed(request_type, call.request))
        return response_type().SerializeToString()

    async def _client_messages(self, call: _Call) -> AsyncGenerator[bytes, None]:
        document = {**request_document(call.rpc, call.request), "taskHub": call.task_hub}
        response = await exchange(self._send, call.rpc, document, deadline_of(call.timeout))
        for message in response_messages(call.rpc, response):
            yield message

    async def _stream(self, call: _Call, context: _Context[bytes, bytes]) -> None:
        if call.rpc == HISTORY:
            async for message in self._client_messages(call):
                await context.write(message)
            return
        request = cast(pb.GetWorkItemsRequest, parsed(message_types(call.rpc)[0], call.request))
        items = self._workers.work_items(call.task_hub, request)
        try:
            await _write_items(items, context)
        finally:
            await items.aclose()

    async def _hello(self, task_hub: str, request: Message) -> None:
        """Do nothing. The response shows that the server is reachable and the token is correct."""

    def _abandons(self, kind: WorkItemKind) -> _WorkerMethod:
        async def abandon(task_hub: str, request: Message) -> None:
            token = cast(pb.AbandonActivityTaskRequest, request).completionToken
            await self._workers.abandon(task_hub, kind, token)

        return abandon

    async def _create_task_hub(self, task_hub: str, request: pb.CreateTaskHubRequest) -> None:
        await self._workers.create_task_hub(task_hub, request.recreateIfExists)

    async def _delete_task_hub(self, task_hub: str, request: Message) -> None:
        await self._workers.delete_task_hub(task_hub)


async def _write_items(
    items: AsyncGenerator[pb.WorkItem, None], context: _Context[bytes, bytes]
) -> None:
    """Write ``items`` until they end. If an item takes long, write a ping."""
    ping = pb.WorkItem(healthPing=pb.HealthPing()).SerializeToString()
    waiting: asyncio.Future[pb.WorkItem] | None = None
    try:
        while True:
            if waiting is None:
                waiting = asyncio.ensure_future(items.__anext__())
            done, _ = await asyncio.wait([waiting], timeout=PING_INTERVAL)
            if not done:
                await context.write(ping)
                continue
            try:
                item = waiting.result()
            except StopAsyncIteration:
                return
            waiting = None
            await context.write(item.SerializeToString())
    finally:
        if waiting is not None and waiting.cancel():
            await asyncio.wait([waiting])  # a running generator cannot be closed


def _unexpected(rpc: str, error: Exception) -> RpcStatusError:
    log.error("The scheduler failed to process the RPC %s. [EH413]", rpc, exc_info=error)
    return RpcStatusError(RpcStatus.INTERNAL, f"{type(error).__name__}: {error}")
