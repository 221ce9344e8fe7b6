from __future__ import annotations

import json

from embedded_host.dashboard.long_values import (
    LONGEST,
    decoded_input,
    encoded_starts,
    event_value,
    start_of,
)
from embedded_host.engine import history as h
from embedded_host.engine.events import HistoryEvent
from tests.engine.scenario import T0, after

LONG = '"' + "x" * LONGEST + '"'


def test_long_fields_of_events_are_cut_and_their_lengths_are_listed() -> None:
    turns: list[list[HistoryEvent]] = [
        [h.orchestrator_started(T0), h.task_scheduled(T0, 0, "Big")],
        [h.task_completed(after(1), 0, LONG), h.task_completed(after(2), 1, "1")],
        [],
    ]
    text, lengths = encoded_starts(turns, 5)
    events = json.loads(text)
    assert lengths == {7: {"Result": len(LONG)}}
    assert events[2]["Result"] == LONG[:LONGEST]
    assert (len(events), events[3]["Result"]) == (4, "1")


def test_a_whole_value_is_found_by_its_event_and_field() -> None:
    events: list[HistoryEvent] = [h.task_completed(after(1), 0, LONG), h.orchestrator_started(T0)]
    assert event_value(events, 0, "Result") == LONG
    for index, key in ((1, "Result"), (0, "Timestamp"), (7, "Result"), (-1, "Result")):
        assert event_value(events, index, key) is None


def test_a_long_input_is_decoded_before_it_is_cut() -> None:
    text = json.dumps(json.dumps({"text": "x" * LONGEST}))
    assert (start_of(decoded_input(text)) or "").startswith('{"text": "xx')
    assert decoded_input('"short"') == '"short"'
    assert start_of(None) is None
