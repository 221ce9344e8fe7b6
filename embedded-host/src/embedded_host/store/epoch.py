"""Times in the state file: whole microseconds since 1970-01-01 UTC."""

from __future__ import annotations

from datetime import datetime, timedelta, timezone

_EPOCH = datetime(1970, 1, 1, tzinfo=timezone.utc)
_MICROSECOND = timedelta(microseconds=1)


def micros(time: datetime) -> int:
    """Return the microseconds from 1970 to ``time``, which must have a time zone."""
    return (time - _EPOCH) // _MICROSECOND


def from_micros(value: int) -> datetime:
    """Return ``value`` as a UTC time. Raises OverflowError if ``datetime`` cannot represent it."""
    return _EPOCH + timedelta(microseconds=value)
