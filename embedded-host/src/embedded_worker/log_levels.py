"""The log levels of host.json: the level of a category, as the Azure Functions host selects it.

Source: functions-host.md#logging, and ``LoggerRuleSelector`` of Microsoft.Extensions.Logging.
"""

from __future__ import annotations

import logging
import re
from collections.abc import Mapping

LEVELS = ("Trace", "Debug", "Information", "Warning", "Error", "Critical", "None")
"""The names of the levels. The index of a name is its number."""
TRACE, DEBUG, INFORMATION, WARNING, ERROR, CRITICAL, NONE = range(len(LEVELS))
CONSOLE = "Host.Function.Console"
"""The category of the output of ``print``, and of other output to stdout and stderr."""
RESULTS = "Host.Results"
"""The category in which the Azure Functions host repeats the error of each failed invocation."""
_NAMES = {name.lower(): number for number, name in enumerate(LEVELS)}
_NUMBER = re.compile(r"\s*[+-]?[0-9]+\s*")


def level_number(name: str) -> int | None:
    """Return the number of a level, or None for an unknown level.

    As on the Azure Functions host, case is ignored, and ``name`` may be the number of the level.
    """
    if _NUMBER.fullmatch(name):
        return max(TRACE, min(int(name), NONE))
    return _NAMES.get(name.strip().lower())


def level_of_record(number: int) -> int:
    """Return the level of a Python log record.

    Records below DEBUG have the level None, which no setting shows.
    """
    for level, least in (
        (CRITICAL, logging.CRITICAL),
        (ERROR, logging.ERROR),
        (WARNING, logging.WARNING),
        (INFORMATION, logging.INFO),
        (DEBUG, logging.DEBUG),
    ):
        if number >= least:
            return level
    return NONE


class LogLevels:
    """The lowest visible level of each category."""

    def __init__(
        self, levels: Mapping[str, str] = {}, console_levels: Mapping[str, str] = {}
    ) -> None:
        """Use ``logging.logLevel`` and ``logging.console.logLevel`` of host.json.

        A level of ``console_levels`` precedes all levels of ``levels``. Unknown levels are ignored.
        """
        self._rules = [_rules(console_levels), _rules(levels)]
        self._known: dict[str, int] = {}

    def is_enabled(self, category: str, level: int) -> bool:
        """Return True if records of this category and level are visible."""
        least = self._known.get(category)
        if least is None:
            least = self._known[category] = self._least(category.lower())
        return least <= level < NONE

    def _least(self, category: str) -> int:
        for rules in self._rules:
            matching = [rule for rule in rules if _matches(rule, category)]
            if matching:
                return rules[max(matching, key=len)]
        return INFORMATION


def _rules(levels: Mapping[str, str]) -> dict[str, int]:
    """Return the levels by category in lower case. The category of ``default`` is empty."""
    rules: dict[str, int] = {}
    for name, text in levels.items():
        number = level_number(text)
        if number is not None:
            category = name.lower()
            rules["" if category == "default" else category] = number
    return rules


def _matches(rule: str, category: str) -> bool:
    """Return True if the category begins with the rule. ``*`` in a rule matches any text."""
    start, _, end = rule.partition("*")
    return category.startswith(start) and category.endswith(end)
