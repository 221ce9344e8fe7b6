"""Actions matched with the history, with a kept execution and with a full replay."""

from __future__ import annotations

from typing import Any

import pytest

from embedded_host.engine.events import HistoryEvent
from embedded_host.engine.execution import Execution
from embedded_host.engine.status import Status
from tests.engine.conftest import NewScenario
from tests.engine.scenario import (
    activity,
    child,
    child_completed,
    completed,
    entity_call,
    event,
    failed,
    fired,
    http_call,
    kinds,
    raised,
    resumed,
    sdk_output,
    suspended,
    timer,
    when_all,
    when_any,
)

# -- all and any -----------------------------------------------------------------------------------


def test_task_all_waits_for_all_tasks_after_a_failure(new: NewScenario) -> None:
    main = new()
    program = sdk_output(when_all(activity(), activity()), activity())
    main.start(program)
    assert main.turn(program, failed(0)).outgoing == []
    assert kinds(main.turn(program, completed(1)).outgoing) == ["StartActivity"]


def test_an_error_of_the_orchestrator_is_recorded_once_all_tasks_are_done(new: NewScenario) -> None:
    main = new()
    main.start(sdk_output(when_all(activity(), activity())))
    main.turn(sdk_output(when_all(activity(), activity()), error="boom"), failed(0))
    assert main.status() is Status.RUNNING
    main.turn(sdk_output(when_all(activity(), activity()), error="boom"), completed(1))
    assert (main.state.status, main.state.output) == (
        Status.FAILED,
        "Orchestrator function 'Main' failed: boom",
    )


@pytest.mark.parametrize("late", [completed(0), failed(0)], ids=["completed", "failed"])
def test_task_any_continues_with_the_first_task_and_completion_waits_for_the_last(
    new: NewScenario, late: HistoryEvent
) -> None:
    main = new()
    program = when_any(activity(), activity())
    main.start(sdk_output(program))
    main.turn(sdk_output(program, done=True, output="won"), completed(1))
    assert main.status() is Status.RUNNING
    main.turn(sdk_output(program, done=True, output="won"), late)
    assert (main.state.status, main.state.output) == (Status.COMPLETED, '"won"')
    assert main.steps[-2:] == [
        f"task_{'failed' if late == failed(0) else 'completed'} 0",
        "completed 2",
    ]


def test_an_empty_task_all_or_task_any_is_done_at_once(new: NewScenario) -> None:
    main = new()
    assert kinds(main.start(sdk_output(when_all(), when_any(), activity())).outgoing) == [
        "StartActivity"
    ]


def test_a_task_any_inside_a_task_all_is_done_with_its_first_task(new: NewScenario) -> None:
    main = new()
    program = sdk_output(when_all(when_any(activity(), activity()), activity()), timer(60))
    main.start(program)
    main.turn(program, completed(2))
    assert main.turn(program).outgoing == []
    assert kinds(main.turn(program, completed(1)).outgoing) == ["Deliver"]


# -- tasks that keep an execution open -------------------------------------------------------------

OPEN: list[tuple[str, dict[str, Any], HistoryEvent]] = [
    ("activity", activity(), completed(0)),
    ("sub-orchestration", child(), child_completed(0)),
    ("timer", timer(60), fired(0)),
    ("http call", http_call(), completed(0)),
]


@pytest.mark.parametrize(("action", "ends"), [c[1:] for c in OPEN], ids=[c[0] for c in OPEN])
def test_open_tasks_delay_completion(
    new: NewScenario, action: dict[str, Any], ends: HistoryEvent
) -> None:
    main = new()
    done = sdk_output(when_any(action, event("Go")), done=True)
    main.start(sdk_output(when_any(action, event("Go"))))
    main.turn(done, raised("Go"))
    assert main.status() is Status.RUNNING
    main.turn(done, ends)
    assert main.status() is Status.COMPLETED


@pytest.mark.parametrize("waits", [event("Never"), entity_call()], ids=["event", "entity"])
def test_open_waits_do_not_delay_completion(new: NewScenario, waits: dict[str, Any]) -> None:
    main = new()
    main.start(sdk_output(when_any(waits, event("Go"))))
    main.turn(sdk_output(when_any(waits, event("Go")), done=True), raised("Go"))
    assert main.status() is Status.COMPLETED


def test_a_cancelled_timer_does_not_delay_completion(new: NewScenario) -> None:
    main = new()
    main.start(sdk_output(when_any(event("Go"), timer(60))))
    main.turn(sdk_output(when_any(event("Go"), timer(60, cancelled=True)), done=True), raised("Go"))
    assert main.status() is Status.COMPLETED
    assert main.steps == ["started", "timer_created 0", "event_raised", "completed 1"]


def test_a_timer_cancelled_at_once_is_still_created(new: NewScenario) -> None:
    main = new()
    main.start(sdk_output(timer(60, cancelled=True), done=True))
    assert main.steps == ["started", "timer_created 0", "completed 1"]


def test_calls_after_a_cancelled_timer_keep_their_ids_on_replay(new: NewScenario) -> None:
    main = new()
    waits = when_any(event("Go"), timer(60))
    main.start(sdk_output(waits))
    cancelled = when_any(event("Go"), timer(60, cancelled=True))
    main.turn(sdk_output(cancelled, when_all(activity()), activity()), raised("Go"))
    main.turn(sdk_output(cancelled, when_all(activity()), activity()), completed(1))
    main.turn(
        sdk_output(cancelled, when_all(activity()), activity(), done=True), completed(2), fired(0)
    )
    assert main.status() is Status.COMPLETED
    assert [s for s in main.steps if "scheduled" in s] == ["task_scheduled 1", "task_scheduled 2"]


# -- external events -------------------------------------------------------------------------------


def test_an_event_before_its_wait_is_kept_for_it(new: NewScenario) -> None:
    main = new()
    program = sdk_output(timer(1), event("Go"), activity())
    main.start(program, raised("GO"))
    assert kinds(main.turn(program, fired(0)).outgoing) == ["StartActivity"]


def test_each_event_completes_one_wait(new: NewScenario) -> None:
    main = new()
    program = sdk_output(event("Go"), event("Go"), activity())
    main.start(program)
    assert main.turn(program, raised("Go")).outgoing == []
    assert kinds(main.turn(program, raised("Go")).outgoing) == ["StartActivity"]


def test_buffered_events_of_a_name_complete_as_many_waits(new: NewScenario) -> None:
    main = new()
    program = sdk_output(event("Go"), event("Go"), activity(), event("go"), activity())
    assert kinds(main.start(program, raised("Go"), raised("Go"), raised("Go")).outgoing) == [
        "StartActivity"
    ]
    assert kinds(main.turn(program, completed(0)).outgoing) == ["StartActivity"]


def test_waits_for_the_same_name_complete_in_their_order(new: NewScenario) -> None:
    main = new()
    program = sdk_output(when_any(when_all(event("Go"), activity()), event("Go")), timer(60))
    main.start(program)
    assert main.turn(program, raised("Go")).outgoing == []
    assert kinds(main.turn(program, completed(0)).outgoing) == ["Deliver"]


def test_undelivered_events_keep_their_order_for_each_name(new: NewScenario) -> None:
    main = new()
    main.start(sdk_output(timer(1)), raised("A", "1"), raised("b", "2"), raised("a", "3"))
    execution = main.state.execution
    assert isinstance(execution, Execution)
    assert [(e.name, e.input) for e in execution.undelivered_events] == [
        ("A", "1"),
        ("a", "3"),
        ("b", "2"),
    ]


# -- suspended -------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("action", "ends"),
    [(event("Go"), raised("Go")), (activity(), completed(0)), (timer(60), fired(0))],
)
def test_a_suspended_instance_records_events_and_continues_on_resume(
    new: NewScenario, action: dict[str, Any], ends: HistoryEvent
) -> None:
    main = new()
    program = sdk_output(action, activity())
    main.start(program)
    main.turn(program, suspended("pause"))
    assert (main.state.status, main.state.output) == (Status.SUSPENDED, "pause")
    assert main.turn(program, ends).outgoing == []
    assert main.status() is Status.SUSPENDED
    assert main.steps[-1].split()[0] in ("event_raised", "task_completed", "timer_fired")
    assert kinds(main.turn(program, resumed("continue")).outgoing) == ["StartActivity"]
    assert (main.state.status, main.state.output) == (Status.RUNNING, "continue")


def test_completion_waits_for_resume(new: NewScenario) -> None:
    main = new()
    main.start(sdk_output(event("Go")))
    main.turn(sdk_output(event("Go")), suspended())
    main.turn(sdk_output(event("Go"), done=True), raised("Go"))
    assert main.status() is Status.SUSPENDED
    main.turn(sdk_output(event("Go"), done=True), resumed())
    assert main.status() is Status.COMPLETED
    assert main.steps == ["started", "suspended", "event_raised", "resumed", "completed 0"]
