from __future__ import annotations

import math

import pytest

from embedded_worker.json_reader import read_json
from embedded_worker.json_writer import compact, float_text, indented, text_of


@pytest.mark.parametrize(
    ("text", "written"),
    [
        ('{"a":[1,2]}', '{\n  "a": [\n    1,\n    2\n  ]\n}'),
        ('[1,{"b":null}]', '[\n  1,\n  {\n    "b": null\n  }\n]'),
        ('{"a":{},"b":[]}', '{\n  "a": {},\n  "b": []\n}'),
        ('{"n":NaN,"i":-Infinity}', '{\n  "n": "NaN",\n  "i": "-Infinity"\n}'),
        ("[1.0,1e20,true]", "[\n  1.0,\n  1E+20,\n  true\n]"),
        ("[1,/*c*/2]", "[\n  1\n  /*c*/,\n  2\n]"),
        ("[//c\n1]", "[\n  /*c*/\n  1\n]"),
        ("[,]", "[\n  undefined\n]"),
        (r'["\u001f\u2028\"\\/é"]', '[\n  "\\u001f\\u2028\\"\\\\/é"\n]'),
        ('["2020-01-02T03:04:05.10Z"]', '[\n  "2020-01-02T03:04:05.1Z"\n]'),
        ('["2020-01-02T03:04:05+01:00"]', '[\n  "2020-01-02T02:04:05+00:00"\n]'),
    ],
)
def test_values_are_written_on_indented_lines(text: str, written: str) -> None:
    assert indented(read_json(text)) == written


def test_values_are_written_without_blanks() -> None:
    assert compact(read_json('{"a": [1, {"b": "é"}], "c": null, "d": ,}')) == (
        '{"a":[1,{"b":"é"}],"c":null,"d":null}'
    )


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("null", ""),
        ("undefined", ""),
        ("true", "True"),
        ("12", "12"),
        ("5.0", "5"),
        ('"a"', "a"),
        ('"0999-01-02T03:04:05Z"', "01/02/0999 03:04:05"),
        ("{}", "System.Dynamic.ExpandoObject"),
        ("[1]", "System.Collections.Generic.List`1[System.Object]"),
    ],
)
def test_values_are_shown_as_in_dotnet(text: str, shown: str) -> None:
    assert text_of(read_json(text)) == shown


@pytest.mark.parametrize(
    ("number", "text"),
    [
        (1.5, "1.5"),
        (0.0, "0"),
        (-0.0, "-0"),
        (1e14, "100000000000000"),
        (1e15, "1E+15"),
        (123456789012345.6, "123456789012345.6"),
        (1.25e-5, "1.25E-05"),
        (0.0001, "0.0001"),
        (5e-324, "5E-324"),
        (-1e100, "-1E+100"),
        (math.nan, "NaN"),
        (math.inf, "Infinity"),
    ],
)
def test_numbers_have_the_shortest_text_of_dotnet(number: float, text: str) -> None:
    assert float_text(number) == text
