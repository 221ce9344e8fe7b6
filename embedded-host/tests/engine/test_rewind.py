"""Rewind replaces the failures of a history (functions-host.md#effects-of-actions)."""

from __future__ import annotations

from embedded_host.engine import history as h
from embedded_host.engine.events import (
    GenericEvent,
    SubOrchestrationInstanceCreated,
    SubOrchestrationInstanceFailed,
)
from embedded_host.engine.history import History
from embedded_host.engine.messages import StartOrchestration
from embedded_host.engine.rewind import rewind
from embedded_host.engine.status import Status
from tests.engine.scenario import (
    Scenario,
    activity,
    child,
    child_completed,
    child_failed,
    completed,
    failed,
    fired,
    kinds,
    retried,
    sdk_output,
    terminated,
    timer,
    when_all,
)


def failed_scenario() -> Scenario:
    main = Scenario()
    main.start(sdk_output(activity("Echo"), activity("Flaky")))
    main.turn(sdk_output(activity("Echo"), activity("Flaky")), completed(0))
    main.turn(sdk_output(activity("Echo"), activity("Flaky"), error="boom"), failed(1))
    assert main.status() is Status.FAILED
    return main


def test_rewind_replaces_failures_by_generic_events() -> None:
    main = failed_scenario()
    events = main.state.history.events
    rewound = rewind(events, "fixed")
    replaced = [(old, new) for old, new in zip(events, rewound.events, strict=True) if old != new]
    assert [type(old).__name__ for old, _ in replaced] == [
        "TaskScheduled",
        "TaskFailed",
        "ExecutionCompleted",
    ]
    assert [new.data for _, new in replaced if isinstance(new, GenericEvent)] == [
        "Rewound: TaskScheduled (fixed)",
        "Rewound: TaskFailed (fixed)",
        "Rewound: ExecutionCompleted (fixed)",
    ]
    assert rewound.failed_children == []
    assert rewind(events, None).events[-2] == h.generic(
        main.state.created_at, "Rewound: ExecutionCompleted"
    )


def test_rewind_does_not_change_its_argument() -> None:
    main = failed_scenario()
    before = list(main.state.history.events)
    rewind(main.state.history.events, "fixed")
    assert main.state.history.events == before


def test_failed_sub_orchestrations_are_returned_and_keep_their_scheduling_event() -> None:
    main = Scenario()
    main.start(sdk_output(child(instance_id="c-1")))
    main.turn(sdk_output(child(instance_id="c-1"), error="boom"), child_failed(0))
    rewound = rewind(main.state.history.events, None)
    assert rewound.failed_children == ["c-1"]
    kept = [type(e) for e in rewound.events]
    assert SubOrchestrationInstanceCreated in kept
    assert SubOrchestrationInstanceFailed not in kept


def test_a_rewound_execution_repeats_the_failed_activity() -> None:
    main = failed_scenario()
    main.state.history = History(rewind(main.state.history.events, None).events)
    main.state.status, main.state.execution, main.state.seen = Status.PENDING, None, 0
    main.fresh = True
    program = sdk_output(activity("Echo"), activity("Flaky"))
    assert kinds(main.turn(program, h.generic(main.state.created_at, "rewind")).outgoing) == [
        "StartActivity"
    ]
    assert main.steps[-1] == "task_scheduled 1"
    main.turn({**program, "isDone": True}, completed(1))
    assert main.status() is Status.COMPLETED


def rewound_steps(main: Scenario, *not_failed: str) -> list[str]:
    """Rewind the instance, and return the steps of its new history."""
    rewound = rewind(main.state.history.events, None, not_failed)
    main.state.history = History(rewound.events)
    main.state.status, main.state.execution, main.state.seen = Status.PENDING, None, 0
    main.fresh = True
    return [step for step in main.steps if step != "generic_event"]


def test_a_rewound_retry_has_all_its_attempts_again() -> None:
    program = sdk_output(activity("Echo"), timer(5), retried(attempts=2))
    main = Scenario()
    main.start(program)
    main.turn(program, completed(0))
    main.turn(program, fired(1))
    main.turn(program, failed(2))
    main.turn(program, fired(3))
    main.turn(program, failed(4))
    main.turn({**program, "error": "boom"}, fired(5))
    assert main.status() is Status.FAILED
    assert rewound_steps(main) == [
        "started",
        "task_scheduled 0",
        "task_completed 0",
        "timer_created 1",
        "timer_fired 1",
    ]

    main.turn(program, h.generic(main.state.created_at, "rewind"))
    assert main.steps[-1] == "task_scheduled 2"
    main.turn(program, failed(2))
    assert main.steps[-1] == "timer_created 3"
    main.turn(program, fired(3))
    main.turn({**program, "isDone": True}, completed(4))
    assert main.status() is Status.COMPLETED


def test_rewind_removes_a_retry_timer_that_has_not_fired() -> None:
    program = sdk_output(retried(), activity("Echo"))
    main = Scenario()
    main.start(program)
    main.turn(program, failed(0))
    main.turn(program, terminated("enough"))
    assert rewound_steps(main)[:2] == ["started", "terminated"]


def test_a_purged_sub_orchestration_is_created_again() -> None:
    program = sdk_output(when_all(child(instance_id="c-1"), child(instance_id="c-2")))
    main = Scenario()
    main.start(program)
    main.turn(program, child_failed(0))
    main.turn({**program, "error": "boom"}, child_failed(1))
    rewound = rewind(main.state.history.events, None, ["c-1"])
    assert rewound.failed_children == ["c-2"]
    assert rewound_steps(main, "c-1") == ["started", "child_created 1"]
    result = main.turn(program, h.generic(main.state.created_at, "rewind"))
    assert [
        sent.instance_id for sent in result.outgoing if isinstance(sent, StartOrchestration)
    ] == ["c-1"]
    main.turn(program, child_completed(0))
    main.turn({**program, "isDone": True}, child_completed(1))
    assert main.status() is Status.COMPLETED
