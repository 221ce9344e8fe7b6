"""Moments as the durable extension writes them: UTC, up to seven fraction digits, trailing zeros trimmed."""

from __future__ import annotations

import re
from datetime import datetime, timedelta, timezone
from functools import lru_cache

UTC = timezone.utc
_FORM = re.compile(
    r"(\d{4})-(\d\d)-(\d\d)[T ](\d\d):(\d\d)(?::(\d\d)(?:\.(\d{1,9}))?)?\s*(Z|[+-]\d\d:?\d\d)?$", re.IGNORECASE
)


def utc_text(moment: datetime, suffix: str = "Z") -> str:
    """``2026-01-02T03:04:05.1234567Z``; no fraction for a whole second (contract, 1.4 and 3.2)."""
    text = moment.replace(tzinfo=None).isoformat()
    return (text.rstrip("0") if moment.microsecond else text) + suffix


def seconds_text(moment: datetime) -> str:
    """``2026-01-02T03:04:05Z``, the fraction cut off (the status API's createdTime; contract, 1.4)."""
    return moment.strftime("%Y-%m-%dT%H:%M:%SZ")


@lru_cache(maxsize=256)
def parse_moment(text: str) -> datetime:
    """An aware UTC datetime; what has no zone is UTC. Digits past microseconds are cut. Raises ValueError."""
    match = _FORM.match(text.strip())
    if not match:
        raise ValueError(f"not a date and time: {text!r}")
    year, month, day, hour, minute, second, fraction, zone = match.groups()
    micro = int((fraction or "0")[:6].ljust(6, "0"))
    moment = datetime(int(year), int(month), int(day), int(hour), int(minute), int(second or 0), micro, UTC)
    if zone and zone not in "Zz":
        offset = timedelta(hours=int(zone[1:3]), minutes=int(zone[-2:]))
        moment = moment - offset if zone[0] == "+" else moment + offset
    return moment
