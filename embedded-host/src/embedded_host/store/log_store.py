"""Stores log lines in the background, outside the commits of the state file."""

from __future__ import annotations

import logging
import sqlite3
import threading
import time
from collections.abc import Sequence
from pathlib import Path

from embedded_host.store.log_lines import LogLinesFile
from embedded_worker.log_levels import WARNING
from embedded_worker.log_output import now
from embedded_worker.protocol import LogLine

log = logging.getLogger("embedded_host")
INTERVAL = 0.2
"""Seconds between two writes."""
ORDERING = 100_000
"""Microseconds for which a line waits, so that an earlier line of another process precedes it."""
MAX_LINES, MAX_CHARACTERS = 100_000, 32_000_000
"""Maximum size of the queue. All further lines are discarded and counted."""
PRUNE_LINES, PRUNE_SECONDS = 20_000, 60.0
"""The number of new lines, or seconds, after which old lines are deleted."""


class LogStore:
    """The queue of the lines and the thread that writes them. Any thread may add lines."""

    def __init__(self, path: Path, hub: str, max_bytes: int) -> None:
        """Store the lines of ``hub`` in the file ``path``.

        ``max_bytes`` is the limit of ``LogLinesFile``.
        """
        self._path, self._hub, self._max_bytes = path, hub, max_bytes
        self._lock = threading.Lock()
        self._lines: list[LogLine] = []
        self._characters = self._dropped = 0
        self._has_lines, self._is_closing = threading.Event(), threading.Event()
        self._failed = False
        self._thread = threading.Thread(target=self._work, name="log-store", daemon=True)
        self._thread.start()

    def add(self, lines: Sequence[LogLine], dropped: int = 0) -> None:
        """Add lines. ``dropped`` is the number of lines that were discarded before them."""
        if self._failed:
            return
        characters = sum(len(line.text) for line in lines)
        with self._lock:
            self._dropped += dropped
            if (
                len(self._lines) + len(lines) > MAX_LINES
                or self._characters + characters > MAX_CHARACTERS
            ):
                self._dropped += len(lines)
            else:
                self._lines += lines
                self._characters += characters
        if not self._has_lines.is_set():
            self._has_lines.set()

    def close(self) -> None:
        """Write all lines and end the thread."""
        self._is_closing.set()
        self._has_lines.set()
        self._thread.join(5.0)

    def _work(self) -> None:
        file: LogLinesFile | None = None
        try:
            file = LogLinesFile(self._path, self._hub, self._max_bytes)
            self._write_until_closed(file)
        except (OSError, sqlite3.Error) as error:
            self._failed = True
            log.error(
                "Log lines are no longer stored, because the file %s cannot be written: %s. Delete "
                "the file and restart the host. [EH347]",
                self._path,
                error,
            )
        finally:
            if file is not None:
                file.close()

    def _write_until_closed(self, file: LogLinesFile) -> None:
        file.prune()
        pruned, unpruned = time.monotonic(), 0
        while True:
            self._has_lines.wait()
            is_last = self._is_closing.wait(INTERVAL)
            lines = self._take(until=None if is_last else now() - ORDERING)
            if lines:
                file.write(lines)
            if is_last:
                return
            unpruned += len(lines)
            if unpruned > PRUNE_LINES or (unpruned and time.monotonic() - pruned > PRUNE_SECONDS):
                file.prune()
                pruned, unpruned = time.monotonic(), 0

    def _take(self, until: int | None) -> list[LogLine]:
        """Remove and return the lines up to a time, in the order of time."""
        with self._lock:
            lines, dropped = self._lines, self._dropped
            self._lines, self._dropped = [], 0
            if until is not None:
                self._lines = [line for line in lines if line.time > until]
                if self._lines:
                    lines = [line for line in lines if line.time <= until]
            self._characters = sum(len(line.text) for line in self._lines)
            if not self._lines:
                self._has_lines.clear()
        lines.sort(key=lambda line: line.time)
        if dropped:
            text = (
                f"{dropped:,} log line{' was' if dropped == 1 else 's were'} not stored here, "
                "because the functions write more lines than the host can store."
            )
            lines.append(LogLine(lines[-1].time if lines else now(), WARNING, "Host.Logs", text))
        return lines
