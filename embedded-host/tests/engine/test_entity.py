from __future__ import annotations

import json
from typing import Any

import msgspec
import pytest

from embedded_host.engine.entity import (
    Entity,
    EntityTurnResult,
    EntityTurnSettings,
    entity_turn,
    lock_turn,
    release_turn,
)
from embedded_host.engine.entity_messages import (
    LOCKED,
    EntityId,
    LockRequest,
    OperationRequest,
    parse_message,
)
from embedded_host.engine.events import EventRaised
from embedded_host.engine.failures import operation_failure
from embedded_host.engine.invocations import (
    EntityInput,
    EntityOutput,
    InvocationFailure,
    OperationResult,
    SendSignal,
    StartNewOrchestration,
)
from embedded_host.engine.messages import Deliver, StartOrchestration
from tests.engine.scenario import T0, after, delivered

CALL = OperationRequest("r-1", "get", '"null"', False, "main-1", "execution-1")
SIGNAL = OperationRequest("r-2", "add", '"1"', True)


def counter(state: str | None = None) -> Entity:
    return Entity(EntityId("counter", "k"), T0, T0, state is not None, state)


def run_batch(
    entity: Entity,
    batch: list[OperationRequest],
    output: EntityOutput | InvocationFailure,
    settings: EntityTurnSettings = EntityTurnSettings(),  # noqa: B008
) -> EntityTurnResult:
    run = entity_turn(entity, batch, after(9), settings)
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


# -- SDK 2.x ---------------------------------------------------------------------------------------

SDK_2 = EntityTurnSettings(protocol=2, default_version="1.0")


def test_responses_of_sdk_2_have_the_result_or_the_details_of_the_failure() -> None:
    failed = OperationResult(None, failed=True, details=operation_failure("boom", "E"))
    result = run_batch(counter("7"), [CALL, CALL, SIGNAL], output(OK, failed, failed), SDK_2)
    assert [response_of(sent) for sent in result.outgoing] == [
        {"result": "8"},
        {"result": None, "failureDetails": msgspec.to_builtins(operation_failure("boom", "E"))},
    ]
    assert result.lost == ["Operation 'add' of @counter@k failed: E: boom"]


def test_a_failed_invocation_of_sdk_2_fails_its_operations() -> None:
    result = run_batch(counter("7"), [CALL], InvocationFailure("RuntimeError: boom", "at"), SDK_2)
    details = response_of(result.outgoing[0])["failureDetails"]
    assert (details["ErrorType"], details["ErrorMessage"], details["StackTrace"]) == (
        "RuntimeError",
        "boom",
        "at",
    )


def test_the_actions_of_a_batch_are_sent_after_its_responses() -> None:
    actions: list[SendSignal | StartNewOrchestration] = [
        SendSignal("@other@k", "add", "1", after(60)),
        StartNewOrchestration("Main", "main-9", '"in"', due=after(60)),
        StartNewOrchestration("Main", version="2.0"),
    ]
    result = run_batch(counter(), [CALL], EntityOutput([OK], True, "8", actions), SDK_2)
    response, signal, first, second = result.outgoing
    assert delivered(response, EventRaised).name == "r-1"
    assert isinstance(signal, Deliver)
    assert (signal.instance_id, signal.message.due) == ("@other@k", after(60))
    raised = delivered(signal, EventRaised)
    request = parse_message(raised.name, raised.input)
    assert isinstance(request, OperationRequest)
    assert (request.operation, request.input, request.signal) == ("add", "1", True)
    assert isinstance(first, StartOrchestration)
    assert isinstance(second, StartOrchestration)
    assert (first.instance_id, first.due, first.if_taken) == ("main-9", after(60), None)
    assert (first.started.name, first.started.input, first.started.version) == (
        "Main",
        '"in"',
        "1.0",
    )
    assert first.started.orchestration_instance.instance_id == "main-9"
    assert len(second.instance_id) == 32
    assert (second.started.version, second.due) == ("2.0", None)


def test_a_lock_request_is_forwarded_and_the_last_entity_responds() -> None:
    entity = counter("7")
    ids = tuple(EntityId("counter", key) for key in "jkl")
    result = lock_turn(entity, LockRequest("cs-1", "main-1", ids, 1), after(9))
    assert (entity.locked_by, result.locked_by) == (None, "main-1")
    [sent] = result.outgoing
    assert isinstance(sent, Deliver)
    assert sent.instance_id == "@counter@l"
    forwarded = delivered(sent, EventRaised)
    assert parse_message(forwarded.name, forwarded.input) == LockRequest("cs-1", "main-1", ids, 2)
    result.apply(entity)
    assert (entity.exists, entity.state, entity.locked_by) == (True, "7", "main-1")
    assert run_batch(entity, [CALL], output(OK)).locked_by == "main-1"
    [sent] = lock_turn(entity, LockRequest("cs-1", "main-1", ids, 2), after(9)).outgoing
    assert isinstance(sent, Deliver)
    assert sent.instance_id == "main-1"
    response = delivered(sent, EventRaised)
    assert (response.name, response.input) == ("cs-1", LOCKED)
    release_turn(entity, after(9)).apply(entity)
    assert (entity.exists, entity.state, entity.locked_by) == (True, "7", None)
