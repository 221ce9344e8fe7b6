from __future__ import annotations

from embedded_host.engine import history as h
from embedded_host.engine.event_waits import EventWaits
from embedded_host.engine.events import EventRaised
from tests.engine.scenario import T0


def raised(name: str = "Go", input: str = "1") -> EventRaised:
    return h.event_raised(T0, name, input)


def test_an_event_settles_a_wait_of_the_same_name_in_any_case() -> None:
    waits = EventWaits()
    task = waits.wait("Go", 0)
    waits.deliver(raised("Stop"), 0)
    assert not task.done
    waits.deliver(raised("gO"), 0)
    assert task.done


def test_early_events_are_kept_in_order() -> None:
    waits = EventWaits()
    for number in ("1", "2"):
        waits.deliver(raised(input=number), None)
    assert [event.input for event in waits.unconsumed["go"]] == ["1", "2"]
    assert waits.wait("Go", 0).done
    assert [event.input for event in waits.unconsumed["go"]] == ["2"]
    assert waits.wait("Go", 1).done
    assert waits.unconsumed == {}


def test_the_first_wait_of_the_current_step_is_served_first() -> None:
    waits = EventWaits()
    abandoned, first, second = waits.wait("Go", 0), waits.wait("Go", 1), waits.wait("Go", 1)
    waits.deliver(raised(), 1)
    assert (abandoned.done, first.done, second.done) == (False, True, False)
    assert waits.awaited(1) == ["Go"]


def test_an_abandoned_wait_takes_an_event_that_no_current_wait_takes() -> None:
    waits = EventWaits()
    older, younger = waits.wait("Go", 0), waits.wait("Go", 1)
    waits.deliver(raised(), 2)
    assert (older.done, younger.done) == (False, True)
