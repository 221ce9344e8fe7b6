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

CHANGED: list[tuple[str, dict[str, Any], dict[str, Any], str]] = [
    (
        "step gone",
        sdk_output(activity()),
        sdk_output(),
        "scheduled an activity task with sequence ID 0 and name 'Echo', but the current replay "
        "execution hasn't (yet?) scheduled this task",
    ),
    (
        "other kind",
        sdk_output(activity()),
        sdk_output(timer(60)),
        "scheduled an activity task with sequence ID 0 and name 'Echo', but the current replay "
        "execution instead scheduled a timer with this sequence number",
    ),
    (
        "other name",
        sdk_output(activity("Echo")),
        sdk_output(activity("Flaky")),
        "instead scheduled an activity task named 'Flaky'",
    ),
    (
        "other child",
        sdk_output(child("Child")),
        sdk_output(child("Main")),
        "instead scheduled a sub-orchestration named 'Main'",
    ),
    (
        "timer gone",
        sdk_output(timer(60)),
        sdk_output(),
        "scheduled a timer with sequence ID 0, but",
    ),
    (
        "other entity",
        sdk_output(signal("@counter@a")),
        sdk_output(signal("@counter@b")),
        "scheduled an event with sequence ID 0",
    ),
    (
        "call gone",
        sdk_output(entity_call()),
        sdk_output(activity()),
        "instead scheduled an activity task named 'Echo'",
    ),
    (
        "fewer at once",
        sdk_output(when_all(activity(), activity())),
        sdk_output(when_all(activity())),
        "sequence ID 1 and name 'Echo', but the current replay execution hasn't",
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
    assert main.state.output is not None
    assert main.state.output.startswith(
        "Orchestrator function 'Main' failed: Non-Deterministic workflow detected: "
    )
    assert message in main.state.output
    assert "Was a change made to the orchestrator code" in main.state.output


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
