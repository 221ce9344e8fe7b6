"""Timestamps of history events in the format of the host and in other formats."""

from __future__ import annotations

import sys
from datetime import datetime, timedelta, timezone

import pytest
from azure.durable_functions.models.history.HistoryEvent import HistoryEvent
from dateutil.parser import parse

from embedded_worker.history_timestamps import parse_timestamp, replace_parser


@pytest.mark.parametrize(
    "text",
    [
        "2026-01-02T03:04:05Z",
        "2026-01-02T03:04:05.6Z",
        "2026-01-02T03:04:05.123456Z",
        "2026-01-02T03:04:05.123456789Z",
        "2026-01-02T03:04:05.123456+02:00",
    ],
)
def test_the_time_is_that_of_the_parser_of_the_sdk(text: str) -> None:
    replace_parser()
    time = parse_timestamp(text)
    assert time == parse(text)
    assert time.utcoffset() == parse(text).utcoffset() in (timedelta(), timedelta(hours=2))


def test_the_sdk_uses_the_parser_for_events() -> None:
    if not hasattr(sys.modules[HistoryEvent.__module__], "dt_parse"):
        pytest.skip("this version of the SDK has another parser")
    replace_parser()
    parse_timestamp.cache_clear()
    event = HistoryEvent(EventType=12, EventId=-1, IsPlayed=False, Timestamp="2026-01-02T03:04:05Z")
    assert event.timestamp == datetime(2026, 1, 2, 3, 4, 5, tzinfo=timezone.utc)
    assert parse_timestamp.cache_info().misses == 1
