"""Tests of route templates against the routing of the Azure Functions host.

Sources: functions-host.md#http-routing and #http-requests.
"""

from __future__ import annotations

import pytest

from embedded_host.app.route_template import RouteTemplate, RouteTemplateError, function_route

MATCHES: list[tuple[str, str, dict[str, str] | None]] = [
    # recorded: literals, prefix, trailing slash
    ("api/str", "api/str", {}),
    ("api/str", "API/STR", {}),
    ("api/str", "api/str/", {}),
    ("api/str", "api/str//", None),
    ("api/str", "api//str", None),
    ("api/str", "api", None),
    ("api/str", "api/str/more", None),
    ("api/str", "xapi/str", None),
    ("a.c", "abc", None),
    ("grüße", "GR%C3%BC%C3%9Fe", {}),
    ("a{{b}}c", "a{b}c", {}),
    ("/lead", "lead", {}),
    ("~/lead", "lead", {}),
    # parameters
    ("opt/{a}/{b?}", "opt/1/2", {"a": "1", "b": "2"}),
    ("opt/{a}/{b?}", "opt/1", {"a": "1"}),
    ("opt/{a}/{b?}", "opt/1/", {"a": "1"}),
    ("opt/{a}/{b?}", "opt/", None),
    ("opt/{a}/{b?}", "opt/1//", None),
    ("opt/{a}/{b?}", "opt/1/2/3", None),
    ("{Name}", "Value", {"Name": "Value"}),
    ("{a?}", "", {}),
    ("{a?}", "/", None),
    ("{a?}/{b}", "x", None),
    ("{a?}/{b}", "x/y", {"a": "x", "b": "y"}),
    ("{a?}/{b?}/{c?}", "x/y", {"a": "x", "b": "y"}),
    # defaults
    ("p/{a=one}", "p", {"a": "one"}),
    ("p/{a=one}", "p/two", {"a": "two"}),
    ("p/{a=}", "p", {"a": ""}),
    ("p/{a:int=5}", "p", {"a": "5"}),
    ("p/{a:int=x}", "p", None),
    ("p/{a:int=5}", "p/x", None),
    ("p/{a=x:int}", "p", {"a": "x:int"}),
    ("p/{a=1}/{b=2}", "p/x", {"a": "x", "b": "2"}),
    ("p/{*a=all}", "p", {"a": "all"}),
    # catch-all
    ("echo/{*rest}", "echo", {}),
    ("echo/{*rest}", "echo/", {}),
    ("echo/{*rest}", "echo/a/b%20c", {"rest": "a/b c"}),
    ("echo/{*rest}", "echo/a/b/", {"rest": "a/b/"}),
    ("echo/{*rest}", "echo/a//b", {"rest": "a//b"}),
    ("echo/{*rest}", "echo//b", None),
    ("echo/{**rest}", "echo/a/b", {"rest": "a/b"}),
    ("{*rest}", "", {}),
    ("{*rest}", "x", {"rest": "x"}),
    ("{*n:int}", "", None),
    ("{*n:nonfile}", "", {}),
    # decoding
    ("{a}", "x%2Fy%2fz", {"a": "x%2Fy%2fz"}),
    ("{a}", "%C3%A9+%25", {"a": "é+%"}),
    ("{a}", "%252F", {"a": "%2F"}),
    ("{a}", "%ff%zz%4", {"a": "%FF%zz%4"}),
    ("{a}", "%C3%A9%ff", {"a": "é%FF"}),
    ("{a}", "line%0Abreak", {"a": "line\nbreak"}),
    # complex segments
    ("f/{name}.{ext?}", "f/a.b.txt", {"name": "a.b", "ext": "txt"}),
    ("f/{name}.{ext?}", "f/a", {"name": "a"}),
    ("f/{name}.{ext?}", "f/a.", None),
    ("f/{name}.{ext?}", "f", None),
    ("file-{name}.{ext?}", "FILE-a.txt", {"name": "a", "ext": "txt"}),
    ("file-{name}.{ext?}", "file-a", {"name": "a"}),
    ("file-{name}.{ext?}", "file-.txt", {"name": ".txt"}),
    ("{a}-{b}-{c}", "1-2-3-4", {"a": "1-2", "b": "3", "c": "4"}),
    ("{a}-{b}", "-x", None),
    ("{a}-{b}", "x-", None),
    ("{a}-{b}", "--x", {"a": "-", "b": "x"}),
    (
        "x{a}-{b}",
        "xx1-2",
        None,
    ),  # from the right and without a second try, so 'x' is found at its last place
    ("x{a}", "x1", {"a": "1"}),
    ("{a}x", "1x", {"a": "1"}),
    ("{a}x", "1xy", None),
    ("{id:int}.json", "7.json", {"id": "7"}),
    ("{id:int}.json", "x.json", None),
]


@pytest.mark.parametrize(("template", "path", "values"), MATCHES)
def test_a_path_matches_its_template(
    template: str, path: str, values: dict[str, str] | None
) -> None:
    assert RouteTemplate.parse(template).match(path) == values


def test_an_optional_parameter_is_checked_only_when_set() -> None:
    route = RouteTemplate.parse("v/{n:int?}")
    assert route.match("v") == {}
    assert route.match("v/x") is None


ERRORS = [
    ("a//b", 3, "two '/'"),
    ("//b", 2, "two '/'"),
    ("~a", 1, "'~'"),
    ("a/{b", 3, "no '}'"),
    ("a/{b}}", 3, "no '}'"),
    ("a/b}", 4, "no '{'"),
    ("a/{b{c}", 5, "doubled"),
    ("a?/b", 2, "'?'"),
    ("{}", 1, "not a valid name"),
    ("{a*b}", 1, "not a valid name"),
    ("{a}/{A}", 5, "twice"),
    ("{*a}/b", 5, "catch-all"),
    ("x{*a}", 1, "of its own"),
    ("{*a?}", 1, "optional"),
    ("{a=1?}", 1, "default"),
    ("{a}{b}", 1, "between the two"),
    ("{a}-{b?}", 1, "'.'"),
    ("{a?}.x", 1, "must end"),
    ("x/{**a:itn}", 8, "constraint 'itn' does not exist"),
    ("{id:itn}", 5, "Did you mean 'min' or 'int'?"),
    ("x/{id:nothing}", 7, "Constraints: int, long, bool"),
    ("{id:int(5)}", 5, "takes no arguments"),
    ("{id:int()}", 5, "takes no arguments"),
    ("{id:int(}", 5, "does not exist"),
    ("{id:min}", 5, "an integer"),
    ("{id:min(x)}", 5, "an integer"),
    ("{id:length(1,2,3)}", 5, "or two integers"),
    ("{id:range(9,1)}", 5, "range"),
    ("{id:length(9,1)}", 5, "length"),
    ("{id:minlength(-1)}", 5, "length"),
    ("{id:regex(()}", 5, "regular expression"),
    ("{id:regex(" + "(x" * 3000 + ")" * 3000 + ")}", 5, "regular expression"),
    ("{id:regex}", 5, "needs an expression"),
]


@pytest.mark.parametrize(("template", "column", "text"), ERRORS)
def test_an_error_names_the_fault_and_its_position(template: str, column: int, text: str) -> None:
    with pytest.raises(RouteTemplateError) as raised:
        RouteTemplate.parse(template)
    assert text in raised.value.message
    assert raised.value.column == column


@pytest.mark.parametrize(
    ("prefix", "route", "whole"),
    [
        ("api", "x/{y}", "api/x/{y}"),
        ("", "x", "x"),
        ("api", None, "api/Hello"),
        ("api", " ", "api/Hello"),
    ],
)
def test_the_template_of_a_function_starts_with_the_prefix(
    prefix: str, route: str | None, whole: str
) -> None:
    assert function_route(prefix, route, "Hello") == whole


def test_a_template_lists_its_parameters() -> None:
    parameters = RouteTemplate.parse("a/{b:int:min(1)}/{c=d}/{*e}").parameters
    assert [(p.name, p.kind, p.default, p.constraints) for p in parameters] == [
        ("b", "required", None, ("int", "min(1)")),
        ("c", "required", "d", ()),
        ("e", "catch-all", None, ()),
    ]


def test_a_long_path_is_matched_without_backtracking() -> None:
    route = RouteTemplate.parse("{a?}/{b?}/{c?}/{d?}/{*rest}")
    assert route.match("x/" * 50_000) is not None
    assert RouteTemplate.parse("{a?}/{b?}/{c?}").match("x/" * 50_000) is None
    assert RouteTemplate.parse("{a:decimal}").match("1" * 50_000 + "x") is None
