"""An asyncio carried channel: its life, interceptors, and the client of durabletask."""

from __future__ import annotations

import asyncio
from typing import Any

import durabletask.internal.orchestrator_service_pb2 as pb
import grpc
import grpc.aio
import pytest
from durabletask.client import AsyncTaskHubGrpcClient, OrchestrationStatus
from durabletask.entities import EntityInstanceId
from durabletask.internal.orchestrator_service_pb2_grpc import TaskHubSidecarServiceStub

from tests.embedded_worker.sdk2.conftest import TARGET, in_thread, status
from tests.support.fake_host import FakeHost
from tests.support.polling import eventually_async

GET = pb.GetInstanceRequest(instanceId="i")
HISTORY = pb.StreamInstanceHistoryRequest(instanceId="i")


def stub(channel: grpc.aio.Channel) -> Any:
    make: Any = TaskHubSidecarServiceStub
    return make(channel)


def opened(*interceptors: Any) -> Any:
    return grpc.aio.insecure_channel(TARGET, interceptors=interceptors)


class Recorder(grpc.aio.UnaryUnaryClientInterceptor):  # type: ignore[type-arg]
    def __init__(self, calls: list[Any], name: str) -> None:
        self.calls, self.name = calls, name

    async def intercept_unary_unary(self, continuation: Any, details: Any, request: Any) -> Any:
        self.calls.append((self.name, details.method, details.timeout, [*details.metadata]))
        changed = grpc.aio.ClientCallDetails(
            details.method,
            details.timeout,
            grpc.aio.Metadata(*details.metadata, ("from", self.name)),
            details.credentials,
            details.wait_for_ready,
        )
        call = await continuation(changed, request)
        assert isinstance(call, grpc.aio.UnaryUnaryCall)
        return call


class StreamRecorder(grpc.aio.UnaryStreamClientInterceptor):  # type: ignore[type-arg]
    def __init__(self, calls: list[Any]) -> None:
        self.calls = calls

    async def intercept_unary_stream(self, continuation: Any, details: Any, request: Any) -> Any:
        self.calls.append(details.method)
        return await continuation(details, request)


async def test_interceptors_run_in_their_order_around_each_call(host: FakeHost) -> None:
    host.responses["GetInstance"] = {"exists": True}
    calls: list[Any] = []
    channel = opened(Recorder(calls, "a"), Recorder(calls, "b"))
    response = await stub(channel).GetInstance(GET, timeout=5, metadata=(("x", "y"),))
    assert response.exists
    method = b"/TaskHubSidecarService/GetInstance"
    assert calls == [
        ("a", method, 5, [("x", "y")]),
        ("b", method, 5, [("x", "y"), ("from", "a")]),
    ]


async def test_an_interceptor_may_change_the_timeout(host: FakeHost) -> None:
    class Impatient(grpc.aio.UnaryUnaryClientInterceptor):  # type: ignore[type-arg]
        async def intercept_unary_unary(self, continuation: Any, details: Any, request: Any) -> Any:
            return await continuation(details._replace(timeout=0.05), request)

    with pytest.raises(grpc.aio.AioRpcError) as raised:
        await stub(opened(Impatient())).GetInstance(GET)
    assert raised.value.code() is grpc.StatusCode.DEADLINE_EXCEEDED


async def test_an_interceptor_may_return_a_response_or_raise(host: FakeHost) -> None:
    class Responds(grpc.aio.UnaryUnaryClientInterceptor):  # type: ignore[type-arg]
        async def intercept_unary_unary(self, continuation: Any, details: Any, request: Any) -> Any:
            return pb.GetInstanceResponse(exists=True)

    class Raises(grpc.aio.UnaryUnaryClientInterceptor):  # type: ignore[type-arg]
        async def intercept_unary_unary(self, continuation: Any, details: Any, request: Any) -> Any:
            raise LookupError("no token")

    assert (await stub(opened(Responds())).GetInstance(GET)).exists
    call = stub(opened(Raises())).GetInstance(GET)
    with pytest.raises(LookupError, match="no token"):
        await call
    assert await call.code() is grpc.StatusCode.UNKNOWN
    assert host.requests == []


async def test_an_error_passes_through_the_interceptors(host: FakeHost) -> None:
    host.responses["GetInstance"] = (5, "No instance")
    call = stub(opened(Recorder([], "a"))).GetInstance(GET)
    with pytest.raises(grpc.aio.AioRpcError) as raised:
        await call
    assert status(raised.value) == (grpc.StatusCode.NOT_FOUND, "No instance")
    assert await call.code() is grpc.StatusCode.NOT_FOUND


async def test_the_cancellation_of_an_intercepted_call_reaches_the_host(host: FakeHost) -> None:
    call = stub(opened(Recorder([], "a"))).GetInstance(GET)
    await eventually_async(lambda: host.requests, "a request arrives")
    call.cancel()
    with pytest.raises(asyncio.CancelledError):
        await call
    await eventually_async(lambda: host.cancelled == ["GetInstance"], "the request is cancelled")


async def test_interceptors_of_streams_see_streams_only(host: FakeHost) -> None:
    host.responses["StreamInstanceHistory"] = {"events": []}
    host.responses["GetInstance"] = {"exists": True}
    calls: list[Any] = []
    channel = opened(StreamRecorder(calls), StreamRecorder(calls))
    assert [chunk async for chunk in stub(channel).StreamInstanceHistory(HISTORY)] == []
    await stub(channel).GetInstance(GET)
    assert calls == [b"/TaskHubSidecarService/StreamInstanceHistory"] * 2


async def test_an_interceptor_of_streams_may_return_an_iterator(host: FakeHost) -> None:
    host.responses["StreamInstanceHistory"] = {"events": []}

    class Replaces(grpc.aio.UnaryStreamClientInterceptor):  # type: ignore[type-arg]
        async def intercept_unary_stream(
            self, continuation: Any, details: Any, request: Any
        ) -> Any:
            call = await continuation(details, request)

            async def responses() -> Any:
                async for chunk in call:
                    yield chunk
                yield "last"

            return responses()

    channel = opened(Replaces(), Replaces())
    assert [chunk async for chunk in stub(channel).StreamInstanceHistory(HISTORY)] == [
        "last",
        "last",
    ]


async def test_something_else_is_no_interceptor(host: FakeHost) -> None:
    with pytest.raises(ValueError, match="must be a client interceptor"):
        opened(object())


async def test_a_channel_is_ready_until_it_is_closed(host: FakeHost) -> None:
    async with opened() as channel:
        await channel.channel_ready()
        assert channel.get_state() is grpc.ChannelConnectivity.READY
        await channel.wait_for_state_change(grpc.ChannelConnectivity.IDLE)
        changed = asyncio.ensure_future(
            channel.wait_for_state_change(grpc.ChannelConnectivity.READY)
        )
        call = stub(channel).GetInstance(GET)
    await asyncio.wait_for(changed, 20)
    assert channel.get_state() is grpc.ChannelConnectivity.SHUTDOWN
    with pytest.raises(asyncio.CancelledError):
        await call
    with pytest.raises(grpc.aio.UsageError):
        stub(channel).GetInstance(GET)
    with pytest.raises(grpc.aio.UsageError):
        await channel.channel_ready()
    await channel.close()


async def test_close_grants_running_calls_a_time(host: FakeHost) -> None:
    host.responses["GetInstance"] = {"exists": True}
    channel = opened()
    call, endless = (
        stub(channel).GetInstance(GET),
        stub(channel).StartInstance(pb.CreateInstanceRequest()),
    )
    await channel.close(0.2)
    assert (await call).exists
    assert endless.cancelled() or await endless.code() is grpc.StatusCode.CANCELLED


async def test_an_rpc_that_the_service_lacks_is_unimplemented(host: FakeHost) -> None:
    channel = opened()
    path = "/TaskHubSidecarService/NoSuchRpc"
    with pytest.raises(grpc.aio.AioRpcError) as raised:
        await channel.unary_unary(path)(b"")
    assert raised.value.code() is grpc.StatusCode.UNIMPLEMENTED
    for rpc in (channel.stream_unary(path), channel.stream_stream(path)):
        with pytest.raises(grpc.aio.AioRpcError) as raised:
            rpc(iter(()))
        assert raised.value.code() is grpc.StatusCode.UNIMPLEMENTED


async def test_a_channel_works_in_another_event_loop(host: FakeHost) -> None:
    host.responses["GetInstance"] = {"exists": True}
    own = opened()

    async def other_loop() -> bool:
        async with opened(Recorder([], "a")) as channel:
            responses = await asyncio.gather(
                *(stub(channel).GetInstance(GET) for _ in range(10)), stub(own).GetInstance(GET)
            )
            return all(response.exists for response in responses)

    assert await in_thread(lambda: asyncio.run(other_loop()))


async def test_the_client_of_durabletask_works(host: FakeHost) -> None:
    state = {
        "exists": True,
        "orchestrationState": {
            "instanceId": "i",
            "name": "F",
            "orchestrationStatus": "ORCHESTRATION_STATUS_COMPLETED",
            "output": '"done"',
        },
    }
    host.responses |= {
        "StartInstance": lambda document: {"instanceId": document["instanceId"]},
        "GetInstance": state,
        "WaitForInstanceCompletion": state,
        "QueryInstances": {"orchestrationState": [state["orchestrationState"]]},
        "SignalEntity": {},
        "GetEntity": {"exists": True, "entity": {"instanceId": "@e@k", "serializedState": "4"}},
        "StreamInstanceHistory": {
            "events": [{"EventType": 12, "EventId": -1, "Timestamp": "2026-11-29T21:36:26Z"}]
        },
        "RaiseEvent": (5, "No instance"),
    }
    async with AsyncTaskHubGrpcClient(host_address=TARGET, metadata=[("a", "b")]) as client:
        assert await client.schedule_new_orchestration("F", input=1, instance_id="i") == "i"
        for found in (
            await client.get_orchestration_state("i"),
            await client.wait_for_orchestration_completion("i", timeout=5),
            *await client.get_all_orchestration_states(),
        ):
            assert found is not None
            assert found.runtime_status is OrchestrationStatus.COMPLETED
            assert found.get_output() == "done"
        await client.signal_entity(EntityInstanceId("e", "k"), "add", input=1)
        entity = await client.get_entity(EntityInstanceId("e", "k"))
        assert entity is not None
        assert entity.get_state(int) == 4
        assert len(await client.get_orchestration_history("i")) == 1
        with pytest.raises(grpc.aio.AioRpcError):
            await client.raise_orchestration_event("i", "e")
        host.responses["WaitForInstanceCompletion"] = {"timeout": True}
        with pytest.raises(TimeoutError):
            await client.wait_for_orchestration_completion("i", timeout=0.1)
