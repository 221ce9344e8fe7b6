"""Exports the log records of the host and the log lines of functions by OTLP."""

from __future__ import annotations

import logging
from collections.abc import Iterable

from opentelemetry._logs import LoggerProvider, LogRecord, SeverityNumber
from opentelemetry.trace import TraceFlags

from embedded_host.engine.trace_contexts import TraceContext
from embedded_host.task_hub.tracer import current_trace, invocation_traces
from embedded_worker.log_levels import level_of_record
from embedded_worker.protocol import LogLine

_SEVERITIES = (
    ("Trace", SeverityNumber.TRACE),
    ("Debug", SeverityNumber.DEBUG),
    ("Information", SeverityNumber.INFO),
    ("Warning", SeverityNumber.WARN),
    ("Error", SeverityNumber.ERROR),
    ("Critical", SeverityNumber.FATAL),
)
"""The names and severities of the levels of the Azure Functions host."""


class LogExport(logging.Handler):
    """A handler that exports records.

    Their scope is the category, as on the Azure Functions host.
    """

    def __init__(self, provider: LoggerProvider) -> None:
        super().__init__()
        self._provider = provider

    def emit(self, record: logging.LogRecord) -> None:
        """Export one record of the host."""
        try:
            text = self.format(record)
        except Exception:
            self.handleError(record)
            return
        time = int(record.created * 1_000_000_000)
        level = level_of_record(record.levelno)
        # The record of a failed function has these members (workers/host_records.py).
        attributes = _attributes(
            ("faas.name", getattr(record, "function", "")),
            ("durabletask.task.instance_id", getattr(record, "instance_id", "")),
        )
        self._export(record.name, time, level, text, current_trace.get(), attributes)

    def lines(self, lines: Iterable[LogLine]) -> None:
        """Export the log lines of functions."""
        for line in lines:
            attributes = _attributes(
                ("faas.name", line.function),
                ("faas.invocation_id", line.invocation_id),
                ("durabletask.task.instance_id", line.instance_id),
            )
            trace = invocation_traces.of(line.invocation_id)
            self._export(line.category, line.time * 1000, line.level, line.text, trace, attributes)

    def _export(
        self,
        category: str,
        time: int,
        level: int,
        text: str,
        trace: TraceContext | None,
        attributes: dict[str, str],
    ) -> None:
        name, severity = _SEVERITIES[min(max(level, 0), len(_SEVERITIES) - 1)]
        record = LogRecord(
            timestamp=time,
            trace_id=None if trace is None else int(trace.trace_id, 16),
            span_id=None if trace is None else int(trace.span_id, 16),
            trace_flags=None if trace is None else TraceFlags(trace.is_sampled),
            severity_text=name,
            severity_number=severity,
            body=text,
            attributes=attributes,
        )
        self._provider.get_logger(category).emit(record)


def _attributes(*pairs: tuple[str, str]) -> dict[str, str]:
    """Return the attributes that have a value."""
    return {name: value for name, value in pairs if value}
