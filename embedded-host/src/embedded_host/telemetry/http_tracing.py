"""The spans of HTTP calls, as the instrumentation of ASP.NET Core emits them.

Source: ``OpenTelemetryConfigurationExtensions.cs`` in Azure/azure-functions-host.
"""

from __future__ import annotations

import contextlib
from collections.abc import Awaitable, Callable, Iterator
from urllib.parse import urlsplit

from opentelemetry.trace import Span, SpanKind

from embedded_host.engine.trace_contexts import TraceContext, trace_context
from embedded_host.parity.findings import Findings
from embedded_host.parity.kinds.http import REQUEST_TRACE_ENDS
from embedded_host.task_hub.tracer import current_trace
from embedded_host.telemetry.http_calls import HttpCall, current_call
from embedded_host.telemetry.spans import AttributeValue, Scope, Spans, context_of, end_span
from embedded_host.web.request import Request
from embedded_host.web.response import Response
from embedded_host.workers.worker import ClientRequestHandler
from embedded_worker.protocol import RPC_METHOD

Handler = Callable[[Request], Awaitable[Response]]
_SCOPE: Scope = "Microsoft.AspNetCore"
_UNTRACED = ("/dashboard", "/admin")
"""Paths without spans. The Azure Functions host excludes its probes below ``/admin`` too."""


class HttpTracing:
    """Emits a span for each HTTP call, and passes its context on."""

    def __init__(self, spans: Spans, findings: Findings, *, worker_continues: bool) -> None:
        """Create the tracing.

        ``worker_continues`` is True if ``PYTHON_ENABLE_OPENTELEMETRY`` is set. On the Azure
        Functions host, only then does a trace continue from a function into the orchestrations that
        the function starts.
        """
        self._spans, self._findings = spans, findings
        self._worker_continues = worker_continues
        self._calls: dict[str, HttpCall] = {}
        """The running calls by the ids of their spans."""

    async def public(self, request: Request, handle: Handler) -> Response:
        """Return the response of ``handle`` to a request to the public address."""
        segment = request.path.lower().split("/", 2)[1:2]
        if segment and f"/{segment[0]}" in _UNTRACED:
            return await handle(request)
        headers = request.headers
        parent = trace_context(headers.get("traceparent", ""), headers.get("tracestate", ""))
        address = urlsplit(request.base_url)
        attributes: dict[str, AttributeValue] = {
            "http.request.method": request.method,
            "url.scheme": address.scheme,
            "url.path": request.path,
            "server.address": address.hostname or "",
        }
        with contextlib.suppress(ValueError):
            if address.port is not None:
                attributes["server.port"] = address.port
        if agent := headers.get("user-agent"):
            attributes["user_agent.original"] = agent
        span = self._spans.start_span(_SCOPE, request.method, SpanKind.SERVER, parent, attributes)
        context = context_of(span)
        if context is None:
            return await handle(request)
        call = HttpCall(context, parent is not None)
        self._calls[context.span_id] = call
        before, before_trace = current_call.set(call), current_trace.set(context)
        status = 500
        try:
            response = await handle(request)
            status = response.status
        finally:
            current_call.reset(before)
            current_trace.reset(before_trace)
            self._calls.pop(context.span_id, None)
            _end(span, request.method, call, status)
        return response

    def client_requests(self, handle: ClientRequestHandler) -> ClientRequestHandler:
        """Return the handler of the durable clients' requests, which emits their spans.

        SDK 1.x sends HTTP requests. The RPCs of SDK 2.x have no spans of their own.
        """

        async def traced(method: str, path: str, body: bytes) -> tuple[int, bytes]:
            with self._parent_of_client_call(method, path) as parent:
                if method == RPC_METHOD:
                    return await handle(method, path, body)
                name = f"{method} durabletask/{path.split('?')[0].split('/')[0]}"
                attributes = {"http.request.method": method, "url.path": f"/durabletask/{path}"}
                span = self._spans.start_span(_SCOPE, name, SpanKind.SERVER, parent, attributes)
                current_trace.set(context_of(span))
                status = 500
                try:
                    status, response = await handle(method, path, body)
                finally:
                    _end(span, "", None, status)
                return status, response

        return traced

    @contextlib.contextmanager
    def _parent_of_client_call(self, method: str, path: str) -> Iterator[TraceContext | None]:
        """Make the parent of a client's call the current trace.

        In strict mode, the call starts a new trace, as on the Azure Functions host.
        """
        context = current_trace.get()
        if context is not None and not self._worker_continues:
            call = self._calls.get(context.span_id)
            if self._findings.is_strict:
                context = None
            elif call is not None and call.continues_trace and _starts(method, path):
                self._findings.add(REQUEST_TRACE_ENDS, call.function)
        before = current_trace.set(context)
        try:
            yield context
        finally:
            current_trace.reset(before)


def _starts(method: str, path: str) -> bool:
    """Return True for a request that starts an orchestration."""
    if method == RPC_METHOD:
        return path == "StartInstance"
    return method == "POST" and path.lower().startswith("orchestrators/")


def _end(span: Span, method: str, call: HttpCall | None, status: int) -> None:
    """End the span of a call."""
    span.set_attribute("http.response.status_code", status)
    if call is not None and call.function:
        span.update_name(f"{method} {call.route}")
        span.set_attribute("http.route", call.route)
        span.set_attribute("faas.name", call.function)
        span.set_attribute("faas.trigger", "http")
    if status >= 500:
        span.set_attribute("error.type", str(status))
        end_span(span, failure="")
    else:
        end_span(span)
