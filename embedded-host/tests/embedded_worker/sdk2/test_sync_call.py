"""Calls of a synchronous channel: results, errors, deadlines, cancellation."""

from __future__ import annotations

import concurrent.futures
import time
from typing import Any

import durabletask.internal.orchestrator_service_pb2 as pb
import grpc
import pytest
from durabletask.internal.orchestrator_service_pb2_grpc import TaskHubSidecarServiceStub

from tests.embedded_worker.sdk2.conftest import TARGET, in_thread, status
from tests.support.fake_host import FakeHost
from tests.support.polling import eventually_async

GET = pb.GetInstanceRequest(instanceId="i")
EVENT = {"EventType": 15, "EventId": 1, "Timestamp": "2026-11-29T21:36:26Z", "Name": "e"}


def stub(channel: grpc.Channel | None = None) -> Any:
    make: Any = TaskHubSidecarServiceStub
    return make(channel or grpc.insecure_channel(TARGET))


async def test_a_failed_call_is_an_rpc_error_with_the_name_of_grpcs_own(host: FakeHost) -> None:
    host.responses["GetInstance"] = (5, "No instance")

    def work() -> grpc.RpcError:
        with pytest.raises(grpc.RpcError) as raised:
            stub().GetInstance(GET)
        return raised.value

    error = await in_thread(work)
    assert type(error).__name__ == "_InactiveRpcError"
    assert status(error) == (grpc.StatusCode.NOT_FOUND, "No instance")
    assert isinstance(error, grpc.Call)
    assert str(error).startswith(
        "<_InactiveRpcError of RPC that terminated with:\n\tstatus = StatusCode.NOT_FOUND\n"
        '\tdetails = "No instance"\n'
    )


async def test_a_timeout_ends_a_call_and_cancels_its_request(host: FakeHost) -> None:
    def work() -> tuple[grpc.RpcError, float]:
        started = time.monotonic()
        with pytest.raises(grpc.RpcError) as raised:
            stub().GetInstance(GET, timeout=0.1)
        return raised.value, time.monotonic() - started

    error, seconds = await in_thread(work)
    assert status(error) == (grpc.StatusCode.DEADLINE_EXCEEDED, "Deadline Exceeded")
    assert 0.09 < seconds < 5
    await eventually_async(lambda: host.cancelled, "the request is cancelled")


async def test_with_call_returns_the_response_and_its_call(host: FakeHost) -> None:
    host.responses["GetInstance"] = {"exists": True}
    response, call = await in_thread(lambda: stub().GetInstance.with_call(GET, timeout=5))
    assert response == pb.GetInstanceResponse(exists=True)
    assert (call.code(), call.details()) == (grpc.StatusCode.OK, "")
    assert call.initial_metadata() == call.trailing_metadata() == ()
    assert 0 < call.time_remaining() <= 5
    assert not call.is_active()
    assert not call.add_callback(lambda: None)
    assert "StatusCode.OK" in repr(call)


async def test_a_future_has_the_response_of_its_call(host: FakeHost) -> None:
    host.responses["GetInstance"] = {"exists": True}

    def work() -> None:
        future = stub().GetInstance.future(GET)
        done: concurrent.futures.Future[Any] = concurrent.futures.Future()
        future.add_done_callback(done.set_result)
        assert done.result(5) is future
        assert future.result() == pb.GetInstanceResponse(exists=True)
        assert future.exception() is None
        assert future.traceback() is None
        assert (future.done(), future.running(), future.cancelled()) == (True, False, False)

    await in_thread(work)


async def test_a_future_that_fails_raises_its_error(host: FakeHost) -> None:
    host.responses["GetInstance"] = (9, "not now")

    def work() -> None:
        future = stub().GetInstance.future(GET)
        with pytest.raises(grpc.RpcError) as raised:
            future.result(5)
        assert raised.value is future.exception()
        assert status(raised.value) == (grpc.StatusCode.FAILED_PRECONDITION, "not now")
        assert type(raised.value).__name__ == "_MultiThreadedRendezvous"
        assert future.traceback() is not None

    await in_thread(work)


async def test_a_future_can_be_cancelled_and_awaited_for_a_time(host: FakeHost) -> None:
    def work() -> None:
        future = stub().GetInstance.future(GET)
        called: concurrent.futures.Future[None] = concurrent.futures.Future()
        assert future.add_callback(lambda: called.set_result(None))
        assert future.is_active()
        assert "in-flight" in repr(future)
        with pytest.raises(grpc.FutureTimeoutError):
            future.result(timeout=0.05)
        assert future.cancel()
        assert not future.cancel()
        called.result(5)
        with pytest.raises(grpc.FutureCancelledError):
            future.result()
        assert future.cancelled()
        assert future.code() is grpc.StatusCode.CANCELLED

    await in_thread(work)


async def test_a_stream_is_iterated_and_ends(host: FakeHost) -> None:
    host.responses["StreamInstanceHistory"] = {
        "events": [{**EVENT, "EventId": index} for index in range(300)]
    }

    def work() -> list[int]:
        stream = stub().StreamInstanceHistory(pb.StreamInstanceHistoryRequest(instanceId="i"))
        chunks = list(stream)
        assert stream.code() is grpc.StatusCode.OK
        return [len(chunk.events) for chunk in chunks]

    assert await in_thread(work) == [256, 44]


async def test_a_stream_that_fails_raises_at_the_first_message(host: FakeHost) -> None:
    host.responses["StreamInstanceHistory"] = (5, "No instance")

    def work() -> grpc.RpcError:
        stream = stub().StreamInstanceHistory(pb.StreamInstanceHistoryRequest(instanceId="i"))
        with pytest.raises(grpc.RpcError) as raised:
            next(stream)
        assert raised.value is stream
        error: grpc.RpcError = raised.value
        return error

    assert status(await in_thread(work)) == (grpc.StatusCode.NOT_FOUND, "No instance")


async def test_a_malformed_event_ends_the_stream_with_an_error(host: FakeHost) -> None:
    host.responses["StreamInstanceHistory"] = {
        "events": [*({**EVENT, "EventId": index} for index in range(256)), {"EventType": "x"}, 1]
    }

    def work() -> grpc.RpcError:
        stream = stub().StreamInstanceHistory(pb.StreamInstanceHistoryRequest(instanceId="i"))
        with pytest.raises(grpc.RpcError) as raised:
            list(stream)
        return raised.value

    assert status(await in_thread(work))[0] is grpc.StatusCode.INTERNAL


async def test_a_blocking_call_in_the_event_loop_of_the_worker_fails_at_once(
    host: FakeHost,
) -> None:
    host.responses["GetInstance"] = {"exists": True}
    with pytest.raises(grpc.RpcError, match="EH412") as raised:
        stub().GetInstance(GET)
    assert raised.value.code() is grpc.StatusCode.FAILED_PRECONDITION
    future = stub().GetInstance.future(GET)
    await eventually_async(future.done, "the call ends")
    assert future.result() == pb.GetInstanceResponse(exists=True)
