from __future__ import annotations

from embedded_host.engine import history as h
from embedded_host.engine.event_waits import EventWaits
from embedded_host.engine.events import EventRaised
from embedded_host.engine.observations import Difference, Observation
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
    assert [event.input for event in waits.undelivered["go"]] == ["1", "2"]
    assert waits.wait("Go", 0).done
    assert [event.input for event in waits.undelivered["go"]] == ["2"]
    assert waits.wait("Go", 1).done
    assert waits.undelivered == {}


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


# -- differences from the Azure Functions host -----------------------------------------------------


def seen(waits: EventWaits) -> list[Observation]:
    found = list(waits.observations)
    waits.observations.clear()
    return found


def test_a_strict_wait_that_is_newest_is_served_first() -> None:
    waits = EventWaits(is_strict=True)
    older, newer = waits.wait("Go", 1), waits.wait("Go", 1)
    waits.deliver(raised(), 1)
    assert (older.done, newer.done) == (False, True)
    assert seen(waits) == [Observation(Difference.NEWEST_WAIT, ("Go",))]


def test_an_event_for_the_only_or_newest_wait_is_no_difference() -> None:
    waits = EventWaits()
    waits.wait("Go", 0)
    waits.deliver(raised(), 0)
    waits.wait("Go", 0)
    waits.wait("Go", 1)
    waits.deliver(raised(), 1)
    waits.deliver(raised("Early"), 1)
    waits.wait("Early", 2)
    assert seen(waits) == []


def test_the_oldest_wait_of_a_step_is_a_difference() -> None:
    waits = EventWaits()
    waits.wait("Go", 1)
    waits.wait("Go", 1)
    waits.deliver(raised(), 1)
    assert seen(waits) == [Observation(Difference.NEWEST_WAIT, ("Go",))]
    waits.deliver(raised(), 1)
    assert seen(waits) == []


def test_an_event_before_another_one_is_a_difference() -> None:
    waits = EventWaits()
    waits.deliver(raised(input="1"), None)
    waits.deliver(raised(input="2"), None)
    waits.wait("Go", 0)
    assert seen(waits) == [Observation(Difference.EVENT_BEFORE_WAIT, ("Go",))]
    waits.wait("Go", 1)
    assert seen(waits) == []


def test_a_wait_after_that_for_an_early_event_is_a_difference() -> None:
    waits = EventWaits()
    waits.deliver(raised(), None)
    waits.wait("Go", 0)
    assert not waits.wait("Go", 1).done
    assert seen(waits) == [Observation(Difference.EVENT_BEFORE_WAIT, ("Go",))]


def test_another_case_is_a_difference() -> None:
    waits = EventWaits()
    waits.wait("Go", 0)
    waits.deliver(raised("gO"), 0)
    assert seen(waits) == [Observation(Difference.EVENT_CASE, ("gO", "Go"))]
    waits.deliver(raised("GO"), 0)
    waits.wait("Go", 1)
    assert seen(waits) == [Observation(Difference.EVENT_CASE, ("GO", "Go"))]
