"""Conflicts of routes, reserved routes, and routes that receive no requests."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from embedded_host.app.definitions import Binding, Function, Problem
from embedded_host.app.route_problems import in_name_order, route_problems


def function(name: str, **properties: Any) -> Function:
    trigger = Binding("httpTrigger", "req", "in", properties)
    return Function(name, Path(), Path("x.py"), "main", (trigger,))


def problems(prefix: str = "api", **routes: dict[str, Any]) -> tuple[Problem, ...]:
    return route_problems([function(name, **trigger) for name, trigger in routes.items()], prefix)


def test_functions_are_in_the_order_of_their_names_in_upper_case() -> None:
    names = [f.name for f in in_name_order(map(function, ("a_b", "b", "Ab", "ac", "A-b")))]
    assert names == ["A-b", "Ab", "ac", "a_b", "b"]


@pytest.mark.parametrize(
    ("first", "second"),
    [
        ({"route": "x"}, {"route": "X"}),
        ({"route": "x"}, {"route": "/x/"}),
        ({"route": "b"}, {}),
        ({"route": "b"}, {"route": " "}),
        ({"route": "x", "methods": ["get"]}, {"route": "x", "methods": ["put", "get"]}),
        ({"route": "x", "methods": []}, {"route": "x", "methods": ["get"]}),
        ({"route": "x", "methods": ["get"]}, {"route": "x"}),
    ],
)
def test_the_second_function_of_a_route_is_in_error(first: Any, second: Any) -> None:
    (problem,) = problems(A=first, B=second)
    assert problem.function == "B"
    assert "The 'B' function is in error: The route specified conflicts with the route" in str(
        problem
    )
    assert "defined by function 'A'." in str(problem)


@pytest.mark.parametrize(
    ("first", "second"),
    [
        ({"route": "x", "methods": ["get"]}, {"route": "x", "methods": ["put"]}),
        ({"route": "x"}, {"route": "y"}),
        ({"route": "x/{a:int}"}, {"route": "x/{a}"}),
        ({"route": "x/new"}, {"route": "x/{a}"}),
        ({"route": "x/{a}", "methods": ["get"]}, {"route": "x/new"}),
        ({"route": "x/{a}"}, {"route": "x/{b?}"}),
        ({"route": "x/{a:int}"}, {"route": "x/{b:alpha}"}),
        ({"route": "x/{"}, {"route": "x/{"[:1]}),
    ],
)
def test_functions_that_receive_requests_have_no_problem(first: Any, second: Any) -> None:
    assert problems(A=first, B=second) == ()


@pytest.mark.parametrize(
    ("first", "second"),
    [
        ({"route": "items/{id}"}, {"route": "items/new"}),
        ({"route": "items/{id}"}, {"route": "items/{name}"}),
        ({"route": "items/{id}"}, {"route": "items/{id:int}"}),
        ({"route": "items/{id}"}, {"route": "items/{id:length(12)}"}),
        ({"route": "items/{id:int}"}, {"route": "items/{id:range(1,9)}"}),
        ({"route": "{*rest}"}, {"route": "a/{b}/{c?}"}),
        ({"route": "items/{id?}"}, {"route": "items/{name?}"}),
        ({"route": "x/{a}", "methods": ["get", "put"]}, {"route": "x/y", "methods": ["GET"]}),
        ({"route": "x", "methods": ["get"]}, {"route": "x", "methods": ["GET"]}),
    ],
)
def test_a_route_that_an_earlier_route_hides_is_a_warning(first: Any, second: Any) -> None:
    (problem,) = problems(A=first, B=second)
    assert problem.function is None
    assert problem.fault.startswith("'B' receives no request: the route 'api/")
    assert "EH106" in str(problem)


@pytest.mark.parametrize("prefix", ["", "api"])
@pytest.mark.parametrize("route", ["admin/x", "/Administrators", "Runtime"])
def test_a_route_of_the_host_is_an_error(prefix: str, route: str) -> None:
    (problem,) = problems(prefix, A={"route": route})
    assert problem.function == "A"
    assert "The specified route conflicts with one or more built in routes." in str(problem)


def test_a_function_in_error_hides_no_other_function() -> None:
    found = problems(A={"route": "x"}, B={"route": "x"}, C={"route": "X"})
    assert [problem.function for problem in found] == ["B", "C"]
    assert all("function 'A'" in problem.fault for problem in found)


def test_the_location_of_a_v2_function_is_its_definition() -> None:
    second = Function(
        "B",
        Path(),
        Path("x.py"),
        "b",
        (Binding("httpTrigger", "req", "in", {"route": "A"}),),
        code_file="function_app.py",
        line=7,
    )
    (problem,) = route_problems([function("A"), second], "api")
    assert problem.location == "function_app.py:7"
