"""Timestamps in the Durable extension's form: UTC, up to seven fraction digits, trailing zeros trimmed."""

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


def format_utc(moment: datetime, suffix: str = "Z") -> str:
    """Return ``2026-01-02T03:04:05.123456Z``, without a fraction for a whole second (functions-host.md#instance-status and #serialization)."""
    text = moment.replace(tzinfo=None).isoformat()
    return (text.rstrip("0") if moment.microsecond else text) + suffix


def format_utc_seconds(moment: datetime) -> str:
    """Return ``2026-01-02T03:04:05Z`` without the fraction, as the status API's createdTime (functions-host.md#instance-status)."""
    return moment.strftime("%Y-%m-%dT%H:%M:%SZ")


def parse_utc(text: str) -> datetime:
    """Return an aware UTC datetime. A text without a zone is UTC; digits past microseconds are cut. Raises ValueError."""
    if (
        text[-1:] == "Z" and len(text) <= _MICROSECONDS
    ):  # the host's own form; msgspec would round further digits
        try:
            parsed: datetime = msgspec.convert(text, datetime)
            return parsed
        except msgspec.ValidationError:
            pass
    return _parse(text)


def _parse(text: str) -> datetime:
    match = _FORM.match(text.strip())
    if not match:
        raise ValueError(f"not a date and time: {text!r}")
    year, month, day, hour, minute, second, fraction, zone = match.groups()
    micro = int((fraction or "0")[:6].ljust(6, "0"))
    moment = datetime(
        int(year), int(month), int(day), int(hour), int(minute), int(second or 0), micro, UTC
    )
    if zone and zone not in "Zz":
        offset = timedelta(hours=int(zone[1:3]), minutes=int(zone[-2:]))
        moment = moment - offset if zone[0] == "+" else moment + offset
    return moment
