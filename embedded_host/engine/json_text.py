"""JSON texts as they are stored and sent: compact, with characters as they are."""

from __future__ import annotations

import json
from typing import Any

import msgspec

_encode = json.JSONEncoder(ensure_ascii=False, separators=(",", ":")).encode
_encode_plain = msgspec.json.Encoder().encode


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
        return compact(value)
