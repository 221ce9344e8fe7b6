"""The attempts and completions of recorded histories of SDK 2.x, and of SDK 1.x."""

from __future__ import annotations

import pytest

from embedded_host.engine import history as h
from embedded_host.engine.events import HistoryEvent, TimerCreated
from embedded_host.engine.matched_events import MatchedEvents
from tests.engine.scenario import after
from tests.support.recorded_turns import recorded_history


def turn(at: float, *events: HistoryEvent) -> list[HistoryEvent]:
    return [h.orchestrator_started(after(at)), *events, h.orchestrator_completed(after(at))]


def scheduled(id: int) -> HistoryEvent:
    return h.task_scheduled(after(0), id, "Flaky")


def failed(id: int) -> HistoryEvent:
    return h.task_failed(after(0), id, "boom", None)


def created(id: int, due: float = 5) -> HistoryEvent:
    return h.timer_created(after(0), id, after(due))


def fired(id: int, due: float = 5) -> HistoryEvent:
    return h.timer_fired(after(0), id, after(due))


def described(events: list[HistoryEvent]) -> tuple[list[int | None], dict[int, tuple[int, int]]]:
    """Return the attempt of each call, and (id, attempt) of the failed call of each delay."""
    matched = MatchedEvents.of(events)
    attempts = [
        matched.attempts.get(index)
        for index, event in enumerate(events)
        if type(event).__name__ in ("TaskScheduled", "SubOrchestrationInstanceCreated")
    ]
    return attempts, {
        events[timer].event_id: (events[failed].event_id, matched.attempts[failed])
        for timer, failed in matched.delays.items()
    }


@pytest.mark.parametrize(
    ("orchestrator", "attempts", "delays"),
    [
        ("Retry", [1, 2, 3], {2: (1, 1), 3: (1, 2)}),
        ("NativeRetryBackoff", [1, 2, 3], {2: (1, 1), 3: (1, 2)}),
        ("NativeChildRetry", [1, 2], {2: (1, 1)}),
        ("SubRetryExhaust", [1, 2], {2: (1, 1)}),
        ("Chain", [None] * 3, {}),
        ("Timer", [], {}),
    ],
)
def test_attempts_with_the_same_id_are_separate(
    orchestrator: str, attempts: list[int | None], delays: dict[int, tuple[int, int]]
) -> None:
    assert described(recorded_history(orchestrator)) == (attempts, delays)


def test_each_attempt_has_its_own_completion() -> None:
    events = recorded_history("Retry")
    matched = MatchedEvents.of(events)
    completions = [
        type(events[matched.completions[index]]).__name__
        for index, event in enumerate(events)
        if type(event).__name__ == "TaskScheduled"
    ]
    assert completions == ["TaskFailed", "TaskFailed", "TaskCompleted"]
    assert {matched.scheduled[at]: at for at in matched.scheduled} == matched.completions


def test_the_attempts_of_one_turn_start_in_the_order_of_their_timers() -> None:
    events = [
        *turn(0, scheduled(1), scheduled(2)),
        *turn(1, failed(2), failed(1), created(3), created(4)),
        *turn(6, fired(4), fired(3), scheduled(1), scheduled(2)),
    ]
    assert described(events)[1] == {4: (1, 1), 3: (2, 1)}


def test_a_timer_that_is_older_than_the_failure_is_not_a_delay() -> None:
    events = [
        *turn(0, scheduled(1), created(2)),
        *turn(1, failed(1), created(3)),
        *turn(6, fired(2), fired(3), scheduled(1)),
    ]
    assert described(events)[1] == {3: (1, 1)}


def test_a_timer_of_an_earlier_turn_is_not_a_delay() -> None:
    events = [
        *turn(0, scheduled(1)),
        *turn(1, failed(1), created(2), created(3, 9)),
        *turn(5, fired(2)),
        *turn(9, fired(3, 9), scheduled(1)),
    ]
    assert described(events)[1] == {3: (1, 1)}


def test_a_timer_that_fires_while_the_instance_is_suspended_is_a_delay() -> None:
    events = [
        *turn(0, scheduled(1)),
        *turn(1, failed(1), created(2)),
        *turn(2, h.execution_suspended(after(2), None)),
        *turn(5, fired(2)),
        *turn(9, h.execution_resumed(after(9), None), scheduled(1)),
    ]
    assert described(events) == ([1, 2], {2: (1, 1)})


def test_all_parts_of_a_long_delay_are_delays() -> None:
    events = [
        *turn(0, scheduled(1)),
        *turn(1, failed(1), created(2)),
        *turn(5, fired(2), created(3, 9)),
        *turn(9, fired(3, 9), scheduled(1)),
    ]
    assert described(events)[1] == {2: (1, 1), 3: (1, 1)}


def test_a_repeated_id_of_a_completed_call_is_not_an_attempt() -> None:
    events = [*turn(0, scheduled(1)), *turn(1, h.task_completed(after(1), 1, "1"), scheduled(1))]
    assert described(events) == ([None, None], {})


def test_a_completion_before_its_scheduling_event_is_matched() -> None:
    """In order of time, this happens if the clocks of two machines differ."""
    events = [failed(0), scheduled(0)]
    assert MatchedEvents.of(events).completions == {1: 0}


def test_the_last_of_several_completions_counts() -> None:
    events = [scheduled(0), failed(0), h.task_completed(after(1), 0, "1")]
    matched = MatchedEvents.of(events)
    assert (matched.completions, matched.scheduled) == ({0: 2}, {1: 0, 2: 0})


def test_a_completion_without_a_scheduling_event_is_not_matched() -> None:
    assert MatchedEvents.of([failed(0)]).scheduled == {}


def test_a_timer_of_sdk_1x_names_the_failed_attempt() -> None:
    timer = h.timer_created(after(1), 1, after(6), retry_of=0)
    events = [
        *turn(0, scheduled(0)),
        *turn(1, failed(0), timer),
        *turn(6, h.timer_fired(after(1), 1, after(6)), scheduled(2)),
    ]
    assert described(events) == ([1, 2], {1: (0, 1)})
    assert isinstance(timer, TimerCreated)
