"""Payloads that the Azure Functions host sent to the SDK (wire.json).

The engine must produce the same payloads from the same messages and responses.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from datetime import datetime, timezone
from pathlib import Path
from typing import Any

import pytest
from msgspec import convert

from embedded_host.engine.entity import Entity, entity_turn
from embedded_host.engine.entity_messages import EntityId, OperationRequest
from embedded_host.engine.events import (
    EventBase,
    EventRaised,
    EventSent,
    ExecutionStarted,
    OrchestratorCompleted,
    OrchestratorStarted,
    ParentInstance,
    SubOrchestrationInstanceCreated,
    TaskScheduled,
    TimerCreated,
    event_from,
)
from embedded_host.engine.functions import DurableFunctions
from embedded_host.engine.messages import Deliver, Message
from embedded_host.engine.orchestration import Orchestration, TurnSettings
from embedded_host.engine.status import Status
from embedded_host.engine.timestamps import parse_utc
from embedded_host.engine.turn import turn
from embedded_host.protocols.v1 import (
    entity_payload,
    entity_result,
    orchestrator_payload,
    orchestrator_result,
)
from tests.engine.scenario import delivered

WIRE = json.loads(Path(__file__).with_name("wire.json").read_text(encoding="utf-8"))
ORCHESTRATIONS: dict[str, list[dict[str, Any]]] = WIRE["orchestrations"]
NOT_MESSAGES = (
    TaskScheduled,
    SubOrchestrationInstanceCreated,
    TimerCreated,
    EventSent,
    OrchestratorStarted,
    OrchestratorCompleted,
)
SETTINGS = TurnSettings(
    DurableFunctions.of(
        {turns[0]["request"]["history"][1]["Name"] for turns in ORCHESTRATIONS.values()}
        | {"SubFail", "ActFail"},
        ["Echo", "Fail", "Sleep", "Flaky", "Big"],
        ["Counter"],
    )
)


def test_the_recording_is_complete() -> None:
    assert len(ORCHESTRATIONS) == 22
    assert sum(map(len, ORCHESTRATIONS.values())) == 58
    assert len(WIRE["entities"]) == 3


@pytest.mark.parametrize("kept", [True, False], ids=["kept", "replayed"])
@pytest.mark.parametrize("instance", ORCHESTRATIONS)
def test_payloads_are_as_recorded(instance: str, kept: bool) -> None:
    state: Orchestration | None = None
    for recorded in ORCHESTRATIONS[instance]:
        request = recorded["request"]
        history = request["history"]
        state = state or _instance(request)
        turn_start = max(i for i, event in enumerate(history) if _is_a(event, OrchestratorStarted))
        now = parse_utc(history[turn_start]["Timestamp"])
        if not kept:
            state.execution, state.seen = None, 0
        messages = [] if state.continued else _messages(state, history[turn_start + 1 :])
        payload, result = _run(state, messages, recorded["response"], now)
        assert _comparable(payload) == _comparable(request)
        assert list(payload) == list(request)
        result.apply(state)
    assert state is not None
    if recorded["response"]["isDone"]:
        assert state.status is Status.COMPLETED
        assert state.output == json.dumps(recorded["response"].get("output"), separators=(",", ":"))
    else:  # the turn in which its orchestrator raised is not recorded
        assert state.status is Status.RUNNING


def _instance(request: Mapping[str, Any]) -> Orchestration:
    started = request["history"][1]
    at = parse_utc(started["Timestamp"])
    return Orchestration(
        request["instanceId"],
        started["Name"],
        started["OrchestrationInstance"]["ExecutionId"],
        at,
        at,
        input=started["Input"],
        parent=started["ParentInstance"] and convert(started["ParentInstance"], ParentInstance),
    )


def _is_a(event: Mapping[str, Any], *kinds: type[EventBase]) -> bool:
    return event["EventType"] in {kind.__struct_config__.tag for kind in kinds}


def _messages(state: Orchestration, events: list[dict[str, Any]]) -> list[Message]:
    """Return the recorded messages. An entity's response gets the id of our own request."""
    own_ids = [json.loads(e.input)["id"] for e in state.history.events if isinstance(e, EventSent)]
    return [
        Message(event_from({**event, "Name": own_ids[-1]} if _is_response(event) else event))
        for event in events
        if not _is_a(event, *NOT_MESSAGES)
    ]


def _is_response(event: Mapping[str, Any]) -> bool:
    return _is_a(event, EventRaised) and "ResponseMessage" in (event["Input"] or "")


def _run(
    state: Orchestration, messages: list[Message], response: Any, now: datetime
) -> tuple[dict[str, Any], Any]:
    run = turn(state, messages, SETTINGS, lambda: now)
    payload = json.loads(orchestrator_payload(next(run)))
    try:
        run.send(orchestrator_result(json.dumps(response)))
    except StopIteration as stop:
        return payload, stop.value
    raise AssertionError("the turn invokes its orchestrator twice")


def _comparable(payload: Mapping[str, Any]) -> dict[str, Any]:
    return {**payload, "history": [_without_ids_and_times(event) for event in payload["history"]]}


def _without_ids_and_times(event: Mapping[str, Any]) -> dict[str, Any]:
    plain = {**event, "Timestamp": ""}
    if _is_a(event, ExecutionStarted):
        plain["OrchestrationInstance"] = {**event["OrchestrationInstance"], "ExecutionId": ""}
    elif _is_a(event, EventSent):
        ids_and_times = ("id", "requestTime", "parentExecution", "Timestamp", "Predecessor")
        request = json.loads(event["Input"])
        assert all(request[key] for key in ids_and_times)
        plain["Input"] = [
            (key, "" if key in ids_and_times else value) for key, value in request.items()
        ]
    elif _is_response(event):
        plain["Name"] = ""
    elif _is_a(event, TimerCreated):
        # test_timers_are_due_as_recorded compares it: it has ticks in the recording, and
        # microseconds here.
        plain["FireAt"] = ""
    elif _is_a(event, SubOrchestrationInstanceCreated):
        plain["InstanceId"] = event["InstanceId"].partition(":")[2] or event["InstanceId"]
    return plain


@pytest.mark.parametrize("instance", ["Retry-1", "Timer-1", "EventOrTimeout-1"])
def test_timers_are_due_as_recorded(instance: str) -> None:
    """Compare the due times of retries and of the orchestrator's timers, to the microsecond."""
    turns = ORCHESTRATIONS[instance]
    state = _instance(turns[0]["request"])
    for recorded in turns:
        history = recorded["request"]["history"]
        turn_start = max(i for i, event in enumerate(history) if _is_a(event, OrchestratorStarted))
        messages = _messages(state, history[turn_start + 1 :])
        _, result = _run(
            state, messages, recorded["response"], parse_utc(history[turn_start]["Timestamp"])
        )
        result.apply(state)
    recorded_times = [
        e["FireAt"] for e in turns[-1]["request"]["history"] if _is_a(e, TimerCreated)
    ]
    own_times = [e.fire_at for e in state.history.events if isinstance(e, TimerCreated)]
    assert recorded_times
    assert [parse_utc(due) for due in recorded_times] == [parse_utc(due) for due in own_times]


@pytest.mark.parametrize("recorded", WIRE["entities"], ids=["first", "second", "failing"])
def test_entity_batches_are_as_recorded(recorded: dict[str, Any]) -> None:
    request, response = recorded["request"], recorded["response"]
    now = datetime(2026, 1, 1, tzinfo=timezone.utc)
    entity = Entity(EntityId(**request["self"]), now, now, request["exists"], request["state"])
    batch = [
        OperationRequest(
            r["id"],
            r["name"],
            r["input"],
            r["isSignal"],
            None if r["isSignal"] else "caller",
            "execution",
        )
        for r in request["batch"]
    ]
    run = entity_turn(entity, batch, now)
    text = entity_payload(next(run))
    assert json.loads(text) == request
    assert _key_order(json.loads(text)) == _key_order(request)
    with pytest.raises(StopIteration) as stopped:
        run.send(entity_result(json.dumps(response), len(batch)))
    result = stopped.value.value
    assert (result.exists, result.state) == (response["entityExists"], response["entityState"])
    responses = [
        json.loads(delivered(sent, EventRaised).input or "")
        for sent in result.outgoing
        if isinstance(sent, Deliver)
    ]
    expected = [
        r
        for operation, r in zip(request["batch"], response["results"], strict=True)
        if not operation["isSignal"]
    ]
    assert [
        (sent_response["result"], sent_response.get("exceptionType")) for sent_response in responses
    ] == [(r["result"], "Error" if r["isError"] else None) for r in expected]


def _key_order(value: Any) -> Any:
    if isinstance(value, dict):
        return [(key, _key_order(inner)) for key, inner in value.items()]
    return [_key_order(inner) for inner in value] if isinstance(value, list) else None
