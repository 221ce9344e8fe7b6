"""Decisions, their ids and tasks, and retried calls."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import pytest

from embedded_host.engine.events import EventSent, HistoryEvent, TaskScheduled, TimerCreated
from embedded_host.engine.status import Status
from embedded_host.engine.timestamps import format_utc
from tests.engine.conftest import NewScenario
from tests.engine.scenario import (
    activity,
    after,
    child,
    child_completed,
    child_failed,
    completed,
    entity_call,
    event,
    failed,
    fired,
    http_call,
    kinds,
    raised,
    retried,
    retried_child,
    sdk_output,
    signal,
    timer,
    when_all,
    when_any,
)

# -- the decisions of one action -------------------------------------------------------------------

ONE_ACTION: list[tuple[str, dict[str, Any], str, list[str]]] = [
    ("activity", activity(), "task_scheduled 0", ["StartActivity"]),
    ("activity with retry", retried(), "task_scheduled 0", ["StartActivity"]),
    ("sub-orchestration", child(), "child_created 0", ["StartOrchestration"]),
    ("sub-orchestration with retry", retried_child(2), "child_created 0", ["StartOrchestration"]),
    ("timer", timer(60), "timer_created 0", ["Deliver"]),
    ("entity call", entity_call(), "event_sent 0", ["Deliver"]),
    ("entity signal", signal(), "event_sent 0", ["Deliver"]),
    (
        "scheduled signal",
        {**signal(), "actionType": 10, "fireAt": "2026-01-02T04:00:00Z"},
        "event_sent 0",
        ["Deliver"],
    ),
    ("http call", http_call(), "task_scheduled 0", ["StartActivity"]),
    ("event", event("Go"), "", []),
    ("any", when_any(activity()), "task_scheduled 0", ["StartActivity"]),
    ("all", when_all(activity()), "task_scheduled 0", ["StartActivity"]),
]


@pytest.mark.parametrize(
    ("action", "step", "sent"), [c[1:] for c in ONE_ACTION], ids=[c[0] for c in ONE_ACTION]
)
def test_each_action_makes_its_decision_once(
    new: NewScenario, action: dict[str, Any], step: str, sent: list[str]
) -> None:
    main = new()
    assert kinds(main.start(sdk_output(action)).outgoing) == sent
    assert main.steps == ["started", step] if step else ["started"]
    again = main.turn(sdk_output(action), raised("unrelated"))
    assert again.outgoing == []
    assert main.status() is Status.RUNNING
    assert main.steps.count(step) <= 1


COMPLETED_BY: list[tuple[str, dict[str, Any], HistoryEvent]] = [
    ("activity", activity(), completed(0)),
    ("failed activity", activity(), failed(0)),
    ("activity with retry", retried(), completed(0)),
    ("sub-orchestration", child(), child_completed(0)),
    ("failed sub-orchestration", child(), child_failed(0)),
    ("sub-orchestration with retry", retried_child(2), child_completed(0)),
    ("timer", timer(60), fired(0)),
    ("http call", http_call(), completed(0)),
    ("event", event("Go"), raised("Go")),
    ("event in other case", event("Go"), raised("gO")),
]


@pytest.mark.parametrize(
    ("action", "ends"), [c[1:] for c in COMPLETED_BY], ids=[c[0] for c in COMPLETED_BY]
)
def test_each_action_waits_for_the_previous_one(
    new: NewScenario, action: dict[str, Any], ends: HistoryEvent
) -> None:
    main = new()
    both = sdk_output(action, activity("Echo", '"next"'))
    assert len(main.start(both).outgoing) <= 1
    assert main.turn(both, raised("unrelated")).outgoing == []
    [sent] = main.turn(both, ends).outgoing
    assert sent.input == '"next"'  # type: ignore[union-attr]


def test_a_response_completes_an_entity_call(new: NewScenario) -> None:
    main = new()
    both = sdk_output(entity_call(), activity())
    main.start(both)
    request = json.loads(main.last(EventSent).input)["id"]
    assert main.turn(both, raised("another-request")).outgoing == []
    assert kinds(main.turn(both, raised(request)).outgoing) == ["StartActivity"]


def test_later_actions_do_not_wait_for_a_signal(new: NewScenario) -> None:
    main = new()
    assert kinds(main.start(sdk_output(signal(), signal(), activity())).outgoing) == [
        "Deliver",
        "Deliver",
        "StartActivity",
    ]
    assert main.steps == ["started", "event_sent 0", "event_sent 1", "task_scheduled 2"]


def test_waits_for_events_have_no_id(new: NewScenario) -> None:
    main = new()
    main.start(sdk_output(when_any(event("Go"), timer(60))))
    assert main.steps == ["started", "timer_created 0"]


def test_ids_are_assigned_depth_first(new: NewScenario) -> None:
    main = new()
    main.start(sdk_output(when_all(when_any(activity(), timer(60)), child(), when_all(activity()))))
    assert main.steps[1:] == [
        "task_scheduled 0",
        "timer_created 1",
        "child_created 2",
        "task_scheduled 3",
    ]


# -- retries ---------------------------------------------------------------------------------------

RETRIED: list[
    tuple[str, dict[str, Any], Callable[[int], HistoryEvent], Callable[[int], HistoryEvent]]
] = [
    ("activity", retried(attempts=3), failed, completed),
    ("sub-orchestration", retried_child(attempts=3), child_failed, child_completed),
]


@pytest.mark.parametrize(
    ("action", "fails", "succeeds"), [c[1:] for c in RETRIED], ids=[c[0] for c in RETRIED]
)
@pytest.mark.parametrize("wrapped", [False, True], ids=["bare", "wrapped"])
def test_a_retry_starts_after_a_timer_with_the_interval(
    new: NewScenario, action: dict[str, Any], fails: Any, succeeds: Any, wrapped: bool
) -> None:
    main = new()
    program = sdk_output(when_all(action) if wrapped else action, timer(99))
    main.start(program)
    main.seconds = 10
    assert kinds(main.turn(program, fails(0)).outgoing) == ["Deliver"]
    assert main.last(TimerCreated).fire_at == format_utc(after(11))
    assert len(main.turn(program, fired(1)).outgoing) == 1
    assert main.steps[-1].split()[-1] == "2"
    main.turn(program, succeeds(2))
    assert main.last(TimerCreated).fire_at == format_utc(after(99))
    assert main.steps[-1] == "timer_created 3"


@pytest.mark.parametrize(
    ("action", "fails", "_"), [c[1:] for c in RETRIED], ids=[c[0] for c in RETRIED]
)
def test_after_the_last_failure_one_more_timer_fires_at_once(
    new: NewScenario, action: dict[str, Any], fails: Any, _: Any
) -> None:
    main = new()
    program = sdk_output(action, activity())
    main.start(program)
    for task in (0, 2):
        main.turn(program, fails(task))
        main.turn(program, fired(task + 1))
    main.seconds = 30
    [extra] = main.turn(program, fails(4)).outgoing
    assert main.last(TimerCreated).fire_at == format_utc(after(30))
    assert extra.message.due == after(30)  # type: ignore[union-attr]
    assert kinds(main.turn(program, fired(5)).outgoing) == ["StartActivity"]
    assert main.steps[-1] == "task_scheduled 6"


def test_intervals_grow_by_the_coefficient_up_to_the_maximum(new: NewScenario) -> None:
    main = new()
    program = sdk_output(
        retried(
            attempts=5, first_ms=1000, backoffCoefficient=3, maxRetryIntervalInMilliseconds=5000
        )
    )
    main.start(program)
    delays = []
    for task in (0, 2, 4, 6):
        main.turn(program, failed(task))
        delays.append(main.last(TimerCreated).fire_at)
        main.turn(program, fired(task + 1))
    assert delays == [format_utc(after(s)) for s in (1, 3, 5, 5)]


def test_retries_end_with_their_timeout(new: NewScenario) -> None:
    main = new()
    program = sdk_output(retried(attempts=9, retryTimeoutInMilliseconds=5000), activity())
    main.start(program)
    main.seconds = 4
    main.turn(program, failed(0))
    main.turn(program, fired(1))
    main.seconds = 5
    main.turn(program, failed(2))
    assert main.last(TimerCreated).fire_at == format_utc(after(5))
    main.turn(program, fired(3))
    assert main.steps[-1] == "task_scheduled 4"
    assert main.last(TaskScheduled).name == "Echo"


def test_a_single_attempt_has_the_extra_timer_too(new: NewScenario) -> None:
    main = new()
    program = sdk_output(retried(attempts=1))
    main.start(program)
    main.turn(program, failed(0))
    assert main.steps[-1] == "timer_created 1"
    main.turn({**program, "error": "boom"}, fired(1))
    assert main.status() is Status.FAILED
