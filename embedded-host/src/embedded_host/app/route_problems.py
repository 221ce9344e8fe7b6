"""Routes that conflict with each other or with the host, and routes that receive no requests.

The host compares a request with the routes in the order of the functions' names, without precedence
of literals (functions-host.md#http-routing). The rules for functions in error are those of
``ScriptHost.ValidateFunction``: the texts of two routes are compared, and their methods are
compared with regard to case.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from urllib.parse import quote

from embedded_host.app.definitions import Binding, Function, Problem
from embedded_host.app.route_template import (
    Parameter,
    RouteTemplate,
    RouteTemplateError,
    function_route,
    may_be_absent,
)

CODE = "EH106"
_SAMPLES = (
    "~",
    "7",
    "true",
    "a",
    "0f8fad5b-d9cb-469f-a165-70867728950e",
    "2020-01-31",
    "a.b",
    *("a" * length for length in range(2, 33)),
    *("7" * length for length in range(2, 11)),
)
"""Values of parameters. The first one satisfies only parameters without a constraint."""


def is_reserved(trigger: Binding, name: str) -> bool:
    """Return True if a route begins with a path of the host."""
    return route_text(trigger, name).startswith(("admin", "runtime"))


def route_text(trigger: Binding, name: str) -> str:
    """Return the text of a function's route, as the Azure Functions host compares it."""
    route = trigger.route
    return (route if route and route.strip() else name).strip("/").lower()


def in_name_order(functions: Iterable[Function]) -> list[Function]:
    """Return functions in the order of their names, as on the Azure Functions host.

    .NET compares names in upper case, so ``_`` follows the letters.
    """
    return sorted(functions, key=lambda function: function.name.upper())


def route_problems(
    functions: Iterable[Function], prefix: str, locations: Mapping[str, str] | None = None
) -> tuple[Problem, ...]:
    """Return a problem for each HTTP function whose route is in conflict or hidden.

    A problem with a ``function`` disables this function. ``locations`` has the locations of the
    routes of v1 functions.
    """
    found: list[Problem] = []
    valid: list[Function] = []
    for function in in_name_order(functions):
        if function.trigger.type.lower() != "httptrigger":
            continue
        location = _location(function, locations or {})
        if is_reserved(function.trigger, function.name):
            found.append(
                _in_error(
                    function,
                    location,
                    "The specified route conflicts with one or more built in routes.",
                    "Change the route: 'admin' and 'runtime' are reserved for the host.",
                )
            )
            continue
        other = next((other for other in valid if _conflict(function, other)), None)
        if other is not None:
            found.append(
                _in_error(
                    function,
                    location,
                    f"The route specified conflicts with the route defined by function "
                    f"'{other.name}'.",
                    "Change the route or the methods of one of the two functions.",
                )
            )
            continue
        valid.append(function)
    return (*found, *_hidden(valid, prefix, locations or {}))


def _in_error(function: Function, location: str, words: str, fix: str) -> Problem:
    return Problem(
        location,
        words,
        fix,
        function=function.name,
        code=CODE,
        on_azure=words,
    )


def _conflict(function: Function, other: Function) -> bool:
    if route_text(function.trigger, function.name) != route_text(other.trigger, other.name):
        return False
    methods, others = _method_texts(function.trigger), _method_texts(other.trigger)
    return not methods or not others or bool(methods & others)


def _method_texts(trigger: Binding) -> frozenset[str]:
    """Return the methods as they are written. The empty set means all methods."""
    methods = next((v for k, v in trigger.properties.items() if k.lower() == "methods"), None)
    return frozenset(map(str, methods)) if isinstance(methods, list | tuple) else frozenset()


@dataclass(frozen=True)
class _Route:
    """A route with its methods in upper case. None means all methods."""

    function: Function
    template: RouteTemplate
    methods: frozenset[str] | None

    def hides(self, other: _Route) -> bool:
        """Return True if this route receives each request that ``other`` matches."""
        if self.methods is not None and (other.methods is None or other.methods - self.methods):
            return False
        samples = list(_sample_paths(other.template))
        return bool(samples) and all(self.template.match(path) is not None for path in samples)


def _hidden(
    functions: Iterable[Function], prefix: str, locations: Mapping[str, str]
) -> Iterator[Problem]:
    """Yield a warning for each function whose requests an earlier function receives."""
    earlier: list[_Route] = []
    for function in functions:
        try:
            template = RouteTemplate.parse(
                function_route(prefix, function.trigger.route, function.name)
            )
        except RouteTemplateError:
            continue
        methods = function.trigger.methods
        route = _Route(function, template, None if methods is None else frozenset(methods))
        other = next((other for other in earlier if other.hides(route)), None)
        if other is not None:
            name, first = function.name, other.function.name
            yield Problem(
                _location(function, locations),
                f"'{name}' receives no request: the route '{other.template.template}' of "
                f"'{first}' matches each path of its route '{template.template}', and '{first}' is "
                "first in the order of names. Text has no precedence over parameters.",
                f"Change one of the routes, or rename a function so that '{name}' is first.",
                code=CODE,
            )
        earlier.append(route)


def _sample_paths(template: RouteTemplate) -> Iterator[str]:
    """Yield a path with a value for each parameter, and a path without the last segments.

    The second path exists only if these segments may be absent. If no value satisfies a constraint,
    nothing is yielded.
    """
    segments = template.segments
    required = next(
        (index for index in range(len(segments), 0, -1) if not may_be_absent(segments[index - 1])),
        0,
    )
    for end in dict.fromkeys((len(segments), required)):
        for sample in _SAMPLES:
            path = "/".join(_sample_segment(segment, sample) for segment in segments[:end])
            if template.match(path) is not None:
                yield path
                break


def _sample_segment(segment: Sequence[str | Parameter], sample: str) -> str:
    return "".join(sample if isinstance(p, Parameter) else quote(p, safe="") for p in segment)


def _location(function: Function, locations: Mapping[str, str]) -> str:
    if function.code_file:
        return f"{function.code_file}:{function.line}"
    return locations.get(function.name, f"{function.name}/function.json")
