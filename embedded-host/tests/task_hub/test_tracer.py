from __future__ import annotations

from embedded_host.engine.trace_contexts import TraceContext
from embedded_host.task_hub.tracer import (
    NOTED_INVOCATIONS,
    InvocationTraces,
    current_trace,
    in_trace,
)


def test_only_the_newest_invocations_are_known() -> None:
    traces = InvocationTraces()
    for number in range(NOTED_INVOCATIONS + 1):
        traces.note(str(number), TraceContext(str(number)))
    assert traces.of("0") is None
    assert traces.of("1") == TraceContext("1")
    assert traces.of(str(NOTED_INVOCATIONS)) is not None


def test_the_current_span_is_noted_and_reset() -> None:
    traces, span = InvocationTraces(), TraceContext("span")
    with in_trace(span):
        traces.note_current("a")
    traces.note_current("b")
    assert (traces.of("a"), traces.of("b"), current_trace.get()) == (span, None, None)
