"""Tests of schedules.

The expected times follow NCrontab's own tests and the Azure Functions host's CronSchedule.
"""

from __future__ import annotations

from datetime import datetime, timedelta, timezone
from zoneinfo import ZoneInfo

import pytest

from embedded_host.app.schedule import (
    CronSchedule,
    IntervalSchedule,
    ScheduleError,
    parse_schedule,
    time_zone,
)

UTC = timezone.utc


def utc(text: str) -> datetime:
    """``2026-11-23 12:00:00`` with an offset, or in UTC."""
    found = datetime.fromisoformat(text)
    return found if found.tzinfo else found.replace(tzinfo=UTC)


def occurrences(schedule: str, after: str, count: int, zone: str = "UTC") -> list[str]:
    parsed = parse_schedule(schedule, ZoneInfo(zone))
    found: list[str] = []
    now: datetime | None = utc(after)
    for _ in range(count):
        assert now is not None
        now = parsed.next(now)
        found.append(
            now.astimezone(parsed.zone).strftime("%Y-%m-%d %H:%M:%S%z").removesuffix("+0000")
            if now
            else "never"
        )
    return found


@pytest.mark.parametrize(
    ("schedule", "after", "expected"),
    [
        ("*/1 * * * * *", "2026-11-23 12:00:58", ["2026-11-23 12:00:59", "2026-11-23 12:01:00"]),
        ("* * * * * *", "2026-12-31 23:59:59", ["2027-01-01 00:00:00", "2027-01-01 00:00:01"]),
        ("*/15 * * * * *", "2026-11-23 12:00:31", ["2026-11-23 12:00:45", "2026-11-23 12:01:00"]),
        ("0 */5 * * * *", "2026-11-23 12:00:00", ["2026-11-23 12:05:00", "2026-11-23 12:10:00"]),
        ("0 */5 * * * *", "2026-11-23 12:04:59.999999", ["2026-11-23 12:05:00"]),
        ("*/5 * * * *", "2026-11-23 12:58:00", ["2026-11-23 13:00:00", "2026-11-23 13:05:00"]),
        ("  0   0  *  * * *  ", "2026-11-23 12:58:00", ["2026-11-23 13:00:00"]),
        ("0 0 * * * *", "2026-11-23 23:00:00", ["2026-11-24 00:00:00"]),
        ("0 0 */2 * * *", "2026-11-23 12:00:00", ["2026-11-23 14:00:00"]),
        ("0 0 9-17 * * *", "2026-11-23 16:30:00", ["2026-11-23 17:00:00", "2026-11-24 09:00:00"]),
        ("0 30 9 * Jan Mon", "2026-11-23 12:00:00", ["2027-01-04 09:30:00", "2027-01-11 09:30:00"]),
        (
            "0 30 9 * * Mon-Fri",
            "2026-11-27 12:00:00",
            ["2026-11-30 09:30:00", "2026-12-01 09:30:00"],
        ),
        (
            "0 30 9 * * MONDAY,wed",
            "2026-11-23 12:00:00",
            ["2026-11-25 09:30:00", "2026-11-30 09:30:00"],
        ),
        ("0 30 9 * Janu s", "2026-11-23 12:00:00", ["2027-01-03 09:30:00"]),
        ("0 0 0 * * 0", "2026-11-23 12:00:00", ["2026-11-29 00:00:00", "2026-12-06 00:00:00"]),
        ("0 0 0 * * 5-1", "2026-11-23 12:00:00", ["2026-11-24 00:00:00", "2026-11-25 00:00:00"]),
        (
            "0 50-55/2 * * * *",
            "2026-11-23 12:00:00",
            ["2026-11-23 12:50:00", "2026-11-23 12:52:00"],
        ),
        (
            "0 55-50/2 * * * *",
            "2026-11-23 12:00:00",
            ["2026-11-23 12:50:00", "2026-11-23 12:52:00"],
        ),
        (
            "0 40/15 * * * *",
            "2026-11-23 12:00:00",
            ["2026-11-23 12:40:00", "2026-11-23 12:55:00", "2026-11-23 13:40:00"],
        ),
        ("0 */0 * * * *", "2026-11-23 12:00:00", ["2026-11-23 12:01:00"]),
        ("0 0 12 13 * Fri", "2026-11-13 12:00:00", ["2027-08-13 12:00:00", "2028-10-13 12:00:00"]),
        (
            "0 0 12 1,15 * 1-5",
            "2026-11-23 12:00:00",
            ["2026-12-01 12:00:00", "2026-12-15 12:00:00", "2027-01-01 12:00:00"],
        ),
        (
            "0 0 0 31 * *",
            "2026-11-23 12:00:00",
            ["2026-12-31 00:00:00", "2027-01-31 00:00:00", "2027-03-31 00:00:00"],
        ),
        ("0 0 0 30 1-3 *", "2026-11-23 12:00:00", ["2027-01-30 00:00:00", "2027-03-30 00:00:00"]),
        ("0 0 0 29 2 *", "2026-11-23 12:00:00", ["2028-02-29 00:00:00", "2032-02-29 00:00:00"]),
        ("0 0 0 29 2 *", "2096-03-01 00:00:00", ["2104-02-29 00:00:00"]),
        ("0 0 0 29 2 Mon", "2026-11-23 12:00:00", ["2044-02-29 00:00:00"]),
        ("0 0 0 31 2 *", "2026-11-23 12:00:00", ["never"]),
        ("59 59 23 31 12 *", "2026-11-23 12:00:00", ["2026-12-31 23:59:59", "2027-12-31 23:59:59"]),
        ("* * * * * *", "9999-12-31 23:59:59", ["never"]),
    ],
)
def test_due_times_follow_the_schedule(schedule: str, after: str, expected: list[str]) -> None:
    assert occurrences(schedule, after, len(expected)) == expected


PACIFIC = "America/Los_Angeles"


@pytest.mark.parametrize(
    ("schedule", "after", "expected", "zone"),
    [
        # Put forward: 02:00 to 03:00 does not exist on 2026-03-08.
        (
            "0 30 2 * * *",
            "2026-03-08 00:00-08:00",
            ["03-08 03:30-0700", "03-09 02:30-0700"],
            PACIFIC,
        ),
        (
            "0 */30 * * * *",
            "2026-03-08 01:20-08:00",
            ["03-08 01:30-0800", "03-08 03:00-0700", "03-08 03:30-0700"],
            PACIFIC,
        ),
        (
            "0 0 0 * * *",
            "2026-03-07 12:00-08:00",
            ["03-08 00:00-0800", "03-09 00:00-0700"],
            PACIFIC,
        ),
        # Put back: 01:00 to 02:00 comes twice on 2026-11-01.
        (
            "0 30 1 * * *",
            "2026-10-31 12:00-07:00",
            ["11-01 01:30-0700", "11-02 01:30-0800"],
            PACIFIC,
        ),
        ("0 30 1 * * *", "2026-11-01 01:00-08:00", ["11-02 01:30-0800"], PACIFIC),
        (
            "0 30 1 1 11 *",
            "2026-02-01 12:00-08:00",
            ["11-01 01:30-0700", "11-01 01:30-0700"],
            PACIFIC,
        ),
        (
            "0 */30 * * * *",
            "2026-11-01 00:40-07:00",
            [
                "11-01 01:00-0700",
                "11-01 01:30-0700",
                "11-01 01:00-0800",
                "11-01 01:30-0800",
                "11-01 02:00-0800",
            ],
            PACIFIC,
        ),
        (
            "0 45 * * * *",
            "2026-11-01 01:00-07:00",
            ["11-01 01:45-0700", "11-01 01:45-0800", "11-01 02:45-0800"],
            PACIFIC,
        ),
        (
            "0 0 0 * * *",
            "2026-10-31 12:00-07:00",
            ["11-01 00:00-0700", "11-02 00:00-0800"],
            PACIFIC,
        ),
        (
            "0 50-51 1 * * *",
            "2026-11-01 01:50-07:00",
            ["11-01 01:51-0700", "11-01 01:50-0800", "11-01 01:51-0800", "11-02 01:50-0800"],
            PACIFIC,
        ),
        (
            "0 0,30 1 * * *",
            "2026-11-01 00:50-07:00",
            ["11-01 01:00-0700", "11-01 01:30-0700", "11-02 01:00-0800"],
            PACIFIC,
        ),
        # Half an hour on Lord Howe.
        (
            "0 */20 * * * *",
            "2026-04-05 01:30+11:00",
            ["04-05 01:40+1100", "04-05 01:40+1030", "04-05 02:00+1030"],
            "Australia/Lord_Howe",
        ),
        ("0 0 9 * * *", "2026-11-23 00:00+00:00", ["11-23 09:00+0100"], "Europe/Berlin"),
        ("0 0 9 * * *", "2026-11-23 00:00+00:00", ["11-23 09:00+0530"], "Asia/Kolkata"),
        ("12:00", "2026-10-31 18:00-07:00", ["11-01 05:00-0800", "11-01 17:00-0800"], PACIFIC),
    ],
)
def test_due_times_follow_the_clock_changes_of_the_time_zone(
    schedule: str, after: str, expected: list[str], zone: str
) -> None:
    found = occurrences(schedule, after, len(expected), zone)
    assert [f"{text[5:16]}{text[19:]}" for text in found] == expected


def test_an_interval_of_a_second_continues_through_clock_changes() -> None:
    schedule = parse_schedule("* * * * * *", ZoneInfo(PACIFIC))
    for change in (
        "2026-11-01 01:59:58-07:00",
        "2026-11-01 01:59:58-08:00",
        "2026-03-08 01:59:58-08:00",
    ):
        now = utc(change)
        for _ in range(4):
            found = schedule.next(now)
            assert found == now + timedelta(seconds=1)
            now = found


@pytest.mark.parametrize(
    ("text", "fault"),
    [
        ("", "it has 0 fields"),
        ("0 0 * *", "it has 4 fields, but must have six: second minute hour day month day-of-week"),
        ("0 0 0 * * * 2026", "it has 7 fields"),
        ("60 * * * * *", "the second '60' is out of range: 60 is not from 0 to 59"),
        ("0 0 24 * * *", "the hour '24' is out of range: 24 is not from 0 to 23"),
        ("0 0 0 0 * *", "the day '0' is out of range: 0 is not from 1 to 31"),
        ("0 0 0 * 13 *", "the month '13' is out of range"),
        ("0 0 0 * * 7", "the day of week '7' is out of range: 7 is not from 0 to 6; Sunday is 0"),
        (
            "0 0 0 * * ?",
            "'?' in the day of week '?' is not a number from 0 to 6 or a name (Sun, Mon, …); "
            "write * for any",
        ),
        ("0 0 0 L * *", "'L' in the day 'L' is not a number from 1 to 31."),
        (
            "0 0 0 * Foo *",
            "'Foo' in the month 'Foo' is not a number from 1 to 12 or a name (Jan, Feb, …).",
        ),
        ("0 0 0 * * Mon#1", "'Mon#1' in the day of week"),
        ("0 1,,2 * * * *", "the minute '1,,2' has an empty value beside a ','"),
        ("0 */x * * * *", "the step 'x' in the minute '*/x' is not a number"),
        ("0 5- * * * *", "'' in the minute '5-' is not a number"),
        ("0 ٣ * * * *", "'٣' in the minute"),
        ("@daily", "it has 1 field, but must have six"),
        ("00:00:00", "the interval must be longer than zero"),
    ],
)
def test_an_invalid_schedule_is_an_error(text: str, fault: str) -> None:
    with pytest.raises(ScheduleError) as raised:
        parse_schedule(text)
    assert str(raised.value).startswith(f"'{text}' is not a schedule: ")
    assert fault in str(raised.value)


@pytest.mark.parametrize(
    ("text", "often"),
    [
        ("*/30 * * * * *", True),
        ("0,1 * * * * *", True),
        ("*/10 */1 * * * *", True),
        ("0 * * * * *", False),
        ("* * * * *", False),
        ("*/10 0-30 * * * *", False),
        ("*/10 * * * * 1-5", False),
        ("00:00:59", True),
        ("00:01", False),
    ],
)
def test_a_schedule_below_one_minute_is_frequent(text: str, often: bool) -> None:
    assert parse_schedule(text).is_frequent is often


def test_a_schedule_is_ncrontab_or_an_interval() -> None:
    assert isinstance(parse_schedule("0 * * * * *"), CronSchedule)
    assert isinstance(parse_schedule("00:05:00"), IntervalSchedule)
    assert parse_schedule("10675198").next(utc("2026-11-23")) is None


def test_the_time_zone_is_the_setting_or_tz_or_utc() -> None:
    assert time_zone({}) == (ZoneInfo("UTC"), None)
    assert time_zone({"website_time_zone": "Europe/Berlin", "TZ": "Asia/Tokyo"}) == (
        ZoneInfo("Europe/Berlin"),
        None,
    )
    assert time_zone({"TZ": "Asia/Tokyo"}) == (ZoneInfo("Asia/Tokyo"), None)
    assert time_zone({"TZ": ":/etc/localtime"}) == (UTC, None)
    for wrong in ("Eastern Standard Time", "../x", "Mars/Olympus"):
        zone, fault = time_zone({"WEBSITE_TIME_ZONE": wrong})
        assert zone == UTC
        assert fault == (
            f"WEBSITE_TIME_ZONE is '{wrong}', but this machine has no time zone of that name."
        )
