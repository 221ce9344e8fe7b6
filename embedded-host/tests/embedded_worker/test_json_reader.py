from __future__ import annotations

import math
from datetime import datetime

import pytest

from embedded_worker.json_reader import (
    MAX_DEPTH,
    Comment,
    Date,
    JsonTextError,
    Undefined,
    read_json,
)


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("", None),
        (" \t\r\n\u2003", None),
        ("/* only */ // comments", None),
        ("null", None),
        ("true", True),
        (" false ", False),
        ("12", 12),
        ("-0", 0),
        ("-05", -5),
        ("010", 8),
        ("0x1F", 31),
        ("0xFFFFFFFFFFFFFFFF", -1),
        ("123456789012345678901234567890", 123456789012345678901234567890),
        ("1.50", 1.5),
        (".5", 0.5),
        ("1e3", 1000.0),
        ("Infinity", math.inf),
        ("-Infinity", -math.inf),
        ('"q"', "q"),
        ("'it\\'s \"x\"'", 'it\'s "x"'),
        ('"a\nb\\n\\/\\u00e9"', "a\nb\n/é"),
        (r'"\ud83d\ude00 \ud83d"', "😀 \ufffd"),
        ("[1,]", [1]),
        ("[]", []),
        ("{'a': 1, b_$1: [2],}", {"a": 1, "b_$1": [2]}),
        ("/*x*/{a: /*y*/ 1 //z\n}", {"a": 1}),
        ("{} // end", {}),
        ('[1, /*c*/ {"a": [2 //d\n]}]', [1, Comment("c"), {"a": [2, Comment("d")]}]),
        ('{"a": [1 /*c*/]}', {"a": [1]}),
        ("[true/**/, null//\n]", [True, Comment(""), None, Comment("")]),
        ('{"$type": "x", "$id": "1", "a": 1, "$id": "2"}', {"a": 1, "$id": "2"}),
        ('{"a": 1, "$type": "x"}', {"a": 1, "$type": "x"}),
        ('{"$ref": "#/x"}', None),
        ('[{"$type": "x"}]', [{"$type": "x"}]),
    ],
)
def test_the_reader_accepts_more_than_json(text: str, value: object) -> None:
    read = read_json(text)
    assert (read, type(read)) == (value, type(value))


@pytest.mark.parametrize(
    "text",
    [
        "plain",
        "true story",
        "nothing",
        "12 apples",
        "2024-01-01",
        "2024-01-01T00:00:00",
        "1-2",
        "+1",
        "08",
        "0x",
        "-",
        "1e",
        "/",
        "/* open",
        '"open',
        "'open\"",
        r'"\x"',
        r'"\u12"',
        "{",
        "{bad",
        "{,}",
        "{a}",
        "{a 1}",
        '{"a" /*c*/ : 1}',
        '{"a": }',
        "[1 2]",
        "[1}",
        "]",
        ",",
        "[1] x",
        "{} {}",
        "new Date(1)",
        "\ufeff{}",
        '{"$ref": "x", "a": 1}',
        '{"$ref": 5}',
        "[" * (MAX_DEPTH + 1) + "]" * (MAX_DEPTH + 1),
        "9" * 381,
    ],
)
def test_other_text_is_not_accepted(text: str) -> None:
    with pytest.raises(JsonTextError):
        read_json(text)


def test_arrays_may_be_nested_to_a_limit() -> None:
    assert read_json("[" * MAX_DEPTH + "]" * MAX_DEPTH)


def test_nan_is_a_number() -> None:
    value = read_json("NaN")
    assert isinstance(value, float)
    assert math.isnan(value)


def test_the_last_of_several_members_is_kept_in_its_position() -> None:
    value = read_json('{"a": 1, "b": 2, "a": 3}')
    assert isinstance(value, dict)
    assert list(value.items()) == [("b", 2), ("a", 3)]


@pytest.mark.parametrize("text", ["[,1]", "[undefined,1]"])
def test_an_empty_item_is_undefined(text: str) -> None:
    value = read_json(text)
    assert isinstance(value, list)
    assert isinstance(value[0], Undefined)
    assert value[1:] == [1]


@pytest.mark.parametrize(
    ("text", "date"),
    [
        ("2020-01-02T03:04:05", Date(datetime(2020, 1, 2, 3, 4, 5), "", "")),
        ("2020-01-02T03:04:05.1200Z", Date(datetime(2020, 1, 2, 3, 4, 5), "12", "Z")),
        ("2020-01-02T03:04:05+02:00", Date(datetime(2020, 1, 2, 1, 4, 5), "", "+00:00")),
        ("2020-01-02T03:04:05-0230", Date(datetime(2020, 1, 2, 5, 34, 5), "", "+00:00")),
        ("2020-12-31T24:00:00", Date(datetime(2021, 1, 1), "", "")),
    ],
)
def test_iso_dates_are_dates(text: str, date: Date) -> None:
    assert read_json(f'"{text}"') == date


@pytest.mark.parametrize(
    "text", ["2020-01-02", "2020-01-02 03:04:05", "2020-13-02T03:04:05", "2020-01-02T24:00:01"]
)
def test_other_dates_are_strings(text: str) -> None:
    assert read_json(f'"{text}"') == text
