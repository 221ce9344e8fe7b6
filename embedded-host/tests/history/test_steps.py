from __future__ import annotations

from datetime import timedelta

import pytest

from embedded_host.engine import history as h
from embedded_host.history import Call, CallKind, Outcome, Timer, Turn
from tests.engine.scenario import T0, after


@pytest.mark.parametrize("outcome", Outcome)
def test_only_a_call_or_timer_with_the_outcome_open_is_open(outcome: Outcome) -> None:
    call = Call(CallKind.ACTIVITY, 0, "Echo", T0, outcome=outcome)
    timer = Timer(0, T0, after(1), outcome=outcome)
    assert (call.is_open, timer.is_open) == (outcome is Outcome.OPEN,) * 2


def turn(*, queued: float, started: float, completed: float | None = None) -> Turn:
    end = None if completed is None else h.orchestrator_completed(after(completed))
    return Turn([], [], end, False, after(started), after(queued))


def test_the_queue_time_is_the_time_from_the_first_message_to_the_start() -> None:
    assert turn(queued=1, started=3).queue_time == timedelta(seconds=2)


def test_the_queue_time_is_not_negative_for_a_message_of_a_later_clock() -> None:
    assert turn(queued=3, started=1).queue_time == timedelta(0)


def test_a_turn_without_a_recorded_end_has_no_end_time() -> None:
    assert turn(queued=0, started=1).finished_at is None
    assert turn(queued=0, started=1, completed=2).finished_at == after(2)
