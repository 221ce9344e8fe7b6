"""Schedules of timer functions: NCRONTAB in a time zone, or a fixed interval."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta, timezone, tzinfo
from itertools import pairwise
from typing import Protocol
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from embedded_host.app.ncrontab import Ncrontab, NcrontabError
from embedded_host.app.setting import setting
from embedded_host.app.time_span import parse_time_span
from embedded_host.errors import EmbeddedHostError

ZONE_SETTING = "WEBSITE_TIME_ZONE"


class ScheduleError(EmbeddedHostError, ValueError):
    """A string that is not a schedule. ``str()`` is a sentence with the reason."""


class Schedule(Protocol):
    """The due times of a timer function."""

    @property
    def zone(self) -> tzinfo:
        """The time zone of the schedule."""

    @property
    def adjusts_for_dst(self) -> bool:
        """True if daylight saving time moves the due times."""

    @property
    def is_frequent(self) -> bool:
        """True if the due times are less than one minute apart. The host then stores no status."""

    def next(self, after: datetime) -> datetime | None:
        """Return the first due time after ``after`` in UTC, or None. ``after`` has a time zone."""


@dataclass(frozen=True)
class CronSchedule:
    """A schedule in NCRONTAB.

    If the clock is set forward, a due time in the gap moves forward by the length of the gap. If
    the clock is set back, one hour occurs twice. A schedule with an interval is due in both passes
    of this hour, and a schedule with a fixed time is due only in the first pass.
    """

    cron: Ncrontab
    zone: tzinfo
    adjusts_for_dst = True

    @property
    def is_frequent(self) -> bool:
        """True if the schedule is due several times in every minute."""
        cron = self.cron
        rest = (cron.minutes, cron.hours, cron.days, cron.months, cron.days_of_week)
        return len(cron.seconds) > 1 and [len(values) for values in rest] == [60, 24, 31, 12, 7]

    @property
    def is_yearly(self) -> bool:
        """True if the schedule is due on one day of a year."""
        return len(self.cron.days) == 1 and len(self.cron.months) == 1

    @property
    def is_interval(self) -> bool:
        """True if second, minute or hour has consecutive values.

        Source: the Azure Functions host searches NCrontab's normalized string for ``*`` and ``-``.
        """
        fields = (self.cron.seconds, self.cron.minutes, self.cron.hours)
        return any(b - a == 1 for values in fields for a, b in pairwise(values))

    def next(self, after: datetime) -> datetime | None:
        """Return the first due time after ``after`` in UTC, or None."""
        now = after.astimezone(self.zone)
        wall = now.replace(tzinfo=None, fold=0)
        found = self.cron.next(wall)
        if (
            self.is_interval
            and not now.fold
            and self._repeats(wall)
            and (found is None or not self._repeats(found))
        ):
            again = self._in_second_pass(wall, found)
            if again is not None:
                return again
        while found is not None:
            due = self._utc(found)
            if due > after:
                return due
            # The first pass through the repeated hour has ended.
            if self.is_interval:
                return self._utc(found, fold=1)
            found = self.cron.next(found)
        return None

    def _in_second_pass(self, wall: datetime, limit: datetime | None) -> datetime | None:
        """Return the first due time in the second pass of the repeated hour, or None.

        ``wall`` is a local time in the first pass. A due time must be before ``limit``.
        """
        length = self._offset(wall, 0) - self._offset(wall, 1)
        found = self.cron.next(wall - length - timedelta(microseconds=1))
        while found is not None and (limit is None or found < limit):
            if self._repeats(found):
                return self._utc(found, fold=1)
            found = self.cron.next(found)
        return None

    def _repeats(self, wall: datetime) -> bool:
        return self._offset(wall, 0) > self._offset(wall, 1)

    def _offset(self, wall: datetime, fold: int) -> timedelta:
        return self.zone.utcoffset(wall.replace(tzinfo=self.zone, fold=fold)) or timedelta(0)

    def _utc(self, wall: datetime, fold: int = 0) -> datetime:
        return (wall - self._offset(wall, fold)).replace(tzinfo=timezone.utc)


@dataclass(frozen=True)
class IntervalSchedule:
    """A schedule with a fixed interval."""

    every: timedelta
    zone: tzinfo
    adjusts_for_dst = False

    @property
    def is_frequent(self) -> bool:
        """True for an interval below one minute."""
        return self.every < timedelta(minutes=1)

    def next(self, after: datetime) -> datetime | None:
        """Return ``after`` plus the interval, or None if a datetime cannot represent this time."""
        try:
            return after + self.every
        except OverflowError:
            return None


def parse_schedule(text: str, zone: tzinfo = timezone.utc) -> Schedule:
    """Parse NCRONTAB or a .NET time span. Raises ScheduleError."""
    try:
        return CronSchedule(Ncrontab.parse(text), zone)
    except NcrontabError as error:
        every = parse_time_span(text.strip())
        if every is None:
            raise ScheduleError(f"'{text}' is not a schedule: {error}.") from error
    if every <= timedelta(0):
        raise ScheduleError(f"'{text}' is not a schedule: the interval must be longer than zero.")
    return IntervalSchedule(every, zone)


def time_zone(environ: Mapping[str, str]) -> tuple[tzinfo, str | None]:
    """Return the time zone of schedules, and the fault of WEBSITE_TIME_ZONE or None.

    The time zone is that of ``WEBSITE_TIME_ZONE``. Without this setting, it is that of ``TZ``. If
    the name is missing or invalid, it is UTC.
    """
    name = setting(ZONE_SETTING, environ)
    if name:
        try:
            return ZoneInfo(name), None
        except (ZoneInfoNotFoundError, ValueError, OSError):
            return (
                timezone.utc,
                f"{ZONE_SETTING} is '{name}', but this machine has no time zone of that name.",
            )
    try:
        return ZoneInfo(environ.get("TZ") or "UTC"), None
    except (ZoneInfoNotFoundError, ValueError, OSError):
        return timezone.utc, None
