"""Continue-as-new: a new execution of the same instance.

Source: functions-host.md#event-order-in-a-turn and #effects-of-actions.
"""

from __future__ import annotations

import json

import pytest

from embedded_host.engine import history as h
from embedded_host.engine.events import EventRaised, ExecutionStarted
from embedded_host.engine.messages import Message
from embedded_host.engine.observations import Difference, Observation
from embedded_host.engine.orchestration import TurnResult, TurnSettings
from embedded_host.engine.status import Status
from tests.engine.scenario import (
    FUNCTIONS,
    PARENT,
    Scenario,
    activity,
    after,
    completed,
    continue_as_new,
    event,
    raised,
    sdk_output,
    terminated,
    when_any,
)


def continued(input: str = '"2"') -> tuple[Scenario, TurnResult]:
    main = Scenario(parent=PARENT, input='"1"')
    main.start(sdk_output(activity()))
    main.seconds = 5
    result = main.turn(sdk_output(activity(), continue_as_new(input), done=True), completed(0))
    return main, result


def test_continue_as_new_replaces_the_history() -> None:
    main, result = continued('{"n": 2}')
    assert result.replaces
    assert result.outgoing == []
    state = main.state
    kinds = [type(e).__name__ for e in state.history.events]
    assert kinds == ["OrchestratorStarted", "ExecutionStarted", "OrchestratorCompleted"]
    started = state.history.events[1]
    assert isinstance(started, ExecutionStarted)
    assert state.execution_id == started.orchestration_instance.execution_id != "execution-1"
    assert len(state.execution_id) == 32
    assert (started.generation, started.parent_instance, started.name) == (None, PARENT, "Main")
    assert state.input == started.input == json.dumps('{"n": 2}')
    assert (state.status, state.created_at, state.parent, state.continued) == (
        Status.RUNNING,
        after(5),
        PARENT,
        True,
    )


def test_the_next_turn_delivers_no_messages_and_marks_no_event_as_played() -> None:
    main, _ = continued()
    main.turn(sdk_output(activity()))
    assert main.payload is not None
    assert not main.payload["isReplaying"]
    assert main.payload["input"] == '"2"'
    assert [e["EventType"] for e in main.payload["history"]] == [12, 0, 13]
    assert not any(e["IsPlayed"] for e in main.payload["history"])
    assert main.steps == ["started", "task_scheduled 0"]
    main.turn(sdk_output(activity(), done=True), completed(0))
    assert main.payload is not None
    assert main.payload["isReplaying"]
    played = [(e["EventType"], e["IsPlayed"]) for e in main.payload["history"]]
    assert played == [
        (12, False),
        (0, True),
        (13, True),
        (4, False),
        (13, False),
        (12, False),
        (5, False),
    ]
    assert main.state.status is Status.COMPLETED


def test_messages_of_the_previous_execution_are_dropped() -> None:
    main, _ = continued()
    main.turn(sdk_output(activity()))
    main.turn(sdk_output(activity()), Message(completed(0), "execution-1"))
    assert "task_completed 0" not in main.steps


def test_undelivered_events_are_carried_over_in_order() -> None:
    main = Scenario()
    program = sdk_output(event("Go"), continue_as_new(), done=True)
    main.start(program, h.event_raised(after(1), "B", "1"), h.event_raised(after(1.5), "a", "2"))
    main.turn(program, raised("Go"), h.event_raised(after(0), "b", "3"))
    carried = [(e.name, e.input) for e in main.state.history.events if isinstance(e, EventRaised)]
    assert carried == [("B", "1"), ("a", "2"), ("b", "3")]
    main.turn(sdk_output(event("a"), event("b"), done=True, output="both"))
    assert main.state.output == '"both"'


def test_open_tasks_delay_continue_as_new() -> None:
    main = Scenario()
    again = sdk_output(when_any(activity(), event("Go")), continue_as_new(), done=True)
    main.start(sdk_output(when_any(activity(), event("Go"))))
    assert not main.turn(again, raised("Go")).replaces
    assert main.turn(again, completed(0)).replaces


def test_the_custom_status_is_kept_for_the_first_turn_of_the_next_execution() -> None:
    main = Scenario()
    main.start(sdk_output(continue_as_new(), done=True, customStatus="busy"))
    main.turn(sdk_output(event("Go")))
    assert main.state.custom_status == '"busy"'
    main.turn(sdk_output(event("Go")), raised("Other"))
    assert main.state.custom_status is None


def test_the_next_execution_can_be_terminated_before_its_first_turn() -> None:
    main, _ = continued()
    main.turn(sdk_output(), terminated("enough"))
    assert (main.state.status, main.state.output) == (Status.TERMINATED, "enough")


@pytest.mark.parametrize("times", [3])
def test_decision_ids_start_at_zero_in_each_execution(times: int) -> None:
    main = Scenario()
    main.start(sdk_output(activity()))
    for _ in range(times):
        main.turn(sdk_output(activity(), continue_as_new(), done=True), completed(0))
        main.turn(sdk_output(activity()))
        assert main.steps == ["started", "task_scheduled 0"]


@pytest.mark.parametrize("fresh", [False, True])
@pytest.mark.parametrize(("strict", "carried"), [(False, ["Kept", "Late"]), (True, ["Late"])])
def test_azure_carries_only_the_events_after_continue_as_new(
    strict: bool, carried: list[str], *, fresh: bool
) -> None:
    main = Scenario(settings=TurnSettings(FUNCTIONS, strict=strict), fresh=fresh)
    main.start(sdk_output(event("Go")), raised("Kept"))
    result = main.turn(
        sdk_output(event("Go"), continue_as_new(), done=True), raised("Go"), raised("Late")
    )
    events = [e for e in main.state.history.events if isinstance(e, EventRaised)]
    assert [e.name for e in events] == carried
    assert result.observations == [Observation(Difference.CARRIED_EVENT, ("Kept",))]
