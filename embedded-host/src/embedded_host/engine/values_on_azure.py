"""Results that the Azure Functions host changes when it reads them with Newtonsoft.Json.

That host parses the result of an activity, and the output and the custom status of an orchestrator
of SDK 1.x (``JsonConvert.DeserializeObject``, ``JToken.ToObject``). Most values do not change. The
parser reads the inputs of functions as strings, so they do not change either.

Sources: functions-host.md#encoding-per-hop, and ``JsonSerializerInternalReader.cs`` of
Newtonsoft.Json.
"""

from __future__ import annotations

import json
import re
from typing import NamedTuple, cast

from embedded_host.engine.json_codec import compact
from embedded_host.engine.observations import Difference, Observation

_METADATA = re.compile(r'\s*\{\s*"\$(?:type|id|ref|values)"')
"""The start of an object whose first member is metadata of Newtonsoft.Json."""
_LONE_SURROGATE = re.compile(
    r"\\ud[89ab][0-9a-f]{2}(?!\\ud[c-f])|(?<!\\ud[89ab][0-9a-f]{2})\\ud[c-f]"
)
"""A surrogate without its other half, as ``json.dumps`` writes it."""


class ChangedValue(NamedTuple):
    """A result that the Azure Functions host changes."""

    text: str | None
    """The value there as JSON, or None for null."""
    observations: tuple[Observation, ...]
    """The differences, at least one."""


def changed_value(text: str, *, has_metadata: bool = True) -> ChangedValue | None:
    """Return the value that the Azure Functions host makes of a result, or None if it is the same.

    ``text`` is JSON. ``has_metadata`` is False if names with ``$`` remain. Most values are only
    searched for the few characters that every changed value contains.
    """
    starts_with_metadata = has_metadata and _METADATA.match(text) is not None
    if not (
        starts_with_metadata
        or "NaN" in text
        or "Infinity" in text
        or ("\\ud" in text and _LONE_SURROGATE.search(text) is not None)
    ):
        return None
    constants: set[str] = set()

    def constant(name: str) -> str:
        constants.add(name)
        return name

    try:
        value: object = json.loads(text, parse_constant=constant)
    except (ValueError, RecursionError):
        return None
    found: dict[Difference, tuple[str, ...]] = {}
    if constants:
        found[Difference.NOT_A_NUMBER] = (" and ".join(sorted(constants)),)
    if starts_with_metadata and isinstance(value, dict):
        names = tuple(value)
        value = _without_metadata(value)
        kept = tuple(value) if isinstance(value, dict) else ()
        if lost := tuple(name for name in names if name not in kept):
            found[Difference.METADATA] = lost
    readable = _readable(value)
    if readable != value:
        found[Difference.LONE_SURROGATE] = ()
    if not found:
        return None
    return ChangedValue(
        None if readable is None else compact(readable),
        tuple(Observation(difference, subjects) for difference, subjects in found.items()),
    )


def _without_metadata(members: dict[str, object]) -> object:
    """Return an object without its leading metadata.

    ``$values`` replaces the object by a list. ``$ref`` with a string replaces it by null, because
    nothing has the referenced id. If more members follow, the Azure Functions host cannot read the
    object. This function then returns null too.
    """
    rest = iter(members.items())
    for name, value in rest:
        if name == "$values":
            return value
        if name == "$ref" and value is not None:
            return None
        if name not in ("$type", "$id", "$ref"):
            return {name: value, **dict(rest)}
    return {}


def _readable(value: object) -> object:
    """Return a parsed value with U+FFFD in place of lone surrogates."""
    if isinstance(value, str):
        if value.isascii():
            return value
        return value.encode("utf-16-le", "surrogatepass").decode("utf-16-le", "replace")
    if isinstance(value, list):
        return [_readable(inner) for inner in value]
    if isinstance(value, dict):
        members = cast("dict[str, object]", value)
        return {cast("str", _readable(key)): _readable(inner) for key, inner in members.items()}
    return value
