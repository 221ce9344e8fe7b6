"""NCRONTAB schedules: second (optional), minute, hour, day, month and day of week.

The grammar is that of the .NET library NCrontab, which the Azure Functions host uses. No Python
library implements this grammar. croniter accepts more (``L``, ``#``, hashed values, ``7`` for
Sunday, ranges that wrap) and rejects some valid schedules (abbreviated names, backward ranges).
cronsim combines day and day of week with OR and needs Python 3.11. With these libraries, some
schedules would be valid only on the Azure Functions host or only on the embedded host. Others would
run at different times.
"""

from __future__ import annotations

import re
from bisect import bisect_left
from calendar import monthrange
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import MAXYEAR, date, datetime, time, timedelta

from embedded_host.errors import EmbeddedHostError

_MONTHS = [
    "January",
    "February",
    "March",
    "April",
    "May",
    "June",
    "July",
    "August",
    "September",
    "October",
    "November",
    "December",
]
_DAYS = ["Sunday", "Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday"]
_CALENDAR = 400
"""The number of years after which the calendar repeats.

A date that does not occur in this period never occurs.
"""
_NUMBER = re.compile(r"[0-9]{1,9}")
_STEP = re.compile(r"[+-]?[0-9]{1,9}")


class NcrontabError(EmbeddedHostError, ValueError):
    """A string that is not NCRONTAB. ``str()`` names the field and the fault."""


@dataclass(frozen=True)
class _Field:
    name: str
    low: int
    high: int
    names: tuple[str, ...] = ()

    def parse(self, text: str) -> tuple[int, ...]:
        """Return the field's values, sorted. Raises NcrontabError."""
        values: set[int] = set()
        for part in text.split(","):
            values.update(self._part(part, text))
        return tuple(sorted(values))

    def _part(self, part: str, text: str) -> range:
        if not part:
            raise NcrontabError(f"the {self.name} '{text}' has an empty value beside a ','")
        span, slash, step_text = part.partition("/")
        if slash and not _STEP.fullmatch(step_text):
            raise NcrontabError(
                f"the step '{step_text}' in the {self.name} '{text}' is not a number"
            )
        step = max(int(step_text), 1) if slash else 1
        if span == "*":
            return range(self.low, self.high + 1, step)
        first_text, dash, last_text = span.partition("-")
        first = self._value(first_text, text)
        last = self._value(last_text, text) if dash else self.high if slash else first
        return range(min(first, last), max(first, last) + 1, step)

    def _value(self, value: str, text: str) -> int:
        number = self._number(value, text)
        if not self.low <= number <= self.high:
            hint = "; Sunday is 0" if self.names == tuple(_DAYS) and number == 7 else ""
            raise NcrontabError(
                f"the {self.name} '{text}' is out of range: "
                f"{number} is not from {self.low} to {self.high}{hint}"
            )
        return number

    def _number(self, value: str, text: str) -> int:
        if _NUMBER.fullmatch(value):
            return int(value)
        if value and not value[0].isdigit():
            for index, name in enumerate(self.names):
                if name.lower().startswith(value.lower()):
                    return index + self.low
        also = f" or a name ({self.names[0][:3]}, {self.names[1][:3]}, …)" if self.names else ""
        hint = "; write * for any value" if value == "?" else ""
        raise NcrontabError(
            f"'{value}' in the {self.name} '{text}' is not a number "
            f"from {self.low} to {self.high}{also}{hint}"
        )


_FIELDS = (
    _Field("second", 0, 59),
    _Field("minute", 0, 59),
    _Field("hour", 0, 23),
    _Field("day", 1, 31),
    _Field("month", 1, 12, tuple(_MONTHS)),
    _Field("day of week", 0, 6, tuple(_DAYS)),
)


@dataclass(frozen=True)
class Ncrontab:
    """The sorted values of each field. A time matches if all fields match."""

    seconds: tuple[int, ...]
    minutes: tuple[int, ...]
    hours: tuple[int, ...]
    days: tuple[int, ...]
    months: tuple[int, ...]
    days_of_week: tuple[int, ...]

    @classmethod
    def parse(cls, text: str) -> Ncrontab:
        """Parse a schedule. Raises NcrontabError."""
        fields = [field for field in text.split(" ") if field]
        if len(fields) not in (5, 6):
            raise NcrontabError(
                f"it has {len(fields)} field{'' if len(fields) == 1 else 's'}, but must have six: "
                "second minute hour day month day-of-week (or five, without the second)"
            )
        if len(fields) == 5:
            fields.insert(0, "0")
        return cls(*(field.parse(text) for field, text in zip(_FIELDS, fields, strict=True)))

    def next(self, after: datetime) -> datetime | None:
        """Return the first matching time after ``after``, or None.

        ``after`` and the result are naive local times.
        """
        if after >= datetime.max.replace(microsecond=0):
            return None
        begin = after.replace(microsecond=0) + timedelta(seconds=1)
        for day in self._dates(begin.date()):
            earliest = begin.time() if day == begin.date() else time.min
            found = self._time(earliest)
            if found is not None:
                return datetime.combine(day, found)
        return None

    def _dates(self, first: date) -> Iterator[date]:
        """Yield the matching dates from ``first`` on."""
        for year in range(first.year, min(first.year + _CALENDAR, MAXYEAR) + 1):
            for month in self.months:
                if (year, month) < (first.year, first.month):
                    continue
                for day in self.days:
                    if day > monthrange(year, month)[1]:
                        break
                    found = date(year, month, day)
                    if found >= first and found.isoweekday() % 7 in self.days_of_week:
                        yield found

    def _time(self, earliest: time) -> time | None:
        """Return the first matching time of a day from ``earliest`` on, or None."""
        for hour in self.hours[bisect_left(self.hours, earliest.hour) :]:
            if hour > earliest.hour:
                return time(hour, self.minutes[0], self.seconds[0])
            for minute in self.minutes[bisect_left(self.minutes, earliest.minute) :]:
                if minute > earliest.minute:
                    return time(hour, minute, self.seconds[0])
                at = bisect_left(self.seconds, earliest.second)
                if at < len(self.seconds):
                    return time(hour, minute, self.seconds[at])
        return None
