"""JSON texts that the management API receives, with a limit on their depth."""

from __future__ import annotations

import json

from embedded_host.engine.json_codec import compact, compact_text, is_json

LARGE = 65_536
"""Characters of a text that is checked and compacted without building its value."""
_TOO_DEEP = "The value is nested too deeply"
_BRACKETS = 150
_MARGIN = 60
"""Levels of nesting kept free: a value is later sent within other values, and read again in a turn."""


def check_json(text: str) -> None:
    """Raise the exceptions of ``json_value``, without building the value."""
    if not is_json(text) or _is_too_deep(text):
        json_value(text)


def json_value(text: str) -> object:
    """Return the value. Raises ValueError, also for a value that is nested too deeply."""
    try:
        value = json.loads(text)
    except RecursionError:
        raise ValueError(_TOO_DEEP) from None
    if _is_too_deep(text):
        raise ValueError(_TOO_DEEP)
    return value


def compact_json(text: str) -> str:
    """Return ``compact(json_value(text))``. Raises the exceptions of ``json_value``.

    A large text is compacted without building its value, which would block the event loop for seconds at 100 MB. Its numbers keep
    their spelling and repeated names remain."""
    if len(text) < LARGE:
        return compact(json_value(text))
    check_json(text)
    return compact_text(text)


def _is_too_deep(text: str) -> bool:
    """Parse a text with many brackets once more, with additional nesting around it."""
    return text.count("[") + text.count("{") > _BRACKETS and not is_json(
        "[" * _MARGIN + text + "]" * _MARGIN
    )
