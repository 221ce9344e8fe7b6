"""The labels that define the order of the messages from an orchestration to an entity."""

from __future__ import annotations

import json
from collections.abc import Iterable
from datetime import datetime, timedelta

from embedded_host.engine.events import EventSent, HistoryEvent
from embedded_host.engine.timestamps import UTC, format_utc

NEVER = "0001-01-01T00:00:00"
"""The previous label of the first message."""
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_TICKS = 10_000_000
"""Number of ticks in a second."""


class OutgoingLabels:
    """Labels that define the order of an execution's messages to each entity.

    A label is a timestamp. A message contains its own label and the label of the previous message
    to the same entity.
    """

    def __init__(self, history: Iterable[HistoryEvent]) -> None:
        self._last: dict[str, str] = {}
        for event in history:
            if isinstance(event, EventSent):
                self._last[event.instance_id] = json.loads(event.input).get("Timestamp", NEVER)

    def next(self, instance_id: str, now: datetime) -> tuple[str, str]:
        """Return the Timestamp and Predecessor of the next message to an entity."""
        before = self._last.get(instance_id, NEVER)
        label = format_utc(now)
        if before != NEVER and _ticks(before) >= _ticks(label):
            label = _tick_text(_ticks(before) + 1)
        self._last[instance_id] = label
        return label, before


def _ticks(label: str) -> int:
    whole, _, fraction = label.rstrip("Z").partition(".")
    time = datetime.strptime(whole, "%Y-%m-%dT%H:%M:%S").replace(tzinfo=UTC)
    return int((time - _EPOCH).total_seconds()) * _TICKS + int((fraction or "0").ljust(7, "0")[:7])


def _tick_text(ticks: int) -> str:
    whole = _EPOCH + timedelta(seconds=ticks // _TICKS)
    return f"{whole:%Y-%m-%dT%H:%M:%S}.{ticks % _TICKS:07d}".rstrip("0").rstrip(".")
