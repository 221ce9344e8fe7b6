"""The clock of the app under test. It moves only when the test moves it, and never backwards."""

from __future__ import annotations

from datetime import datetime, timedelta, timezone

__tracebackhide__ = True

START = datetime(2026, 1, 1, tzinfo=timezone.utc)
YEAR = timedelta(days=366)


class VirtualClock:
    """Implements ``task_hub.clock.Clock``."""

    def __init__(self, start: datetime) -> None:
        self._now = (
            start.replace(tzinfo=timezone.utc)
            if start.tzinfo is None
            else start.astimezone(timezone.utc)
        )

    def now(self) -> datetime:
        return self._now

    def advance_to(self, time: datetime) -> None:
        """Move the clock to ``time``, unless it is past that already."""
        self._now = max(self._now, time)
