"""JSON documents that the management API receives, with a limit on their depth."""

from __future__ import annotations

import json

from embedded_host.engine.json_codec import compact, compact_text, is_json

LARGE = 65_536
"""Minimum number of characters of a document that is compacted without building its value."""
_TOO_DEEP = "The value is nested too deeply"
_BRACKETS = 150
"""Documents with fewer opening brackets are not checked for depth."""
_MARGIN = 60
"""Levels of nesting that must remain free, because the value is later sent inside other values."""


def check_json(text: str) -> None:
    """Raise ValueError if ``text`` is invalid JSON or is nested too deeply.

    The check does not build the value.
    """
    if not is_json(text) or _is_too_deep(text):
        json_value(text)


def json_value(text: str) -> object:
    """Return the value of ``text``. Raises ValueError for JSON that is invalid or too deep."""
    try:
        value = json.loads(text)
    except RecursionError:
        raise ValueError(_TOO_DEEP) from None
    if _is_too_deep(text):
        raise ValueError(_TOO_DEEP)
    return value


def compact_json(text: str) -> str:
    """Return ``compact(json_value(text))``. Raises ValueError like ``json_value``.

    Building the value of a document of 100 MB would block the event loop for seconds. A large
    document is therefore compacted as text. Its numbers keep their spelling, and repeated names
    remain.
    """
    if len(text) < LARGE:
        return compact(json_value(text))
    check_json(text)
    return compact_text(text)


def _is_too_deep(text: str) -> bool:
    """Return True if ``text`` cannot be parsed when it is nested ``_MARGIN`` levels deeper."""
    return text.count("[") + text.count("{") > _BRACKETS and not is_json(
        "[" * _MARGIN + text + "]" * _MARGIN
    )
