"""Tests of the conversion of values, as .NET converts them."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta

import pytest

from embedded_host.app.host_json_values import (
    InvalidValueError,
    boolean,
    choice,
    integer,
    not_negative,
    positive,
    positive_or_none,
    text,
    time_span,
    timeout,
    version,
)

STRATEGY = choice("None", "Strict", "CurrentOrOlder")


@pytest.mark.parametrize(
    ("convert", "value", "expected"),
    [
        (integer, "-4", -4),
        (integer, 4.0, 4),
        (positive, " +4 ", 4),
        (not_negative, "0", 0),
        (positive_or_none, -1, None),
        (boolean, " TRUE ", True),
        (boolean, False, False),
        (time_span, "00:00:01.5", timedelta(seconds=1.5)),
        (time_span, 2, timedelta(days=2)),
        (timeout, "-1", None),
        (timeout, 1, 86400.0),
        (version, 1.0, "1"),
        (version, True, "True"),
        (STRATEGY, "strict", "Strict"),
        (STRATEGY, 2, "CurrentOrOlder"),
        (text, None, ""),
    ],
)
def test_values_are_texts_of_a_type(
    convert: Callable[[object], object], value: object, expected: object
) -> None:
    assert convert(value) == expected


@pytest.mark.parametrize(
    ("convert", "value", "on_azure"),
    [
        (integer, "4x", "Failed to convert configuration value at 'AzureFunctionsJobHost:a:b'"),
        (integer, 2**31, "'System.Int32'"),
        (integer, True, "'System.Int32'"),
        (integer, [1], "'System.Int32'"),
        (positive, 0, ""),
        (not_negative, -1, ""),
        (positive_or_none, 0, ""),
        (boolean, 1, "'System.Boolean'"),
        (time_span, "x", "'System.TimeSpan'"),
        (time_span, {}, "'System.TimeSpan'"),
        (timeout, "00:00:00.5", "FunctionTimeout must be greater than 00:00:01"),
        (version, [], ""),
        (STRATEGY, 3, ""),
    ],
)
def test_other_values_are_invalid(
    convert: Callable[[object], object], value: object, on_azure: str
) -> None:
    with pytest.raises(InvalidValueError) as raised:
        convert(value)
    message = raised.value.on_azure(("a", "b"))
    assert (on_azure in message) if on_azure else not message
