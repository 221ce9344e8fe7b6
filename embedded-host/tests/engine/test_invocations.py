"""Decisions with the worker's counts: they are numbered when the SDK numbers its tasks."""

from __future__ import annotations

from typing import Any

import pytest

from embedded_host.engine.events import ExecutionCompleted, HistoryEvent
from embedded_host.engine.invocations import ReplayProgress
from embedded_host.protocols.v1 import parse_orchestrator_output
from tests.engine.scenario import (
    Scenario,
    activity,
    completed,
    event,
    failed,
    fired,
    raised,
    resumed,
    retried,
    sdk_output,
    suspended,
    timer,
    when_all,
    when_any,
)


class Counted:
    """A scenario whose turns have counts of actions."""

    def __init__(self, fresh: bool) -> None:
        self.main = Scenario(fresh=fresh)
        self.counts: list[int] = []
        self.steps: list[str] = []

    def __call__(self, actions: list[Any], *turn: tuple[HistoryEvent, int]) -> list[str]:
        """Run a turn with events and the count after each. Return the added scheduling events."""
        history = self.main.state.history
        self.counts += [self.counts[-1] if self.counts else 0] * (
            len(history) - len(self.counts) + 1
        )
        self.counts += [len(actions)] if not len(history) else [count for _, count in turn]
        returned = parse_orchestrator_output(
            sdk_output(*actions), ReplayProgress(tuple(self.counts))
        )
        events = [event for event, _ in turn]
        if len(history):
            self.main.turn(returned, *events)
        else:
            self.main.start(returned, *events)
        added, self.steps = self.main.steps[len(self.steps) :], self.main.steps
        return [step for step in added if step.startswith(("task_sch", "timer_c"))]


@pytest.fixture(params=[False, True], ids=["kept", "fresh"])
def counted(request: pytest.FixtureRequest) -> Counted:
    return Counted(request.param)


def test_a_call_after_a_failed_task_all_is_numbered_before_the_retry_and_waits_for_it(
    counted: Counted,
) -> None:
    together, then = when_all(retried(), activity("Echo")), activity("Echo")
    assert counted([together]) == ["task_scheduled 0", "task_scheduled 1"]
    # task_all fails at once. The next call is numbered before the retry's timer, but waits for it.
    assert counted([together, then], (failed(1), 2)) == []
    assert counted([together, then], (failed(0), 2)) == ["timer_created 3"]
    assert counted([together, then], (fired(3), 2)) == ["task_scheduled 4"]
    assert counted([together, then], (completed(4), 2)) == ["task_scheduled 2"]


def test_an_event_for_an_abandoned_wait_continues_the_orchestrator(
    counted: Counted,
) -> None:
    first, then = when_any(event("Go"), timer(1)), activity("Echo")
    assert counted([first]) == ["timer_created 0"]
    assert counted([first], (fired(0), 1)) == []
    assert counted([first, then], (raised("Go"), 2)) == ["task_scheduled 1"]
    assert counted([first, then], (completed(1), 2)) == []
    assert not any(isinstance(e, ExecutionCompleted) for e in counted.main.state.history.events)


def test_decisions_while_suspended_are_numbered_at_once_and_recorded_on_resume(
    counted: Counted,
) -> None:
    first, then = when_any(retried(), activity("Echo")), activity("Echo")
    assert counted([first]) == ["task_scheduled 0", "task_scheduled 1"]
    assert counted([first], (suspended(), 1)) == []
    assert counted([first], (failed(0), 1)) == []
    assert counted([first, then], (completed(1), 2)) == []
    assert counted([first, then], (resumed(), 2)) == ["timer_created 2", "task_scheduled 3"]
    assert counted([first, then], (completed(3), 2), (fired(2), 2)) == ["task_scheduled 4"]


def test_later_actions_do_not_wait_for_the_next_leg_of_a_long_timer(counted: Counted) -> None:
    """Race an event against a timer of seven days, which the SDK splits into legs."""
    first, leg, then = when_any(event("Go"), when_all(timer(100))), timer(200), activity("Echo")
    assert counted([first]) == ["timer_created 0"]
    assert counted([first, leg], (fired(0), 2)) == ["timer_created 1"]
    assert counted([first, leg, then], (raised("Go"), 3)) == ["task_scheduled 2"]
