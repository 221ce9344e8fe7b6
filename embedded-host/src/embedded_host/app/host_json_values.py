"""Read values of host.json, and describe those that are invalid.

As on the Azure Functions host, each value is a text that is converted to the type of its setting:
``4``, ``4.0`` and ``"4"`` are the same number.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from datetime import timedelta
from typing import TypeVar

from embedded_host.app.definitions import Problem
from embedded_host.app.json_file import JsonFile, JsonPath
from embedded_host.app.time_span import parse_time_span
from embedded_host.errors import EmbeddedHostError

Default = TypeVar("Default")
Value = TypeVar("Value")


class InvalidValueError(EmbeddedHostError, ValueError):
    """An invalid value. ``str()`` describes the valid values."""

    def __init__(self, allowed: str, dotnet_type: str = "", message: str = "") -> None:
        """Create the error.

        ``dotnet_type`` is the .NET type to which the Azure Functions host cannot convert the value.
        ``message`` is its message about a value of the correct type.
        """
        super().__init__(allowed)
        self._type, self._message = dotnet_type, message

    def on_azure(self, json_path: JsonPath) -> str:
        """Return the message of the Azure Functions host, or an empty string if it is unknown."""
        return not_converted(json_path, self._type) if self._type else self._message


def not_converted(json_path: JsonPath, dotnet_type: str) -> str:
    """Return the message of the Azure Functions host about a value of the wrong type."""
    key = ":".join(map(str, ("AzureFunctionsJobHost", *json_path)))
    return f"Failed to convert configuration value at '{key}' to type '{dotnet_type}'."


class Reader:
    """Reads keys of the document and collects their problems."""

    def __init__(
        self, file: JsonFile, document: dict[str, object], sources: Mapping[str, str]
    ) -> None:
        """Read ``document``: the content of ``file`` with overrides.

        ``sources`` has the names of the settings by the path that they override.
        """
        self.file = file
        self.document = document
        self.sources = sources
        self.problems: list[Problem] = []
        self.warnings: list[Problem] = []

    def find(self, path: JsonPath) -> tuple[JsonPath, object]:
        """Return the path as the document spells it, and the value. A missing value is None.

        A section that is not an object has no effect, as on the Azure Functions host. It is a
        warning.
        """
        value: object = self.document
        spelt: JsonPath = ()
        for key in path:
            if not isinstance(value, dict):
                if value is not None:
                    self.add_ineffective(spelt, value, "Write an object.")
                return spelt, None
            name = next((name for name in value if name.lower() == str(key).lower()), None)
            if name is None:
                return spelt, None
            spelt = (*spelt, name)
            value = value[name]
        return spelt, value

    def read(
        self, path: JsonPath, default: Default, convert: Callable[[object], Value]
    ) -> Default | Value:
        """Return the converted value, or ``default`` if it is missing, null or invalid."""
        spelt, value = self.find(path)
        if value is None:
            return default
        try:
            return convert(value)
        except InvalidValueError as wrong:
            self.add_error(spelt, value, str(wrong), wrong.on_azure(spelt))
            return default

    def location(self, json_path: JsonPath) -> str:
        """Return the location in host.json, or the name of the setting that overrides the value."""
        override = self.sources.get(".".join(map(str, json_path)).lower())
        return override or self.file.location(json_path)

    def add_error(
        self, json_path: JsonPath, value: object, allowed: str, on_azure: str = ""
    ) -> None:
        """Add the problem of an invalid value. ``allowed`` describes the valid values."""
        problem = Problem(
            self.location(json_path),
            f"{dotted(json_path)} {allowed}, but is {shown(value)}.",
            fatal=True,
            code="EH120",
            on_azure=on_azure,
        )
        if problem not in self.problems:
            self.problems.append(problem)

    def add_ineffective(self, json_path: JsonPath, value: object, fix: str) -> None:
        """Add a warning about a value that the Azure Functions host ignores too."""
        warning = Problem(
            self.location(json_path),
            f"{dotted(json_path)} has no effect, because it is {shown(value)}.",
            fix,
            code="EH123",
        )
        if warning not in self.warnings:
            self.warnings.append(warning)


def text(value: object) -> str:
    """Return a value as the text that .NET reads, such as ``True`` or ``2`` for 2.0.

    Null is an empty string.
    """
    if isinstance(value, float) and value.is_integer():
        value = int(value)
    return "" if value is None else str(value)


def is_nested(value: object) -> bool:
    """Return True for an object or a list."""
    return isinstance(value, dict | list)


def timeout(value: object) -> float | None:
    """Return the seconds of ``functionTimeout``, or None (no limit) for ``-1``."""
    if text(value).strip() == "-1":
        return None
    span = None if is_nested(value) else parse_time_span(text(value).strip())
    if span is None:
        raise InvalidValueError(
            'must be a time span like "00:10:00" (hh:mm:ss), or "-1" for no limit',
            "System.TimeSpan",
        )
    if span < timedelta(seconds=1):
        raise InvalidValueError(
            "must be at least one second",
            message="FunctionTimeout must be greater than 00:00:01 and less than "
            "10675199.02:48:05.4775807.",
        )
    return span.total_seconds()


def integer(value: object) -> int:
    """Return an integer of 32 bits."""
    number = _int32(value)
    if number is None:
        raise InvalidValueError("must be an integer", "System.Int32")
    return number


def positive(value: object) -> int:
    """Return an integer above 0."""
    number = _int32(value)
    if number is None or number < 1:
        raise InvalidValueError("must be an integer above 0", _wrong_type(number))
    return number


def not_negative(value: object) -> int:
    """Return an integer, 0 or above."""
    number = _int32(value)
    if number is None or number < 0:
        raise InvalidValueError("must be an integer, 0 or above", _wrong_type(number))
    return number


def positive_or_none(value: object) -> int | None:
    """Return an integer above 0, or None (no limit) for ``-1``."""
    number = _int32(value)
    if number == -1:
        return None
    if number is None or number < 1:
        raise InvalidValueError(
            "must be an integer above 0, or -1 for no limit", _wrong_type(number)
        )
    return number


def boolean(value: object) -> bool:
    """Return a boolean."""
    written = text(value).strip().lower()
    if written not in ("true", "false"):
        raise InvalidValueError("must be true or false", "System.Boolean")
    return written == "true"


def time_span(value: object) -> timedelta:
    """Return a time span."""
    span = None if is_nested(value) else parse_time_span(text(value).strip())
    if span is None:
        raise InvalidValueError('must be a time span like "00:10:00" (hh:mm:ss)', "System.TimeSpan")
    return span


def version(value: object) -> str:
    """Return the version of an orchestration. A number is read as .NET writes it."""
    if is_nested(value):
        raise InvalidValueError('must be a string like "1.0"')
    return text(value)


def choice(*names: str) -> Callable[[object], str]:
    """Return the function that reads one of ``names`` in any case.

    ``names`` have the order of their numbers in .NET, which the Azure Functions host accepts too.
    """

    def read(value: object) -> str:
        written = text(value).strip().lower()
        for number, name in enumerate(names):
            if written in (name.lower(), str(number)):
                return name
        raise InvalidValueError(f"must be {' or '.join(reversed(names))}")

    return read


def dotted(json_path: JsonPath) -> str:
    """Return a path as messages show it."""
    return ".".join(map(str, json_path))


def shown(value: object) -> str:
    """Return a value as messages show it."""
    if isinstance(value, dict):
        return "an object"
    if isinstance(value, list):
        return "a list"
    if value is None or isinstance(value, bool):
        return {None: "null", True: "true", False: "false"}[value]
    return f"'{value}'" if isinstance(value, str) else str(value)


def _int32(value: object) -> int | None:
    """Return an integer of 32 bits, or None if the value is not one."""
    written = text(value).strip()
    if is_nested(value) or not re.fullmatch(r"[+-]?\d{1,10}", written, re.ASCII):
        return None
    return int(written) if -(2**31) <= int(written) < 2**31 else None


def _wrong_type(number: int | None) -> str:
    """Return the .NET type ``System.Int32`` if the value is not an integer of 32 bits."""
    return "System.Int32" if number is None else ""
