from __future__ import annotations

import logging

from opentelemetry.sdk._logs import LoggerProvider
from opentelemetry.sdk._logs.export import InMemoryLogRecordExporter, SimpleLogRecordProcessor

from embedded_host.engine.trace_contexts import TraceContext
from embedded_host.task_hub.tracer import current_trace, invocation_traces
from embedded_host.telemetry.log_records import LogExport
from embedded_host.workers.host_records import about
from embedded_worker.protocol import LogLine
from tests.telemetry.kit import TRACE, TRACEPARENT


def export() -> tuple[LogExport, InMemoryLogRecordExporter]:
    memory = InMemoryLogRecordExporter()  # type: ignore[no-untyped-call]
    provider = LoggerProvider(shutdown_on_exit=False)
    provider.add_log_record_processor(SimpleLogRecordProcessor(memory))
    return LogExport(provider), memory


def test_a_record_of_the_host_has_its_logger_level_and_span() -> None:
    handler, memory = export()
    logger = logging.getLogger("embedded_host.test_of_records")
    logger.addHandler(handler)
    before = current_trace.set(TraceContext(TRACEPARENT))
    try:
        logger.warning("%d things", 2)
    finally:
        current_trace.reset(before)
        logger.removeHandler(handler)
    [record] = memory.get_finished_logs()
    log = record.log_record
    assert (log.body, log.severity_text) == ("2 things", "Warning")
    assert f"{log.trace_id:032x}" == TRACE
    assert record.instrumentation_scope is not None
    assert record.instrumentation_scope.name == "embedded_host.test_of_records"


def test_a_record_about_an_instance_has_its_id_and_function() -> None:
    handler, memory = export()
    logger = logging.getLogger("embedded_host.test_of_failures")
    logger.addHandler(handler)
    try:
        logger.error("failed", extra=about("Hello", "i-1"))
        logger.error("failed", extra={"instance_id": "i-2"})
    finally:
        logger.removeHandler(handler)
    first, second = (record.log_record for record in memory.get_finished_logs())
    assert dict(first.attributes or {}) == {
        "faas.name": "Hello",
        "durabletask.task.instance_id": "i-1",
    }
    assert dict(second.attributes or {}) == {"durabletask.task.instance_id": "i-2"}


def test_a_line_of_a_function_has_the_span_of_its_invocation() -> None:
    handler, memory = export()
    invocation_traces.note("the invocation", TraceContext(TRACEPARENT))
    handler.lines(
        [
            LogLine(5, 2, "Function.Hello.User", "hi", "Hello", "the invocation", "i-1"),
            LogLine(6, 4, "Host.Function.Console", "printed"),
        ]
    )
    first, second = (record.log_record for record in memory.get_finished_logs())
    assert (first.timestamp, first.body, first.severity_text) == (5000, "hi", "Information")
    assert dict(first.attributes or {}) == {
        "faas.name": "Hello",
        "faas.invocation_id": "the invocation",
        "durabletask.task.instance_id": "i-1",
    }
    assert f"{first.span_id:016x}" == TRACEPARENT.split("-")[2]
    assert (second.severity_text, second.span_id or 0) == ("Error", 0)
