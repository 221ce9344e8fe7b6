"""When a timer goes off: NCRONTAB by the clock of a time zone, or a fixed time apart."""

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
    """No schedule; ``str()`` is a sentence that says why."""


class Schedule(Protocol):
    @property
    def zone(self) -> tzinfo: ...

    @property
    def adjusts_for_dst(self) -> bool: ...

    @property
    def is_frequent(self) -> bool:
        """More often than once a minute: its status is not kept."""

    def next(self, after: datetime) -> datetime | None:
        """The first time behind ``after`` (aware), in UTC; None if it never comes."""


@dataclass(frozen=True)
class CronSchedule:
    """Where the zone's clock is put forward, what falls into the gap comes as much later. Where it is put back, what comes
    every so often goes on through the repeated hour, and what comes at set times comes once, the first time."""

    cron: Ncrontab
    zone: tzinfo
    adjusts_for_dst = True

    @property
    def is_frequent(self) -> bool:
        cron = self.cron
        rest = (cron.minutes, cron.hours, cron.days, cron.months, cron.days_of_week)
        return len(cron.seconds) > 1 and [len(values) for values in rest] == [60, 24, 31, 12, 7]

    @property
    def _is_interval(self) -> bool:
        """As the real host tells them apart: second, minute or hour has a ``*`` or ``-`` in NCrontab's own spelling."""
        fields = (self.cron.seconds, self.cron.minutes, self.cron.hours)
        return any(b - a == 1 for values in fields for a, b in pairwise(values))

    def next(self, after: datetime) -> datetime | None:
        now = after.astimezone(self.zone)
        wall = now.replace(tzinfo=None, fold=0)
        found = self.cron.next(wall)
        if (
            self._is_interval
            and not now.fold
            and self._repeats(wall)
            and (found is None or not self._repeats(found))
        ):
            again = self._in_second_pass(wall, found)
            if again is not None:
                return again
        while found is not None:
            moment = self._moment(found)
            if moment > after:
                return moment
            # The first pass through the repeated hour is over.
            if self._is_interval:
                return self._moment(found, fold=1)
            found = self.cron.next(found)
        return None

    def _in_second_pass(self, wall: datetime, limit: datetime | None) -> datetime | None:
        """The first time in the repeated hour's second pass, for ``wall`` in its first."""
        length = self._offset(wall, 0) - self._offset(wall, 1)
        found = self.cron.next(wall - length - timedelta(microseconds=1))
        while found is not None and (limit is None or found < limit):
            if self._repeats(found):
                return self._moment(found, fold=1)
            found = self.cron.next(found)
        return None

    def _repeats(self, wall: datetime) -> bool:
        return self._offset(wall, 0) > self._offset(wall, 1)

    def _offset(self, wall: datetime, fold: int) -> timedelta:
        return self.zone.utcoffset(wall.replace(tzinfo=self.zone, fold=fold)) or timedelta(0)

    def _moment(self, wall: datetime, fold: int = 0) -> datetime:
        return (wall - self._offset(wall, fold)).replace(tzinfo=timezone.utc)


@dataclass(frozen=True)
class IntervalSchedule:
    every: timedelta
    zone: tzinfo
    adjusts_for_dst = False

    @property
    def is_frequent(self) -> bool:
        return self.every < timedelta(minutes=1)

    def next(self, after: datetime) -> datetime | None:
        try:
            return after + self.every
        except OverflowError:
            return None


def parse_schedule(text: str, zone: tzinfo = timezone.utc) -> Schedule:
    """NCRONTAB, else a .NET time span. Raises ScheduleError."""
    try:
        return CronSchedule(Ncrontab.parse(text), zone)
    except NcrontabError as error:
        every = parse_time_span(text.strip())
        if every is None:
            raise ScheduleError(f"'{text}' is not a schedule: {error}.") from error
    if every <= timedelta(0):
        raise ScheduleError(
            f"'{text}' is not a schedule: the time between two runs must be more than nothing."
        )
    return IntervalSchedule(every, zone)


def time_zone(environ: Mapping[str, str]) -> tuple[tzinfo, str | None]:
    """By whose clock schedules go: ``WEBSITE_TIME_ZONE``, else ``TZ`` if it is a zone's name, else UTC; and what is wrong
    with the former, if something is."""
    name = setting(ZONE_SETTING, environ)
    if name:
        try:
            return ZoneInfo(name), None
        except (ZoneInfoNotFoundError, ValueError, OSError):
            return (
                timezone.utc,
                f"{ZONE_SETTING} is '{name}', which is not the name of a time zone here.",
            )
    try:
        return ZoneInfo(environ.get("TZ") or "UTC"), None
    except (ZoneInfoNotFoundError, ValueError, OSError):
        return timezone.utc, None
