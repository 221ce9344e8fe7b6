"""JSON texts as they are stored and sent: compact, with characters as they are."""

from __future__ import annotations

import json
from typing import Any

_encode = json.JSONEncoder(ensure_ascii=False, separators=(",", ":")).encode


def compact(value: Any) -> str:
    """As Newtonsoft writes it: no spaces, no needless escapes. A lone surrogate stays escaped: UTF-8 has no form for it."""
    text = _encode(value)
    if not text.isascii():
        try:
            text.encode()
        except UnicodeEncodeError:
            return json.dumps(value, separators=(",", ":"))
    return text
