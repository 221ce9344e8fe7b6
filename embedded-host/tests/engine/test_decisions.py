"""A replay whose decisions differ from the history fails the instance and names the difference."""

from __future__ import annotations

from typing import Any

import pytest

from embedded_host.engine.status import Status
from tests.engine.scenario import (
    Scenario,
    activity,
    child,
    completed,
    entity_call,
    raised,
    sdk_output,
    signal,
    timer,
    when_all,
)

AGAIN = (
    " Was a change made to the orchestrator code after this instance had already started running?"
)

CHANGED: list[tuple[str, dict[str, Any], dict[str, Any], str]] = [
    (
        "step gone",
        sdk_output(activity()),
        sdk_output(),
        "an activity task with sequence ID 0 and name 'Echo' (version ''), but the current replay "
        "execution hasn't (yet?) scheduled this task.",
    ),
    (
        "other kind",
        sdk_output(activity()),
        sdk_output(timer(60)),
        "an activity task with sequence number 0 named 'Echo', but the current orchestration "
        "replay instead produced a CreateTimerOrchestratorAction action with this sequence number.",
    ),
    (
        "other name",
        sdk_output(activity("Echo")),
        sdk_output(activity("Flaky")),
        "an activity task with sequence number 0 named 'Echo', but the current orchestration "
        "replay instead scheduled an activity task named 'Flaky' with this sequence number. ",
    ),
    (
        "other child",
        sdk_output(child("Child", instance_id="c1")),
        sdk_output(child("Main", instance_id="c1")),
        "a sub-orchestration task with sequence ID 0 and name 'Child' (version '', instance ID "
        "'c1'), but the current orchestration replay instead scheduled a sub-orchestration task "
        "with name Main at this sequence number.",
    ),
    (
        "child gone",
        sdk_output(child("Child", instance_id="c1")),
        sdk_output(activity()),
        "a sub-orchestration task with sequence ID 0 and name 'Child' (version '', instance ID "
        "'c1'), but the current orchestration replay instead produced a "
        "ScheduleTaskOrchestratorAction action at this sequence number.",
    ),
    (
        "timer gone",
        sdk_output(timer(60)),
        sdk_output(),
        "a timer task with sequence number 0 but the current replay execution hasn't (yet?) "
        "scheduled this task.",
    ),
    (
        "timer replaced",
        sdk_output(timer(60)),
        sdk_output(activity()),
        "a timer task with sequence number 0 named but the current orchestration replay instead "
        "produced a ScheduleTaskOrchestratorAction action with this sequence number.",
    ),
    (
        "call gone",
        sdk_output(entity_call("@counter@a")),
        sdk_output(activity()),
        "a send event task with sequence ID 0, type 'EventSent', name 'op', instance ID "
        "'@counter@a', but the current orchestration replay instead scheduled a "
        "ScheduleTaskOrchestratorAction task at this sequence number.",
    ),
    (
        "fewer at once",
        sdk_output(when_all(activity(), activity())),
        sdk_output(when_all(activity())),
        "an activity task with sequence ID 1 and name 'Echo' (version ''), but the current replay "
        "execution hasn't (yet?) scheduled this task.",
    ),
]


@pytest.mark.parametrize(
    ("before", "after", "message"), [c[1:] for c in CHANGED], ids=[c[0] for c in CHANGED]
)
def test_changed_code_fails_the_instance(
    before: dict[str, Any], after: dict[str, Any], message: str
) -> None:
    main = Scenario(fresh=True)
    main.start(before)
    main.turn(after, raised("unrelated"))
    assert main.state.status is Status.FAILED
    assert main.state.output == (
        "Non-Deterministic workflow detected: A previous execution of this orchestration scheduled "
        f"{message}{AGAIN}"
    )


@pytest.mark.parametrize(
    ("before", "after"),
    [
        (sdk_output(activity(input="1")), sdk_output(activity(input="2"))),
        (sdk_output(signal("@counter@a")), sdk_output(signal("@counter@b"))),
    ],
    ids=["input", "recipient"],
)
def test_inputs_and_recipients_are_not_compared(
    before: dict[str, Any], after: dict[str, Any]
) -> None:
    main = Scenario(fresh=True)
    main.start(before)
    main.turn(after, raised("unrelated"))
    assert main.state.status is not Status.FAILED


def test_names_are_compared_without_regard_to_case() -> None:
    main = Scenario(fresh=True)
    main.start(sdk_output(activity("Echo"), child("Child")))
    main.turn(sdk_output(activity("ECHO"), child("CHILD")), completed(0))
    assert main.state.status is Status.RUNNING


def test_fewer_actions_than_before_fail_a_kept_execution() -> None:
    main = Scenario()
    main.start(sdk_output(activity(), activity()))
    main.turn(sdk_output(activity(), activity()), completed(0))
    main.turn(sdk_output(activity()), raised("unrelated"))
    assert main.state.status is Status.FAILED
    assert "had 2 actions, but the current replay has 1" in str(main.state.output)


def test_additional_actions_are_new_decisions() -> None:
    main = Scenario(fresh=True)
    main.start(sdk_output(activity()))
    main.turn(sdk_output(activity(), timer(60)), completed(0))
    assert main.state.status is Status.RUNNING
    assert main.steps[-1] == "timer_created 1"
