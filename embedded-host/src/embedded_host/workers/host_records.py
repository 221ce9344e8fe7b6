"""Stores the log records of the host beside the log lines of functions."""

from __future__ import annotations

import logging
from collections.abc import Callable, Sequence

from embedded_worker.log_output import line_of_record, without_keys
from embedded_worker.protocol import LogLine


def about(function: str, instance_id: str = "", shown_frames: str = "") -> dict[str, object]:
    """Return the argument ``extra`` of a record about a function and an instance.

    ``shown_frames`` is the end of the message that the console omits, because it has shown these
    frames before.
    """
    return {"function": function, "instance_id": instance_id, "shown_frames": shown_frames}


class HostRecords(logging.Handler):
    """A handler that passes the records to a store of log lines."""

    def __init__(self, store: Callable[[Sequence[LogLine]], None]) -> None:
        super().__init__()
        self._store = store

    def emit(self, record: logging.LogRecord) -> None:
        """Store one record."""
        try:
            line = line_of_record(record, without_keys(self.format(record)))
        except Exception:
            self.handleError(record)
        else:
            self._store((line,))
