from __future__ import annotations

import pytest

from embedded_host.engine import history as h
from embedded_host.engine.events import (
    HistoryEvent,
    OrchestratorStarted,
    TaskCompleted,
    TaskScheduled,
)
from embedded_host.history import Turn, events_as_shown, infer_turns
from embedded_host.management.status import history_events
from tests.engine.scenario import T0, after

STARTED = h.execution_started(T0, instance_id="i", execution_id="e", name="Main", input=None)


def inferred(*events: HistoryEvent) -> list[Turn]:
    shown = history_events(events, show_output=True, show_input=True)
    status = {"name": "Main", "instanceId": "i", "runtimeStatus": "Running", "historyEvents": shown}
    return infer_turns(events_as_shown(status))


def summary(turns: list[Turn]) -> list[tuple[list[str], list[int]]]:
    """Return the types of messages except OrchestratorStarted, and the ids of actions."""
    return [
        (
            [
                type(event).__name__
                for event in turn.messages
                if not isinstance(event, OrchestratorStarted)
            ],
            [event.event_id for event in turn.actions],
        )
        for turn in turns
    ]


def test_a_completion_starts_a_turn_after_the_turn_that_scheduled_it() -> None:
    turns = inferred(
        STARTED,
        h.task_scheduled(after(1), 0, "A"),
        h.task_completed(after(2), 0, "1"),
        h.task_scheduled(after(3), 1, "B"),
        h.task_completed(after(4), 1, "2"),
        h.execution_completed(after(5), 2, "Completed", "3"),
    )
    assert summary(turns) == [
        (["ExecutionStarted"], [0]),
        (["TaskCompleted"], [1]),
        (["TaskCompleted"], []),
    ]


def test_actions_at_the_same_time_are_in_one_turn_also_with_late_completions() -> None:
    turns = inferred(
        STARTED,
        h.task_scheduled(after(1), 0, "A"),
        h.task_scheduled(after(1), 1, "B"),
        h.timer_created(after(1), 2, after(9)),
        h.task_completed(after(4), 1, '"b"'),
        h.task_completed(after(6), 0, '"a"'),
    )
    assert summary(turns) == [
        (["ExecutionStarted"], [0, 1, 2]),
        (["TaskCompleted", "TaskCompleted"], []),
    ]
    names = {
        event.event_id: event.name for event in turns[0].actions if isinstance(event, TaskScheduled)
    }
    completed = [event for event in turns[1].messages if isinstance(event, TaskCompleted)]
    assert [(names[event.task_scheduled_id], event.result) for event in completed] == [
        ("B", '"b"'),
        ("A", '"a"'),
    ]


def test_messages_without_actions_between_them_are_in_one_turn() -> None:
    turns = inferred(
        STARTED, h.event_raised(after(1), "A", None), h.event_raised(after(2), "B", None)
    )
    assert summary(turns) == [(["ExecutionStarted", "EventRaised", "EventRaised"], [])]


def test_a_termination_starts_a_turn() -> None:
    turns = inferred(STARTED, h.execution_terminated(after(1), "enough"))
    assert summary(turns) == [(["ExecutionStarted"], []), (["ExecutionTerminated"], [])]


def test_a_turn_starts_at_its_first_action() -> None:
    (turn,) = inferred(STARTED, h.task_scheduled(after(3), 0, "A"))
    assert isinstance(turn.messages[0], OrchestratorStarted)
    assert (turn.started_at, turn.queued_at) == (after(3), T0)
    assert turn.completed is None


def test_an_empty_history_has_no_turns() -> None:
    assert infer_turns([]) == []


def test_an_invalid_timestamp_raises_value_error() -> None:
    with pytest.raises(ValueError, match="yesterday"):
        infer_turns([h.event_raised(T0, "A", None), OrchestratorStarted(timestamp="yesterday")])
