"""Tests of the constraints of route templates against the routing of the Azure Functions host."""

from __future__ import annotations

import pytest

from embedded_host.app.route_constraint import RouteConstraintError, parse_constraint
from embedded_host.app.route_template import RouteTemplate

CONSTRAINTS: list[tuple[str, list[str], list[str]]] = [
    (
        "int",
        ["0", "-1", "+7", "0" * 5000 + "1", "2147483647", "-2147483648", "%201%20"],
        ["2147483648", "1.0", "x", "1_0", "%D9%A1", "1" * 5000],
    ),
    ("long", ["9223372036854775807", "2147483648"], ["9223372036854775808"]),
    ("bool", ["true", "False", "TRUE"], ["1", "yes"]),
    ("BOOL", ["true"], ["1"]),
    (
        "guid",
        [
            "cd2c1638-1638-72d5-1638-deadbeef1638",
            "CD2C1638163872D51638DEADBEEF1638",
            "%7Bcd2c1638-1638-72d5-1638-deadbeef1638%7D",
            "(cd2c1638-1638-72d5-1638-deadbeef1638)",
        ],
        ["cd2c1638-1638-72d5-1638-deadbeef163", "(cd2c1638-1638-72d5-1638-deadbeef1638"],
    ),
    (
        "datetime",
        [
            "2016-12-31",
            "2016-12-31%207:32pm",
            "2016-12-31T10:00:00.1234567Z",
            "2020-2-29T10:00+01:00",
            "12-31-2016",
        ],
        ["2016-13-31", "2021-02-29", "x", "2016-12-31T25:00:00"],
    ),
    (
        "datetime",
        ["12%20Jan%202020", "Tue,%2015%20Nov%201994%2008:12:31%20GMT", "10:30"],
        ["12%20Foo%202020"],
    ),
    ("decimal", ["49.99", "-1,000.01", ".5", "5.", "5-"], ["1e3", "x", "."]),
    ("double", ["1.234", "-1,001.01e8", "NaN", "-Infinity", "1e400"], ["1.2.3", "e5"]),
    ("float", ["1.234"], ["x"]),
    ("alpha", ["Rick", "a"], ["a1", "%C3%A9"]),
    ("required", ["x"], []),
    ("min(18)", ["18", "19"], ["17", "x"]),
    ("max(120)", ["120", "-5"], ["121"]),
    ("range(18, 120)", ["18", "120"], ["17", "121", "x"]),
    ("length(3)", ["abc"], ["ab", "abcd"]),
    ("length(1,2)", ["a", "ab"], ["abc"]),
    ("minlength(2)", ["ab", "abc"], ["a"]),
    ("maxlength(2)", ["a", "ab"], ["abc"]),
    (r"regex(^\d{{3}}-\d{{2}}$)", ["123-45"], ["1234-56", "12-345"]),
    ("regex(b)", ["aBc"], ["ac"]),
    ("regex(^(a|b)$)", ["a"], ["ab"]),
    ("regex(^a:b$)", ["a:b"], ["a"]),
    ("regex(^(?<x>a)$)", ["a"], ["b"]),
    ("regex(^[(]a[)]$)", ["(a)"], ["a"]),
    ("int:min(1):max(5)", ["1", "5"], ["0", "6", "x"]),
    (":int:", ["1"], ["x"]),
    ("file", ["a.txt", ".env"], ["a", "a."]),
    ("nonfile", ["a", "a."], ["a.txt"]),
]


@pytest.mark.parametrize(
    ("constraint", "value", "fits"),
    [
        (c, value, fits)
        for c, yes, no in CONSTRAINTS
        for fits, values in ((True, yes), (False, no))
        for value in values
    ],
)
def test_a_constraint_accepts_its_values_only(constraint: str, value: str, fits: bool) -> None:
    assert (RouteTemplate.parse(f"v/{{p:{constraint}}}").match(f"v/{value}") is not None) is fits


@pytest.mark.parametrize(
    ("constraint", "text"),
    [
        ("itn", "Did you mean 'min' or 'int'?"),
        ("int(5)", "takes no arguments"),
        ("min(x)", "an integer"),
        ("range(9,1)", "no value matches"),
        ("regex(()", "regular expression"),
        ("regex", "needs an expression"),
    ],
)
def test_an_invalid_constraint_is_an_error(constraint: str, text: str) -> None:
    with pytest.raises(RouteConstraintError) as raised:
        parse_constraint(constraint)
    assert text in str(raised.value)
