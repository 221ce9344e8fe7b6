"""Conversion of times to the messages of SDK 2.x."""

from __future__ import annotations

import pytest

from embedded_worker.sdk2.timestamps import timestamp


@pytest.mark.parametrize(
    ("text", "seconds", "nanoseconds"),
    [
        ("1970-01-01T00:00:01Z", 1, 0),
        ("1970-01-01T00:00:01.5Z", 1, 500_000_000),
        ("1970-01-01T00:00:01.1234567Z", 1, 123_456_700),
        ("1970-01-01T00:00:01.123456789Z", 1, 123_456_789),
        ("1970-01-01T00:00:01", 1, 0),
        ("1970-01-01 01:00:01.25+01:00", 1, 250_000_000),
        ("1969-12-31T23:00:01.25-0100", 1, 250_000_000),
        ("0001-01-01T00:00:00Z", -62_135_596_800, 0),
        ("9999-12-31T23:59:59.9999999Z", 253_402_300_799, 999_999_900),
    ],
)
def test_times(text: str, seconds: int, nanoseconds: int) -> None:
    message = timestamp(text)
    assert (message.seconds, message.nanos) == (seconds, nanoseconds)


@pytest.mark.parametrize(
    "text", ["", "soon", "2026-11-29T21:35:49.1234567890Z", "2026-13-01T00:00Z"]
)
def test_an_invalid_time_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match=r"date and time|month"):
        timestamp(text)
