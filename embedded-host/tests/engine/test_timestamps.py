from __future__ import annotations

from datetime import datetime, timedelta, timezone

import pytest

from embedded_host.engine.timestamps import UTC, format_utc, format_utc_seconds, parse_utc

AT = datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC)


@pytest.mark.parametrize(
    ("microsecond", "text"),
    [
        (0, "2026-01-02T03:04:05Z"),
        (100000, "2026-01-02T03:04:05.1Z"),
        (123456, "2026-01-02T03:04:05.123456Z"),
        (1, "2026-01-02T03:04:05.000001Z"),
        (999990, "2026-01-02T03:04:05.99999Z"),
    ],
)
def test_times_are_formatted_without_trailing_zeros(microsecond: int, text: str) -> None:
    time = AT.replace(microsecond=microsecond)
    assert format_utc(time) == text
    assert format_utc(time, "+00:00") == text[:-1] + "+00:00"
    assert parse_utc(text) == time
    assert format_utc_seconds(time) == "2026-01-02T03:04:05Z"


@pytest.mark.parametrize(
    ("text", "time"),
    [
        ("2026-01-02T03:04:05.1234567Z", AT.replace(microsecond=123456)),
        ("2026-01-02T03:04:05.9999999Z", AT.replace(microsecond=999999)),
        ("2026-01-02T03:04:05", AT),
        ("2026-01-02 03:04:05z", AT),
        ("2026-01-02T03:04Z", AT.replace(second=0)),
        ("2026-01-02T05:04:05+02:00", AT),
        ("2026-01-01T21:34:05-0530", AT),
        (" 2026-01-02T03:04:05.000000Z ", AT),
        ("0001-01-01T00:00:00", datetime(1, 1, 1, tzinfo=UTC)),
    ],
)
def test_timestamps_of_each_form_are_parsed_to_utc(text: str, time: datetime) -> None:
    assert parse_utc(text) == time
    assert parse_utc(text).utcoffset() == timedelta(0)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "soon",
        "2026-01-02",
        "2026-13-02T03:04:05Z",
        "2026-01-02T03:04:05Zz",
        "17",
        "9999-12-31T23:59:59-14:00",
        "0001-01-01T00:00:00+01:00",
    ],
)
def test_an_invalid_timestamp_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match=r"."):
        parse_utc(text)


def test_years_have_four_digits() -> None:
    assert format_utc(datetime(1, 1, 1, tzinfo=timezone.utc), "") == "0001-01-01T00:00:00"
