"""The clock of the app under test, which only the test moves."""

from __future__ import annotations

from datetime import datetime, timedelta, timezone

__tracebackhide__ = True

START = datetime(2026, 1, 1, tzinfo=timezone.utc)
YEAR = timedelta(days=366)


class VirtualClock:
    """A ``task_hub.clock.Clock`` that moves only when ``advance_to`` is called."""

    def __init__(self, start: datetime) -> None:
        self._now = (
            start.replace(tzinfo=timezone.utc)
            if start.tzinfo is None
            else start.astimezone(timezone.utc)
        )

    def now(self) -> datetime:
        """Return the clock's time in UTC."""
        return self._now

    def advance_to(self, time: datetime) -> None:
        """Set the clock to ``time``. An earlier time has no effect."""
        self._now = max(self._now, time)
