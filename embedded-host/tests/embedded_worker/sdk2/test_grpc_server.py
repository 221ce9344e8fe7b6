"""The gRPC server of the scheduler, with real channels, and with random input."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import random
import socket
from collections.abc import AsyncGenerator, AsyncIterator
from typing import Any

import durabletask.internal.orchestrator_service_pb2 as pb
import grpc
import grpc.aio
import pytest
from durabletask import task, worker
from durabletask.client import AsyncTaskHubGrpcClient, OrchestrationStatus
from durabletask.internal.orchestrator_service_pb2_grpc import TaskHubSidecarServiceStub
from google.protobuf import empty_pb2
from google.protobuf.message import Message

from embedded_worker.rpc_protocol import RpcStatus
from embedded_worker.sdk2 import grpc_server, rpc
from embedded_worker.sdk2.grpc_server import GrpcServer, WorkItemKind
from embedded_worker.sdk2.rpc import RpcStatusError
from tests.embedded_worker.sdk2.conftest import in_thread, status
from tests.support.fake_host import FakeHost
from tests.support.polling import eventually_async

SERVICE = f"/{rpc.SERVICE}/"
EMPTY = empty_pb2.Empty()


class FakeWorkers:
    """Records the RPCs of workers. ``items`` are the work items of each stream."""

    def __init__(self) -> None:
        self.calls: list[tuple[Any, ...]] = []
        self.items: asyncio.Queue[pb.WorkItem | Exception | None] = asyncio.Queue()
        self.closed = 0
        self.failure: Exception | None = None

    async def work_items(
        self, task_hub: str, request: pb.GetWorkItemsRequest
    ) -> AsyncGenerator[pb.WorkItem, None]:
        self.calls.append(("work_items", task_hub, request))
        try:
            while (item := await self.items.get()) is not None:
                if isinstance(item, Exception):
                    raise item
                yield item
        finally:
            self.closed += 1

    def _record(self, *call: Any) -> None:
        self.calls.append(call)
        if self.failure is not None:
            raise self.failure

    async def complete_orchestrator(self, task_hub: str, response: Any) -> None:
        self._record("orchestrator", task_hub, response)

    async def complete_activity(self, task_hub: str, response: Any) -> None:
        self._record("activity", task_hub, response)

    async def complete_entity(self, task_hub: str, result: Any) -> None:
        self._record("entity", task_hub, result)

    async def abandon(self, task_hub: str, kind: WorkItemKind, completion_token: str) -> None:
        self._record("abandon", task_hub, kind, completion_token)

    async def create_task_hub(self, task_hub: str, recreate: bool) -> None:
        self._record("create", task_hub, recreate)

    async def delete_task_hub(self, task_hub: str) -> None:
        self._record("delete", task_hub)


class Served:
    """A server with a fake host and fake workers."""

    def __init__(self, token: str = "") -> None:
        self.host, self.workers = FakeHost(), FakeWorkers()
        self.server = GrpcServer(self.host.send, self.workers, token=token)
        self.address = ""
        self.channel: Any = None

    @property
    def stub(self) -> Any:
        make: Any = TaskHubSidecarServiceStub
        return make(self.channel)

    async def __aenter__(self) -> Served:
        self.address = f"127.0.0.1:{await self.server.start('127.0.0.1:0')}"
        options = [("grpc.max_receive_message_length", -1), ("grpc.max_send_message_length", -1)]
        self.channel = grpc.aio.insecure_channel(self.address, options)
        return self

    async def __aexit__(self, *error: object) -> None:
        await self.channel.close()
        await self.server.stop()


@pytest.fixture
async def served() -> AsyncIterator[Served]:
    async with Served() as served:
        yield served


async def test_a_clients_rpc_is_sent_with_its_task_hub(served: Served) -> None:
    served.host.responses["StartInstance"] = {"instanceId": "i"}
    request = pb.CreateInstanceRequest(instanceId="i", name="F")
    assert (await served.stub.StartInstance(request)).instanceId == "i"
    await served.stub.StartInstance(request, metadata=[("taskhub", "mine")])
    assert served.host.requests == [
        ("StartInstance", {"instanceId": "i", "name": "F", "taskHub": hub})
        for hub in ("default", "mine")
    ]


async def test_a_status_of_the_host_reaches_the_client(served: Served) -> None:
    served.host.responses["RaiseEvent"] = (5, "No instance")
    with pytest.raises(grpc.aio.AioRpcError) as raised:
        await served.stub.RaiseEvent(pb.RaiseEventRequest())
    assert status(raised.value) == (grpc.StatusCode.NOT_FOUND, "No instance")


async def test_messages_above_the_limit_of_grpc_are_served(served: Served) -> None:
    served.host.responses["StartInstance"] = lambda document: {"instanceId": document["input"]}
    request = pb.CreateInstanceRequest()
    request.input.value = "x" * 6_000_000
    assert len((await served.stub.StartInstance(request)).instanceId) == 6_000_000


async def test_a_history_is_streamed(served: Served) -> None:
    event = {"EventType": 15, "EventId": 1, "Timestamp": "2026-11-29T21:36:26Z", "Name": "e"}
    served.host.responses["StreamInstanceHistory"] = {"events": [event] * 300}
    stream = served.stub.StreamInstanceHistory(pb.StreamInstanceHistoryRequest(instanceId="i"))
    assert [len(chunk.events) async for chunk in stream] == [256, 44]


async def test_a_deadline_ends_a_wait(served: Served) -> None:
    served.host.responses["WaitForInstanceStart"] = {"timeout": True}
    with pytest.raises(grpc.aio.AioRpcError) as raised:
        await served.stub.WaitForInstanceStart(pb.GetInstanceRequest(), timeout=0.2)
    assert raised.value.code() is grpc.StatusCode.DEADLINE_EXCEEDED
    assert all(document["waitSeconds"] <= 0.2 for _, document in served.host.requests)
    counts = [-1]

    def has_ended() -> bool:
        """Return True if the server has sent no request since the previous call."""
        counts.append(len(served.host.requests))
        return counts[-1] == counts[-2]

    await eventually_async(has_ended, "the server sends no more requests")


async def test_the_cancellation_of_a_call_reaches_the_host(served: Served) -> None:
    call = served.stub.GetInstance(pb.GetInstanceRequest())
    await eventually_async(lambda: served.host.requests, "the request arrives")
    call.cancel()
    await eventually_async(lambda: served.host.cancelled, "the request is cancelled")


async def test_each_rpc_of_a_worker_reaches_its_method(served: Served) -> None:
    hub = [("taskhub", "h")]
    orchestrator = pb.OrchestratorResponse(instanceId="i", completionToken="t")
    activity = pb.ActivityResponse(instanceId="i", taskId=1)
    entity = pb.EntityBatchResult(completionToken="t")
    stub = served.stub
    await stub.Hello(EMPTY)
    await stub.CompleteOrchestratorTask(orchestrator, metadata=hub)
    await stub.CompleteActivityTask(activity, metadata=hub)
    await stub.CompleteEntityTask(entity, metadata=hub)
    token = {"completionToken": "t"}
    await stub.AbandonTaskActivityWorkItem(pb.AbandonActivityTaskRequest(**token), metadata=hub)
    await stub.AbandonTaskOrchestratorWorkItem(
        pb.AbandonOrchestrationTaskRequest(**token), metadata=hub
    )
    await stub.AbandonTaskEntityWorkItem(pb.AbandonEntityTaskRequest(**token), metadata=hub)
    await stub.CreateTaskHub(pb.CreateTaskHubRequest(recreateIfExists=True), metadata=hub)
    await stub.DeleteTaskHub(pb.DeleteTaskHubRequest(), metadata=hub)
    assert served.workers.calls == [
        ("orchestrator", "h", orchestrator),
        ("activity", "h", activity),
        ("entity", "h", entity),
        ("abandon", "h", "activity", "t"),
        ("abandon", "h", "orchestrator", "t"),
        ("abandon", "h", "entity", "t"),
        ("create", "h", True),
        ("delete", "h"),
    ]


async def test_work_items_are_streamed_until_the_worker_disconnects(served: Served) -> None:
    served.workers.items.put_nowait(pb.WorkItem(completionToken="1"))
    request = pb.GetWorkItemsRequest(maxConcurrentActivityWorkItems=3)
    stream = served.stub.GetWorkItems(request, metadata=[("taskhub", "h")])
    assert (await stream.read()).completionToken == "1"
    served.workers.items.put_nowait(pb.WorkItem(completionToken="2"))
    assert (await stream.read()).completionToken == "2"
    assert served.workers.calls == [("work_items", "h", request)]
    stream.cancel()
    await eventually_async(lambda: served.workers.closed, "the generator is closed")


async def test_the_end_of_the_work_items_ends_the_stream(served: Served) -> None:
    served.workers.items.put_nowait(None)
    assert [item async for item in served.stub.GetWorkItems(pb.GetWorkItemsRequest())] == []
    served.workers.items.put_nowait(
        RpcStatusError(RpcStatus.FAILED_PRECONDITION, "no such task hub")
    )
    with pytest.raises(grpc.aio.AioRpcError) as raised:
        await served.stub.GetWorkItems(pb.GetWorkItemsRequest()).read()
    assert status(raised.value) == (grpc.StatusCode.FAILED_PRECONDITION, "no such task hub")
    await eventually_async(lambda: served.workers.closed == 2, "both generators are closed")


async def test_a_worker_without_work_receives_pings(
    served: Served, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(grpc_server, "PING_INTERVAL", 0.02)
    stream = served.stub.GetWorkItems(pb.GetWorkItemsRequest())
    for _ in range(3):
        assert (await stream.read()).HasField("healthPing")
    served.workers.items.put_nowait(pb.WorkItem(completionToken="1"))
    while (item := await stream.read()).HasField("healthPing"):
        pass
    assert item.completionToken == "1"


async def test_a_failure_of_the_scheduler_is_logged_and_internal(
    served: Served, caplog: pytest.LogCaptureFixture
) -> None:
    served.workers.failure = LookupError("bug")
    with caplog.at_level(logging.ERROR), pytest.raises(grpc.aio.AioRpcError) as raised:
        await served.stub.CompleteActivityTask(pb.ActivityResponse())
    assert status(raised.value) == (grpc.StatusCode.INTERNAL, "LookupError: bug")
    assert "EH413" in caplog.text
    served.workers.failure = RpcStatusError(RpcStatus.INVALID_ARGUMENT, "unknown token")
    with pytest.raises(grpc.aio.AioRpcError) as raised:
        await served.stub.CompleteActivityTask(pb.ActivityResponse())
    assert status(raised.value) == (grpc.StatusCode.INVALID_ARGUMENT, "unknown token")


async def test_other_methods_are_unimplemented(served: Served) -> None:
    for path in (f"{SERVICE}SkipGracefulOrchestrationTerminations", f"{SERVICE}No", "/Other/Hello"):
        with pytest.raises(grpc.aio.AioRpcError) as raised:
            await served.channel.unary_unary(path)(b"")
        assert raised.value.code() is grpc.StatusCode.UNIMPLEMENTED


@pytest.mark.parametrize(
    ("metadata", "accepted"),
    [
        ([("authorization", "Bearer secret")], True),
        ([("authorization", "Bearer secret2")], False),
        ([("authorization", "bearer secret")], False),
        ([("authorization", "secret")], False),
        ([("authorization", "")], False),
        ([("other", "Bearer secret")], False),
        ([], False),
    ],
)
async def test_a_token_is_needed_for_each_call(
    metadata: list[tuple[str, str]], accepted: bool
) -> None:
    async with Served(token="secret") as served:
        served.host.responses["GetInstance"] = {"exists": True}
        served.workers.items.put_nowait(None)
        stub = served.stub
        for call in (
            stub.Hello(EMPTY, metadata=metadata),
            stub.GetInstance(pb.GetInstanceRequest(), metadata=metadata),
            stub.CreateTaskHub(pb.CreateTaskHubRequest(), metadata=metadata),
        ):
            assert await call.code() is (
                grpc.StatusCode.OK if accepted else grpc.StatusCode.UNAUTHENTICATED
            )
        stream = stub.GetWorkItems(pb.GetWorkItemsRequest(), metadata=metadata)
        assert (await stream.code() is grpc.StatusCode.OK) is accepted
        assert bool(served.workers.calls) is accepted


async def test_a_port_in_use_is_an_error(served: Served) -> None:
    with pytest.raises(OSError):  # noqa: PT011  # the message is gRPC's
        await Served().server.start(served.address)


async def test_the_async_client_of_durabletask_works_with_the_server(served: Served) -> None:
    served.host.responses["GetInstance"] = {
        "exists": True,
        "orchestrationState": {"orchestrationStatus": "ORCHESTRATION_STATUS_COMPLETED"},
    }
    async with AsyncTaskHubGrpcClient(host_address=served.address) as client:
        state = await client.get_orchestration_state("i")
    assert state is not None
    assert state.runtime_status is OrchestrationStatus.COMPLETED


async def test_the_worker_of_durabletask_runs_a_turn_and_an_activity(served: Served) -> None:
    def double(context: task.ActivityContext, value: int) -> int:
        return 2 * value

    def orchestrator(context: task.OrchestrationContext, value: int) -> int:
        return value + 1

    started = pb.HistoryEvent(
        executionStarted=pb.ExecutionStartedEvent(
            name="orchestrator", orchestrationInstance=pb.OrchestrationInstance(instanceId="i")
        )
    )
    started.executionStarted.input.value = "1"
    turn = pb.OrchestratorRequest(
        instanceId="i",
        newEvents=[pb.HistoryEvent(orchestratorStarted=pb.OrchestratorStartedEvent()), started],
    )
    activity = pb.ActivityRequest(name="double", taskId=3)
    activity.input.value = "4"
    served.workers.items.put_nowait(pb.WorkItem(orchestratorRequest=turn, completionToken="a"))
    served.workers.items.put_nowait(pb.WorkItem(activityRequest=activity, completionToken="b"))

    def results() -> dict[str, Any] | None:
        found = {call[0]: call[2] for call in served.workers.calls if len(call) == 3}
        return found if {"orchestrator", "activity"} <= found.keys() else None

    running = worker.TaskHubGrpcWorker(host_address=served.address)
    running.add_activity(double)
    running.add_orchestrator(orchestrator)
    running.start()  # type: ignore[no-untyped-call]
    try:
        found = await eventually_async(results, "both work items are completed")
    finally:
        await in_thread(running.stop)
    assert found["orchestrator"].completionToken == "a"
    assert found["orchestrator"].actions[0].completeOrchestration.result.value == "2"
    assert (found["activity"].completionToken, found["activity"].result.value) == ("b", "8")


# -- random input ----------------------------------------------------------------------------------


def random_message(kind: type[Message], choice: random.Random, depth: int = 0) -> Message:
    """Return a message with random fields."""
    message = kind()
    for field in kind.DESCRIPTOR.fields:
        if choice.random() < (0.4 if depth < 3 else 1):
            continue
        values = [random_value(field, choice, depth) for _ in range(choice.randint(0, 2))]
        if field.message_type is not None and field.message_type.GetOptions().map_entry:
            continue
        repeated = isinstance(getattr(message, field.name), list) or hasattr(
            getattr(message, field.name), "extend"
        )
        if repeated:
            getattr(message, field.name).extend(values)
        elif values and field.message_type is not None:
            getattr(message, field.name).CopyFrom(values[0])
        elif values:
            setattr(message, field.name, values[0])
    return message


def random_value(field: Any, choice: random.Random, depth: int) -> Any:
    if field.message_type is not None:
        return random_message(field.message_type._concrete_class, choice, depth + 1)
    if field.cpp_type == field.CPPTYPE_STRING:
        if field.type == field.TYPE_BYTES:
            return choice.randbytes(3)
        return choice.choice(["", "i", "@e@k", "é\U0001f600", "{", "\0", "x" * 200])
    if field.cpp_type == field.CPPTYPE_BOOL:
        return choice.random() < 0.5
    if field.cpp_type in (field.CPPTYPE_DOUBLE, field.CPPTYPE_FLOAT):
        return choice.choice([0.0, -1.5, float("inf"), float("nan")])
    if field.cpp_type == field.CPPTYPE_ENUM:
        return choice.choice([0, 1, 99])
    low = 0 if field.cpp_type in (field.CPPTYPE_UINT32, field.CPPTYPE_UINT64) else -(2**31)
    return choice.choice([0, 1, 2**31 - 1, low])


async def bombard(served: Served, count: int, seed: int) -> None:
    """Send ``count`` random requests, and check that the server responds afterwards."""
    choice = random.Random(seed)
    methods = [method.name for method in pb.DESCRIPTOR.services_by_name[rpc.SERVICE].methods]
    bodies = [b"{}", b"", b"{", b"[]", b"null", b'{"details": 1}', b'{"events": [{}]}', b"\xff"]

    async def send(method: str, name: str, body: bytes) -> Any:
        from embedded_worker.protocol import ClientResponse

        return ClientResponse(1, choice.choice([0, 0, 5, 17, -1]), choice.choice(bodies))

    served.host.send = send  # type: ignore[method-assign, assignment]
    for batch in range(0, count, 50):
        calls = []
        for _ in range(min(50, count - batch)):
            name = choice.choice(methods)
            if choice.random() < 0.5:
                data = choice.randbytes(choice.randint(0, 60))
            else:
                data = random_message(rpc.message_types(name)[0], choice).SerializeToString()
                if data and choice.random() < 0.3:
                    index = choice.randrange(len(data))
                    data = data[:index] + choice.randbytes(1) + data[index + 1 :]
            if name in (rpc.HISTORY, "GetWorkItems"):
                stream = served.channel.unary_stream(SERVICE + name)(data, timeout=20)
                served.workers.items.put_nowait(None)
                calls.append(stream.code())
            else:
                calls.append(served.channel.unary_unary(SERVICE + name)(data, timeout=20).code())
        codes = await asyncio.gather(*calls)
        assert all(isinstance(code, grpc.StatusCode) for code in codes)
    await served.stub.Hello(EMPTY, timeout=20)


@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize("seed", [1, 2])
async def test_random_requests_do_not_stop_the_server(seed: int) -> None:
    served = Served()
    served.server = GrpcServer(lambda *request: served.host.send(*request), served.workers)
    async with served:
        await bombard(served, 300, seed)


@pytest.mark.manual
@pytest.mark.timeout(1800)
@pytest.mark.parametrize("seed", range(10))
async def test_many_random_requests_do_not_stop_the_server(seed: int) -> None:
    served = Served()
    served.server = GrpcServer(lambda *request: served.host.send(*request), served.workers)
    async with served:
        await bombard(served, 5_000, 100 + seed)


async def test_a_request_of_a_browser_is_not_processed(served: Served) -> None:
    host, _, port = served.address.partition(":")

    def post() -> bytes:
        with socket.create_connection((host, int(port)), 5) as connection:
            connection.sendall(
                f"POST {SERVICE}DeleteTaskHub HTTP/1.1\r\nHost: {served.address}\r\n"
                "Origin: http://example.com\r\nContent-Type: application/grpc\r\n"
                "Content-Length: 5\r\n\r\n\0\0\0\0\0".encode()
            )
            response = b""
            with contextlib.suppress(ConnectionError):
                while data := connection.recv(4096):
                    response += data
            return response

    assert b"HTTP/1.1 200" not in await in_thread(post)
    assert served.workers.calls == []


async def test_random_bytes_on_a_connection_do_not_stop_the_server(served: Served) -> None:
    host, _, port = served.address.partition(":")
    choice = random.Random(3)

    def connect() -> None:
        for start in (b"", b"GET / HTTP/1.1\r\n\r\n", b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n") * 5:
            with socket.create_connection((host, int(port)), 5) as connection:
                connection.sendall(start + choice.randbytes(choice.randint(0, 500)))

    await in_thread(connect)
    await served.stub.Hello(EMPTY, timeout=20)
