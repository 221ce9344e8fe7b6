"""Exports traces and logs by OTLP. The SDK of OpenTelemetry reads the ``OTEL_*`` variables."""

from __future__ import annotations

import os
from collections.abc import Mapping

from opentelemetry.sdk._logs import LoggerProvider
from opentelemetry.sdk._logs.export import BatchLogRecordProcessor, LogRecordExporter
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import BatchSpanProcessor, SpanExporter

from embedded_host.telemetry.settings import protocol_of
from embedded_host.telemetry.spans import GivenIds, Spans


class Exporters:
    """The exporters of one host, from its start to its end."""

    def __init__(self, environ: Mapping[str, str], version: str) -> None:
        """Create the exporters. ``environ`` has the ``OTEL_*`` variables and the app settings.

        The SDK reads the variables from the environment of the process.
        """
        os.environ.update({k: v for k, v in environ.items() if k.startswith("OTEL_")})
        attributes: dict[str, str | int] = {
            "service.version": version,
            "faas.version": version,
            "process.pid": os.getpid(),
        }
        if "OTEL_SERVICE_NAME" not in environ and (site := environ.get("WEBSITE_SITE_NAME")):
            attributes["service.name"] = site
        resource = Resource.create(attributes)
        ids = GivenIds()
        # The host ends the providers itself, after its last span.
        self._traces = TracerProvider(resource=resource, id_generator=ids, shutdown_on_exit=False)
        self._traces.add_span_processor(
            BatchSpanProcessor(_span_exporter(protocol_of(environ, "TRACES")))
        )
        self.logs = LoggerProvider(resource, shutdown_on_exit=False)
        self.logs.add_log_record_processor(
            BatchLogRecordProcessor(_log_exporter(protocol_of(environ, "LOGS")))
        )
        self.spans = Spans(self._traces, ids)

    def close(self) -> None:
        """Export the remaining spans and records."""
        self._traces.shutdown()
        self.logs.shutdown()


def _span_exporter(protocol: str) -> SpanExporter:
    if protocol == "grpc":
        from opentelemetry.exporter.otlp.proto.grpc.trace_exporter import OTLPSpanExporter

        return OTLPSpanExporter()
    from opentelemetry.exporter.otlp.proto.http import trace_exporter

    return trace_exporter.OTLPSpanExporter()


def _log_exporter(protocol: str) -> LogRecordExporter:
    if protocol == "grpc":
        from opentelemetry.exporter.otlp.proto.grpc._log_exporter import OTLPLogExporter

        return OTLPLogExporter()
    from opentelemetry.exporter.otlp.proto.http import _log_exporter

    return _log_exporter.OTLPLogExporter()
