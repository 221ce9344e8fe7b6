"""The formats of histories that ``replay`` can read."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from embedded_host.engine import history as h
from embedded_host.engine.events import (
    ExecutionStarted,
    HistoryEvent,
    SubOrchestrationInstanceCreated,
    TaskCompleted,
    TaskScheduled,
    event_object,
)
from embedded_host.management.status import history_events
from embedded_host.testing import InstanceHistory, UnreadableHistoryError
from embedded_host.testing.history_file import RecordedHistory, read_history
from tests.engine.scenario import T0, after

EVENTS: list[HistoryEvent] = [
    h.orchestrator_started(T0),
    h.execution_started(T0, instance_id="i-1", execution_id="e", name="Main", input='"7"'),
    h.task_scheduled(after(1), 0, "Charge", '["7"]'),
    h.orchestrator_completed(after(1)),
    h.orchestrator_started(after(2)),
    h.task_completed(after(2), 0, '"paid"'),
    h.execution_completed(after(3), 1, "Completed", '"paid"'),
    h.orchestrator_completed(after(3)),
]
OBJECTS: list[dict[str, Any]] = [event_object(event) for event in EVENTS]
STATUS = {
    "name": "Main",
    "instanceId": "i-1",
    "runtimeStatus": "Completed",
    "historyEvents": history_events(EVENTS, show_output=True, show_input=True),
}


def lower_keys(event: dict[str, Any]) -> dict[str, Any]:
    return {key.lower(): value for key, value in event.items()}


def described(recorded: RecordedHistory) -> tuple[str, str, str | None, list[list[str]]]:
    actions = [[type(event).__name__ for event in turn.actions] for turn in recorded.turns]
    return recorded.name, recorded.instance_id, recorded.outcome, actions


@pytest.mark.parametrize(
    ("source", "is_numbered"),
    [
        (OBJECTS, True),
        ({"instanceId": "i-1", "name": "Main", "history": OBJECTS}, True),
        ({"InstanceId": "i-1", "state": {"history": OBJECTS}}, True),
        ([lower_keys(event) for event in OBJECTS], True),
        (
            [{**e, "EventType": type(t).__name__} for e, t in zip(OBJECTS, EVENTS, strict=True)],
            True,
        ),
        ([{**event, "EventType": str(event["EventType"])} for event in OBJECTS], True),
        (InstanceHistory(EVENTS, "i-1", "Main", "Completed"), True),
        (STATUS, False),
        ({"status": STATUS, "instanceId": "i-1", "format": "embedded-host-instance"}, False),
    ],
    ids=[
        "list",
        "export",
        "nested",
        "lower case",
        "names",
        "strings",
        "history",
        "status",
        "export of a status",
    ],
)
def test_every_form_has_name_id_outcome_and_turns(source: Any, is_numbered: bool) -> None:
    recorded = read_history(source)
    assert described(recorded) == ("Main", "i-1", "Completed", [["TaskScheduled"], []])
    assert recorded.is_numbered is is_numbered
    assert recorded.started.input == '"7"'


def test_errors_name_the_file(tmp_path: Path) -> None:
    file = tmp_path / "history.json"
    file.write_text("\ufeff" + json.dumps(OBJECTS), encoding="utf-8")
    assert read_history(file).source == str(file)
    file.write_text(json.dumps(OBJECTS[2:]), encoding="utf-8")
    with pytest.raises(
        UnreadableHistoryError,
        match=r"history\.json is not a complete history: the event ExecutionStarted",
    ):
        read_history(file)


def test_the_name_argument_replaces_the_recorded_name() -> None:
    assert read_history(OBJECTS, "Renamed").name == "Renamed"


def test_a_missing_name_is_reported() -> None:
    nameless = [{**event, "Name": None} if event["EventType"] == 0 else event for event in OBJECTS]
    with pytest.raises(UnreadableHistoryError, match="does not contain the orchestrator"):
        read_history(nameless)
    assert read_history(nameless, "Main").name == "Main"


def test_values_of_parsed_json_become_strings() -> None:
    parsed = [
        {**event, "Result": {"n": 1}} if event["EventType"] == 5 else event for event in OBJECTS
    ]
    (completed,) = [
        e
        for turn in read_history(parsed).turns
        for e in turn.messages
        if isinstance(e, TaskCompleted)
    ]
    assert completed.result == '{"n":1}'


@pytest.mark.parametrize(
    ("status", "outcome"),
    [(1, "Completed"), (3, "Failed"), (5, "Terminated"), ("Failed", "Failed"), (None, "Completed")],
)
def test_the_outcome_may_be_a_number_or_a_name(status: object, outcome: str) -> None:
    ended = [
        {**event, "OrchestrationStatus": status} if event["EventType"] == 1 else event
        for event in OBJECTS
    ]
    assert read_history(ended).outcome == outcome


def test_an_unfinished_history_has_no_outcome() -> None:
    assert read_history(OBJECTS[:4]).outcome is None


def test_a_terminated_history_has_the_outcome_terminated() -> None:
    terminated = event_object(h.execution_terminated(after(2), "enough"))
    assert read_history([*OBJECTS[:4], terminated]).outcome == "Terminated"


def test_a_sub_orchestration_without_an_id_has_an_empty_id() -> None:
    created = event_object(h.sub_orchestration_created(after(1), 0, "Child", "c", None))
    del created["InstanceId"]
    (turn,) = read_history([*OBJECTS[:2], created]).turns
    (action,) = turn.actions
    assert isinstance(action, SubOrchestrationInstanceCreated)
    assert action.instance_id == ""


def test_unknown_event_types_are_ignored() -> None:
    assert described(read_history([{"EventType": "HistoryState"}, *OBJECTS]))[3] == [
        ["TaskScheduled"],
        [],
    ]


def test_actions_without_ids_get_inferred_ids() -> None:
    recorded = read_history(STATUS)
    (action,) = recorded.turns[0].actions
    assert isinstance(action, TaskScheduled)
    assert (action.event_id, action.name) == (0, "Charge")
    assert isinstance(recorded.started, ExecutionStarted)


@pytest.mark.parametrize(
    "source",
    [{}, [], "missing", None, 7, [{"EventType": 0}], {"history": [{"EventType": 4, "EventId": 0}]}],
)
def test_other_documents_are_unreadable(source: Any) -> None:
    with pytest.raises((UnreadableHistoryError, OSError)):
        read_history(source)
