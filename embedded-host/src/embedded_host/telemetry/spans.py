"""Emits spans with the SDK of OpenTelemetry, with given ids and times."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime, timezone
from typing import Literal

from opentelemetry.context import Context
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.id_generator import RandomIdGenerator
from opentelemetry.trace import (
    NonRecordingSpan,
    Span,
    SpanContext,
    SpanKind,
    Status,
    StatusCode,
    TraceFlags,
    Tracer,
    TraceState,
    set_span_in_context,
)

from embedded_host.engine.trace_contexts import TraceContext

Scope = Literal["DurableTask.Core", "WebJobs.Extensions.DurableTask", "Microsoft.AspNetCore"]
"""The instrumentation scopes of the Azure Functions host."""
AttributeValue = str | int
_EPOCH = datetime(1970, 1, 1, tzinfo=timezone.utc)


class GivenIds(RandomIdGenerator):
    """Generates random ids. The next id of a span can be given."""

    def __init__(self) -> None:
        self.next_span_id: str | None = None

    def generate_span_id(self) -> int:
        """Return the given id, or a random id."""
        given, self.next_span_id = self.next_span_id, None
        return super().generate_span_id() if given is None else int(given, 16)


class Spans:
    """The spans of a host. The caller is always the thread of the event loop."""

    def __init__(self, provider: TracerProvider, ids: GivenIds) -> None:
        """Emit spans with ``provider``, whose generator of ids is ``ids``."""
        self._provider, self._ids = provider, ids
        self._tracers: dict[Scope, Tracer] = {}

    def start_span(
        self,
        scope: Scope,
        name: str,
        kind: SpanKind,
        parent: TraceContext | None,
        attributes: Mapping[str, AttributeValue],
        *,
        start: datetime | None = None,
        span_id: str | None = None,
    ) -> Span:
        """Start a span below ``parent``, or a new trace. The default start is the current time."""
        tracer = self._tracers.get(scope)
        if tracer is None:
            tracer = self._tracers[scope] = self._provider.get_tracer(scope)
        self._ids.next_span_id = span_id
        try:
            return tracer.start_span(
                name,
                _context(parent),
                kind,
                attributes,
                start_time=None if start is None else nanoseconds(start),
            )
        finally:
            self._ids.next_span_id = None

    def emit(
        self,
        scope: Scope,
        name: str,
        kind: SpanKind,
        parent: TraceContext | None,
        attributes: Mapping[str, AttributeValue],
        *,
        start: datetime | None = None,
        end: datetime | None = None,
        span_id: str | None = None,
        failure: str | None = None,
        is_ok: bool = False,
    ) -> Span:
        """Emit a finished span. ``failure`` is the message of a failed one."""
        span = self.start_span(scope, name, kind, parent, attributes, start=start, span_id=span_id)
        end_span(span, failure=failure, is_ok=is_ok, end=end)
        return span


def end_span(
    span: Span, *, failure: str | None = None, is_ok: bool = False, end: datetime | None = None
) -> None:
    """End a span and set its status."""
    if failure is not None:
        span.set_status(Status(StatusCode.ERROR, failure))
    elif is_ok:
        span.set_status(Status(StatusCode.OK))
    span.end(None if end is None else nanoseconds(end))


def context_of(span: Span) -> TraceContext | None:
    """Return the context of a span, or None if the SDK is disabled (``OTEL_SDK_DISABLED``)."""
    context = span.get_span_context()
    if not context.is_valid:
        return None
    parent = f"00-{context.trace_id:032x}-{context.span_id:016x}-{int(context.trace_flags):02x}"
    return TraceContext(parent, context.trace_state.to_header())


def nanoseconds(time: datetime) -> int:
    """Return the nanoseconds since 1970 of a time in UTC."""
    passed = time - _EPOCH
    return ((passed.days * 86_400 + passed.seconds) * 1_000_000 + passed.microseconds) * 1000


def _context(parent: TraceContext | None) -> Context:
    if parent is None:
        return Context()
    remote = SpanContext(
        int(parent.trace_id, 16),
        int(parent.span_id, 16),
        is_remote=True,
        trace_flags=TraceFlags(int(parent.trace_parent[53:55], 16)),
        trace_state=TraceState.from_header([parent.trace_state]) if parent.trace_state else None,
    )
    return set_span_in_context(NonRecordingSpan(remote), Context())
