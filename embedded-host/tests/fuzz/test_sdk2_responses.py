"""Mutated responses of workers of SDK 2.x."""

from __future__ import annotations

from random import Random
from typing import Any

import pytest

from embedded_host.engine.status import Status
from tests.fuzz.json_mutations import mutated_json
from tests.fuzz.sdk2_hub import BATCHES, RESPONSES, ErrorRecords, FuzzedHub

_HUB_INPUTS = 200
"""Number of inputs after which the state of a hub is opened again."""
_COMPLETED = f"ORCHESTRATION_STATUS_{Status.COMPLETED.name}"


def _action(id: int, kind: str, **fields: Any) -> dict[str, Any]:
    return {"id": id, kind: fields}


def _to_entity(id: int, kind: str, **fields: Any) -> dict[str, Any]:
    return _action(id, "sendEntityMessage", **{kind: fields})


_SEEDS: list[Any] = [
    *RESPONSES,
    {
        "actions": [
            _action(1, "scheduleTask", name="Echo", input="1", tags={"a": "b"}),
            _action(2, "createTimer", fireAt="2026-01-02T03:04:15Z"),
            _action(3, "createSubOrchestration", name="Hello", instanceId="child", version="1.0"),
            _action(4, "sendEvent", instance={"instanceId": "bystander"}, name="e", data="1"),
            _action(5, "completeOrchestration", orchestrationStatus=_COMPLETED, result="1"),
            _action(6, "scheduleTask", name="Echo"),
        ],
        "customStatus": '"status"',
        "awaitedEvents": ["Approval"],
    },
    {
        "actions": [
            _to_entity(
                1,
                "entityLockRequested",
                criticalSectionId="c",
                lockSet=["@counter@1", "@tally@2"],
                parentInstanceId="i-1",
            ),
            _to_entity(
                2,
                "entityOperationCalled",
                requestId="r",
                operation="add",
                input="1",
                targetInstanceId="@counter@1",
            ),
            _to_entity(
                3,
                "entityOperationSignaled",
                requestId="s",
                operation="add",
                targetInstanceId="@tally@2",
                scheduledTime="2026-01-02T03:04:15Z",
            ),
            _to_entity(4, "entityUnlockSent", criticalSectionId="c", targetInstanceId="@counter@1"),
            _action(
                5,
                "completeOrchestration",
                orchestrationStatus="ORCHESTRATION_STATUS_CONTINUED_AS_NEW",
                result="1",
                newVersion="2",
                carryoverEvents=[{"eventRaised": {"name": "Approval", "input": "1"}}, {}],
            ),
        ]
    },
    {
        "actions": [
            _action(
                1,
                "sendEvent",
                instance={"instanceId": "@counter@1"},
                name="op",
                data='{"op":"add","id":"x","parent":"bystander"}',
            ),
            _action(
                2,
                "sendEvent",
                instance={"instanceId": "@counter@1"},
                name="release",
                data='{"id":"c","parent":"i-1"}',
            ),
        ]
    },
]
_BATCH_SEEDS: list[Any] = [
    *BATCHES,
    {
        "results": [{"success": {"result": "1"}}],
        "actions": [
            {
                "sendSignal": {
                    "instanceId": "@counter@1",
                    "name": "add",
                    "input": "1",
                    "scheduledTime": "2026-01-02T03:04:15Z",
                }
            },
            {
                "startNewOrchestration": {
                    "instanceId": "started",
                    "name": "Hello",
                    "version": "1",
                    "scheduledTime": "2026-01-02T03:04:15Z",
                }
            },
        ],
        "entityState": "1",
    },
    {"results": [{"failure": {"failureDetails": {"properties": {"a": 1.5, "b": [None]}}}}]},
]
_IDS = ("bystander", "i-1", "@counter@bystander", "child", "started", "finish", "Fuzzed", "Hello")


async def bombard(inputs: int, seed: int) -> None:
    """Let a worker return ``inputs`` mutated responses and as many mutated entity batches."""
    random = Random(seed)
    for done in range(0, inputs, _HUB_INPUTS):
        with ErrorRecords() as errors:
            hub = FuzzedHub()
            await hub.start()
            for _ in range(min(_HUB_INPUTS, inputs - done)):
                response = mutated_json(random, _SEEDS, _IDS)
                batch = mutated_json(random, _BATCH_SEEDS, _IDS)
                try:
                    await hub.run(response, batch, errors)
                except BaseException:
                    print(f"response: {response[:4000]}\nbatch: {batch[:4000]}")
                    raise
            await hub.reopen()
            assert not errors.messages, errors.messages[0]


@pytest.mark.parametrize("seed", [1, 2])
async def test_a_malformed_response_fails_only_its_own_instance(seed: int) -> None:
    await bombard(200, seed)


@pytest.mark.manual
@pytest.mark.timeout(3600)
@pytest.mark.parametrize("seed", range(10))
async def test_many_malformed_responses_fail_only_their_own_instances(seed: int) -> None:
    await bombard(5_000, 100 + seed)
