"""The query parameters that a function receives (functions-host.md#http-requests)."""

from __future__ import annotations

import re
from urllib.parse import unquote_plus

_INVALID_BYTE = re.compile("[\udc80-\udcff]")


def function_query(text: str) -> dict[str, str]:
    """Return the decoded parameters of a query.

    The values of a repeated parameter are joined with commas, and its name has the spelling of the
    first occurrence. Empty values, and parameters without other values, are omitted.
    """
    if not text:
        return {}
    spelling: dict[str, str] = {}
    values: dict[str, list[str]] = {}
    for part in text.split("&"):
        if not part:
            continue
        name, _, value = part.partition("=")
        name = _decoded(name)
        key = name.lower()
        spelling.setdefault(key, name)
        if value:
            values.setdefault(key, []).append(_decoded(value))
    return {name: ",".join(values[key]) for key, name in spelling.items() if key in values}


def _decoded(text: str) -> str:
    """Return the decoded text. Bytes that are not UTF-8 stay percent-encoded."""
    if "%" not in text and "+" not in text:
        return text
    decoded = unquote_plus(text, errors="surrogateescape")
    if decoded.isascii():
        return decoded
    return _INVALID_BYTE.sub(lambda match: f"%{ord(match[0]) - 0xDC00:02X}", decoded)
