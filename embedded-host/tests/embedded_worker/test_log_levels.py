"""The levels of categories, as the Azure Functions host selects them."""

from __future__ import annotations

import logging

import pytest

from embedded_worker.log_levels import (
    CRITICAL,
    DEBUG,
    ERROR,
    INFORMATION,
    LEVELS,
    NONE,
    TRACE,
    WARNING,
    LogLevels,
    level_number,
    level_of_record,
)


def shown(levels: LogLevels, category: str) -> str:
    """Return the name of the lowest visible level of ``category``."""
    visible = [level for level in range(NONE) if levels.is_enabled(category, level)]
    return LEVELS[min(visible)] if visible else "None"


@pytest.mark.parametrize(
    ("levels", "category", "least"),
    [
        ({}, "Function.One", "Information"),
        ({"default": "Warning"}, "Function.One", "Warning"),
        ({"Default": "None"}, "Host.Function.Console", "None"),
        ({"Function": "Warning"}, "Function.One.User", "Warning"),
        ({"Function": "Warning"}, "Host.Function.Console", "Information"),
        ({"function.one": "debug"}, "Function.One.User", "Debug"),
        ({"Function.One": "Debug"}, "Function.Two", "Information"),
        ({"Function": "Error", "Function.One.User": "Trace"}, "Function.One.User", "Trace"),
        ({"Function": "Error", "Function.One.User": "Trace"}, "Function.One", "Error"),
        ({"Function": "Error", "default": "Trace"}, "Function.One", "Error"),
        ({"Function.*.User": "Error"}, "Function.One.User", "Error"),
        ({"Function.*.User": "Error"}, "Function.One", "Information"),
        ({"default": "3"}, "Function.One", "Warning"),
        ({"default": "Loud"}, "Function.One", "Information"),
    ],
)
def test_the_longest_matching_prefix_decides(
    levels: dict[str, str], category: str, least: str
) -> None:
    assert shown(LogLevels(levels), category) == least


def test_a_level_of_the_console_precedes_all_others() -> None:
    levels = LogLevels({"Function.One": "Error"}, {"Function": "Debug"})
    assert shown(levels, "Function.One") == "Debug"
    assert shown(levels, "Host.Results") == "Information"


def test_the_level_none_shows_nothing() -> None:
    assert not LogLevels({"default": "None"}).is_enabled("x", CRITICAL)
    assert not LogLevels({"default": "Trace"}).is_enabled("x", NONE)


@pytest.mark.parametrize(
    ("name", "number"),
    [("Trace", TRACE), (" none ", NONE), ("2", INFORMATION), ("9", NONE), ("Loud", None)],
)
def test_a_level_has_a_name_or_a_number(name: str, number: int | None) -> None:
    assert level_number(name) == number


def test_a_record_has_the_level_at_or_below_its_number() -> None:
    assert [level_of_record(number) for number in (60, 50, 45, 30, 20, 15, 5)] == [
        CRITICAL, CRITICAL, ERROR, WARNING, INFORMATION, DEBUG, NONE
    ]  # fmt: skip
    assert level_of_record(logging.NOTSET) == NONE
