"""The log format of host and workers: UTC timestamps as in ``func start``, without access keys."""

from __future__ import annotations

import logging
import re
import sys
import time

HIDDEN = "[Hidden Credential]"
"""The placeholder that the Azure Functions host prints instead of a key."""
_KEYS = re.compile(
    r"((?:[?&]|%3F|%26|\bamp;)code(?:=|%3D)|\bcode=(?=[\w.~%-]{32}))[^\s&\"'<>\\,;)\]}]+"
    r"|(x-functions-key[\"']?\s*[:=,]\s*(?:b?[\"'])?)[^\s\"',)\]}]+",
    re.IGNORECASE,
)
"""A key in a URL, or after the name of the header x-functions-key."""


def without_keys(text: str) -> str:
    """Return ``text`` with ``HIDDEN`` in place of each key."""
    lower = text.lower()
    if "code" not in lower and "x-functions-key" not in lower:
        return text
    return _KEYS.sub(lambda match: f"{match[1] or match[2]}{HIDDEN}", text)


class _Formatter(logging.Formatter):
    def format(self, record: logging.LogRecord) -> str:
        return without_keys(super().format(record))


def console_handler(pattern: str) -> logging.Handler:
    """Return a handler that writes the time and the formatted ``pattern`` to stderr."""
    handler = logging.StreamHandler(sys.stderr)
    formatter = _Formatter(f"[%(asctime)s.%(msecs)03dZ] {pattern}", "%Y-%m-%dT%H:%M:%S")
    formatter.converter = time.gmtime
    handler.setFormatter(formatter)
    return handler
