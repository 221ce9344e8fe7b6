from __future__ import annotations

from datetime import timedelta

import pytest

from embedded_host.engine import history as h
from embedded_host.task_hub.undelivered_events import undelivered_events
from tests.task_hub.kit import T0

LATER = T0 + timedelta(minutes=1)


@pytest.mark.parametrize(
    ("name", "suggested"),
    [
        ("Apprval", "Approval"),
        ("approval", "Approval"),
        ("Approved", "Approval"),
        ("ApprovalEvent", "Approval"),
        ("StockCount", "StockCounted"),
        ("Reject", None),
    ],
)
def test_the_most_similar_awaited_event_is_suggested(name: str, suggested: str | None) -> None:
    events = [h.event_raised(T0, name, None)]
    [event] = undelivered_events(events, [name], ["StockCounted", "Approval"])
    assert event.did_you_mean == suggested
    assert event.sentence.endswith(f"Did you mean '{suggested}'?" if suggested else "waits for it.")


def test_an_event_has_the_name_and_the_time_of_the_last_one_that_was_received() -> None:
    events = [h.event_raised(T0, "go", None), h.event_raised(LATER, "Go", None)]
    [event] = undelivered_events(events, ["go"], [])
    assert event.document() == {
        "name": "Go",
        "receivedTime": "2026-01-02T03:05:05Z",
        "didYouMean": None,
    }


def test_events_are_in_the_order_of_their_times() -> None:
    events = [h.event_raised(T0, "Z", None), h.event_raised(LATER, "A", None)]
    assert [event.name for event in undelivered_events(events, ["A", "Z"], [])] == ["Z", "A"]
    assert undelivered_events(events, [], ["A"]) == []


def test_an_event_that_the_history_does_not_contain_has_no_time() -> None:
    [event] = undelivered_events([], ["Go"], [])
    assert event.sentence == "The event 'Go' was received, but nothing waits for it."
