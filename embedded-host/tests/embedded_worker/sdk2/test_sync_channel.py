"""A synchronous carried channel: its life, interceptors, and the client of durabletask."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import durabletask.internal.orchestrator_service_pb2 as pb
import grpc
import pytest
from durabletask.client import OrchestrationStatus, TaskHubGrpcClient
from durabletask.entities import EntityInstanceId
from durabletask.internal.orchestrator_service_pb2_grpc import TaskHubSidecarServiceStub

from embedded_worker.sdk2.carrier import remove_carrier
from tests.embedded_worker.sdk2.conftest import TARGET, in_thread, status
from tests.support.fake_host import FakeHost
from tests.support.polling import eventually_async

GET = pb.GetInstanceRequest(instanceId="i")
Stub: Callable[[grpc.Channel], Any] = TaskHubSidecarServiceStub


class Recorder(grpc.UnaryUnaryClientInterceptor, grpc.UnaryStreamClientInterceptor):  # type: ignore[type-arg]
    def __init__(self) -> None:
        self.methods: list[str] = []

    def intercept_unary_unary(self, continuation: Any, details: Any, request: Any) -> Any:
        self.methods.append(details.method)
        return continuation(details, request)

    def intercept_unary_stream(self, continuation: Any, details: Any, request: Any) -> Any:
        self.methods.append(details.method)
        return continuation(details, request)


async def test_interceptors_see_each_call(host: FakeHost) -> None:
    host.responses["GetInstance"] = {"exists": True}
    host.responses["StreamInstanceHistory"] = {"events": []}
    recorder = Recorder()

    def work() -> None:
        stub = Stub(grpc.intercept_channel(grpc.insecure_channel(TARGET), recorder))
        assert stub.GetInstance(GET).exists
        assert stub.GetInstance.future(GET).result().exists
        assert list(stub.StreamInstanceHistory(pb.StreamInstanceHistoryRequest())) == []

    await in_thread(work)
    service = "/TaskHubSidecarService/"
    assert recorder.methods == [
        f"{service}GetInstance",
        f"{service}GetInstance",
        f"{service}StreamInstanceHistory",
    ]


async def test_a_channel_is_ready_at_once(host: FakeHost) -> None:
    def work() -> None:
        channel = grpc.insecure_channel(TARGET)
        grpc.channel_ready_future(channel).result(5)
        states: list[grpc.ChannelConnectivity] = []
        reported = threading.Event()

        def report(state: grpc.ChannelConnectivity) -> None:
            states.append(state)
            reported.set()

        channel.subscribe(report, try_to_connect=True)
        assert reported.wait(20)
        channel.unsubscribe(report)
        assert states == [grpc.ChannelConnectivity.READY]

    await in_thread(work)


async def test_close_cancels_the_running_calls_and_refuses_others(host: FakeHost) -> None:
    def work() -> None:
        with grpc.insecure_channel(TARGET) as channel:
            future = Stub(channel).GetInstance.future(GET)
        assert (future.code(), future.details()) == (grpc.StatusCode.CANCELLED, "Channel closed!")
        with pytest.raises(ValueError, match="closed channel"):
            Stub(channel).GetInstance(GET)

    await in_thread(work)


async def test_call_options_are_accepted(host: FakeHost) -> None:
    host.responses["GetInstance"] = {"exists": True}

    def work() -> None:
        options = [("grpc.max_receive_message_length", 1), ("grpc.max_send_message_length", 1)]
        channel = grpc.insecure_channel(TARGET, options, grpc.Compression.Gzip)
        response = Stub(channel).GetInstance(
            GET,
            timeout=20,
            metadata=[("taskhub", "other"), ("x-bin", b"\x00")],
            wait_for_ready=True,
            compression=grpc.Compression.Gzip,
        )
        assert response.exists

    await in_thread(work)


async def test_a_call_without_serializers_uses_bytes(host: FakeHost) -> None:
    host.responses["GetInstance"] = {"exists": True}

    def work() -> bytes:
        channel = grpc.insecure_channel(TARGET)
        call: Any = channel.unary_unary("/TaskHubSidecarService/GetInstance", None, None)
        result: bytes = call(GET.SerializeToString())
        return result

    assert pb.GetInstanceResponse.FromString(await in_thread(work)).exists


async def test_an_rpc_that_the_service_lacks_is_unimplemented(host: FakeHost) -> None:
    def work() -> None:
        channel = grpc.insecure_channel(TARGET)
        path = "/TaskHubSidecarService/NoSuchRpc"
        for rpc in (
            channel.unary_unary("/TaskHubSidecarService/CompleteActivityTask", None, None),
            channel.unary_unary(path, None, None),
            channel.stream_unary(path, None, None),
            channel.stream_stream(path, None, None),
        ):
            call: Any = rpc
            with pytest.raises(grpc.RpcError) as raised:
                call(b"")
            assert status(raised.value)[0] is grpc.StatusCode.UNIMPLEMENTED

    await in_thread(work)


async def test_close_ends_a_call_that_blocks_another_thread(host: FakeHost) -> None:
    channel = grpc.insecure_channel(TARGET)

    def work() -> grpc.RpcError:
        with pytest.raises(grpc.RpcError) as raised:
            Stub(channel).GetInstance(GET)
        return raised.value

    blocked = asyncio.ensure_future(in_thread(work))
    await eventually_async(lambda: host.requests, "a request arrives")
    channel.close()
    assert status(await blocked) == (grpc.StatusCode.CANCELLED, "Channel closed!")


async def test_a_channel_outlives_its_host(host: FakeHost) -> None:
    host.responses["GetInstance"] = {"exists": True}
    channel = grpc.insecure_channel(TARGET)

    remove_carrier(TARGET)

    def fails() -> None:
        with pytest.raises(grpc.RpcError) as raised:
            Stub(channel).GetInstance(GET)
        assert status(raised.value)[0] is grpc.StatusCode.UNAVAILABLE

    await in_thread(fails)


async def test_several_channels_are_used_by_several_threads(host: FakeHost) -> None:
    host.responses["StartInstance"] = lambda document: {"instanceId": document["instanceId"]}
    stubs = [Stub(grpc.insecure_channel(TARGET)) for _ in range(3)]

    def start(index: int) -> str:
        request = pb.CreateInstanceRequest(instanceId=str(index))
        started: str = stubs[index % 3].StartInstance(request).instanceId
        return started

    def work() -> list[str]:
        with ThreadPoolExecutor(8) as threads:
            return list(threads.map(start, range(100)))

    assert await in_thread(work) == [str(index) for index in range(100)]


async def test_messages_above_the_limit_of_grpc_are_carried(host: FakeHost) -> None:
    large = "x" * 6_000_000
    host.responses["StartInstance"] = lambda document: {"instanceId": document["input"]}

    def work() -> str:
        request = pb.CreateInstanceRequest()
        request.input.value = large
        result: str = Stub(grpc.insecure_channel(TARGET)).StartInstance(request).instanceId
        return result

    assert await in_thread(work) == large


async def test_the_client_of_durabletask_works(host: FakeHost) -> None:
    state = {
        "exists": True,
        "orchestrationState": {
            "instanceId": "i",
            "name": "F",
            "orchestrationStatus": "ORCHESTRATION_STATUS_COMPLETED",
            "createdTimestamp": "2026-11-29T21:36:26Z",
            "lastUpdatedTimestamp": "2026-11-29T21:36:26.5Z",
            "output": '"done"',
        },
    }
    host.responses |= {
        "StartInstance": lambda document: {"instanceId": document["instanceId"]},
        "GetInstance": state,
        "WaitForInstanceStart": state,
        "WaitForInstanceCompletion": state,
        "QueryInstances": {"orchestrationState": [state["orchestrationState"]]},
        "SignalEntity": {},
        "GetEntity": {"exists": True, "entity": {"instanceId": "@e@k", "serializedState": "4"}},
        "QueryEntities": {"entities": [{"instanceId": "@e@k", "serializedState": "4"}]},
        "CleanEntityStorage": {"emptyEntitiesRemoved": 7},
        "PurgeInstances": {"deletedInstanceCount": 2, "isComplete": True},
        "RestartInstance": {"instanceId": "j"},
        "StreamInstanceHistory": {
            "events": [
                {"EventType": 12, "EventId": -1, "Timestamp": "2026-11-29T21:36:26Z"},
            ]
        },
        "ListInstanceIds": (12, "no"),
        "RaiseEvent": (5, "No instance"),
    }
    for rpc in ("TerminateInstance", "SuspendInstance", "ResumeInstance", "RewindInstance"):
        host.responses[rpc] = {}

    def work() -> None:
        with TaskHubGrpcClient(host_address=f"http://{TARGET}", metadata=[("a", "b")]) as client:
            assert client.schedule_new_orchestration("F", input=1, instance_id="i") == "i"
            for found in (
                client.get_orchestration_state("i"),
                client.wait_for_orchestration_start("i", timeout=20),
                client.wait_for_orchestration_completion("i", timeout=20),
                *client.get_all_orchestration_states(),
            ):
                assert found is not None
                assert found.runtime_status is OrchestrationStatus.COMPLETED
                assert found.get_output() == "done"
            entity = EntityInstanceId("e", "k")
            client.signal_entity(entity, "add", input=1)
            one = client.get_entity(entity)
            assert one is not None
            assert [one.get_state(int), *(e.get_state(int) for e in client.get_all_entities())] == [
                4,
                4,
            ]
            assert client.clean_entity_storage().empty_entities_removed == 7
            assert client.purge_orchestration("i").deleted_instance_count == 2
            assert client.restart_orchestration("i") == "j"
            assert len(client.get_orchestration_history("i")) == 1
            client.terminate_orchestration("i")
            client.suspend_orchestration("i")
            client.resume_orchestration("i")
            client.rewind_orchestration("i")
            for refused in (
                client.list_instance_ids,
                lambda: client.raise_orchestration_event("i", "e"),
            ):
                with pytest.raises(grpc.RpcError):
                    refused()

    await in_thread(work)
    assert len({rpc for rpc, _ in host.requests}) == len(host.responses)


async def test_the_wait_of_a_client_ends_with_a_timeout_error(host: FakeHost) -> None:
    host.responses["WaitForInstanceCompletion"] = {"timeout": True}

    def work() -> None:
        client = TaskHubGrpcClient(host_address=TARGET)
        with pytest.raises(TimeoutError):
            client.wait_for_orchestration_completion("i", timeout=0.1)
        client.close()

    await in_thread(work)
