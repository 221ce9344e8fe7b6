"""Parse and match ASP.NET Core route templates. Routes of HTTP functions have this syntax.

Sources: functions-host.md#http-routing and
https://learn.microsoft.com/aspnet/core/fundamentals/routing#route-templates, compared with
``Microsoft.AspNetCore.Routing``. ``route_constraint`` has the constraints.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Literal
from urllib.parse import unquote_to_bytes

from embedded_host.app.route_constraint import Check, RouteConstraintError, parse_constraint
from embedded_host.errors import EmbeddedHostError


class RouteTemplateError(EmbeddedHostError, ValueError):
    """An invalid template. ``message`` has the reason. ``column`` counts from 1."""

    def __init__(self, message: str, column: int) -> None:
        super().__init__(message)
        self.message = message
        self.column = column


@dataclass(frozen=True)
class Parameter:
    """A parameter: ``{name:constraint:constraint=default}``, ``{name?}`` or ``{*name}``."""

    name: str
    kind: Literal["required", "optional", "catch-all"] = "required"
    default: str | None = None
    constraints: tuple[str, ...] = ()


Segment = tuple["str | Parameter", ...]
"""Alternating literals and parameters. Most segments are a single literal or parameter."""


class RouteTemplate:
    """A compiled template. It does not include the methods of the route."""

    def __init__(
        self, template: str, segments: Sequence[Segment], checks: dict[str, tuple[Check, ...]]
    ) -> None:
        self.template = template
        self.segments = tuple(segments)
        self.parameters = tuple(
            part for segment in segments for part in segment if isinstance(part, Parameter)
        )
        self._complex: list[tuple[str, Segment]] = []
        self._names: list[str] = []
        self._pattern = re.compile(self._regex(segments), re.IGNORECASE | re.DOTALL)
        self._defaults = [(p.name, p.default) for p in self.parameters if p.default is not None]
        self._checks = [
            # A parameter may be unset if it is optional or its only constraint is ``nonfile``.
            (
                p.name,
                p.kind == "optional" or all(c.lower() == "nonfile" for c in p.constraints),
                checks[p.name],
            )
            for p in self.parameters
            if checks[p.name]
        ]

    @classmethod
    def parse(cls, template: str) -> RouteTemplate:
        """Compile a template. A leading ``/`` or ``~/`` is ignored. Raises RouteTemplateError."""
        segments = _segments(template)
        checks: dict[str, tuple[Check, ...]] = {}
        for part in (part for segment in segments for part in segment):
            if isinstance(part, Parameter):
                offset = template.find(part.name)
                checks[part.name] = tuple(
                    _check(c, max(template.find(c, offset), offset) + 1) for c in part.constraints
                )
        return cls(template, segments, checks)

    def match(self, path: str) -> dict[str, str] | None:
        """Return the parameters of a path, or None if it does not match.

        ``path`` is percent-encoded and has no leading slash. In values, ``%2F`` remains encoded.
        The value of a catch-all keeps a trailing slash. An unset optional parameter has no entry
        (functions-host.md#http-routing and #http-requests).
        """
        found = self._pattern.fullmatch(percent_decoded(path) if "%" in path else path)
        if found is None:
            return None
        values = {
            name: text
            for name, text in zip(self._names, found.groups(), strict=True)
            if text is not None
        }
        for group, segment in self._complex:
            parts = _match_complex(segment, values.pop(group))
            if parts is None:
                return None
            values.update(parts)
        for name, default in self._defaults:
            values.setdefault(name, default)
        for name, may_be_unset, checks in self._checks:
            value = values.get(name)
            if value is None:
                if not may_be_unset:
                    return None
            elif not all(check(value) for check in checks):
                return None
        return values

    def _regex(self, segments: Sequence[Segment]) -> str:
        """Return a pattern. Each parameter and each segment of several parts is one group."""
        pattern, open_groups = "", 0
        for index, segment in enumerate(segments):
            slash = "/" if index else ""
            if all(may_be_absent(later) for later in segments[index:]):
                pattern += "(?:"
                open_groups += 1
            part = segment[0]
            if len(segment) > 1:
                group = f"/{index}"  # no parameter's name has a slash
                self._complex.append((group, segment))
                self._names.append(group)
                pattern += f"{slash}([^/]+)"
            elif isinstance(part, Parameter):
                self._names.append(part.name)
                pattern += slash + ("([^/].*)" if part.kind == "catch-all" else "([^/]+)")
            else:
                pattern += slash + re.escape(part)
        return pattern + ")?" * open_groups + "(?:(?<=[^/])/)?"


def route_error(name: str, template: str, reason: str) -> str:
    """Return the message of the Azure Functions host about the invalid route of a function.

    ``reason`` is the message of a RouteTemplateError, and follows in parentheses.
    """
    return (
        f"An error occurred while creating the route with name '{name}' and template "
        f"'{template}' ({reason})."
    )


def function_route(prefix: str, route: str | None, name: str) -> str:
    """Return the template of a function: the prefix, then the route or, without a route, the name.

    Source: functions-host.md#http-routing.
    """
    route = route if route and route.strip() else name
    return f"{prefix}/{route}" if prefix else route


_ESCAPES = re.compile(r"(?:%(?!2[fF])[0-9a-fA-F]{2})+")


def percent_decoded(path: str) -> str:
    """Percent-decode a path as UTF-8. As in Kestrel, ``%2F`` and invalid bytes remain encoded."""
    return _ESCAPES.sub(_decoded_escapes, path)


def _decoded_escapes(escapes: re.Match[str]) -> str:
    text = unquote_to_bytes(escapes[0]).decode("utf-8", "surrogateescape")
    return re.sub("[\udc80-\udcff]", lambda lone: f"%{ord(lone[0]) - 0xDC00:02X}", text)


def may_be_absent(segment: Segment) -> bool:
    """Return True if a path matches without this segment, if it is the last one."""
    part = segment[0]
    if len(segment) > 1 or isinstance(part, str):
        return False
    return part.kind != "required" or part.default is not None


def _match_complex(segment: Segment, text: str) -> dict[str, str] | None:
    """Match a segment of several parts from right to left.

    Each literal matches at its last occurrence, without backtracking, as in ASP.NET Core.
    """
    last = segment[-1]
    whole = _match_parts(segment, text)
    if whole is not None or isinstance(last, str) or last.kind != "optional" or text.endswith("."):
        return whole
    return _match_parts(segment[:-2], text)


def _match_parts(parts: Segment, text: str) -> dict[str, str] | None:
    values: dict[str, str] = {}
    folded = text.lower() if len(text.lower()) == len(text) else text
    end = len(text)
    waiting: Parameter | None = None
    for part in reversed(parts):
        if isinstance(part, Parameter):
            waiting = part
            continue
        at = folded.rfind(part.lower(), 0, end - 1 if waiting else end)
        after = at + len(part)
        if at < 0 or (waiting is None and after != end):
            return None
        if waiting:
            if after == end:
                return None
            values[waiting.name] = text[after:end]
            waiting = None
        end = at
    if waiting:
        if end == 0:
            return None
        values[waiting.name] = text[:end]
        end = 0
    return values if end == 0 else None


def _segments(template: str) -> list[Segment]:
    """Split a template into segments. Raises RouteTemplateError."""
    at = 2 if template.startswith("~/") else 1 if template.startswith("/") else 0
    if template.startswith("~") and not at:
        raise RouteTemplateError("a route cannot start with '~'", 1)
    segments: list[Segment] = []
    parts: list[str | Parameter] = []
    begin = at
    names: set[str] = set()
    while at < len(template):
        if template[at] == "/":
            if not parts:
                raise RouteTemplateError("a segment is empty: two '/' in a row", at + 1)
            segments.append(_segment(parts, begin))
            parts, at, begin = [], at + 1, at + 1
        elif template[at] == "{" and template[at + 1 : at + 2] != "{":
            end = _end_of_parameter(template, at)
            parameter = _parameter(
                template[at + 1 : end - 1].replace("}}", "}").replace("{{", "{"), at + 1
            )
            if parameter.name.lower() in names:
                raise RouteTemplateError(f"the parameter '{parameter.name}' occurs twice", at + 1)
            if parameter.kind == "catch-all" and end < len(template):
                raise RouteTemplateError(
                    f"nothing can follow the catch-all '{{*{parameter.name}}}'", end + 1
                )
            names.add(parameter.name.lower())
            parts.append(parameter)
            at = end
        else:
            end = _end_of_literal(template, at)
            parts.append(template[at:end].replace("}}", "}").replace("{{", "{"))
            at = end
    if parts:
        segments.append(_segment(parts, begin))
    return segments


def _segment(parts: list[str | Parameter], begin: int) -> Segment:
    for before, part in pairwise(parts):
        if isinstance(part, Parameter) and part.kind == "catch-all":
            raise RouteTemplateError(f"'{{*{part.name}}}' must be a segment of its own", begin + 1)
        if isinstance(before, Parameter) and isinstance(part, Parameter):
            raise RouteTemplateError(
                f"'{{{before.name}}}{{{part.name}}}' needs a character between the two", begin + 1
            )
        if isinstance(before, Parameter) and before.kind == "optional":
            raise RouteTemplateError(
                f"the optional '{{{before.name}?}}' must end its segment", begin + 1
            )
        if isinstance(part, Parameter) and part.kind == "optional" and before != ".":
            raise RouteTemplateError(
                f"only '.' is valid before the optional '{{{part.name}?}}'", begin + 1
            )
    return tuple(parts)


def _end_of_parameter(template: str, at: int) -> int:
    """Return the index after the closing brace. Doubled braces are literals."""
    end = at + 1
    while end < len(template):
        char = template[end]
        doubled = template[end : end + 2] == char * 2
        if char == "}" and not doubled:
            return end + 1
        if char == "{" and not doubled:
            raise RouteTemplateError("a '{' inside a parameter must be doubled: '{{'", end + 1)
        end += 2 if char in "{}" else 1
    raise RouteTemplateError("the '{' has no '}'", at + 1)


_LITERAL = re.compile(r"(?:\{\{|\}\}|[^{}/?])*")


def _end_of_literal(template: str, at: int) -> int:
    found = _LITERAL.match(template, at)
    end = found.end() if found else at
    if template.startswith("}", end):
        raise RouteTemplateError("the '}' has no '{'", end + 1)
    if template.startswith("?", end):
        raise RouteTemplateError(
            "a '?' is valid only at the end of a parameter: '{name?}'", end + 1
        )
    return end


def _parameter(text: str, column: int) -> Parameter:
    """Parse the string between the braces of a parameter. It contains no doubled braces."""
    stars = 2 if text.startswith("**") else 1 if text.startswith("*") else 0
    optional = text.endswith("?")
    if optional and stars:
        raise RouteTemplateError(
            "a catch-all cannot be optional, because it also matches an empty path", column
        )
    inner = text[stars : len(text) - optional]
    cut = next((i for i, char in enumerate(inner) if i and char in ":="), len(inner))
    name, rest = inner[:cut], inner[cut:]
    constraints: list[str] = []
    at = 0
    while rest.startswith(":", at):
        begin = at = at + 1
        while at < len(rest) and rest[at] not in ":=(":
            at += 1
        if rest.startswith("(", at):
            at = _end_of_arguments(rest, at + 1)
        if at > begin:
            constraints.append(rest[begin:at])
    default = rest[at + 1 :] if rest.startswith("=", at) else None
    if not name or re.search(r"[/{}?*]", name):
        raise RouteTemplateError(f"'{name}' is not a valid name of a parameter", column)
    if optional and default is not None:
        raise RouteTemplateError(f"'{name}' cannot both be optional and have a default", column)
    kind: Literal["required", "optional", "catch-all"] = (
        "catch-all" if stars else "optional" if optional else "required"
    )
    return Parameter(name, kind, default, tuple(constraints))


def _end_of_arguments(text: str, at: int) -> int:
    """Return the index after the arguments of a constraint.

    The arguments end at a ``)`` that is the last character or is followed by ``:`` or ``=``. After
    a ``:`` or ``=`` in the arguments, the next ``)`` is ignored.
    """
    while at < len(text):
        if text[at] == ")" and text[at + 1 : at + 2] in ("", ":", "="):
            return at + 1
        if text[at] in ":=":
            closing = text.find(")", at + 1)
            if closing < 0:
                return at
            at = closing
        at += 1
    return at


def _check(constraint: str, column: int) -> Check:
    """Return the check of a constraint. Raises RouteTemplateError."""
    try:
        return parse_constraint(constraint)
    except RouteConstraintError as error:
        raise RouteTemplateError(str(error), column) from None
