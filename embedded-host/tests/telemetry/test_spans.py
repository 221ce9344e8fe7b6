from __future__ import annotations

from datetime import datetime, timezone

import pytest
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.trace import SpanKind

from embedded_host.engine.trace_contexts import TraceContext
from embedded_host.telemetry.spans import GivenIds, Spans, context_of, end_span, nanoseconds
from tests.telemetry.kit import TRACE, TRACEPARENT, SpansInMemory, ids

AT = datetime(2026, 1, 2, 3, 4, 5, 6, tzinfo=timezone.utc)


def test_a_span_has_the_given_id_times_and_parent() -> None:
    spans = SpansInMemory()
    spans.emit(
        "DurableTask.Core",
        "a",
        SpanKind.SERVER,
        TraceContext(TRACEPARENT, "k=v"),
        {"n": 1},
        start=AT,
        end=AT,
        span_id="00000000000000ab",
        is_ok=True,
    )
    span = spans.named("a")
    assert ids(span) == ("00000000000000ab", TRACE, TRACEPARENT.split("-")[2])
    assert span.start_time == span.end_time == nanoseconds(AT) == 1767323045000006000
    assert (span.status.status_code.name, dict(span.attributes or {})) == ("OK", {"n": 1})
    context = span.get_span_context()
    assert context is not None
    assert context.trace_state.to_header() == "k=v"
    assert span.instrumentation_scope is not None
    assert span.instrumentation_scope.name == "DurableTask.Core"


def test_a_given_id_is_used_once() -> None:
    spans = SpansInMemory()
    for _ in range(2):
        spans.emit("DurableTask.Core", "a", SpanKind.CLIENT, None, {}, span_id=None)
    first, second = (ids(span) for span in spans.finished)
    assert first[0] != second[0]
    assert first[1] != second[1]
    assert first[2] == second[2] == ""


def test_an_unsampled_parent_has_no_spans_but_a_context() -> None:
    spans = SpansInMemory()
    parent = TraceContext(TRACEPARENT[:-2] + "00")
    span = spans.emit("DurableTask.Core", "a", SpanKind.CLIENT, parent, {})
    assert spans.finished == ()
    context = context_of(span)
    assert context is not None
    assert (context.trace_id, context.is_sampled) == (TRACE, False)


def test_a_given_id_of_an_unsampled_span_does_not_apply_to_the_next_span() -> None:
    spans = SpansInMemory()
    parent = TraceContext(TRACEPARENT[:-2] + "00")
    given = "00000000000000ab"
    spans.emit("DurableTask.Core", "a", SpanKind.CLIENT, parent, {}, span_id=given)
    spans.emit("DurableTask.Core", "b", SpanKind.CLIENT, None, {})
    assert ids(spans.named("b"))[0] != given


def test_a_disabled_sdk_gives_no_context(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OTEL_SDK_DISABLED", "true")
    generator = GivenIds()
    spans = Spans(TracerProvider(id_generator=generator, shutdown_on_exit=False), generator)
    span = spans.start_span("DurableTask.Core", "a", SpanKind.CLIENT, None, {})
    assert context_of(span) is None


def test_a_failure_is_the_status() -> None:
    spans = SpansInMemory()
    end_span(spans.start_span("DurableTask.Core", "a", SpanKind.CLIENT, None, {}), failure="boom")
    status = spans.named("a").status
    assert (status.status_code.name, status.description) == ("ERROR", "boom")
