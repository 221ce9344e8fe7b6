"""Lines of the log, the host's and the workers': UTC, as ``func start`` prints them, and without keys."""

from __future__ import annotations

import logging
import re
import sys
import time

HIDDEN = "[Hidden Credential]"
"""The real host's words in such a place (contract, 4.5)."""
_KEYS = re.compile(
    r"((?:[?&]|%3F|%26|\bamp;)code(?:=|%3D)|\bcode=(?=[\w.~%-]{32}))[^\s&\"'<>\\,;)\]}]+"
    r"|(x-functions-key[\"']?\s*[:=,]\s*(?:b?[\"'])?)[^\s\"',)\]}]+",
    re.IGNORECASE,
)
"""In a URL, or behind the name of the header that has one."""


def without_keys(text: str) -> str:
    lower = text.lower()
    if "code" not in lower and "x-functions-key" not in lower:
        return text
    return _KEYS.sub(lambda found: f"{found[1] or found[2]}{HIDDEN}", text)


class OncePerKey:
    """What whoever asks can have the host say: each thing once, and of so many things at the most, so that nobody fills the log."""

    def __init__(self, most: int = 20) -> None:
        self._most = most
        self._said: set[str] = set()

    def is_new(self, thing: str) -> bool:
        """Whether it is to be said now."""
        if thing in self._said or len(self._said) >= self._most:
            return False
        self._said.add(thing)
        return True


class _Formatter(logging.Formatter):
    def format(self, record: logging.LogRecord) -> str:
        return without_keys(super().format(record))


def console_handler(pattern: str) -> logging.Handler:
    """To stderr; ``pattern`` is what follows the time."""
    handler = logging.StreamHandler(sys.stderr)
    formatter = _Formatter(f"[%(asctime)s.%(msecs)03dZ] {pattern}", "%Y-%m-%dT%H:%M:%S")
    formatter.converter = time.gmtime
    handler.setFormatter(formatter)
    return handler
