"""Messages above the limit of gRPC on the Azure Functions host."""

from __future__ import annotations

import json
from typing import Any

import pytest

from embedded_host.app.definitions import HostJson
from embedded_host.parity.findings import Findings
from embedded_worker.rpc_protocol import RpcStatus
from tests.parity.kit import codes
from tests.sidecar.kit import ServiceUnderTest

LIMIT = 1000
LONG = json.dumps("x" * LIMIT)


def new_service() -> tuple[ServiceUnderTest, Findings]:
    findings = Findings(HostJson(max_grpc_message_bytes=LIMIT))
    return ServiceUnderTest(findings=findings), findings


async def test_a_message_within_the_limit_is_no_finding() -> None:
    service, findings = new_service()
    await service.start("Hello", input=json.dumps("x" * 800))
    await service.start("Hello", "i-2", input=json.dumps('"' * 400))  # 1,600 characters of JSON
    await service.state()
    assert codes(findings) == []


@pytest.mark.parametrize(
    ("method", "request_", "function"),
    [
        ("StartInstance", {"name": "Chain", "input": LONG}, "Chain"),
        ("RaiseEvent", {"instanceId": "waiting", "name": "e", "input": LONG}, "WaitEvent"),
        ("SignalEntity", {"instanceId": "@Tally@k", "name": "x", "input": LONG}, "tally"),
    ],
)
async def test_a_large_request_is_a_finding_of_its_function(
    method: str, request_: dict[str, Any], function: str
) -> None:
    service, findings = new_service()
    await service.start("WaitEvent", "waiting")
    await service.ok(method, **request_)
    assert codes(findings) == [("EH810", function)]


@pytest.mark.parametrize(
    ("method", "request_"),
    [
        ("GetInstance", {"instanceId": "i-1", "getInputsAndOutputs": True}),
        ("QueryInstances", {"query": {"fetchInputsAndOutputs": True}}),
    ],
)
async def test_a_large_response_is_a_finding_of_its_function(
    method: str, request_: dict[str, Any]
) -> None:
    service, findings = new_service()
    await service.host.client.start("Hello", LONG, "i-1")
    await service.host.idle()
    await service.ok(method, **request_)
    assert codes(findings) == [("EH810", "Hello")]


async def test_a_history_is_sent_in_several_messages() -> None:
    service, findings = new_service()
    await service.host.client.start("Hello", LONG, "i-1")
    await service.host.idle()
    await service.ok("StreamInstanceHistory", instanceId="i-1")
    assert codes(findings) == []


def strict_service() -> tuple[ServiceUnderTest, Findings]:
    findings = Findings(HostJson(max_grpc_message_bytes=LIMIT), is_strict=True)
    return ServiceUnderTest(findings=findings, strict=True), findings


async def test_a_strict_service_refuses_a_large_request() -> None:
    service, findings = strict_service()
    status, response = await service.call(
        "StartInstance", name="Hello", instanceId="i-1", input=LONG
    )
    assert status == RpcStatus.RESOURCE_EXHAUSTED
    assert "The request of StartInstance exceeds" in response["details"]
    assert "1000 bytes" in response["details"]
    assert codes(findings) == [("EH810", "Hello")]
    assert service.host.client.status("i-1") is None


async def test_a_strict_service_refuses_a_large_response() -> None:
    service, findings = strict_service()
    await service.host.client.start("Hello", LONG, "i-1")
    await service.host.idle()
    status, response = await service.call("GetInstance", instanceId="i-1", getInputsAndOutputs=True)
    assert status == RpcStatus.RESOURCE_EXHAUSTED
    assert "The response of GetInstance exceeds" in response["details"]
    assert codes(findings) == [("EH810", "Hello")]
    await service.ok("GetInstance", instanceId="i-1")
    await service.ok("StreamInstanceHistory", instanceId="i-1")
