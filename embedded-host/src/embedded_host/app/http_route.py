"""HTTP routes: the path, methods and function of an httpTrigger, and the table that matches a request to one of them."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from embedded_host.app.definitions import Function
from embedded_host.app.route_template import RouteTemplate, function_route


@dataclass(frozen=True)
class HttpRoute:
    function: Function
    template: RouteTemplate
    text: str
    """The template with its prefix, as it is printed."""
    methods: frozenset[str] | None
    """Upper case; None for all."""
    takes_client: bool

    @classmethod
    def of(cls, function: Function, prefix: str) -> HttpRoute:
        """Raises RouteTemplateError."""
        methods = function.trigger.methods
        text = function_route(prefix, function.trigger.route, function.name)
        return cls(
            function=function,
            template=RouteTemplate.parse(text),
            text=text.removeprefix("~").strip("/"),
            methods=None if methods is None else frozenset(methods),
            takes_client=function.takes_client,
        )


class RouteTable:
    """Tried in order of function name, without regard to case: the first whose route and method fit (functions-host.md#http-routing)."""

    def __init__(self, routes: Iterable[HttpRoute] = ()) -> None:
        self._routes = sorted(routes, key=lambda r: r.function.name.lower())

    def match(self, method: str, path: str) -> tuple[HttpRoute, dict[str, str]] | None:
        for route in self._routes:
            if route.methods is not None and method not in route.methods:
                continue
            values = route.template.match(path)
            if values is not None:
                return route, values
        return None

    def __iter__(self) -> Iterator[HttpRoute]:
        return iter(self._routes)
