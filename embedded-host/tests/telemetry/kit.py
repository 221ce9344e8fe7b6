"""Spans in memory."""

from __future__ import annotations

from collections.abc import Sequence

from opentelemetry.sdk.trace import ReadableSpan, TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter

from embedded_host.telemetry.spans import GivenIds, Spans

TRACE = "0af7651916cd43dd8448eb211c80319c"
TRACEPARENT = f"00-{TRACE}-b7ad6b7169203331-01"


class SpansInMemory(Spans):
    """Spans that a test can read."""

    def __init__(self) -> None:
        ids, self._exporter = GivenIds(), InMemorySpanExporter()
        provider = TracerProvider(id_generator=ids, shutdown_on_exit=False)
        provider.add_span_processor(SimpleSpanProcessor(self._exporter))
        super().__init__(provider, ids)

    @property
    def finished(self) -> Sequence[ReadableSpan]:
        """The finished spans in the order of their ends."""
        return self._exporter.get_finished_spans()

    def named(self, name: str, kind: str = "") -> ReadableSpan:
        """Return the only finished span with a name and, if given, a kind."""
        [span] = [
            span
            for span in self.finished
            if span.name == name and span.kind.name.lower() in (kind or span.kind.name.lower())
        ]
        return span


def ids(span: ReadableSpan) -> tuple[str, str, str]:
    """Return the ids of a span, its trace and its parent."""
    context = span.get_span_context()
    assert context is not None
    parent = "" if span.parent is None else f"{span.parent.span_id:016x}"
    return f"{context.span_id:016x}", f"{context.trace_id:032x}", parent
