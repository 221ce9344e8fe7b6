"""Calls of an asyncio channel: results, errors, deadlines, cancellation."""

from __future__ import annotations

import asyncio
from typing import Any

import durabletask.internal.orchestrator_service_pb2 as pb
import grpc
import grpc.aio
import pytest
from durabletask.internal.orchestrator_service_pb2_grpc import TaskHubSidecarServiceStub

from embedded_worker.sdk2.async_call import EOF, rpc_error
from embedded_worker.sdk2.rpc import RpcStatusError
from tests.embedded_worker.sdk2.conftest import TARGET, status
from tests.support.fake_host import FakeHost
from tests.support.polling import eventually_async

GET = pb.GetInstanceRequest(instanceId="i")
HISTORY = pb.StreamInstanceHistoryRequest(instanceId="i")
EVENT = {"EventType": 15, "EventId": 1, "Timestamp": "2026-11-29T21:36:26Z", "Name": "e"}


def stub() -> Any:
    make: Any = TaskHubSidecarServiceStub
    return make(grpc.aio.insecure_channel(TARGET))


def test_a_status_is_the_error_of_grpc() -> None:
    error = rpc_error(RpcStatusError(5, "No instance"))
    assert isinstance(error, grpc.aio.AioRpcError)
    assert status(error) == (grpc.StatusCode.NOT_FOUND, "No instance")


async def test_a_call_is_awaited_for_its_response(host: FakeHost) -> None:
    host.responses["GetInstance"] = {"exists": True}
    call = stub().GetInstance(GET, timeout=5)
    is_call = isinstance(call, grpc.aio.UnaryUnaryCall)
    assert is_call
    assert not call.done()
    done: list[object] = []
    call.add_done_callback(done.append)
    await call.wait_for_connection()
    assert await call == pb.GetInstanceResponse(exists=True)
    assert await call == pb.GetInstanceResponse(exists=True)
    assert done == [call]
    assert (call.done(), call.cancelled()) == (True, False)
    assert 0 < call.time_remaining() <= 5
    assert await call.code() is grpc.StatusCode.OK
    assert await call.details() == await call.debug_error_string() == ""
    assert await call.initial_metadata() == await call.trailing_metadata() == grpc.aio.Metadata()


async def test_a_failed_call_raises_an_aio_rpc_error(host: FakeHost) -> None:
    host.responses["GetInstance"] = (5, "No instance")
    call = stub().GetInstance(GET)
    with pytest.raises(grpc.aio.AioRpcError) as raised:
        await call
    assert status(raised.value) == (grpc.StatusCode.NOT_FOUND, "No instance")
    assert await call.code() is grpc.StatusCode.NOT_FOUND
    assert await call.details() == "No instance"


async def test_an_error_that_is_not_awaited_is_not_logged(
    host: FakeHost, caplog: pytest.LogCaptureFixture
) -> None:
    host.responses["GetInstance"] = (5, "No instance")
    call = stub().GetInstance(GET)
    await eventually_async(call.done, "the call ends")
    del call
    await asyncio.sleep(0)
    assert not [record for record in caplog.records if record.name == "asyncio"]


async def test_a_timeout_ends_a_call_and_cancels_its_request(host: FakeHost) -> None:
    with pytest.raises(grpc.aio.AioRpcError) as raised:
        await stub().GetInstance(GET, timeout=0.05)
    assert status(raised.value) == (grpc.StatusCode.DEADLINE_EXCEEDED, "Deadline Exceeded")
    assert host.cancelled == ["GetInstance"]


async def test_cancel_ends_a_call_and_its_request(host: FakeHost) -> None:
    call = stub().GetInstance(GET)
    await eventually_async(lambda: host.requests, "a request arrives")
    assert call.cancel()
    with pytest.raises(asyncio.CancelledError):
        await call
    assert call.cancelled()
    assert not call.cancel()
    assert await call.code() is grpc.StatusCode.CANCELLED
    assert "cancelled" in await call.details()
    assert host.cancelled == ["GetInstance"]


async def test_the_cancellation_of_the_caller_cancels_the_call(host: FakeHost) -> None:
    call = stub().GetInstance(GET)
    with pytest.raises(asyncio.TimeoutError):
        await asyncio.wait_for(call, 0.05)
    assert call.cancelled()
    assert host.cancelled == ["GetInstance"]


async def test_a_stream_is_iterated_or_read(host: FakeHost) -> None:
    host.responses["StreamInstanceHistory"] = {
        "events": [{**EVENT, "EventId": index} for index in range(300)]
    }
    call = stub().StreamInstanceHistory(HISTORY)
    assert isinstance(call, grpc.aio.UnaryStreamCall)
    assert [len(chunk.events) async for chunk in call] == [256, 44]
    assert await call.code() is grpc.StatusCode.OK
    call = stub().StreamInstanceHistory(HISTORY)
    assert [len((await call.read()).events) for _ in range(2)] == [256, 44]
    assert await call.read() is EOF
    assert EOF is grpc.aio.EOF  # type: ignore[attr-defined]


async def test_a_stream_that_fails_raises_at_the_first_message(host: FakeHost) -> None:
    host.responses["StreamInstanceHistory"] = (5, "No instance")
    for read in ("read", "__aiter__"):
        call = stub().StreamInstanceHistory(HISTORY)
        with pytest.raises(grpc.aio.AioRpcError) as raised:
            await (call.read() if read == "read" else anext(aiter(call)))
        assert status(raised.value) == (grpc.StatusCode.NOT_FOUND, "No instance")


async def test_a_malformed_event_ends_the_stream_with_an_error(host: FakeHost) -> None:
    host.responses["StreamInstanceHistory"] = {"events": [{"EventType": "x"}]}
    with pytest.raises(grpc.aio.AioRpcError) as raised:
        [chunk async for chunk in stub().StreamInstanceHistory(HISTORY)]
    assert raised.value.code() is grpc.StatusCode.INTERNAL
