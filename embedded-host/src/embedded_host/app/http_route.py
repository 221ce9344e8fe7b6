"""HTTP routes, and the table that finds the route of a request."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from embedded_host.app.definitions import Function
from embedded_host.app.route_template import RouteTemplate, function_route


@dataclass(frozen=True)
class HttpRoute:
    """The path and methods of one HTTP function."""

    function: Function
    template: RouteTemplate
    text: str
    """The template, including the prefix, for messages."""
    methods: frozenset[str] | None
    """Methods in upper case, or None for all methods."""
    takes_client: bool
    """True if the function has a durable client binding."""

    @classmethod
    def of(cls, function: Function, prefix: str) -> HttpRoute:
        """Return the route of an HTTP function. Raises RouteTemplateError."""
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
    """The routes of an app, ordered by function name without regard to case.

    The first route that matches the path and the method receives the request
    (functions-host.md#http-routing).
    """

    def __init__(self, routes: Iterable[HttpRoute] = ()) -> None:
        # .NET compares names in upper case, so "_" follows the letters.
        self._routes = sorted(routes, key=lambda route: route.function.name.upper())

    def match(self, method: str, path: str) -> tuple[HttpRoute, dict[str, str]] | None:
        """Return the route of a request and its parameters, or None."""
        for route in self._routes:
            if route.methods is not None and method not in route.methods:
                continue
            values = route.template.match(path)
            if values is not None:
                return route, values
        return None

    def __iter__(self) -> Iterator[HttpRoute]:
        return iter(self._routes)
