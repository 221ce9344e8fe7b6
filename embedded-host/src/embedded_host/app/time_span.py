"""Parse time spans of host.json and of schedules, as .NET does."""

from __future__ import annotations

import re
from datetime import timedelta

_MAX_DAYS = 10_675_198
"""The largest number of days in a .NET TimeSpan."""
_FORMATS = (
    re.compile(r"(?P<days>\d{1,8})", re.ASCII),
    re.compile(
        r"((?P<days>\d{1,8})\.)?(?P<hours>\d{1,2}):(?P<minutes>\d{1,2})"
        r"(:(?P<seconds>\d{1,2})(\.(?P<fraction>\d{1,7}))?)?",
        re.ASCII,
    ),
    re.compile(
        r"(?P<days>\d{1,8}):(?P<hours>\d{1,2}):(?P<minutes>\d{1,2}):(?P<seconds>\d{1,2})"
        r"(\.(?P<fraction>\d{1,7}))?",
        re.ASCII,
    ),
    re.compile(r"(?P<days>\d{1,8}):(?P<hours>\d{1,2}):(?P<minutes>\d{1,2})", re.ASCII),
)
"""The formats in the order in which they are tried.

As in .NET, ``24:00:00`` means 24 days, because an hour is at most 23.
"""


def parse_time_span(text: str) -> timedelta | None:
    """Return a time span, or None for an invalid string.

    The formats are ``[d.]hh:mm[:ss[.fffffff]]``, ``d:hh:mm[:ss[.fffffff]]`` and whole days.
    """
    for pattern in _FORMATS:
        match = pattern.fullmatch(text)
        if match is None:
            continue
        groups = match.groupdict()
        part = {name: int(value or 0) for name, value in groups.items() if name != "fraction"}
        days, hours, minutes, seconds = (
            part.get(name, 0) for name in ("days", "hours", "minutes", "seconds")
        )
        if days <= _MAX_DAYS and hours < 24 and minutes < 60 and seconds < 60:
            microseconds = int((groups.get("fraction") or "").ljust(6, "0")[:6])
            return timedelta(days, seconds, microseconds, minutes=minutes, hours=hours)
    return None


def time_span_text(seconds: float) -> str:
    """Return a time span as .NET writes it: ``[d.]hh:mm:ss[.fffffff]``."""
    span = timedelta(seconds=seconds)
    hours, rest = divmod(span.seconds, 3600)
    text = f"{hours:02d}:{rest // 60:02d}:{rest % 60:02d}"
    fraction = f".{span.microseconds:06d}0" if span.microseconds else ""
    return (f"{span.days}." if span.days else "") + text + fraction
