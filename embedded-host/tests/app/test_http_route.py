from __future__ import annotations

from pathlib import Path

import pytest

from embedded_host.app.definitions import Binding, Function
from embedded_host.app.http_route import HttpRoute, RouteTable
from embedded_host.app.route_template import RouteTemplateError


def route(name: str, prefix: str = "api", client: bool = False, **properties: object) -> HttpRoute:
    bindings = [Binding("httpTrigger", "req", "in", properties)]
    if client:
        bindings.append(Binding("durableClient", "client", "in"))
    return HttpRoute.of(Function(name, Path(), Path("x.py"), "main", tuple(bindings)), prefix)


def test_the_default_route_is_the_function_name() -> None:
    found = route("Hello")
    assert (found.text, found.methods, found.takes_client) == ("api/Hello", None, False)


def test_properties_of_a_trigger_are_not_case_sensitive() -> None:
    found = route("Hello", client=True, Route="orders/{id:int}", METHODS=["get", "Post"])
    assert (found.text, found.methods) == ("api/orders/{id:int}", frozenset({"GET", "POST"}))
    assert found.takes_client


def test_an_invalid_route_raises_an_error() -> None:
    with pytest.raises(RouteTemplateError):
        route("Hello", route="a//b")


def test_the_first_route_by_name_that_matches_path_and_method_is_taken() -> None:
    table = RouteTable(
        [route("b", route="{x}"), route("A", route="{y}", methods=["post"]), route("C", route="c")]
    )
    assert [found.function.name for found in table] == ["A", "b", "C"]

    def taken(method: str, path: str) -> tuple[str, dict[str, str]] | None:
        match = table.match(method, path)
        return match and (match[0].function.name, match[1])

    assert taken("POST", "api/c") == ("A", {"y": "c"})
    assert taken("GET", "api/c") == ("b", {"x": "c"})
    assert taken("GET", "api/c/d") is None
