"""The log formats of host and workers, without access keys."""

from __future__ import annotations

import json
import logging
import re
import sys
import threading
import time
from typing import TextIO

from embedded_worker.log_levels import LEVELS, level_of_record
from embedded_worker.printable_text import visible, visible_json
from embedded_worker.protocol import ConsoleFormat, LogLine

HIDDEN = "[Hidden Credential]"
"""The placeholder that the Azure Functions host prints instead of a key."""
SAME_LINES = " (at the same lines as before)"
"""The text in place of frames that were shown before."""
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


def now() -> int:
    """Return the time in microseconds since 1970-01-01 UTC."""
    return time.time_ns() // 1000


def time_text(micros: int) -> str:
    """Return a time in ISO 8601 with milliseconds."""
    seconds, rest = divmod(micros, 1_000_000)
    return f"{time.strftime(_TIME, time.gmtime(seconds))}.{rest // 1000:03d}Z"


def json_text(line: LogLine, *, is_replay: bool = False) -> str:
    """Return a line as a JSON object. Control and bidirectional characters are escaped."""
    document: dict[str, object] = {**line_document(line)}
    if is_replay:
        document["isReplay"] = True
    return visible_json(json.dumps(document, ensure_ascii=False))


def line_document(line: LogLine) -> dict[str, str]:
    """Return the members of a line's JSON object. Members without a value are omitted."""
    document = {
        "time": time_text(line.time),
        "level": LEVELS[line.level],
        "category": line.category,
        "function": line.function,
        "invocationId": line.invocation_id,
        "instanceId": line.instance_id,
        "message": line.text,
    }
    return {name: value for name, value in document.items() if value or name == "message"}


def line_text(line: LogLine) -> str:
    """Return the level, the function, the instance and the text of a line.

    The text is unchanged, as in the output of ``func``: an app can use colors. Only the names
    before it are escaped, because a client of the app can choose the id of an instance.
    """
    source = visible(line.function)
    if line.instance_id:
        source += f" ({visible(line.instance_id)})"
    return f"{_NAMES[line.level]} {source}{': ' if source else ''}{line.text}"


class _Formatter(logging.Formatter):
    def format(self, record: logging.LogRecord) -> str:
        text = super().format(record)
        shown = str(getattr(record, "shown_frames", ""))
        if shown and text.endswith(shown):
            text = text[: -len(shown)] + SAME_LINES
        # A message of the host has ids of instances, and texts from the app's clients.
        return without_keys(visible(text, keeps="\n\t"))


class _JsonFormatter(logging.Formatter):
    def format(self, record: logging.LogRecord) -> str:
        text = without_keys(super().format(record))
        return json_text(line_of_record(record, text))


def line_of_record(record: logging.LogRecord, text: str) -> LogLine:
    """Return the line of a record of the host, which may have the function that it is about."""
    return LogLine(
        int(record.created * 1_000_000),
        level_of_record(record.levelno),
        record.name,
        text,
        str(getattr(record, "function", "")),
        "",
        str(getattr(record, "instance_id", "")),
    )


def console_handler(
    pattern: str, stream: TextIO | None = None, *, as_json: bool = False
) -> logging.Handler:
    """Return a handler that writes the time and the formatted ``pattern`` to ``stream``.

    The default stream is stderr. If ``as_json`` is True, each record is a JSON object.
    """
    handler = logging.StreamHandler(stream or sys.stderr)
    if as_json:
        handler.setFormatter(_JsonFormatter("%(message)s"))
        return handler
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

    def write(self, line: LogLine, event_id: int = 0, *, is_replay: bool = False) -> None:
        """Write one line. Its text must not contain access keys.

        ``is_replay`` is True if an orchestrator has written the line in an earlier turn already.
        The default format marks such a line.
        """
        lines = self._formatted(line, event_id, is_replay)
        stream = self._stream or sys.stderr
        with self._lock:
            stream.write(f"{lines}\n")
            stream.flush()

    def _formatted(self, line: LogLine, event_id: int, is_replay: bool) -> str:
        if self.format == "simple":
            body = "\n".join(f"      {part}" for part in line.text.split("\n"))
            return f"{_SHORT_NAMES[line.level]}: {line.category}[{event_id}]\n{body}"
        if self.format == "json":
            return json_text(line, is_replay=is_replay)
        stamp = f"[{time_text(line.time)}]"
        if self.format == "func":
            return "\n".join(f"{stamp} {part}" for part in line.text.split("\n"))
        return f"{stamp} {line_text(line)}{' (replay)' if is_replay else ''}"
