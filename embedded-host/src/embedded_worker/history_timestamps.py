"""Parses the timestamps of history events faster than SDK 1.x."""

from __future__ import annotations

import re
import sys
from datetime import datetime, timezone
from functools import lru_cache
from types import ModuleType

from azure.durable_functions.models.history.HistoryEvent import HistoryEvent

_TIMESTAMP = re.compile(r"(\d{4})-(\d\d)-(\d\d)T(\d\d):(\d\d):(\d\d)(?:\.(\d{1,9}))?Z")
"""The format in which the host writes timestamps."""
_module: ModuleType = sys.modules[HistoryEvent.__module__]
_parse_any_timestamp = getattr(_module, "dt_parse", None)


@lru_cache(maxsize=16384)  # the number of timestamps in a long replayed history
def parse_timestamp(text: str) -> datetime:
    """Return the time that ``text`` states, as ``dateutil.parser.parse`` of the SDK does.

    The SDK's parser takes longer than all other processing of an event.
    """
    match = _TIMESTAMP.fullmatch(text)
    if match is None:
        return _parse_any_timestamp(text)  # type: ignore[misc,no-any-return]
    *whole, fraction = match.groups()
    year, month, day, hour, minute, second = map(int, whole)
    return datetime(
        year,
        month,
        day,
        hour,
        minute,
        second,
        int((fraction or "0")[:6].ljust(6, "0")),
        timezone.utc,
    )


def replace_parser() -> None:
    """Make the SDK parse timestamps with ``parse_timestamp``, if it has a parser to replace."""
    if _parse_any_timestamp is not None:
        vars(_module)["dt_parse"] = parse_timestamp
