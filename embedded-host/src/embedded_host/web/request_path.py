"""The normalization of a request's path, as in Kestrel (functions-host.md#http-routing)."""

from __future__ import annotations

import re

_UNRESERVED = re.compile("%(?:2[DdEe]|3[0-9]|4[1-9A-Fa-f]|5[0-9AaFf]|6[1-9A-Fa-f]|7[0-9AaEe])")
"""Percent-encoded letters, digits, ``-``, ``.``, ``_`` and ``~``."""


def normalized_path(path: str) -> str:
    """Decode unreserved characters, and resolve the segments ``.`` and ``..``.

    ``path`` is percent-encoded. All other characters remain as they are, including ``%2F``.
    """
    if "%" in path:
        path = _UNRESERVED.sub(lambda escape: chr(int(escape[0][1:], 16)), path)
    return _without_dots(path) if "/." in path else path


def _without_dots(path: str) -> str:
    """Resolve dot segments as RFC 3986 does. A ``..`` at the root has no effect."""
    kept: list[str] = []
    segments = path.split("/")
    for segment in segments[1:]:
        if segment == "..":
            del kept[-1:]
        elif segment != ".":
            kept.append(segment)
    if segments[-1] in (".", ".."):
        kept.append("")
    return "/".join([segments[0], *kept])
