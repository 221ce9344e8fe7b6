"""Converts times to the protobuf messages that the SDK reads."""

from __future__ import annotations

import calendar
import re
from datetime import datetime, timedelta, timezone
from functools import lru_cache

from google.protobuf.timestamp_pb2 import Timestamp


@lru_cache(maxsize=256)
def _seconds(text: str) -> int:
    """Return the Unix time of a UTC time in the form ``2026-01-02T03:04:05``."""
    return calendar.timegm(
        (
            int(text[0:4]),
            int(text[5:7]),
            int(text[8:10]),
            int(text[11:13]),
            int(text[14:16]),
            int(text[17:19]),
        )
    )


_OTHER_FORM = re.compile(
    r"(\d{4}-\d\d-\d\d)[T ](\d\d:\d\d)(?::(\d\d)(?:\.(\d{1,9}))?)?\s*(?:([zZ])|([+-]\d\d):?(\d\d))?"
)


def timestamp(text: str) -> Timestamp:
    """Return the message of a time in ISO 8601, with up to nine digits after the second.

    A time without a time zone is in UTC. Raises ValueError if ``text`` is not a time.
    """
    if text[-1:] == "Z" and text[10:11] == "T" and text[19:20] in (".", "Z"):
        nanoseconds = text[20:-1].ljust(9, "0")
        if len(nanoseconds) == 9 and nanoseconds.isdigit():
            return Timestamp(seconds=_seconds(text[:19]), nanos=int(nanoseconds))
    match = _OTHER_FORM.fullmatch(text.strip())
    if match is None:
        raise ValueError(f"{text!r} is not a date and time")
    date, minutes, seconds, fraction, _, hours_off, minutes_off = match.groups()
    time = datetime.fromisoformat(f"{date}T{minutes}:{seconds or '00'}").replace(
        tzinfo=timezone.utc
    )
    if hours_off:
        sign = -1 if hours_off[0] == "-" else 1
        time -= sign * timedelta(hours=int(hours_off[1:]), minutes=int(minutes_off))
    return Timestamp(
        seconds=calendar.timegm(time.utctimetuple()), nanos=int((fraction or "0").ljust(9, "0"))
    )
