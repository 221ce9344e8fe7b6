"""Turns of SDK 2.x: the payloads and the decisions."""

from __future__ import annotations

import json
import re
from datetime import datetime, timedelta
from typing import Any

import pytest

from embedded_host.engine import history as h
from embedded_host.engine.events import EventSent, ExecutionStarted, HistoryEvent, decode_events
from embedded_host.engine.failures import UserError
from embedded_host.engine.functions import DurableFunctions
from embedded_host.engine.invocations import InvocationFailure, OrchestratorInput
from embedded_host.engine.messages import Deliver, Message
from embedded_host.engine.orchestration import Orchestration, TurnResult, TurnSettings
from embedded_host.engine.status import Status
from embedded_host.engine.timestamps import UTC
from embedded_host.engine.turn import turn
from embedded_host.protocols import v2
from tests.support.recorded_turns import (
    comparable,
    engine_event,
    recorded_form,
    recorded_orchestrators,
)

TURNS = recorded_orchestrators()
NOW = datetime(2026, 11, 29, tzinfo=UTC)
ENDED = {
    "ORCHESTRATION_STATUS_COMPLETED": Status.COMPLETED,
    "ORCHESTRATION_STATUS_FAILED": Status.FAILED,
}
UNKNOWN_FUNCTIONS = ("Unknown", "UnknownSub")
"""Orchestrators that call a function that does not exist: an intended difference."""


def settings() -> TurnSettings:
    names = re.findall(r'"name": "([A-Za-z_]+)"', json.dumps(TURNS))
    return TurnSettings(DurableFunctions.of([*TURNS, *names], names, ["tally", "counter"], 2))


def new_instance(started: ExecutionStarted) -> Orchestration:
    return Orchestration(
        instance_id=started.orchestration_instance.instance_id,
        name=started.name,
        execution_id=started.orchestration_instance.execution_id,
        created_at=NOW,
        updated_at=NOW,
        input=started.input,
        parent=started.parent_instance,
        protocol=2,
    )


def run(state: Orchestration, messages: list[Message], response: str) -> tuple[str, TurnResult]:
    """Run a turn with a recorded response. Return the payload of the worker and the result."""
    clock = iter(NOW + timedelta(milliseconds=n) for n in range(10_000))
    turn_run = turn(state, messages, settings(), lambda: next(clock))
    payload = v2.orchestrator_payload(next(turn_run))
    with pytest.raises(StopIteration) as stop:
        turn_run.send(v2.orchestrator_result(response, None))
    return payload, stop.value.value


def messages_of(recorded: dict[str, Any]) -> list[Message]:
    events = [engine_event(e) for e in recorded["newEvents"] if "orchestratorStarted" not in e]
    return [Message(event) for event in events]


def same_ids(events: list[dict[str, Any]]) -> str:
    """Return the events as text, without the fields of messages that only this host records."""
    text = json.dumps(events, sort_keys=True)
    return text.replace("0001-01-01T00:00:00", "")


@pytest.mark.parametrize("name", [name for name in TURNS if name not in UNKNOWN_FUNCTIONS])
def test_recorded_responses_give_the_recorded_histories_and_requests(name: str) -> None:
    recorded = TURNS[name]
    first = engine_event(
        next(e for e in recorded[0]["request"]["newEvents"] if "executionStarted" in e)
    )
    assert isinstance(first, ExecutionStarted)
    state = new_instance(first)
    for number, one in enumerate(recorded):
        if any("executionStarted" in event for event in one["request"]["newEvents"]) and number:
            break  # the next execution: this host chooses its execution id
        if any("executionTerminated" in event for event in one["request"]["newEvents"]):
            break  # this host ends the execution without the orchestrator
        payload, result = run(state, messages_of(one["request"]), json.dumps(one["response"]))
        document = json.loads(payload)
        for key, recorded_key in (("past", "pastEvents"), ("new", "newEvents")):
            sent = [recorded_form(event) for event in decode_events(json.dumps(document[key]))]
            expected = [comparable(event) for event in one["request"].get(recorded_key, ())]
            assert same_ids(sent) == same_ids(expected), (name, number, key)
        end = next(
            (
                a["completeOrchestration"]
                for a in one["response"].get("actions", ())
                if "completeOrchestration" in a
            ),
            None,
        )
        if end is None:
            assert result.status is Status.RUNNING
        elif end["orchestrationStatus"] in ENDED:
            assert result.status is ENDED[end["orchestrationStatus"]]
        else:
            assert result.continued_as is not None
            assert result.continued_as.input == end.get("result")
        result.apply(state)


def one_turn(response: dict[str, Any]) -> TurnResult:
    started = engine_event(TURNS["Hello"][0]["request"]["newEvents"][1])
    assert isinstance(started, ExecutionStarted)
    _, result = run(new_instance(started), [Message(started)], json.dumps(response))
    return result


def test_a_failure_keeps_its_inner_failures() -> None:
    failure = {"errorType": "a.B", "errorMessage": "m", "innerFailure": {"errorType": "C"}}
    action = {"orchestrationStatus": "ORCHESTRATION_STATUS_FAILED", "failureDetails": failure}
    result = one_turn({"actions": [{"id": 1, "completeOrchestration": action}]})
    assert result.output == "a.B: m"
    end = result.events[-2]
    assert end.failure_details.inner_failure.error_type == "C"  # type: ignore[union-attr]
    assert end.result is None  # type: ignore[union-attr]


def test_a_continuation_delivers_only_the_carried_events() -> None:
    action = {
        "orchestrationStatus": "ORCHESTRATION_STATUS_CONTINUED_AS_NEW",
        "result": "7",
        "newVersion": "2.0",
        "carryoverEvents": [{"eventRaised": {"name": "E", "input": "1"}}],
    }
    result = one_turn({"actions": [{"id": 1, "completeOrchestration": action}]})
    names = [type(event).__name__ for event in result.events]
    assert names == [
        "OrchestratorStarted",
        "ExecutionStarted",
        "EventRaised",
        "OrchestratorCompleted",
    ]
    assert result.continued_as is not None
    assert (result.continued_as.input, result.continued_as.version) == ("7", "2.0")


def test_the_first_payload_after_continue_as_new_has_all_events_as_new() -> None:
    started = engine_event(TURNS["Hello"][0]["request"]["newEvents"][1])
    turn_input = OrchestratorInput("i", "e", [started], [], None, None, is_continuation=True)
    document = json.loads(v2.orchestrator_payload(turn_input))
    assert (len(document["past"]), len(document["new"])) == (0, 1)


def test_unseen_events_follow_the_events_that_the_worker_has() -> None:
    events = [engine_event(e) for e in TURNS["Chain"][1]["request"]["pastEvents"]]
    turn_input = OrchestratorInput("i", "e", events, events[:1], None, None, seen=2)
    document = json.loads(v2.unseen_events(turn_input))
    assert len(document["past"]) == len(events) - 2
    assert len(document["new"]) == 1


def test_a_repeated_attempt_is_completed_again() -> None:
    """SDK 2.x schedules each attempt of a retried call with the same id."""
    events: list[HistoryEvent] = []
    state = new_instance(engine_event(TURNS["NativeRetry"][0]["request"]["newEvents"][1]))  # type: ignore[arg-type]
    for one in TURNS["NativeRetry"]:
        _, result = run(state, messages_of(one["request"]), json.dumps(one["response"]))
        result.apply(state)
        events += result.events
    assert state.status is Status.COMPLETED
    assert sum(type(event).__name__ == "TaskFailed" for event in events) == 2


@pytest.mark.parametrize(
    "response",
    [
        "[]",
        "{",
        '{"actions": [{"id": 1}]}',
        '{"actions": [{"id": "x", "scheduleTask": {}}]}',
        '{"actions": [{"id": 1, "sendEntityMessage": {}}]}',
        '{"actions": [{"id": 1, "sendEntityMessage": {"entityLockRequested": {}}}]}',
        '{"actions": [{"id": 1, "sendEntityMessage": {"entityLockRequested": {"lockSet": '
        '["@counter@k", "no entity"]}}}]}',
        '{"actions": [{"id": 2147483648, "scheduleTask": {"name": "Echo"}}]}',
        '{"actions": [{"id": 1, "createTimer": {"fireAt": "soon"}}]}',
        '{"actions": [{"id": 1, "completeOrchestration": {}}]}',
        '{"actions": [{"id": 1, "completeOrchestration": {"orchestrationStatus": '
        '"ORCHESTRATION_STATUS_COMPLETED"}}, {"id": 2, "completeOrchestration": {}}]}',
    ],
)
def test_a_malformed_response_fails_the_instance_only(response: str) -> None:
    result = v2.orchestrator_result(response, None)
    assert isinstance(result, InvocationFailure)
    assert not result.host_error


def test_an_exception_of_the_worker_is_the_failure() -> None:
    result = v2.orchestrator_result(UserError("ValueError", "boom", "stack"), None)
    assert result == InvocationFailure("ValueError: boom", "stack")


def test_a_terminated_instance_releases_its_locks() -> None:
    recorded = TURNS["NativeLock"]
    started = engine_event(recorded[0]["request"]["newEvents"][1])
    assert isinstance(started, ExecutionStarted)
    state = new_instance(started)
    for one in recorded[:2]:
        _, result = run(state, messages_of(one["request"]), json.dumps(one["response"]))
        result.apply(state)
    terminate = turn(state, [Message(h.execution_terminated(NOW, None))], settings(), lambda: NOW)
    with pytest.raises(StopIteration) as stop:
        next(terminate)
    ended: TurnResult = stop.value.value
    released = [event for event in ended.events if isinstance(event, EventSent)]
    assert [event.name for event in released] == ["release", "release"]
    assert [sent.instance_id for sent in ended.outgoing if isinstance(sent, Deliver)] == [
        event.instance_id for event in released
    ]
    assert len({event.event_id for event in ended.events if event.event_id > 0}) == 3
