"""Timestamps as the Durable Functions extension writes them.

They are in UTC. The fraction of a second has up to seven digits and no trailing zeros.
"""

from __future__ import annotations

import re
from datetime import datetime, timedelta, timezone

import msgspec

UTC = timezone.utc
_MICROSECONDS = len("2026-01-02T03:04:05.123456Z")
_FORM = re.compile(
    r"(\d{4})-(\d\d)-(\d\d)[T ](\d\d):(\d\d)(?::(\d\d)(?:\.(\d{1,9}))?)?\s*(Z|[+-]\d\d:?\d\d)?$",
    re.IGNORECASE,
)


def format_utc(time: datetime, suffix: str = "Z") -> str:
    """Return a time in UTC as ``2026-01-02T03:04:05.123456Z``. A whole second has no fraction.

    Source: functions-host.md#instance-status and #serialization.
    """
    text = time.replace(tzinfo=None).isoformat()
    return (text.rstrip("0") if time.microsecond else text) + suffix


def format_utc_seconds(time: datetime) -> str:
    """Return a time in UTC as ``2026-01-02T03:04:05Z``, without the fraction.

    This is the form of the status API's createdTime (functions-host.md#instance-status).
    """
    return time.strftime("%Y-%m-%dT%H:%M:%SZ")


def parse_utc(text: str) -> datetime:
    """Return a timestamp as an aware datetime in UTC.

    A timestamp without a time zone is in UTC. Digits after the microseconds are dropped. Raises
    ValueError if ``text`` is not a timestamp.
    """
    # msgspec parses the host's own format fast, but it rounds digits after the microseconds.
    if text[-1:] == "Z" and len(text) <= _MICROSECONDS:
        try:
            parsed: datetime = msgspec.convert(text, datetime)
            return parsed
        except msgspec.ValidationError:
            pass
    return _parse(text)


def _parse(text: str) -> datetime:
    match = _FORM.match(text.strip())
    if not match:
        raise ValueError(f"{text!r} is not a date and time")
    year, month, day, hour, minute, second, fraction, zone = match.groups()
    micro = int((fraction or "0")[:6].ljust(6, "0"))
    time = datetime(
        int(year), int(month), int(day), int(hour), int(minute), int(second or 0), micro, UTC
    )
    if zone and zone not in "Zz":
        offset = timedelta(hours=int(zone[1:3]), minutes=int(zone[-2:]))
        try:
            time = time - offset if zone[0] == "+" else time + offset
        except OverflowError:
            raise ValueError(f"{text!r} is outside the years 1 to 9999 in UTC") from None
    return time
