"""A receiver of traces and logs by OTLP over HTTP and gRPC, for tests of the telemetry."""

from __future__ import annotations

import gzip
import threading
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import grpc
from opentelemetry.proto.collector.logs.v1 import logs_service_pb2 as logs_service
from opentelemetry.proto.collector.logs.v1 import logs_service_pb2_grpc as logs_grpc
from opentelemetry.proto.collector.trace.v1 import trace_service_pb2 as trace_service
from opentelemetry.proto.collector.trace.v1 import trace_service_pb2_grpc as trace_grpc

from tests.support.polling import eventually

KINDS = ("unspecified", "internal", "server", "client", "producer", "consumer")
STATUSES = ("unset", "ok", "error")


@dataclass(frozen=True)
class ReceivedSpan:
    """A received span. Ids are hexadecimal, and ``parent`` is empty for the first of a trace."""

    scope: str
    name: str
    kind: str
    trace: str
    span: str
    parent: str
    start: int
    end: int
    attributes: dict[str, Any]
    status: str
    message: str
    resource: dict[str, Any]


@dataclass(frozen=True)
class ReceivedRecord:
    """A received log record."""

    scope: str
    severity: str
    text: str
    trace: str
    span: str
    attributes: dict[str, Any]


class OtlpReceiver:
    """Receives spans and log records until the end of a ``with`` block."""

    def __init__(self) -> None:
        self.spans: list[ReceivedSpan] = []
        self.records: list[ReceivedRecord] = []
        receiver = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers["Content-Length"]))
                if self.headers.get("Content-Encoding") == "gzip":
                    body = gzip.decompress(body)
                if self.path == "/v1/traces":
                    receiver.traces(trace_service.ExportTraceServiceRequest.FromString(body))
                else:
                    assert self.path == "/v1/logs", self.path
                    receiver.logs(logs_service.ExportLogsServiceRequest.FromString(body))
                self.send_response(200)
                self.send_header("Content-Type", "application/x-protobuf")
                self.send_header("Content-Length", "0")
                self.end_headers()

            def log_message(self, format: str, *arguments: Any) -> None:
                pass

        self._http = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self._grpc = grpc.server(ThreadPoolExecutor(2))

        class Traces(trace_grpc.TraceServiceServicer):
            def Export(self, request: Any, context: Any) -> Any:  # noqa: N802
                receiver.traces(request)
                return trace_service.ExportTraceServiceResponse()

        class Logs(logs_grpc.LogsServiceServicer):
            def Export(self, request: Any, context: Any) -> Any:  # noqa: N802
                receiver.logs(request)
                return logs_service.ExportLogsServiceResponse()

        trace_grpc.add_TraceServiceServicer_to_server(  # type: ignore[no-untyped-call]
            Traces(), self._grpc
        )
        logs_grpc.add_LogsServiceServicer_to_server(  # type: ignore[no-untyped-call]
            Logs(), self._grpc
        )
        self.http_url = f"http://127.0.0.1:{self._http.server_address[1]}"
        self.grpc_url = f"http://127.0.0.1:{self._grpc.add_insecure_port('127.0.0.1:0')}"

    def __enter__(self) -> OtlpReceiver:
        threading.Thread(target=self._http.serve_forever, daemon=True).start()
        self._grpc.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._http.shutdown()
        self._http.server_close()
        self._grpc.stop(None)

    def traces(self, request: Any) -> None:
        """Store the spans of a request."""
        for resource in request.resource_spans:
            about = _attributes(resource.resource.attributes)
            for scope in resource.scope_spans:
                self.spans += [
                    ReceivedSpan(
                        scope.scope.name,
                        span.name,
                        KINDS[span.kind],
                        span.trace_id.hex(),
                        span.span_id.hex(),
                        span.parent_span_id.hex(),
                        span.start_time_unix_nano,
                        span.end_time_unix_nano,
                        _attributes(span.attributes),
                        STATUSES[span.status.code],
                        span.status.message,
                        about,
                    )
                    for span in scope.spans
                ]

    def logs(self, request: Any) -> None:
        """Store the log records of a request."""
        for resource in request.resource_logs:
            for scope in resource.scope_logs:
                self.records += [
                    ReceivedRecord(
                        scope.scope.name,
                        record.severity_text,
                        record.body.string_value,
                        record.trace_id.hex(),
                        record.span_id.hex(),
                        _attributes(record.attributes),
                    )
                    for record in scope.log_records
                ]

    def ended(self, instance_id: str, seconds: float = 20) -> ReceivedSpan:
        """Wait for the span of an orchestration that has ended, and return it."""

        def find() -> ReceivedSpan | None:
            return next(
                (
                    span
                    for span in list(self.spans)
                    if span.attributes.get("durabletask.task.instance_id") == instance_id
                    and span.kind == "server"
                    and span.name.startswith("orchestration:")
                ),
                None,
            )

        return eventually(find, f"the span of the instance {instance_id} is received", seconds)

    def trace(self, span: ReceivedSpan) -> list[ReceivedSpan]:
        """Return the received spans of the trace of ``span`` in the order of their starts."""
        return sorted((s for s in self.spans if s.trace == span.trace), key=lambda s: s.start)


def _attributes(values: Any) -> dict[str, Any]:
    return {value.key: getattr(value.value, value.value.WhichOneof("value")) for value in values}
