"""The service: recorded calls, parsing, errors."""

from __future__ import annotations

import json
import re
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

import pytest

from embedded_host.store.interface import StateError
from embedded_worker.rpc_protocol import RpcStatus
from tests.sidecar.kit import ServiceUnderTest

CALLS = json.loads(Path(__file__).with_name("recorded_calls.json").read_text(encoding="utf-8"))
"""The calls of an app of SDK 2.x, recorded on the Azure Functions host with extension 3.19.0."""
pytestmark = pytest.mark.filterwarnings("ignore:Potential duplicate Task completion")

Prepare = Callable[[ServiceUnderTest, dict[str, Any]], Awaitable[None]]


def started(name: str) -> Prepare:
    """Start an instance with the id of the call."""
    return lambda service, request: service.start(name, request["instanceId"])


async def add_seven(service: ServiceUnderTest, request: dict[str, Any]) -> None:
    await service.signal(request["instanceId"], "add", 7)


async def tally_of_four(service: ServiceUnderTest, request: dict[str, Any]) -> None:
    await service.signal(request["instanceId"], "add", 4)


async def seven_empty_entities(service: ServiceUnderTest, request: dict[str, Any]) -> None:
    for number in range(7):
        await service.signal(f"@tally@empty-{number}", "add", 1)
        await service.signal(f"@tally@empty-{number}", "forget")


async def terminated(service: ServiceUnderTest, request: dict[str, Any]) -> None:
    await service.ok("TerminateInstance", instanceId=request["instanceId"])


async def completed(service: ServiceUnderTest, request: dict[str, Any]) -> None:
    await service.ok("RaiseEvent", instanceId=request["instanceId"], name="approval")


async def purged(service: ServiceUnderTest, request: dict[str, Any]) -> None:
    await service.ok("PurgeInstances", instanceId=request["instanceId"])


PREPARE: dict[int, Prepare] = {
    2: started("WaitEvent"),
    4: add_seven,
    5: started("Hello"),
    7: started("NativeChain"),
    8: started("WaitEvent"),
    25: terminated,
    35: started("Fails"),
    36: tally_of_four,
    39: seven_empty_entities,
    40: started("WaitEvent"),
    42: completed,
    44: purged,
}
"""Steps before a recorded call, by its index. Only calls of a new form were recorded."""


def normalized(value: Any) -> Any:
    """Replace times and generated ids, and parse outputs: the SDKs write spaces differently."""
    if isinstance(value, dict):
        return {
            key: json.loads(inner) if key == "output" else normalized(inner)
            for key, inner in value.items()
        }
    if isinstance(value, list):
        return [normalized(inner) for inner in value]
    if isinstance(value, str):
        value = re.sub(r"^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d{1,9})?Z$", "<time>", value)
        return re.sub(r"^[0-9a-f]{32}$", "<id>", value)
    return value


async def test_recorded_calls_get_the_recorded_responses() -> None:
    service = ServiceUnderTest()
    for number, call in enumerate(CALLS):
        request = call["request"]
        if prepare := PREPARE.get(number):
            await prepare(service, request)
        status, response = await service.call(call["method"], **{**request, "waitSeconds": 0})
        where = f"call {number}: {call['method']} {request}"
        if call.get("error") == "DEADLINE_EXCEEDED":
            assert (status, response) == (0, {"timeout": True}), where
        elif "error" in call:
            expected = (RpcStatus[call["error"]], {"details": call["details"]})
            assert (status, response) == expected, where
        elif call["response"] == "<long>":
            assert len(response["orchestrationState"]) > 5, where
        else:
            assert (status, normalized(response)) == (0, normalized(call["response"])), where


async def test_responses_are_the_json_of_the_protobuf_messages() -> None:
    pb = pytest.importorskip("durabletask.internal.orchestrator_service_pb2")
    json_format = pytest.importorskip("google.protobuf.json_format")
    service = ServiceUnderTest(is_functions=False)
    await service.start("Hello", "i-1", tags={"a": "b"}, input="1")
    await service.start("Fails", "i-2")
    await service.start("Hello", "i-3", scheduledStartTimestamp="2026-01-02T03:04:15Z")
    await service.signal("@tally@k", "add", 1)
    values = {"getInputsAndOutputs": True}
    query = {"maxInstanceCount": 1, "fetchInputsAndOutputs": True}
    calls: list[tuple[str, dict[str, Any]]] = [
        *(("GetInstance", {"instanceId": f"i-{number}", **values}) for number in (1, 2, 3, 4)),
        ("QueryInstances", {"query": query}),
        ("ListInstanceIds", {"pageSize": 1}),
        ("GetEntity", {"instanceId": "@tally@k", "includeState": True}),
        ("QueryEntities", {"query": {"pageSize": 1, "includeState": True}}),
        ("CleanEntityStorage", {"removeEmptyEntities": True}),
        ("PurgeInstances", {"purgeInstanceFilter": {"timeout": "5s"}}),
    ]
    methods = pb.DESCRIPTOR.services_by_name["TaskHubSidecarService"].methods_by_name
    for name, request in calls:
        response = await service.ok(name, **request)
        message = getattr(pb, methods[name].output_type.name)()
        json_format.ParseDict(response, message)
        assert json_format.MessageToDict(message).keys() == response.keys(), name


async def test_an_unknown_method_is_not_implemented() -> None:
    for method in ("GetWorkItems", "CreateTaskHub", "Nope", ""):
        status, response = await ServiceUnderTest().call(method)
        assert status == RpcStatus.UNIMPLEMENTED
        assert method in response["details"]


async def test_hello_responds() -> None:
    assert await ServiceUnderTest().service.call("Hello", b"") == (0, b"{}")


@pytest.mark.parametrize(
    ("method", "body"),
    [
        ("GetInstance", b"{"),
        ("GetInstance", b"[]"),
        ("GetInstance", b'{"instanceId": 1}'),
        ("StartInstance", b'{"name": "Hello", "scheduledStartTimestamp": "soon"}'),
        (
            "QueryInstances",
            b'{"query": {"createdTimeFrom": "9999-12-31T23:59:59-14:00"}}',
        ),
        ("QueryInstances", b'{"query": {"runtimeStatus": ["ORCHESTRATION_STATUS_X"]}}'),
        ("PurgeInstances", b'{"purgeInstanceFilter": {"timeout": "long"}}'),
        ("GetEntity", b'{"instanceId": "no-entity"}'),
        ("PurgeInstances", b"{}"),
        ("RaiseEvent", b'{"instanceId": "i"}'),
        ("RaiseEvent", b'{"name": "n"}'),
        ("TerminateInstance", b"{}"),
    ],
)
async def test_an_invalid_request_is_refused(method: str, body: bytes) -> None:
    status, response = await ServiceUnderTest().service.call(method, body)
    assert status == RpcStatus.INVALID_ARGUMENT
    assert json.loads(response)["details"]


async def test_a_deeply_nested_request_is_refused_or_has_no_effect() -> None:
    """The limit of the depth depends on the version of Python."""
    body = b'{"unknown": ' + b"[" * 5000 + b"]" * 5000 + b"}"
    status, response = await ServiceUnderTest().service.call("GetInstance", body)
    assert status in (RpcStatus.OK, RpcStatus.INVALID_ARGUMENT)
    json.loads(response)


@pytest.mark.parametrize(
    ("error", "text", "code"),
    [
        (StateError("damaged"), "The state file could not be read", "EH218"),
        (RuntimeError("bug"), "RuntimeError: bug", "EH330"),
    ],
)
async def test_an_error_of_the_host_is_logged(
    error: Exception,
    text: str,
    code: str,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
) -> None:
    service = ServiceUnderTest()

    def fail(*_: object) -> None:
        raise error

    monkeypatch.setattr(service.host.client, "status", fail)
    status, response = await service.call("GetInstance", instanceId="i")
    assert status == RpcStatus.INTERNAL
    assert text in response["details"]
    assert code in caplog.text
