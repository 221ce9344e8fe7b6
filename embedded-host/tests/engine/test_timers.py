from __future__ import annotations

from datetime import timedelta

import pytest

from embedded_host.engine.actions import Action, CreateTimer, WhenAny
from embedded_host.engine.task import PendingTask
from embedded_host.engine.timers import Timers, fire_time_on_azure
from tests.engine.scenario import T0, after


def create(cancelled: bool) -> CreateTimer:
    return CreateTimer(T0 + timedelta(seconds=1), cancelled)


def test_a_cancelled_timer_settles_when_the_turn_ends() -> None:
    timers, timer = Timers(), PendingTask()
    timers.add(timer, 0, cancelled=True)
    assert (timer.cancelled, timer.done) == (True, False)
    timers.release()
    assert timer.done


def test_a_cancelled_action_of_a_later_turn_cancels_its_timer() -> None:
    timers, first, second = Timers(), PendingTask(), PendingTask()
    timers.add(first, 0, cancelled=False)
    timers.add(second, 1, cancelled=False)
    program: list[Action] = [create(False), WhenAny((create(True),))]
    timers.mark(program, unchanged=0)
    timers.release()
    assert (first.done, second.done) == (False, True)


def test_unchanged_actions_are_not_checked_again() -> None:
    timers, timer = Timers(), PendingTask()
    timers.add(timer, 0, cancelled=False)
    timers.mark([create(True)], unchanged=1)
    assert not timer.cancelled


@pytest.mark.parametrize(
    ("seconds", "waits"), [(0, 0), (0.5, 0), (1, 0), (1.5, 1), (2, 1), (60, 59), (-5, 0)]
)
def test_azure_fires_a_timer_after_whole_seconds(seconds: float, waits: float) -> None:
    assert fire_time_on_azure(after(seconds), T0) == after(waits)
