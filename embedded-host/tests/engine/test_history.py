"""Events: fields and their order as recorded (contract, 3.3), one case for each type."""

from __future__ import annotations

import json

import pytest

from embedded_host.engine import history as h
from embedded_host.engine.history import COMPLETIONS, DECISIONS, Event, EventType, History
from tests.engine.scenario import PARENT, T0, moment

STARTED = h.execution_started(T0, instance_id="i", execution_id="e", name="Main", input="1", parent=PARENT, version="2")
TAIL = ["EventId", "IsPlayed", "Timestamp"]

EVENTS: list[tuple[Event, EventType, int, list[str]]] = [
    (h.orchestrator_started(T0), EventType.ORCHESTRATOR_STARTED, -1, []),
    (h.orchestrator_completed(T0), EventType.ORCHESTRATOR_COMPLETED, -1, []),
    (
        h.execution_completed(T0, 7, "Completed", "1"),
        EventType.EXECUTION_COMPLETED,
        7,
        ["OrchestrationStatus", "Result", "FailureDetails"],
    ),
    (
        h.execution_completed(T0, 7, "Failed", "why", "Traceback …"),
        EventType.EXECUTION_COMPLETED,
        7,
        ["OrchestrationStatus", "Result", "FailureDetails", "Stack"],
    ),
    (h.execution_terminated(T0, "why"), EventType.EXECUTION_TERMINATED, -1, ["Input"]),
    (h.execution_suspended(T0, "why"), EventType.EXECUTION_SUSPENDED, -1, ["Reason"]),
    (h.execution_resumed(T0, "why"), EventType.EXECUTION_RESUMED, -1, ["Reason"]),
    (
        h.task_scheduled(T0, 3, "A"),
        EventType.TASK_SCHEDULED,
        3,
        ["Name", "Version", "Input", "ParentTraceContext", "Tags"],
    ),
    (h.task_completed(T0, 3, "1"), EventType.TASK_COMPLETED, -1, ["TaskScheduledId", "Result"]),
    (
        h.task_failed(T0, 3, "why", "where"),
        EventType.TASK_FAILED,
        -1,
        ["TaskScheduledId", "Reason", "Details", "FailureDetails"],
    ),
    (
        h.sub_orchestration_created(T0, 3, "C", "id", None),
        EventType.SUB_ORCHESTRATION_CREATED,
        3,
        ["Name", "Version", "InstanceId", "Input", "ClientSpanId", "Tags"],
    ),
    (
        h.sub_orchestration_completed(T0, 3, "1"),
        EventType.SUB_ORCHESTRATION_COMPLETED,
        -1,
        ["TaskScheduledId", "Result"],
    ),
    (
        h.sub_orchestration_failed(T0, 3, "why", "where"),
        EventType.SUB_ORCHESTRATION_FAILED,
        -1,
        ["TaskScheduledId", "Reason", "Details", "FailureDetails"],
    ),
    (h.timer_created(T0, 3, moment(1)), EventType.TIMER_CREATED, 3, ["FireAt"]),
    (h.timer_fired(T0, 3, moment(1)), EventType.TIMER_FIRED, -1, ["TimerId", "FireAt"]),
    (h.event_sent(T0, 3, "@a@b", "op", "{}"), EventType.EVENT_SENT, 3, ["InstanceId", "Name", "Input"]),
    (h.event_raised(T0, "Go", "1"), EventType.EVENT_RAISED, -1, ["Name", "Input", "ParentTraceContext"]),
    (h.generic(T0, "data"), EventType.GENERIC, -1, ["Data"]),
]


@pytest.mark.parametrize(("event", "kind", "event_id", "fields"), EVENTS, ids=[e[1].name for e in EVENTS])
def test_fields_and_their_order(event: Event, kind: EventType, event_id: int, fields: list[str]) -> None:
    assert list(event) == ["EventType", *fields, *TAIL]
    assert [event["EventType"], event["EventId"], event["IsPlayed"]] == [kind, event_id, False]
    assert event["Timestamp"] == "2026-01-02T03:04:05Z"


def test_every_type_has_a_case() -> None:
    assert {e[1] for e in EVENTS} | {EventType.EXECUTION_STARTED} == set(EventType)


def test_execution_started() -> None:
    assert list(STARTED)[:4] == ["OrchestrationInstance", "EventType", "ParentInstance", "Name"]
    assert STARTED["OrchestrationInstance"] == {"InstanceId": "i", "ExecutionId": "e"}
    assert (STARTED["ParentInstance"], STARTED["Version"], STARTED["Input"]) == (PARENT, "2", "1")
    assert (STARTED["Generation"], STARTED["EventId"], STARTED["IsPlayed"]) == (0, -1, False)


def test_decisions_have_numbers_and_completions_name_them() -> None:
    for event, kind, event_id, _ in EVENTS:
        assert (kind in DECISIONS) == (event_id == 3)
        assert (kind in COMPLETIONS) == (3 in (event.get("TaskScheduledId"), event.get("TimerId")))


def test_an_event_is_its_own_json() -> None:
    assert json.loads(h.events_text([STARTED])) == [STARTED]
    assert h.events_text([]) == "[]"


@pytest.mark.parametrize("event", [e[0] for e in EVENTS if e[1] in COMPLETIONS], ids=lambda e: str(e["EventType"]))
def test_a_history_knows_what_is_settled(event: Event) -> None:
    history = History([STARTED])
    assert not history.settles_again(event)
    history.extend([event])
    assert history.settles_again(event)
    assert not history.settles_again({**event, COMPLETIONS[event["EventType"]]: 4})
    assert (len(history), history.events) == (2, [STARTED, event])


def test_equal_events_settle_nothing() -> None:
    history = History([h.event_raised(T0, "Go", "1")])
    assert not history.settles_again(h.event_raised(T0, "Go", "1"))
