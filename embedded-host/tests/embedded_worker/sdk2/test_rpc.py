"""Conversion of RPCs between protobuf and the JSON of the host, and repeated waits."""

from __future__ import annotations

import asyncio
import json
import time
from datetime import datetime, timedelta, timezone
from typing import Any

import durabletask.internal.orchestrator_service_pb2 as pb
import pytest
from google.protobuf.json_format import MessageToDict, ParseDict
from google.protobuf.wrappers_pb2 import StringValue
from hypothesis import given, settings
from hypothesis import strategies as st

from embedded_worker.framing import UnsendableMessageError
from embedded_worker.protocol import ClientResponse
from embedded_worker.rpc_protocol import RpcStatus
from embedded_worker.sdk2 import rpc
from embedded_worker.sdk2.rpc import (
    CLIENT_RPCS,
    RpcStatusError,
    exchange,
    message_types,
    orchestration_state,
    request_document,
    response_messages,
)
from tests.support.fake_host import FakeHost

RPCS = sorted(CLIENT_RPCS)


def ok(document: object) -> ClientResponse:
    return ClientResponse(1, 0, json.dumps(document).encode())


def test_each_rpc_of_the_client_exists_in_the_service() -> None:
    methods = {method.name for method in pb.DESCRIPTOR.services_by_name[rpc.SERVICE].methods}
    assert methods >= CLIENT_RPCS
    assert methods - CLIENT_RPCS == {
        "Hello",
        "GetWorkItems",
        "CompleteActivityTask",
        "CompleteOrchestratorTask",
        "CompleteEntityTask",
        "CreateTaskHub",
        "DeleteTaskHub",
        "AbandonTaskActivityWorkItem",
        "AbandonTaskOrchestratorWorkItem",
        "AbandonTaskEntityWorkItem",
        "SkipGracefulOrchestrationTerminations",
    }


def test_a_request_becomes_the_json_of_its_fields() -> None:
    request = pb.CreateInstanceRequest(
        instanceId="i", name="F", input=StringValue(value="1"), tags={"a": "b"}
    )
    assert request_document("StartInstance", request.SerializeToString()) == {
        "instanceId": "i",
        "name": "F",
        "input": "1",
        "tags": {"a": "b"},
    }


def test_an_rpc_that_the_host_does_not_process_is_unimplemented() -> None:
    for name in ("CompleteActivityTask", "NoSuchRpc"):
        with pytest.raises(RpcStatusError) as raised:
            request_document(name, b"")
        assert raised.value.code == RpcStatus.UNIMPLEMENTED


@pytest.mark.parametrize("name", RPCS)
@settings(max_examples=20, deadline=None)
@given(data=st.binary(max_size=200))
def test_any_bytes_are_a_request_or_an_invalid_argument(name: str, data: bytes) -> None:
    try:
        document = request_document(name, data)
    except RpcStatusError as error:
        document = {"code": error.code}
    assert document.get("code", RpcStatus.INVALID_ARGUMENT) == RpcStatus.INVALID_ARGUMENT
    json.dumps(document)


@pytest.mark.parametrize("name", [name for name in RPCS if name != rpc.HISTORY])
def test_the_json_of_a_response_becomes_the_message(name: str) -> None:
    kind = message_types(name)[1]
    documents: dict[str, dict[str, Any]] = {
        "StartInstance": {"instanceId": "i"},
        "PurgeInstances": {"deletedInstanceCount": 3, "isComplete": True},
        "QueryInstances": {
            "orchestrationState": [{"instanceId": "a"}, {"instanceId": "b", "tags": {"x": "y"}}],
            "continuationToken": "next",
        },
        "GetInstance": {"exists": True, "orchestrationState": {"instanceId": "i"}},
    }
    document = documents.get(name, {})
    (data,) = response_messages(name, ok({**document, "unknownField": 1}))
    message = kind()
    message.ParseFromString(data)
    assert MessageToDict(message) == document


texts = st.text(max_size=8)
times = st.datetimes(datetime(1970, 1, 1), datetime(2100, 1, 1)).map(
    lambda t: t.replace(tzinfo=timezone.utc)
)


@st.composite
def states(draw: st.DrawFn) -> pb.OrchestrationState:
    state = pb.OrchestrationState(
        instanceId=draw(texts),
        name=draw(texts),
        orchestrationStatus=draw(st.sampled_from(sorted(pb.OrchestrationStatus.keys()))),
        tags=draw(st.dictionaries(texts, texts, max_size=2)),
    )
    for field in ("version", "input", "output", "customStatus", "executionId", "parentInstanceId"):
        if draw(st.booleans()):
            getattr(state, field).value = draw(texts)
    for field in ("createdTimestamp", "lastUpdatedTimestamp", "completedTimestamp"):
        if draw(st.booleans()):
            getattr(state, field).FromDatetime(draw(times))
            getattr(state, field).nanos += draw(st.integers(0, 999))
    if draw(st.booleans()):
        state.failureDetails.errorType = draw(texts)
        state.failureDetails.innerFailure.errorMessage = draw(texts)
    return state


@settings(max_examples=150, deadline=None)
@given(states())
def test_the_state_of_an_instance_equals_that_of_json_format(state: pb.OrchestrationState) -> None:
    document = MessageToDict(state)
    assert orchestration_state(document) == ParseDict(document, pb.OrchestrationState()) == state


@pytest.mark.parametrize(
    "text",
    [
        "2026-11-29T21:36:26Z",
        "2026-11-29T21:36:26.8Z",
        "2026-11-29T21:36:26.828929100Z",
        "2026-11-29T21:36:26.828929+02:00",
        "0001-01-01T00:00:00Z",
    ],
)
def test_a_timestamp_is_read_as_json_format_reads_it(text: str) -> None:
    document = {"createdTimestamp": text}
    assert orchestration_state({**document}) == ParseDict(document, pb.OrchestrationState())


def test_null_fields_are_missing_fields() -> None:
    (data,) = response_messages("GetInstance", ok({"exists": False, "orchestrationState": None}))
    response = pb.GetInstanceResponse.FromString(data)
    assert not response.exists
    assert not response.HasField("orchestrationState")


@pytest.mark.parametrize(
    ("name", "body"),
    [
        ("GetInstance", b"{"),
        ("GetInstance", b"[]"),
        ("GetInstance", b'{"exists": true, "orchestrationState": 1}'),
        ("GetInstance", b'{"exists": true, "orchestrationState": {"name": 1}}'),
        (
            "GetInstance",
            b'{"exists": true, "orchestrationState": {"createdTimestamp": "yesterday Z"}}',
        ),
        ("QueryInstances", b'{"orchestrationState": 1}'),
        ("StartInstance", b'{"instanceId": 1}'),
        ("StreamInstanceHistory", b"{}"),
    ],
)
def test_a_malformed_response_of_the_host_is_an_internal_error(name: str, body: bytes) -> None:
    with pytest.raises(
        RpcStatusError, match=f"The host's response to {name} is malformed"
    ) as error:
        list(response_messages(name, ClientResponse(1, 0, body)))
    assert error.value.code == RpcStatus.INTERNAL


@pytest.mark.parametrize(
    ("status", "body", "code", "details"),
    [
        (5, b'{"details": "No instance"}', 5, "No instance"),
        (5, b"{}", 5, "{}"),
        (5, b"plain", 5, "plain"),
        (500, b'"The response is too large for a worker."', 13, "The response is too large"),
    ],
)
def test_a_status_of_the_host_is_raised_with_its_details(
    status: int, body: bytes, code: int, details: str
) -> None:
    with pytest.raises(RpcStatusError, match=details) as error:
        list(response_messages("RaiseEvent", ClientResponse(1, status, body)))
    assert error.value.code == code


def event(index: int, size: int = 0) -> dict[str, Any]:
    return {
        "EventType": 15,
        "EventId": index,
        "Timestamp": "2026-11-29T21:36:26Z",
        "Name": "e",
        "Input": "x" * size,
    }


def chunks(events: list[dict[str, Any]]) -> list[list[int]]:
    return [
        [event.eventId for event in pb.HistoryChunk.FromString(data).events]
        for data in response_messages("StreamInstanceHistory", ok({"events": events}))
    ]


def test_a_history_is_returned_in_chunks_of_limited_count_and_size() -> None:
    assert chunks([]) == []
    assert chunks([event(1)]) == [[1]]
    many = chunks([event(index) for index in range(600)])
    assert [len(chunk) for chunk in many] == [256, 256, 88]
    assert [index for chunk in many for index in chunk] == list(range(600))
    large = chunks([event(index, 400_000) for index in range(5)])
    assert large == [[0, 1], [2, 3], [4]]
    assert chunks([event(0), event(1, 3_000_000), event(2)]) == [[0], [1], [2]]


async def test_a_wait_is_repeated_until_the_state_is_reached() -> None:
    host = FakeHost()
    responses = [{"timeout": True}, {"timeout": True}, {"exists": True}]
    host.responses["WaitForInstanceStart"] = lambda document: responses.pop(0)
    response = await exchange(host.send, "WaitForInstanceStart", {"instanceId": "i"}, None)
    assert json.loads(response.body) == {"exists": True}
    assert host.requests == [("WaitForInstanceStart", {"instanceId": "i", "waitSeconds": 20.0})] * 3


async def test_a_wait_requests_no_more_than_the_time_until_the_deadline() -> None:
    host = FakeHost()
    host.responses["WaitForInstanceCompletion"] = {"timeout": True}
    started = time.monotonic()
    with pytest.raises(RpcStatusError) as error:
        await exchange(host.send, "WaitForInstanceCompletion", {}, started + 0.1)
    assert (error.value.code, error.value.details) == (4, "Deadline Exceeded")
    assert time.monotonic() - started >= 0.09
    assert all(document["waitSeconds"] <= 0.1 for _, document in host.requests)


async def test_a_deadline_in_the_past_ends_the_call() -> None:
    host = FakeHost()
    host.responses["GetInstance"] = {}
    with pytest.raises(RpcStatusError) as error:
        await exchange(host.send, "GetInstance", {}, time.monotonic() - 1)
    assert error.value.code == RpcStatus.DEADLINE_EXCEEDED


async def test_the_cancellation_of_a_wait_stops_it() -> None:
    host = FakeHost()
    task = asyncio.ensure_future(exchange(host.send, "WaitForInstanceStart", {}, None))
    await asyncio.sleep(0)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert len(host.requests) == 1


@pytest.mark.parametrize(
    ("error", "code"),
    [
        (ConnectionResetError("the connection is closed"), RpcStatus.UNAVAILABLE),
        (UnsendableMessageError("it has 600 MB"), RpcStatus.RESOURCE_EXHAUSTED),
    ],
)
async def test_a_request_that_cannot_be_sent_has_a_status(error: Exception, code: int) -> None:
    host = FakeHost()
    host.responses["RaiseEvent"] = error
    with pytest.raises(RpcStatusError, match=str(error)) as raised:
        await exchange(host.send, "RaiseEvent", {}, None)
    assert raised.value.code == code


def test_the_conversion_of_a_call_takes_a_fraction_of_a_millisecond() -> None:
    started = (datetime.now(timezone.utc) - timedelta(seconds=1)).isoformat()
    document = {
        "exists": True,
        "orchestrationState": {
            "instanceId": "9b2c696290b24a7fa30b79586b4ae02e",
            "name": "Hello",
            "orchestrationStatus": "ORCHESTRATION_STATUS_COMPLETED",
            "createdTimestamp": started.replace("+00:00", "Z"),
            "output": '"World"',
            "customStatus": "null",
        },
    }
    request = pb.GetInstanceRequest(instanceId="i", getInputsAndOutputs=True).SerializeToString()
    response = ok(document)

    def seconds() -> float:
        started = time.perf_counter()
        for _ in range(200):
            json.dumps(request_document("GetInstance", request))
            list(response_messages("GetInstance", response))
        return (time.perf_counter() - started) / 200

    assert min(seconds() for _ in range(20)) < 0.0005


def test_the_name_of_an_rpc_is_the_last_part_of_its_path() -> None:
    assert rpc.rpc_name("/S/Get") == rpc.rpc_name(b"/S/Get") == "Get"
