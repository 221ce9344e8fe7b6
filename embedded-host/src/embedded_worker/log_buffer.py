"""Collects the log lines of a worker process and sends them to the host in batches."""

from __future__ import annotations

import threading
from typing import Callable

from embedded_worker.protocol import LogLine, LogReport

INTERVAL = 0.05
"""Seconds between the first line of a batch and the batch."""
MAX_LINES, MAX_CHARACTERS = 20_000, 8_000_000
"""Maximum size of a batch. The buffer discards and counts all further lines."""
MAX_TEXT = 16_000
"""Maximum characters of the text of a stored line."""


class LogBuffer:
    """A batch of lines. Any thread may add a line.

    There is no timer without a line, so a process that writes no lines has no cost.
    """

    def __init__(self, schedule: Callable[[], None], send: Callable[[LogReport], bool]) -> None:
        """Prepare an empty batch.

        ``schedule`` is called for the first line of each batch, in the thread of that line. It
        arranges a call of ``flush`` after ``INTERVAL`` seconds. ``send`` returns False if the
        connection accepts no data now.
        """
        self._schedule, self._send = schedule, send
        self._lock = threading.Lock()
        self._lines: list[LogLine] = []
        self._characters = self._dropped = 0

    def add(self, line: LogLine) -> None:
        """Add a line, or count it if the batch is full."""
        if len(line.text) > MAX_TEXT:
            more = len(line.text) - MAX_TEXT
            line = line._replace(text=f"{line.text[:MAX_TEXT]}… ({more} more characters)")
        with self._lock:
            if len(self._lines) >= MAX_LINES or self._characters >= MAX_CHARACTERS:
                self._dropped += 1
                return
            self._lines.append(line)
            self._characters += len(line.text)
            is_first = len(self._lines) == 1
        if is_first:
            self._schedule()

    def flush(self) -> None:
        """Send the batch, or keep it until later if the connection accepts no data now."""
        report = self.take()
        if not report.lines or self._send(report):
            return
        with self._lock:
            self._lines[:0] = report.lines
            self._characters += sum(len(line.text) for line in report.lines)
            self._dropped += report.dropped
        self._schedule()

    def take(self) -> LogReport:
        """Return the batch and begin an empty one."""
        with self._lock:
            report = LogReport(self._lines, self._dropped)
            self._lines, self._characters, self._dropped = [], 0, 0
        return report
