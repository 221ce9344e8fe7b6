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


def test_the_payload() -> None:
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


@pytest.mark.parametrize(("given", "text"), [(None, "null"), ({"a": 1}, '{"a":1}'), ("8", "8")])
def test_a_result_is_always_a_text(given: Any, text: str) -> None:
    assert parse_entity_output(output({**OK, "result": given}), 1).results[0].result == text


@pytest.mark.parametrize(
    ("given", "text"), [(None, None), ({"a": 1}, '{"a":1}'), ("8", "8"), ("\ud800", "\\ud800")]
)
def test_a_state_is_a_text(given: Any, text: str | None) -> None:
    assert parse_entity_output(output(OK, state=given), 1).state == text


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("what?", "the entity function did not answer with JSON"),
        ("[]", "did not answer each operation of its batch"),
        (output(), "did not answer each operation of its batch"),
        (output(OK, OK), "did not answer each operation of its batch"),
        ("{}", "did not answer each operation of its batch"),
        ('{"results": [1]}', "did not answer each operation of its batch"),
        ('{"results": {"a": 1}}', "did not answer each operation of its batch"),
        ('{"results": 1}', "did not answer each operation of its batch"),
        ("7", "did not answer each operation of its batch"),
        ("[" * 100_000, "did not answer with JSON"),
    ],
)
def test_an_output_of_another_form_is_a_failure(text: str, says: str) -> None:
    with pytest.raises(MalformedOutputError, match=says):
        parse_entity_output(text, 1)
    result = entity_result(text, 1)
    assert isinstance(result, InvocationFailure)
    assert says in result.message


def test_an_exception_is_a_failure() -> None:
    assert entity_result(UserError("RuntimeError", "boom", "Traceback"), 1) == InvocationFailure(
        "RuntimeError: boom", "Traceback"
    )
