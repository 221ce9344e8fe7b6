"""Texts and JSON documents in which control and bidirectional characters are escaped.

Such a character can change the colors or the title of a terminal, or reverse the text after it.
"""

from __future__ import annotations

import json


def visible(text: str, *, keeps: str = "") -> str:
    """Return ``text`` with escapes. ``keeps`` has the characters that are not escaped."""
    if _is_printable(text, keeps):
        return text
    return "".join(
        c if c.isprintable() or c in keeps else c.encode("unicode_escape").decode() for c in text
    )


def visible_json(document: str, *, keeps: str = "") -> str:
    """Return a JSON document with escapes of JSON, which do not change its value.

    ``keeps`` has the characters that are not escaped, such as the line breaks of an indentation.
    """
    if _is_printable(document, keeps):
        return document
    return "".join(c if c.isprintable() or c in keeps else json.dumps(c)[1:-1] for c in document)


def _is_printable(text: str, keeps: str) -> bool:
    for character in keeps:
        text = text.replace(character, "")
    return text.isprintable()
