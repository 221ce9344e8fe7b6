"""Time as a test moves it: forward only, from one timer to the next."""

from __future__ import annotations

from datetime import datetime, timedelta, timezone

from embedded_host.errors import EmbeddedHostError
from embedded_host.testing.host_run import Life

START = datetime(2026, 1, 1, tzinfo=timezone.utc)
YEAR = timedelta(days=366)
PARTS = ("weeks", "days", "hours", "minutes", "seconds", "milliseconds", "microseconds")


class NotFinishedError(EmbeddedHostError, AssertionError):
    """An instance has not come to its end; the text says what it waits for."""


class VirtualClock:
    def __init__(self, start: datetime) -> None:
        self.at = start.replace(tzinfo=timezone.utc) if start.tzinfo is None else start.astimezone(timezone.utc)

    def now(self) -> datetime:
        return self.at


def next_due(life: Life) -> datetime | None:
    """When the next orchestration's timer or timer function is due."""
    dues = (life.hub.timers.next_due, life.timers.timers.next_due)
    return min((due for due in dues if due is not None), default=None)


def fire_next(life: Life, clock: VirtualClock, due: datetime) -> None:
    """Let it be ``due``, and fire what is due then."""
    clock.at = max(clock.at, due)
    life.hub.timers.fire_due()
    life.timers.timers.fire_due()


def moved(delta: timedelta | None, parts: dict[str, float]) -> timedelta:
    """What ``advance`` was asked for. Raises ValueError for a step back, TypeError for what is no time."""
    if not isinstance(delta, timedelta | None):
        raise TypeError(
            f"advance() takes a timedelta, or parts of a time as in advance(hours=3), but not {delta!r} [EH609]"
        )
    if unknown := sorted(parts.keys() - PARTS):
        raise TypeError(f"advance() takes {', '.join(PARTS)}, but not {', '.join(unknown)} [EH609]")
    step = (delta or timedelta()) + timedelta(**parts)
    if step < timedelta():
        raise ValueError(f"time goes forward only, not by {step} [EH609]")
    return step
