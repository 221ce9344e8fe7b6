"""An entity's turn. test_wire.py holds the recorded batches against it."""

from __future__ import annotations

import json
from typing import Any

import pytest

from embedded_host.engine.entity import Entity, EntityTurnResult, entity_payload, entity_turn
from embedded_host.engine.entity_messages import EntityId, OperationRequest
from embedded_host.engine.events import EventRaised
from embedded_host.engine.messages import Deliver
from tests.engine.scenario import T0, delivered, failure, moment

CALL = OperationRequest("r-1", "get", '"null"', False, "main-1", "execution-1")
SIGNAL = OperationRequest("r-2", "add", '"1"', True)


def counter(state: str | None = None) -> Entity:
    return Entity(EntityId("counter", "k"), T0, T0, state is not None, state)


def answered(entity: Entity, batch: list[OperationRequest], reply: Any) -> EntityTurnResult:
    run = entity_turn(entity, batch, moment(9))
    assert next(run) == entity_payload(entity, batch)
    with pytest.raises(StopIteration) as stopped:
        run.send(reply)
    result: EntityTurnResult = stopped.value.value
    return result


def state(*results: dict[str, Any], exists: bool = True, value: Any = "8") -> dict[str, Any]:
    return {"entityExists": exists, "entityState": value, "results": list(results), "signals": []}


OK: dict[str, Any] = {"isError": False, "duration": 0, "startTime": 0, "result": "8"}
BAD: dict[str, Any] = {**OK, "isError": True, "result": '"boom"'}


def reply_of(sent: Any) -> dict[str, Any]:
    read: dict[str, Any] = json.loads(delivered(sent, EventRaised).input or "")
    return read


def test_the_payload() -> None:
    assert json.loads(entity_payload(counter("7"), [SIGNAL, CALL])) == {
        "self": {"name": "counter", "key": "k"},
        "exists": True,
        "state": "7",
        "batch": [
            {"name": "add", "input": '"1"', "isSignal": True, "id": "r-2"},
            {"name": "get", "input": '"null"', "isSignal": False, "id": "r-1"},
        ],
    }


@pytest.mark.parametrize("as_text", [True, False])
def test_a_call_is_answered_and_a_signal_is_not(as_text: bool) -> None:
    entity = counter()
    answer = state(OK, OK)
    result = answered(entity, [SIGNAL, CALL], json.dumps(answer) if as_text else answer)
    assert (entity.exists, entity.state) == (False, None)
    result.apply(entity)
    assert (entity.exists, entity.state, entity.updated_at) == (True, "8", moment(9))
    [sent] = result.outgoing
    assert isinstance(sent, Deliver)
    assert (sent.instance_id, sent.message.execution_id) == ("main-1", "execution-1")
    assert delivered(sent, EventRaised).name == "r-1"
    assert reply_of(sent) == {"$type": reply_of(sent)["$type"], "result": "8"}
    assert result.lost == []


def test_a_failed_call_is_told_and_keeps_the_new_state() -> None:
    result = answered(counter("7"), [CALL], state(BAD))
    assert (result.exists, result.state) == (True, "8")
    assert reply_of(result.outgoing[0])["exceptionType"] == "Error"
    assert reply_of(result.outgoing[0])["result"] == '"boom"'


def test_a_failed_signal_is_for_the_log() -> None:
    result = answered(counter("7"), [SIGNAL], state(BAD))
    assert result.outgoing == []
    assert result.lost == ["operation 'add' of @counter@k failed: \"boom\""]


def test_deletion() -> None:
    result = answered(counter("7"), [CALL], state(OK, exists=False, value="null"))
    assert (result.exists, result.state) == (False, "null")


@pytest.mark.parametrize(("given", "text"), [(None, "null"), ({"a": 1}, '{"a":1}'), ("8", "8")])
def test_a_result_is_always_a_text(given: Any, text: str) -> None:
    assert reply_of(answered(counter(), [CALL], state({**OK, "result": given})).outgoing[0])["result"] == text


def test_a_state_is_a_text() -> None:
    assert answered(counter(), [CALL], state(OK, value={"a": 1})).state == '{"a":1}'
    assert answered(counter(), [CALL], state(OK, value=None)).state is None


@pytest.mark.parametrize(
    ("reply", "says"),
    [
        (failure("RuntimeError", "boom"), "RuntimeError: boom"),
        ("what?", "the entity function did not answer with JSON"),
        ("[]", "did not answer each operation of its batch"),
        (state(), "did not answer each operation of its batch"),
        (state(OK, OK), "did not answer each operation of its batch"),
        ({}, "did not answer each operation of its batch"),
        ({"results": [1]}, "did not answer each operation of its batch"),
        ({"results": {"a": 1}}, "did not answer each operation of its batch"),
        ({"results": 1}, "did not answer each operation of its batch"),
        ("7", "did not answer each operation of its batch"),
        ("[" * 100_000, "did not answer with JSON"),
    ],
)
def test_an_invocation_that_fails_fails_its_operations_and_leaves_the_state(reply: Any, says: str) -> None:
    result = answered(counter("7"), [CALL], reply)
    assert (result.exists, result.state) == (True, "7")
    told = reply_of(result.outgoing[0])
    assert told["exceptionType"] == "Error"
    assert says in json.loads(told["result"])
