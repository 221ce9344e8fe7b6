from __future__ import annotations

import json
from typing import Any

import pytest

from embedded_host.engine.entity import Entity, EntityTurnResult, entity_turn
from embedded_host.engine.entity_messages import EntityId, OperationRequest
from embedded_host.engine.events import EventRaised
from embedded_host.engine.invocations import (
    EntityInput,
    EntityOutput,
    InvocationFailure,
    OperationResult,
)
from embedded_host.engine.messages import Deliver
from tests.engine.scenario import T0, after, delivered

CALL = OperationRequest("r-1", "get", '"null"', False, "main-1", "execution-1")
SIGNAL = OperationRequest("r-2", "add", '"1"', True)


def counter(state: str | None = None) -> Entity:
    return Entity(EntityId("counter", "k"), T0, T0, state is not None, state)


def run_batch(
    entity: Entity, batch: list[OperationRequest], output: EntityOutput | InvocationFailure
) -> EntityTurnResult:
    run = entity_turn(entity, batch, after(9))
    assert next(run) == EntityInput(entity.id, entity.exists, entity.state, batch)
    with pytest.raises(StopIteration) as stopped:
        run.send(output)
    result: EntityTurnResult = stopped.value.value
    return result


def output(*results: OperationResult, exists: bool = True, state: str | None = "8") -> EntityOutput:
    return EntityOutput(results, exists, state)


OK = OperationResult("8", failed=False)
BAD = OperationResult('"boom"', failed=True)


def response_of(sent: Any) -> dict[str, Any]:
    read: dict[str, Any] = json.loads(delivered(sent, EventRaised).input or "")
    return read


def test_a_call_gets_a_response_and_a_signal_does_not() -> None:
    entity = counter()
    result = run_batch(entity, [SIGNAL, CALL], output(OK, OK))
    assert (entity.exists, entity.state) == (False, None)
    result.apply(entity)
    assert (entity.exists, entity.state, entity.updated_at) == (True, "8", after(9))
    [sent] = result.outgoing
    assert isinstance(sent, Deliver)
    assert (sent.instance_id, sent.message.execution_id) == ("main-1", "execution-1")
    assert delivered(sent, EventRaised).name == "r-1"
    assert response_of(sent) == {"$type": response_of(sent)["$type"], "result": "8"}
    assert result.lost == []


def test_a_failed_call_returns_its_error_and_keeps_the_new_state() -> None:
    result = run_batch(counter("7"), [CALL], output(BAD))
    assert (result.exists, result.state) == (True, "8")
    assert response_of(result.outgoing[0])["exceptionType"] == "Error"
    assert response_of(result.outgoing[0])["result"] == '"boom"'


def test_a_failed_signal_is_reported_for_the_log() -> None:
    result = run_batch(counter("7"), [SIGNAL], output(BAD))
    assert result.outgoing == []
    assert result.lost == ["Operation 'add' of @counter@k failed: \"boom\""]


def test_an_entity_can_delete_its_state() -> None:
    result = run_batch(counter("7"), [CALL], output(OK, exists=False, state="null"))
    assert (result.exists, result.state) == (False, "null")


def test_a_failed_invocation_fails_its_operations_and_keeps_the_state() -> None:
    result = run_batch(counter("7"), [CALL, SIGNAL], InvocationFailure("RuntimeError: boom"))
    assert (result.exists, result.state) == (True, "7")
    [sent] = result.outgoing
    assert response_of(sent)["exceptionType"] == "Error"
    assert json.loads(response_of(sent)["result"]) == "RuntimeError: boom"
    assert result.lost == ["Operation 'add' of @counter@k failed: \"RuntimeError: boom\""]
