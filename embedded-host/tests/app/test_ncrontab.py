"""Tests of the grammar of NCRONTAB.

``test_schedule.py`` tests due times in time zones, and error messages.
"""

from __future__ import annotations

from datetime import datetime

import pytest

from embedded_host.app.ncrontab import Ncrontab, NcrontabError


def test_the_second_is_0_in_a_schedule_of_five_fields() -> None:
    assert Ncrontab.parse("1 2 3 4 5") == Ncrontab((0,), (1,), (2,), (3,), (4,), (5,))


@pytest.mark.parametrize(
    ("field", "minutes"),
    [
        ("5", [5]),
        ("1,3", [1, 3]),
        ("3,1,1", [1, 3]),
        ("2-4", [2, 3, 4]),
        ("4-2", [2, 3, 4]),
        ("*/20", [0, 20, 40]),
        ("50/5", [50, 55]),
        ("10-20/5", [10, 15, 20]),
        ("*/0", list(range(60))),
    ],
)
def test_a_field_has_values_ranges_and_steps(field: str, minutes: list[int]) -> None:
    assert list(Ncrontab.parse(f"0 {field} * * * *").minutes) == minutes


@pytest.mark.parametrize(("month", "number"), [("Jan", 1), ("january", 1), ("MA", 3), ("s", 9)])
def test_a_name_may_be_abbreviated_in_any_case(month: str, number: int) -> None:
    assert Ncrontab.parse(f"0 0 0 1 {month} *").months == (number,)


def test_a_day_must_match_both_day_and_day_of_week() -> None:
    friday_13th = Ncrontab.parse("0 0 12 13 * Fri")
    assert friday_13th.next(datetime(2026, 11, 13, 12)) == datetime(2027, 8, 13, 12)


def test_an_impossible_date_has_no_next_time() -> None:
    assert Ncrontab.parse("0 0 0 31 2 *").next(datetime(2026, 1, 1)) is None


@pytest.mark.parametrize(
    "text",
    ["", "* * * *", "* * * * * * *", "60 * * * * *", "0 0 0 * * 7", "0 0 0 L * *", "0 1, * * * *"],
)
def test_schedules_in_other_grammars_are_rejected(text: str) -> None:
    with pytest.raises(NcrontabError):
        Ncrontab.parse(text)
