"""The state of an instance: the accepted messages, and the application of a turn's result."""

from __future__ import annotations

import pytest

from embedded_host.engine import history as h
from embedded_host.engine.events import HistoryEvent, TimerFired
from embedded_host.engine.execution import Execution
from embedded_host.engine.history import History
from embedded_host.engine.messages import Message
from embedded_host.engine.orchestration import Orchestration, TurnResult, deliverable
from embedded_host.engine.status import Status
from tests.engine.scenario import (
    PARENT,
    T0,
    Scenario,
    activity,
    after,
    completed,
    event,
    failed,
    fired,
    raised,
    sdk_output,
    timer,
)

# -- the inbox -------------------------------------------------------------------------------------


def test_messages_for_another_execution_are_dropped() -> None:
    main = Scenario()
    main.start(sdk_output(activity()))
    own, foreign, unaddressed = (
        Message(completed(0), "execution-1"),
        Message(completed(0), "other"),
        Message(raised("Go")),
    )
    assert deliverable(main.state, [foreign, own, unaddressed]) == [own, unaddressed]


@pytest.mark.parametrize("ends", [completed(0), failed(0), fired(0)])
def test_duplicate_completions_are_dropped(ends: HistoryEvent) -> None:
    main = Scenario()
    main.start(sdk_output(timer(1) if isinstance(ends, TimerFired) else activity(), event("Go")))
    assert deliverable(main.state, [Message(ends), Message(ends)]) == [Message(ends)]
    main.turn(
        sdk_output(timer(1) if isinstance(ends, TimerFired) else activity(), event("Go")), ends
    )
    assert deliverable(main.state, [Message(ends)]) == []


def test_duplicate_starts_are_dropped() -> None:
    main = Scenario()
    main.start(sdk_output(event("Go")))
    assert deliverable(main.state, [Message(main.state.history.events[1])]) == []


def test_equal_external_events_are_not_duplicates() -> None:
    main = Scenario()
    main.start(sdk_output(event("Go")))
    assert len(deliverable(main.state, [Message(raised("Go")), Message(raised("Go"))])) == 2


# -- the result of a turn --------------------------------------------------------------------------


def orchestration() -> Orchestration:
    state = Orchestration("i-1", "Main", "execution-1", T0, T0, input="1", parent=PARENT, seen=2)
    state.history = History([h.orchestrator_started(T0)])
    state.execution = Execution("i-1", "execution-1")
    return state


def result(*events: HistoryEvent, execution: Execution | None = None) -> TurnResult:
    return TurnResult(list(events), False, Status.RUNNING, "out", "status", after(5), execution)


def test_apply_appends_events_and_copies_the_status() -> None:
    state, execution = orchestration(), Execution("i-1", "execution-1")
    turn_result = result(raised("Go"), execution=execution)
    turn_result.seen = 7
    turn_result.apply(state)
    assert [type(e).__name__ for e in state.history.events] == [
        "OrchestratorStarted",
        "EventRaised",
    ]
    assert (state.status, state.output, state.custom_status) == (Status.RUNNING, "out", "status")
    assert state.updated_at == after(5)
    assert (state.execution, state.seen) == (execution, 7)


def test_apply_requires_a_replay_without_an_execution() -> None:
    state = orchestration()
    turn_result = result()
    turn_result.seen = 7
    turn_result.apply(state)
    assert (state.execution, state.seen) == (None, 0)


def test_apply_starts_the_next_execution_after_continue_as_new() -> None:
    state = orchestration()
    started = h.execution_started(
        after(5), instance_id="i-1", execution_id="execution-2", name="Main", input="2"
    )
    turn_result = result(started)
    turn_result.replaces, turn_result.continued_as = True, started
    turn_result.apply(state)
    assert state.history.events == [started]
    assert (state.continued, state.execution_id, state.input) == (True, "execution-2", "2")
    assert (state.generation, state.created_at) == (None, after(5))


def test_a_dropped_execution_is_replayed_from_the_first_event() -> None:
    state = orchestration()
    state.drop_execution()
    assert (state.execution, state.seen) == (None, 0)


def test_the_parents_instance_id_is_known() -> None:
    assert orchestration().parent_instance_id == "parent-1"
    assert Orchestration("i-1", "Main", "execution-1", T0, T0).parent_instance_id is None
