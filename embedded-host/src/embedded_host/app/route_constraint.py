"""The constraints of ASP.NET Core route templates, such as ``int`` or ``range(1,9)``.

Source: https://learn.microsoft.com/aspnet/core/fundamentals/routing#route-constraints, compared
with ``Microsoft.AspNetCore.Routing``. Two constraints differ from those in .NET: ``datetime``
accepts only the usual formats, and ``regex`` has Python's syntax plus ``(?<name>…)``. A ``regex``
has no time limit, because Python's ``re`` cannot be interrupted. In .NET the limit is 10 s.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from contextlib import suppress
from datetime import datetime
from difflib import get_close_matches
from functools import partial

from embedded_host.errors import EmbeddedHostError

Check = Callable[[str], bool]
"""Returns True if a value satisfies the constraint."""
_BLANK = "\t\n\v\f\r "
_INT64 = (-(2**63), 2**63 - 1)


class RouteConstraintError(EmbeddedHostError, ValueError):
    """A string that is not a constraint. The message has the reason."""


_INTEGER = re.compile(
    rf"[{_BLANK}]*([+-]?)0*([0-9]{{1,19}})[{_BLANK}]*"
)  # a 64-bit integer has at most 19 digits
_DIGITS = r"(?:[0-9][0-9,]*(?:\.[0-9]*)?|\.[0-9]+)"
_DECIMAL = re.compile(rf"[{_BLANK}]*[+-]?{_DIGITS}[+-]?[{_BLANK}]*")
_FLOAT = re.compile(
    rf"[{_BLANK}]*[+-]?(?:{_DIGITS}(?:e[+-]?[0-9]+)?|infinity|nan|∞)[{_BLANK}]*", re.IGNORECASE
)
_FILE = re.compile(
    r"(?:.*/)?[^/.]*\.[^/]*[^/.][^/]*", re.DOTALL
)  # the last segment has a dot and, after it, a character that is not a dot
_HEX = "[0-9a-f]"
_DASHED = f"{_HEX}{{8}}-{_HEX}{{4}}-{_HEX}{{4}}-{_HEX}{{4}}-{_HEX}{{12}}"
_GUID = re.compile(rf"{_HEX}{{32}}|{_DASHED}|\{{{_DASHED}\}}|\({_DASHED}\)", re.IGNORECASE)
_DATES = (
    "%Y-%m-%d",
    "%Y/%m/%d",
    "%m/%d/%Y",
    "%m-%d-%Y",
    "%d %b %Y",
    "%d %B %Y",
    "%b %d %Y",
    "%B %d %Y",
    "%a %d %b %Y",
)
_TIMES = ("", " %H:%M", " %H:%M:%S", " %I:%M %p", " %I:%M:%S %p")
_DATE_TIMES = (
    *(date + time for date in _DATES for time in _TIMES),
    *(time.strip() for time in _TIMES[1:]),
)
_ZONE = re.compile(
    r"(?<=:[0-9]{2})(?:\.[0-9]+)? ?(?:Z|GMT|[+-][0-9]{2}:?[0-9]{2})?$", re.IGNORECASE
)


def _integer_in(least: int, most: int, value: str) -> bool:
    found = _INTEGER.fullmatch(value)
    return found is not None and least <= int(found[1] + found[2]) <= most


def _length_in(least: int, most: int, value: str) -> bool:
    return least <= len(value) <= most


def _datetime(value: str) -> bool:
    text = re.sub(r"(?<=[0-9])T(?=[0-9])|,", " ", value.strip(_BLANK), flags=re.IGNORECASE)
    text = re.sub(r"(?<=[0-9])(?=[ap]m$)", " ", _ZONE.sub("", text), flags=re.IGNORECASE)
    for written in _DATE_TIMES:
        with suppress(ValueError):
            return bool(datetime.strptime(" ".join(text.split()), written))
    return False


_PLAIN: dict[str, Check] = {
    "int": partial(_integer_in, -(2**31), 2**31 - 1),
    "long": partial(_integer_in, *_INT64),
    "bool": lambda value: value.strip(_BLANK).lower() in ("true", "false"),
    "guid": lambda value: _GUID.fullmatch(value.strip(_BLANK)) is not None,
    "datetime": _datetime,
    "decimal": lambda value: _DECIMAL.fullmatch(value) is not None,
    "double": lambda value: _FLOAT.fullmatch(value) is not None,
    "float": lambda value: _FLOAT.fullmatch(value) is not None,
    "alpha": lambda value: re.fullmatch("[A-Za-z]*", value) is not None,
    "required": bool,
    "file": lambda value: _FILE.fullmatch(value) is not None,
    "nonfile": lambda value: _FILE.fullmatch(value) is None,
}
_NUMBERS = dict.fromkeys(("min", "max", "minlength", "maxlength"), (1,)) | {
    "range": (2,),
    "length": (1, 2),
}
CONSTRAINTS = (*_PLAIN, *_NUMBERS, "regex")


def parse_constraint(text: str) -> Check:
    """Return the check of a constraint, such as ``int`` or ``range(1,9)``.

    Raises RouteConstraintError.
    """
    name, opened, arguments = text.partition("(") if text.endswith(")") else (text, "", "")
    key, arguments = name.lower(), arguments[:-1]
    if key in _PLAIN:
        if opened:
            raise RouteConstraintError(
                f"the constraint '{name}' takes no arguments, but is '{text}'"
            )
        return _PLAIN[key]
    if key == "regex":
        try:
            pattern = re.compile(re.sub(r"\(\?<(?![=!])", "(?P<", arguments), re.IGNORECASE)
        except (re.error, RecursionError, OverflowError) as error:
            raise RouteConstraintError(
                f"'{arguments}' is not a regular expression: {error}"
            ) from None
        if not opened:
            raise RouteConstraintError(
                "the constraint 'regex' needs an expression, as in 'regex(^a+$)'"
            )
        return lambda value: pattern.search(value) is not None
    if key not in _NUMBERS:
        close = " or ".join(f"'{known}'" for known in get_close_matches(key, CONSTRAINTS, 2))
        hint = f"Did you mean {close}? " if close else ""
        raise RouteConstraintError(
            f"the constraint '{name}' does not exist. {hint}Constraints: {', '.join(CONSTRAINTS)}"
        )
    counts = _NUMBERS[key]
    numbers = arguments.split(",") if opened else []
    if len(numbers) not in counts or not all(_integer_in(*_INT64, number) for number in numbers):
        expected = " or ".join(["an integer", "two integers"][count - 1] for count in counts)
        raise RouteConstraintError(
            f"the constraint '{name}' needs {expected} in parentheses, but is '{text}'"
        )
    least, most = int(numbers[0]), int(numbers[-1])
    if least > most or (key.endswith("length") and least < 0):
        raise RouteConstraintError(f"no value matches '{text}'")
    if key.endswith("length"):
        return partial(
            _length_in, 0 if key == "maxlength" else least, 2**31 if key == "minlength" else most
        )
    return partial(
        _integer_in, _INT64[0] if key == "max" else least, _INT64[1] if key == "min" else most
    )
