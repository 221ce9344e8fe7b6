"""Rewind of executions of SDK 2.x. The SDK replays the rewound histories."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from durabletask import task
from durabletask.entities import EntityInstanceId

from embedded_host.engine import history as h
from embedded_host.engine.entity_messages import LOCKED, parse_message
from embedded_host.engine.events import EventSent
from embedded_host.engine.status import Status
from tests.support.sdk2_scenario import Sdk2Scenario, Steps

RETRIES = task.RetryPolicy(first_retry_interval=timedelta(seconds=5), max_number_of_attempts=2)


def exhausted_retry(ctx: Any, _: Any) -> Steps:
    yield ctx.call_activity("Echo")
    yield ctx.create_timer(timedelta(seconds=1))
    yield ctx.call_activity("Flaky", retry_policy=RETRIES)
    return "done"


def test_a_failed_activity_runs_again() -> None:
    def two(ctx: Any, _: Any) -> Steps:
        yield ctx.call_activity("Echo")
        yield ctx.call_activity("Flaky")
        return "done"

    main = Sdk2Scenario(two)
    main.turn(main.completes(1))
    main.turn(main.fails(2))
    _, new = main.rewind()
    assert main.kept == ["ExecutionStarted", "TaskScheduled 1", "TaskCompleted 1"]
    assert new == ["TaskScheduled 2"]
    main.turn(main.completes(2))
    assert main.state.status is Status.COMPLETED


def test_a_retried_call_has_all_its_attempts_again() -> None:
    main = Sdk2Scenario(exhausted_retry)
    main.turn(main.completes(1))
    main.turn(main.fires(2))
    main.turn(main.fails(3))
    main.turn(main.fires(4))
    main.turn(main.fails(3))
    _, new = main.rewind()
    assert main.kept == [
        "ExecutionStarted",
        "TaskScheduled 1",
        "TaskCompleted 1",
        "TimerCreated 2",
        "TimerFired 2",
    ]
    assert new == ["TaskScheduled 3"]
    main.turn(main.fails(3))
    assert main.steps[-1] == "TimerCreated 4"
    main.turn(main.fires(4))
    main.turn(main.completes(3))
    assert main.state.status is Status.COMPLETED


def test_a_retry_that_succeeded_is_kept() -> None:
    def main_(ctx: Any, _: Any) -> Steps:
        yield ctx.call_activity("Flaky", retry_policy=RETRIES)
        yield ctx.call_activity("Echo")
        return "done"

    main = Sdk2Scenario(main_)
    main.turn(main.fails(1))
    main.turn(main.fires(2))
    main.turn(main.completes(1))
    main.turn(main.fails(3))
    _, new = main.rewind()
    assert main.kept == [
        "ExecutionStarted",
        "TaskScheduled 1",
        "TaskFailed 1",
        "TimerCreated 2",
        "TimerFired 2",
        "TaskScheduled 1",
        "TaskCompleted 1",
    ]
    assert new == ["TaskScheduled 3"]


def any_then_more(ctx: Any, _: Any) -> Steps:
    """Call Flaky with retries, and call Echo after another call has completed meanwhile."""
    flaky = ctx.call_activity("Flaky", retry_policy=RETRIES)
    yield ctx.call_activity("Echo")
    yield ctx.call_activity("Echo")
    yield flaky
    return "done"


def test_only_the_last_attempt_is_repeated_if_later_decisions_depend_on_the_delay() -> None:
    main = Sdk2Scenario(any_then_more)
    main.turn(main.fails(1))
    assert main.steps[-1] == "TimerCreated 3"
    main.turn(main.completes(2))
    assert main.steps[-1] == "TaskScheduled 4"
    main.turn(main.completes(4))
    main.turn(main.fires(3))
    main.turn(main.fails(1))
    _, new = main.rewind()
    assert main.kept.count("TaskFailed 1") == 1
    assert "TimerFired 3" in main.kept
    assert new == ["TaskScheduled 1"]
    main.turn(main.completes(1))
    assert main.state.status is Status.COMPLETED


def test_several_retried_calls_of_one_turn_have_all_their_attempts_again() -> None:
    def main_(ctx: Any, _: Any) -> Steps:
        yield task.when_all([ctx.call_activity("Flaky", retry_policy=RETRIES) for _ in range(2)])
        return "done"

    main = Sdk2Scenario(main_)
    main.turn(main.fails(1), main.fails(2))
    main.turn(main.fires(3), main.fires(4))
    main.turn(main.fails(1), main.fails(2))
    _, new = main.rewind()
    assert main.kept == ["ExecutionStarted"]
    assert new == ["TaskScheduled 1", "TaskScheduled 2"]


def test_open_calls_and_timers_start_again() -> None:
    """An execution of SDK 2.x fails while calls are open. Their results are lost."""

    def main_(ctx: Any, _: Any) -> Steps:
        tasks = [
            ctx.call_activity("Echo"),
            ctx.create_timer(timedelta(hours=1)),
            ctx.call_sub_orchestrator("Child", instance_id="c-1"),
            ctx.call_sub_orchestrator("Child", instance_id="c-2"),
        ]
        yield ctx.call_activity("Flaky")
        yield task.when_all(tasks)
        return "done"

    main = Sdk2Scenario(main_)
    main.turn(main.fails(5))
    assert main.state.status is Status.FAILED
    rewound, new = main.rewind("c-1", "c-2", running=("c-2",))
    assert rewound.failed_children == []
    assert main.kept == ["ExecutionStarted", "SubOrchestrationInstanceCreated 4"]
    assert new == [
        "TaskScheduled 1",
        "TimerCreated 2",
        "SubOrchestrationInstanceCreated 3",
        "TaskScheduled 5",
    ]


def test_a_child_that_failed_after_its_parent_is_rewound() -> None:
    def main_(ctx: Any, _: Any) -> Steps:
        child = ctx.call_sub_orchestrator("Child", instance_id="c-1")
        yield ctx.call_activity("Flaky")
        yield child
        return "done"

    main = Sdk2Scenario(main_)
    main.turn(main.fails(2))
    rewound, new = main.rewind()
    assert rewound.failed_children == ["c-1"]
    assert new == ["TaskScheduled 2"]


def retried_child(ctx: Any, _: Any) -> Steps:
    yield ctx.call_sub_orchestrator("Child", retry_policy=RETRIES)
    return "done"


def failed_child() -> Sdk2Scenario:
    main = Sdk2Scenario(retried_child)
    main.turn(main.child_fails(1))
    main.turn(main.fires(2))
    main.turn(main.child_fails(1))
    return main


def test_a_retried_child_is_rewound_once() -> None:
    main = failed_child()
    rewound, new = main.rewind()
    assert rewound.failed_children == ["i:0001"]
    assert (main.kept, new) == (["ExecutionStarted", "SubOrchestrationInstanceCreated 1"], [])
    main.turn(main.child_fails(1))
    assert main.steps[-1] == "TimerCreated 2"
    main.turn(main.fires(2))
    main.turn(main.child_completes(1))
    assert main.state.status is Status.COMPLETED


def test_a_purged_child_is_created_again() -> None:
    rewound, new = (main := failed_child()).rewind("i:0001")
    assert rewound.failed_children == []
    assert (main.kept, new) == (["ExecutionStarted"], ["SubOrchestrationInstanceCreated 1"])


def two_retries(ctx: Any, _: Any) -> Steps:
    retried = ctx.call_activity("Flaky", retry_policy=RETRIES)
    yield ctx.call_activity("Flaky")
    yield retried
    return "done"


def test_a_delay_that_is_open_at_the_end_is_removed() -> None:
    main = Sdk2Scenario(two_retries)
    main.turn(main.fails(1))
    main.turn(main.fails(2))
    _, new = main.rewind()
    assert main.kept == ["ExecutionStarted"]
    assert new == ["TaskScheduled 1", "TaskScheduled 2"]
    main.turn(main.completes(1))
    main.turn(main.completes(2))
    assert main.state.status is Status.COMPLETED


def test_a_delay_that_ends_in_the_last_turn_is_removed() -> None:
    main = Sdk2Scenario(two_retries)
    main.turn(main.fails(1))
    main.turn(main.fires(3), main.fails(2))
    assert main.state.status is Status.FAILED
    _, new = main.rewind()
    assert main.kept == ["ExecutionStarted"]
    assert new == ["TaskScheduled 1", "TaskScheduled 2"]


def test_an_open_delay_is_started_again_if_later_decisions_depend_on_it() -> None:
    def main_(ctx: Any, _: Any) -> Steps:
        flaky = ctx.call_activity("Flaky", retry_policy=RETRIES)
        yield ctx.call_activity("Echo")
        yield ctx.call_activity("Echo")
        yield ctx.call_activity("Flaky")
        yield flaky
        return "done"

    main = Sdk2Scenario(main_)
    main.turn(main.fails(1))
    main.turn(main.completes(2))
    main.turn(main.completes(4))
    main.turn(main.fails(5))
    _, new = main.rewind()
    assert "TaskFailed 1" in main.kept
    assert new == ["TimerCreated 3", "TaskScheduled 5"]
    main.turn(main.completes(5))
    main.turn(main.fires(3))
    assert main.steps[-1] == "TaskScheduled 1"
    main.turn(main.completes(1))
    assert main.state.status is Status.COMPLETED


def test_the_release_of_a_lock_after_the_failure_is_removed() -> None:
    def main_(ctx: Any, _: Any) -> Steps:
        with (yield ctx.lock_entities([EntityInstanceId("counter", "k")])):
            yield ctx.call_activity("Flaky")
        return "done"

    main = Sdk2Scenario(main_)
    [sent] = [e for e in main.state.history.events if isinstance(e, EventSent)]
    main.turn(h.event_raised(main.now, parse_message(sent.name, sent.input).id, LOCKED))
    main.turn(main.fails(2))
    assert "EventSent 3" in main.steps
    _, new = main.rewind()
    assert "EventSent 3" not in main.kept
    assert new == ["TaskScheduled 2"]
    main.turn(main.completes(2))
    assert main.state.status is Status.COMPLETED


def test_messages_before_the_end_are_not_sent_again() -> None:
    def main_(ctx: Any, _: Any) -> Steps:
        yield ctx.call_activity("Echo")
        ctx.signal_entity(EntityInstanceId("counter", "k"), "add", 1)
        yield ctx.call_activity("Flaky")
        return "done"

    main = Sdk2Scenario(main_)
    main.turn(main.completes(1))
    main.turn(main.fails(3))
    _, new = main.rewind()
    assert "EventSent 2" in main.kept
    assert new == ["TaskScheduled 3"]
