"""Compact JSON for storage and messages, with non-ASCII characters unescaped."""

from __future__ import annotations

import json
import re
import sys
from itertools import accumulate
from typing import TypeVar, cast

import msgspec

T = TypeVar("T")

_encode = json.JSONEncoder(ensure_ascii=False, separators=(",", ":")).encode
_encode_plain = msgspec.json.Encoder().encode
_skip = msgspec.json.Decoder(msgspec.Raw).decode

_DIGITS = 4300
"""Maximum number of digits of an integer that Python parses."""
_MAX_DEPTH = 1000
"""Maximum number of nested arrays and objects."""
_DEPTH_IS_UNLIMITED = sys.version_info >= (3, 14)
_NO_BRACKETS = re.compile(r'"(?:[^"\\]+|\\.)*"|[^\[\]{}"]+')
"""Strings, and characters between strings and brackets."""


def _may_have_long_number(text: str) -> bool:
    """Return true if ``text`` may contain a number of more than ``_DIGITS`` digits.

    The function examines positions at intervals of ``_DIGITS // 2`` characters. A number of more
    than ``_DIGITS`` digits covers at least one whole interval.
    """
    if len(text) <= _DIGITS:
        return False
    step = _DIGITS // 2
    return any(
        text[at].isdigit() and text[at + 1 : at + step].isdigit()
        for at in range(0, len(text), step)
    )


def _is_too_deep(text: str) -> bool:
    """Return true if valid JSON is nested more deeply than ``_MAX_DEPTH``.

    The parsers limit the depth only before Python 3.14. Since then they accept the levels for which
    the stack of their thread has space: too many for the worker, whose Python may be older.
    """
    if text.count("[") + text.count("{") <= _MAX_DEPTH:
        return False
    brackets = _NO_BRACKETS.sub("", text).replace("{", "[").replace("}", "]")
    for _ in range(4):  # most values of a large document are nested less deeply
        brackets = brackets.replace("[]", "")  # removes the innermost level
    steps = (1 if bracket == "[" else -1 for bracket in brackets)
    return any(depth > _MAX_DEPTH - 4 for depth in accumulate(steps))


def is_json(text: str) -> bool:
    """Return true if ``json.loads`` accepts ``text``, with at most ``_MAX_DEPTH`` levels.

    The function checks most strings without building their values.
    """
    try:
        if _may_have_long_number(text):
            raise ValueError
        _skip(text)  # stricter than json.loads: it rejects NaN and lone surrogates
    except (ValueError, RecursionError):
        try:
            json.loads(text)
        except (ValueError, RecursionError):
            return False
    return not (_DEPTH_IS_UNLIMITED and _is_too_deep(text))


_KEPT = re.compile(r"\\(?:/|U|u00(?:[01]|22|5[cC]))")
"""Escapes that cannot be replaced by their character, or that ``json.dumps`` does not write."""
_HALF = re.compile(r"\\u[dD][89a-fA-F]")
"""An escaped surrogate. A character above U+FFFF is escaped as two surrogates."""


def compact_text(text: str) -> str:
    """Return ``compact(json.loads(text))`` for a ``text`` that ``json.dumps`` wrote.

    The function converts most strings without building their values. Raises ValueError for invalid
    JSON.
    """
    try:
        return msgspec.json.format(_unescaped(text) if "\\" in text else text, indent=-1)
    except (ValueError, RecursionError):
        return compact(json.loads(text))


def _unescaped(text: str) -> str:
    """Replace escapes with their characters. Raises ValueError if the value might change."""
    if _KEPT.search(text):
        raise ValueError
    if "\\u" not in text:
        return text
    plain = text.encode("ascii").decode("raw_unicode_escape")
    if _HALF.search(text):
        plain = plain.encode("utf-16-le", "surrogatepass").decode("utf-16-le")
    return plain


def encodable(value: T) -> T:
    """Return a parsed JSON value in which all strings can be encoded in UTF-8.

    Lone surrogates are replaced with their escapes.
    """
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
    """Encode a value as Newtonsoft.Json does: without spaces and without needless escapes.

    UTF-8 cannot encode a lone surrogate. If the value contains a lone surrogate, all non-ASCII
    characters of the value are escaped.
    """
    text = _encode(value)
    if not text.isascii():
        try:
            text.encode()
        except UnicodeEncodeError:
            return json.dumps(value, separators=(",", ":"))
    return text


def compact_plain(value: object) -> str:
    """Encode a value as ``compact`` does, but several times faster.

    The value may contain strings, booleans, None, integers of at most 64 bits, and collections and
    structs of these types. It must not contain floats, because ``compact`` encodes them
    differently.
    """
    try:
        return _encode_plain(value).decode()
    except (UnicodeEncodeError, TypeError, OverflowError):
        return compact(msgspec.to_builtins(value))


_STRING_OR_EXPONENT = re.compile(r'"(?:[^"\\]|\\.)*"|e(?=[+-]\d)')


def with_exponents(text: str) -> str:
    """Return compact JSON with exponents in the form of Newtonsoft.Json, such as ``1E+100``."""
    if "e+" not in text and "e-" not in text:
        return text
    return _STRING_OR_EXPONENT.sub(lambda found: "E" if found[0] == "e" else found[0], text)
