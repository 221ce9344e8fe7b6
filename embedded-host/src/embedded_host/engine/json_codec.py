"""Compact JSON for storage and messages, with non-ASCII characters unescaped."""

from __future__ import annotations

import json
import re
from typing import TypeVar, cast

import msgspec

T = TypeVar("T")

_encode = json.JSONEncoder(ensure_ascii=False, separators=(",", ":")).encode
_encode_plain = msgspec.json.Encoder().encode
_skip = msgspec.json.Decoder(msgspec.Raw).decode

_DIGITS = 4300
"""Python parses no integer of more digits."""


def _may_have_long_number(text: str) -> bool:
    """Return true if the text may have a number of more than ``_DIGITS`` digits.

    A longer run of digits covers at least two neighbouring probes."""
    if len(text) <= _DIGITS:
        return False
    step = _DIGITS // 2
    return any(
        text[at].isdigit() and text[at + 1 : at + step].isdigit()
        for at in range(0, len(text), step)
    )


def is_json(text: str) -> bool:
    """Return true if ``json.loads`` accepts the text. Most texts are checked without creating objects."""
    try:
        if _may_have_long_number(text):
            raise ValueError
        _skip(text)  # stricter than json.loads: rejects NaN and lone surrogates
    except (ValueError, RecursionError):
        try:
            json.loads(text)
        except (ValueError, RecursionError):
            return False
    return True


_KEPT = re.compile(r"\\(?:/|U|u00(?:[01]|22|5[cC]))")
"""Escapes that cannot be replaced by their character, or that ``json.dumps`` does not write."""
_HALF = re.compile(r"\\u[dD][89a-fA-F]")
"""A surrogate. A character beyond U+FFFF is escaped as two."""


def compact_text(text: str) -> str:
    """Return ``compact(json.loads(text))`` for the output of ``json.dumps``, mostly without creating objects.

    Raises ValueError."""
    try:
        return msgspec.json.format(_unescaped(text) if "\\" in text else text, indent=-1)
    except (ValueError, RecursionError):
        return compact(json.loads(text))


def _unescaped(text: str) -> str:
    """Replace escapes by their characters. Raises ValueError if the result may differ in meaning."""
    if _KEPT.search(text):
        raise ValueError
    if "\\u" not in text:
        return text
    plain = text.encode("ascii").decode("raw_unicode_escape")
    if _HALF.search(text):
        plain = plain.encode("utf-16-le", "surrogatepass").decode("utf-16-le")
    return plain


def encodable(value: T) -> T:
    """Return the value with lone surrogates, which UTF-8 cannot encode, replaced by their escapes in all strings."""
    return cast(T, _encodable(value))


def _encodable(value: object) -> object:
    if isinstance(value, str):
        return value if value.isascii() else value.encode(errors="backslashreplace").decode()
    if isinstance(value, list):
        return [_encodable(inner) for inner in value]
    if isinstance(value, dict):
        return {_encodable(key): _encodable(inner) for key, inner in value.items()}
    return value


def compact(value: object) -> str:
    """Encode as Newtonsoft does: no spaces, no needless escapes. Lone surrogates stay escaped, because UTF-8 cannot encode them."""
    text = _encode(value)
    if not text.isascii():
        try:
            text.encode()
        except UnicodeEncodeError:
            return json.dumps(value, separators=(",", ":"))
    return text


def compact_plain(value: object) -> str:
    """Encode strings, integers and booleans, and structs of them, several times as fast as ``compact``.

    (Floats and integers past 64 bits would be encoded differently or not at all.)"""
    try:
        return _encode_plain(value).decode()
    except (UnicodeEncodeError, TypeError, OverflowError):
        return compact(msgspec.to_builtins(value))
