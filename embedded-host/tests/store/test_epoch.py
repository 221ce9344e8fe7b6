from __future__ import annotations

from datetime import datetime, timedelta, timezone

import pytest

from embedded_host.store.epoch import from_micros, micros

ZONE = timezone(timedelta(hours=2))


@pytest.mark.parametrize(
    ("time", "value"),
    [
        (datetime(1970, 1, 1, tzinfo=timezone.utc), 0),
        (datetime(1970, 1, 1, 2, 0, 0, 1, tzinfo=ZONE), 1),
        (datetime(1969, 12, 31, 23, 59, 59, 999_999, tzinfo=timezone.utc), -1),
        (datetime(9999, 12, 31, 23, 59, 59, 999_999, tzinfo=timezone.utc), 253_402_300_799_999_999),
    ],
)
def test_a_time_is_converted_to_whole_microseconds_and_back(time: datetime, value: int) -> None:
    assert micros(time) == value
    assert from_micros(value) == time
