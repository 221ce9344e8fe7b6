"""Mutated requests of the durable client of SDK 2.x."""

from __future__ import annotations

import asyncio
import json
from random import Random
from typing import Any

import pytest

from embedded_host.sidecar import instances
from embedded_worker.rpc_protocol import RpcStatus
from tests.fuzz.json_mutations import mutated_json
from tests.fuzz.sdk2_hub import REQUESTS, ErrorRecords
from tests.sidecar.kit import ServiceUnderTest

_SERVICE_INPUTS = 500
"""Number of inputs after which a new hub takes the place of the previous one."""
_SECONDS = 20.0
_STATUS = [f"ORCHESTRATION_STATUS_{name}" for name in ("COMPLETED", "RUNNING", "PENDING", "X")]
_ID = {"instanceId": "i-1"}
_TIME = "2026-01-02T03:04:15Z"
_SEEDS: list[tuple[str, Any]] = [
    *REQUESTS,
    ("Hello", {}),
    (
        "StartInstance",
        {
            **_ID,
            "name": "Hello",
            "version": "1",
            "input": "1",
            "scheduledStartTimestamp": _TIME,
            "orchestrationIdReusePolicy": {"replaceableStatus": _STATUS[:1]},
            "tags": {"a": "b"},
            "parentTraceContext": {"traceParent": "00-a-b-01", "spanID": "b", "traceState": "c"},
        },
    ),
    ("GetInstance", {**_ID, "getInputsAndOutputs": True}),
    ("WaitForInstanceStart", {**_ID, "waitSeconds": 0.001}),
    ("WaitForInstanceCompletion", {**_ID, "waitSeconds": 0.001}),
    (
        "QueryInstances",
        {
            "query": {
                "runtimeStatus": _STATUS[:2],
                "createdTimeFrom": _TIME,
                "createdTimeTo": _TIME,
                "maxInstanceCount": 2,
                "continuationToken": "aS0x",
                "instanceIdPrefix": "i",
                "fetchInputsAndOutputs": True,
            }
        },
    ),
    (
        "ListInstanceIds",
        {
            "runtimeStatus": _STATUS[:1],
            "completedTimeFrom": _TIME,
            "completedTimeTo": _TIME,
            "pageSize": 2,
            "lastInstanceKey": "aS0x",
        },
    ),
    ("StreamInstanceHistory", {**_ID, "executionId": "e"}),
    ("RaiseEvent", {**_ID, "name": "approval", "input": "1"}),
    ("TerminateInstance", {**_ID, "output": '"x"', "recursive": True}),
    *((f"{verb}Instance", {**_ID, "reason": "x"}) for verb in ("Suspend", "Resume", "Rewind")),
    ("RestartInstance", {**_ID, "restartWithNewInstanceId": True}),
    ("PurgeInstances", {**_ID, "recursive": True}),
    ("PurgeInstances", {"instanceBatch": {"instanceIds": ["i-1", "i-2"]}}),
    (
        "PurgeInstances",
        {
            "purgeInstanceFilter": {
                "createdTimeFrom": _TIME,
                "createdTimeTo": _TIME,
                "runtimeStatus": _STATUS[:2],
                "timeout": "1.5s",
            }
        },
    ),
    (
        "SignalEntity",
        {
            "instanceId": "@tally@k",
            "name": "add",
            "input": "1",
            "requestId": "r",
            "scheduledTime": _TIME,
        },
    ),
    ("GetEntity", {"instanceId": "@tally@k", "includeState": True}),
    (
        "QueryEntities",
        {
            "query": {
                "instanceIdStartsWith": "@t",
                "lastModifiedFrom": _TIME,
                "lastModifiedTo": _TIME,
                "includeState": True,
                "includeTransient": True,
                "pageSize": 2,
                "continuationToken": "QHQ",
            }
        },
    ),
    ("CleanEntityStorage", {"removeEmptyEntities": True, "releaseOrphanedLocks": True}),
]
_METHODS = sorted({method for method, _ in _SEEDS} | {"GetWorkItems", "CompleteActivityTask"})
_VALUES = ("i-1", "i-2", "waiting", "Hello", "WaitEvent", "Fails", "ParentOfHello", *_STATUS)


async def bombard(inputs: int, seed: int, monkeypatch: pytest.MonkeyPatch) -> None:
    """Send ``inputs`` mutated requests, and check each response and the hub."""
    monkeypatch.setattr(instances, "LONGEST_WAIT", 0.001)
    random = Random(seed)
    for done in range(0, inputs, _SERVICE_INPUTS):
        served = ServiceUnderTest(is_functions=random.random() < 0.5)
        with ErrorRecords() as errors:
            for _ in range(min(_SERVICE_INPUTS, inputs - done)):
                method, request = random.choice(_SEEDS)
                body = mutated_json(random, [request, *(seed for _, seed in _SEEDS[-30:])], _VALUES)
                if random.random() < 0.7:
                    body = mutated_json(random, [request], _VALUES)
                if random.random() < 0.05:
                    method = random.choice(_METHODS)
                try:
                    await _call(served, method, body.encode("utf-8", "surrogatepass"))
                    assert not errors.messages, errors.messages[0]
                except BaseException:
                    print(f"{method}: {body[:4000]}")
                    raise
            await served.start("Hello", "the last one")
            assert await served.status("the last one") == "Completed"


async def _call(served: ServiceUnderTest, method: str, body: bytes) -> None:
    call = served.service.call(method, body)
    status, response = await asyncio.wait_for(call, _SECONDS)
    await asyncio.wait_for(served.host.idle(), _SECONDS)
    assert RpcStatus(status) is not RpcStatus.INTERNAL
    document = json.loads(response.decode())
    if status != RpcStatus.OK:
        assert isinstance(document.pop("details", ""), str)
        assert document == {}
    assert isinstance(document, dict)


@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize("seed", [1, 2])
async def test_a_malformed_request_has_a_status(seed: int, monkeypatch: pytest.MonkeyPatch) -> None:
    await bombard(500, seed, monkeypatch)


@pytest.mark.manual
@pytest.mark.filterwarnings("ignore")
@pytest.mark.timeout(3600)
@pytest.mark.parametrize("seed", range(10))
async def test_many_malformed_requests_have_a_status(
    seed: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    await bombard(5_000, 100 + seed, monkeypatch)
