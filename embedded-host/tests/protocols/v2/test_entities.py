"""Batches of entities, with the recorded values of SDK 2.x."""

from __future__ import annotations

import json
from datetime import datetime, timezone
from typing import Any

import pytest

from embedded_host.engine.entity_messages import EntityId, OperationRequest
from embedded_host.engine.events import FailureDetails
from embedded_host.engine.failures import UserError
from embedded_host.engine.invocations import (
    EntityInput,
    EntityOutput,
    InvocationFailure,
    OperationResult,
    SendSignal,
    StartNewOrchestration,
)
from embedded_host.protocols.v2.entities import entity_payload, entity_result

CALL = OperationRequest("r-1", "get", None, False, "main-1")
SIGNAL = OperationRequest("r-2", "add", "1", True)
TIMES = {"startTimeUtc": "2026-11-29T21:36:05.564925Z", "endTimeUtc": "2026-11-29T21:36:05.569372Z"}


def success(result: str | None = "5") -> dict[str, Any]:
    return {"success": TIMES if result is None else {"result": result, **TIMES}}


def parsed(operations: int = 1, **document: Any) -> EntityOutput | InvocationFailure:
    return entity_result(json.dumps(document), operations)


def output(operations: int = 1, **document: Any) -> EntityOutput:
    result = parsed(operations, **document)
    assert isinstance(result, EntityOutput)
    return result


def message(operations: int = 1, **document: Any) -> str:
    result = parsed(operations, **document)
    assert isinstance(result, InvocationFailure)
    return result.message


def test_the_payload_has_the_operations_and_the_state() -> None:
    batch = EntityInput(EntityId("tally", "k"), True, "7", [SIGNAL, CALL])
    assert json.loads(entity_payload(batch)) == {
        "instanceId": "@tally@k",
        "entityState": "7",
        "operations": [
            {"operation": "add", "requestId": "r-2", "input": "1"},
            {"operation": "get", "requestId": "r-1", "input": None},
        ],
    }


def test_a_deleted_entity_has_no_state() -> None:
    batch = EntityInput(EntityId("tally", "k"), False, "7", [CALL])
    assert json.loads(entity_payload(batch))["entityState"] is None


def test_results_are_parsed_in_order() -> None:
    result = output(3, results=[success("5"), success(""), success(None)], entityState="5")
    assert result == EntityOutput(
        [OperationResult(result, False) for result in ("5", "", None)], True, "5", []
    )


def test_an_entity_without_a_state_does_not_exist() -> None:
    result = output(results=[success()])
    assert (result.exists, result.state) == (False, None)


def test_a_failure_has_the_details_in_the_form_of_the_history() -> None:
    details = {
        "errorType": "builtins.ValueError",
        "errorMessage": "tally exploded",
        "stackTrace": "<stack>",
        "innerFailure": {"errorType": "KeyError", "errorMessage": "'k'", "isNonRetriable": True},
        "properties": {"code": 7.0},
    }
    result = output(results=[{"failure": {"failureDetails": details, **TIMES}}], entityState="4")
    inner = FailureDetails(
        error_type="KeyError", error_message="'k'", is_non_retriable=True, properties={}
    )
    recorded = FailureDetails(
        error_type="builtins.ValueError",
        error_message="tally exploded",
        stack_trace="<stack>",
        inner_failure=inner,
        properties={"code": 7.0},
    )
    assert result.results == [OperationResult(None, True, recorded)]
    assert (result.exists, result.state) == (True, "4")


def test_actions_are_parsed() -> None:
    at = "2026-11-29T21:36:05.564925700Z"
    result = output(
        results=[success()],
        actions=[
            {"sendSignal": {"instanceId": "@tally@m", "name": "add", "input": "1"}},
            {"sendSignal": {"instanceId": "@tally@m", "name": "add", "scheduledTime": at}},
            {"startNewOrchestration": {"instanceId": "i-1", "name": "Hello"}},
            {"startNewOrchestration": {"name": "Hello", "version": "2", "input": '"x"'}},
        ],
    )
    assert result.actions == [
        SendSignal("@tally@m", "add", "1"),
        SendSignal(
            "@tally@m", "add", None, datetime(2026, 11, 29, 21, 36, 5, 564925, timezone.utc)
        ),
        StartNewOrchestration("Hello", "i-1"),
        StartNewOrchestration("Hello", None, '"x"', "2"),
    ]


def test_a_raised_error_fails_the_batch() -> None:
    assert entity_result(UserError("ValueError", "boom", "at"), 1) == InvocationFailure(
        "ValueError: boom", "at"
    )
    details = {"errorType": "ValueError", "errorMessage": "boom", "stackTrace": "at"}
    assert parsed(failureDetails=details) == InvocationFailure("ValueError: boom", "at")


@pytest.mark.parametrize(
    "text",
    [
        "",
        "[]",
        '{"results":[7]}',
        '{"results":[{}]}',
        '{"results":[{"success":{"result":7}}]}',
        '{"results":[{"success":{}}],"actions":[{}]}',
        '{"results":[{"success":{}}],"actions":[{"sendSignal":{}}]}',
        '{"results":[{"success":{}}],"actions":[{"startNewOrchestration":{}}]}',
        '{"results":[{"success":{}}],'
        '"actions":[{"sendSignal":{"instanceId":"@a@b","scheduledTime":"soon"}}]}',
        '{"results":[{"success":{}}],"entityState":7}',
        "[" * 100_000,
    ],
)
def test_a_malformed_result_fails_the_batch(text: str) -> None:
    result = entity_result(text, 1)
    assert isinstance(result, InvocationFailure)
    assert "malformed" in result.message


def test_each_operation_needs_a_result() -> None:
    assert "1 results for 2 operations" in message(2, results=[success()])


def test_lone_surrogates_are_escaped() -> None:
    assert output(results=[success("\ud800")], entityState="\ud800").state == r"\ud800"
