"""The log formats of host and workers, without access keys."""

from __future__ import annotations

import logging
import re
import sys
import threading
import time
from typing import TextIO

from embedded_worker.protocol import ConsoleFormat

HIDDEN = "[Hidden Credential]"
"""The placeholder that the Azure Functions host prints instead of a key."""
_KEYS = re.compile(
    r"((?:[?&]|%3F|%26|\bamp;)code(?:=|%3D)|\bcode=(?=[\w.~%-]{32}))[^\s&\"'<>\\,;)\]}]+"
    r"|(x-functions-key[\"']?\s*[:=,]\s*(?:b?[\"'])?)[^\s\"',)\]}]+",
    re.IGNORECASE,
)
"""A key in a URL, or after the name of the header x-functions-key."""
_NAMES = ("TRACE", "DEBUG", "INFO", "WARNING", "ERROR", "CRITICAL", "NONE")
_SHORT_NAMES = ("trce", "dbug", "info", "warn", "fail", "crit", "none")
_TIME = "%Y-%m-%dT%H:%M:%S"


def without_keys(text: str) -> str:
    """Return ``text`` with ``HIDDEN`` in place of each key."""
    lower = text.lower()
    if "code" not in lower and "x-functions-key" not in lower:
        return text
    return _KEYS.sub(lambda match: f"{match[1] or match[2]}{HIDDEN}", text)


class _Formatter(logging.Formatter):
    def format(self, record: logging.LogRecord) -> str:
        return without_keys(super().format(record))


def console_handler(pattern: str, stream: TextIO | None = None) -> logging.Handler:
    """Return a handler that writes the time and the formatted ``pattern`` to ``stream``.

    The default stream is stderr.
    """
    handler = logging.StreamHandler(stream or sys.stderr)
    formatter = _Formatter(f"[%(asctime)s.%(msecs)03dZ] {pattern}", _TIME)
    formatter.converter = time.gmtime
    handler.setFormatter(formatter)
    return handler


class ConsoleOutput:
    """Writes the log records of functions in one format."""

    def __init__(self, format: ConsoleFormat, stream: TextIO | None = None) -> None:
        """Write to ``stream``, or to ``sys.stderr``."""
        self.format = format
        self._stream = stream
        self._lock = threading.Lock()

    def write(self, category: str, event_id: int, level: int, text: str) -> None:
        """Write one record. ``level`` is a number of ``log_levels.LEVELS``."""
        lines = without_keys(self._formatted(category, event_id, level, text))
        stream = self._stream or sys.stderr
        with self._lock:
            stream.write(f"{lines}\n")
            stream.flush()

    def _formatted(self, category: str, event_id: int, level: int, text: str) -> str:
        if self.format == "simple":
            body = "\n".join(f"      {line}" for line in text.split("\n"))
            return f"{_SHORT_NAMES[level]}: {category}[{event_id}]\n{body}"
        now = time.time()
        stamp = f"[{time.strftime(_TIME, time.gmtime(now))}.{int(now * 1000) % 1000:03d}Z]"
        if self.format == "func":
            return "\n".join(f"{stamp} {line}" for line in text.split("\n"))
        return f"{stamp} {_NAMES[level]} {text}"
