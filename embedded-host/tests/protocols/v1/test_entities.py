from __future__ import annotations

import json
from typing import Any

import pytest

from embedded_host.engine.entity_messages import EntityId, OperationRequest
from embedded_host.engine.failures import UserError
from embedded_host.engine.invocations import (
    EntityInput,
    EntityOutput,
    InvocationFailure,
    OperationResult,
)
from embedded_host.protocols.v1 import (
    MalformedOutputError,
    entity_payload,
    entity_result,
    parse_entity_output,
)

CALL = OperationRequest("r-1", "get", '"null"', False, "main-1", "execution-1")
SIGNAL = OperationRequest("r-2", "add", '"1"', True)


def output(*results: dict[str, Any], state: Any = "8") -> str:
    return json.dumps(
        {"entityExists": True, "entityState": state, "results": list(results), "signals": []}
    )


OK: dict[str, Any] = {"isError": False, "duration": 0, "startTime": 0, "result": "8"}


def test_the_payload_contains_state_and_operations() -> None:
    batch = EntityInput(EntityId("counter", "k"), True, "7", [SIGNAL, CALL])
    assert json.loads(entity_payload(batch)) == {
        "self": {"name": "counter", "key": "k"},
        "exists": True,
        "state": "7",
        "batch": [
            {"name": "add", "input": '"1"', "isSignal": True, "id": "r-2"},
            {"name": "get", "input": '"null"', "isSignal": False, "id": "r-1"},
        ],
    }


def test_an_output_has_a_result_for_each_operation() -> None:
    failed = {**OK, "isError": True, "result": '"boom"'}
    assert parse_entity_output(output(OK, failed), 2) == EntityOutput(
        [OperationResult("8", False), OperationResult('"boom"', True)], True, "8"
    )


@pytest.mark.parametrize(("value", "encoded"), [(None, "null"), ({"a": 1}, '{"a":1}'), ("8", "8")])
def test_a_result_is_always_json(value: Any, encoded: str) -> None:
    assert parse_entity_output(output({**OK, "result": value}), 1).results[0].result == encoded


@pytest.mark.parametrize(
    ("value", "encoded"), [(None, None), ({"a": 1}, '{"a":1}'), ("8", "8"), ("\ud800", "\\ud800")]
)
def test_a_state_is_json_or_none(value: Any, encoded: str | None) -> None:
    assert parse_entity_output(output(OK, state=value), 1).state == encoded


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("oops", "the entity function did not return JSON"),
        ("[]", "did not return a result for each operation"),
        (output(), "did not return a result for each operation"),
        (output(OK, OK), "did not return a result for each operation"),
        ("{}", "did not return a result for each operation"),
        ('{"results": [1]}', "did not return a result for each operation"),
        ('{"results": {"a": 1}}', "did not return a result for each operation"),
        ('{"results": 1}', "did not return a result for each operation"),
        ("7", "did not return a result for each operation"),
        ("[" * 100_000, "did not return JSON"),
    ],
)
def test_a_malformed_output_is_a_failure(text: str, message: str) -> None:
    with pytest.raises(MalformedOutputError, match=message):
        parse_entity_output(text, 1)
    result = entity_result(text, 1)
    assert isinstance(result, InvocationFailure)
    assert message in result.message


def test_an_exception_is_a_failure() -> None:
    assert entity_result(UserError("RuntimeError", "boom", "Traceback"), 1) == InvocationFailure(
        "RuntimeError: boom", "Traceback", lacks_state=True
    )
