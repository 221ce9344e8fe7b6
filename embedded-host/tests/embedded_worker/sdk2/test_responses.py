"""The JSON of the responses of SDK 2.x."""

from __future__ import annotations

import json
from typing import Any

import durabletask.internal.orchestrator_service_pb2 as pb
import pytest
from google.protobuf.json_format import MessageToDict, ParseDict

from embedded_worker.sdk2.responses import entity_batch_result, orchestrator_response
from tests.embedded_worker.sdk2.recordings import recorded_turns


def test_each_recorded_response_keeps_its_json() -> None:
    count = 0
    for _, turn in recorded_turns():
        recorded = turn["response"]
        response = ParseDict(recorded, pb.OrchestratorResponse())
        document = json.loads(orchestrator_response(response, ["E"]))
        assert document.pop("awaitedEvents") == ["E"]
        assert document == recorded
        count += 1
    assert count > 150


@pytest.mark.parametrize(
    "action",
    [
        {"scheduleTask": {}},
        {"scheduleTask": {"name": "A", "input": ""}},
        {"scheduleTask": {"name": "A", "version": "1", "tags": {"a": "b"}}},
        {"scheduleTask": {"name": "A", "parentTraceContext": {"traceParent": "t"}}},
        {"createTimer": {"fireAt": "2026-11-29T21:35:57.611485Z"}},
        {"createTimer": {"fireAt": "1970-01-01T00:00:00Z"}},
        {"completeOrchestration": {"orchestrationStatus": "ORCHESTRATION_STATUS_COMPLETED"}},
        {
            "completeOrchestration": {
                "orchestrationStatus": "ORCHESTRATION_STATUS_COMPLETED",
                "result": "1",
                "details": "d",
            }
        },
        {
            "completeOrchestration": {
                "orchestrationStatus": "ORCHESTRATION_STATUS_CONTINUED_AS_NEW",
                "carryoverEvents": [{"eventId": -1, "eventRaised": {"name": "E", "input": "1"}}],
            }
        },
        {"terminateOrchestration": {"instanceId": "i", "recurse": True}},
        {},
    ],
)
@pytest.mark.parametrize("id", [-1, 7])
def test_an_action_has_the_json_of_the_protobuf_package(action: dict[str, Any], id: int) -> None:
    response = pb.OrchestratorResponse(actions=[ParseDict(action, pb.OrchestratorAction(id=id))])
    document = json.loads(orchestrator_response(response))
    assert document["actions"] == MessageToDict(response)["actions"]


def test_the_result_of_an_entity_has_the_json_of_the_protobuf_package() -> None:
    success = pb.OperationResultSuccess(result={"value": "5"})
    result = pb.EntityBatchResult(
        results=[pb.OperationResult(success=success)], entityState={"value": "5"}
    )
    assert json.loads(entity_batch_result(result)) == {
        "results": [{"success": {"result": "5"}}],
        "entityState": "5",
    }
