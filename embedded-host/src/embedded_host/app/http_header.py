"""Headers that an HTTP response can have."""

from __future__ import annotations

import re

_NAME = re.compile(r"[!#$%&'*+.^_`|~0-9A-Za-z-]+")
_VALUE = re.compile(r"[\t\x20-\x7e]*")


def is_valid_header(name: str, value: str) -> bool:
    """Return True if Kestrel, the server of the Azure Functions host, can send the header.

    Kestrel rejects line breaks and characters that are not ASCII.
    """
    return _NAME.fullmatch(name) is not None and _VALUE.fullmatch(value) is not None
