"""JSON texts as they are stored and sent: compact, with characters as they are."""

from __future__ import annotations

import json
import re
from typing import Any

import msgspec

_encode = json.JSONEncoder(ensure_ascii=False, separators=(",", ":")).encode
_encode_plain = msgspec.json.Encoder().encode
_skip = msgspec.json.Decoder(msgspec.Raw).decode

_DIGITS = 4300
"""Python reads no whole number of more digits."""


def _may_have_long_number(text: str) -> bool:
    """A longer run of digits lies over one of these places and over the next one."""
    if len(text) <= _DIGITS:
        return False
    step = _DIGITS // 2
    return any(text[at].isdigit() and text[at + 1 : at + step].isdigit() for at in range(0, len(text), step))


def is_json(text: str) -> bool:
    """Whether ``json.loads`` takes it; found out without making anything of it where that is possible."""
    try:
        if _may_have_long_number(text):
            raise ValueError
        _skip(text)  # is stricter otherwise: it takes no NaN and no lone surrogates
    except (ValueError, RecursionError):
        try:
            json.loads(text)
        except (ValueError, RecursionError):
            return False
    return True


_KEPT = re.compile(r"\\(?:/|U|u00(?:[01]|22|5[cC]))")
"""Escapes that are not just another way to write a character, or that ``json.dumps`` does not write."""
_HALF = re.compile(r"\\u[dD][89a-fA-F]")
"""Of a character beyond U+FFFF there are two of them."""


def compact_text(text: str) -> str:
    """``compact(json.loads(text))`` for a text that ``json.dumps`` wrote, without making anything of it where that is possible.
    Raises ValueError."""
    try:
        return msgspec.json.format(_unescaped(text) if "\\" in text else text, indent=-1)
    except (ValueError, RecursionError):
        return compact(json.loads(text))


def _unescaped(text: str) -> str:
    """With characters in the place of their escapes. Raises ValueError where that may be another text, or none."""
    if _KEPT.search(text):
        raise ValueError
    if "\\u" not in text:
        return text
    plain = text.encode("ascii").decode("raw_unicode_escape")
    if _HALF.search(text):
        plain = plain.encode("utf-16-le", "surrogatepass").decode("utf-16-le")
    return plain


def encodable(value: Any) -> Any:
    """A text, or lists and objects with texts in them: lone surrogates, which UTF-8 has no form for, become their escapes."""
    if isinstance(value, str):
        return value if value.isascii() else value.encode(errors="backslashreplace").decode()
    if isinstance(value, list):
        return [encodable(inner) for inner in value]
    if isinstance(value, dict):
        return {encodable(key): encodable(inner) for key, inner in value.items()}
    return value


def compact(value: Any) -> str:
    """As Newtonsoft writes it: no spaces, no needless escapes. A lone surrogate stays escaped: UTF-8 has no form for it."""
    text = _encode(value)
    if not text.isascii():
        try:
            text.encode()
        except UnicodeEncodeError:
            return json.dumps(value, separators=(",", ":"))
    return text


def compact_plain(value: Any) -> str:
    """The same for objects of texts, whole numbers and truth values, as history events are: several times as fast.
    (Fractions, and whole numbers past 64 bits, are written in other ways or not at all.)"""
    try:
        return _encode_plain(value).decode()
    except (UnicodeEncodeError, TypeError, OverflowError):
        return compact(msgspec.to_builtins(value))
