from __future__ import annotations

import pytest

from embedded_host.engine import history as h
from embedded_host.engine.events import (
    ExecutionStarted,
    HistoryEvent,
    decode_events,
    encode_events,
)
from embedded_host.engine.trace_contexts import (
    TraceContext,
    continued_context,
    operation_span_id,
    orchestration_trace,
    recorded_context,
    rewound_start,
    started_in,
    trace_context,
)
from tests.engine.scenario import T0, after

TRACE, SPAN = "0af7651916cd43dd8448eb211c80319c", "b7ad6b7169203331"
PARENT = TraceContext(f"00-{TRACE}-{SPAN}-01", "k=v")


def started(context: object) -> ExecutionStarted:
    return h.execution_started(
        after(1), instance_id="i", execution_id="e", name="Main", input=None, trace_context=context
    )


def test_the_parts_of_a_context() -> None:
    assert (PARENT.trace_id, PARENT.span_id, PARENT.is_sampled) == (TRACE, SPAN, True)
    child = PARENT.with_span("00000000000000ab")
    assert child == TraceContext(f"00-{TRACE}-00000000000000ab-01", "k=v")


@pytest.mark.parametrize(
    "text",
    ["", "x", f"00-{TRACE}-{SPAN}", f"00-{'0' * 32}-{SPAN}-01", f"00-{TRACE}-{'0' * 16}-01"],
)
def test_an_invalid_traceparent_has_no_context(text: str) -> None:
    assert trace_context(text) is None


def test_a_newer_version_of_a_traceparent_is_read() -> None:
    assert trace_context(f"cc-{TRACE}-{SPAN}-01-more") == TraceContext(PARENT.trace_parent)
    assert trace_context(f"ff-{TRACE}-{SPAN}-01") is None


def test_the_trace_of_an_orchestration_survives_the_state_file() -> None:
    events: list[HistoryEvent] = [h.orchestrator_started(T0), started(started_in(PARENT))]
    trace = orchestration_trace(events)
    assert trace is not None
    assert (trace.parent, trace.started_at) == (PARENT, events[0].timestamp)
    assert trace.own.trace_id == TRACE
    assert trace.own.span_id != SPAN
    assert orchestration_trace(decode_events(encode_events(events))) == trace


@pytest.mark.parametrize(
    "context",
    [None, {}, {"TraceParent": 1}, {"TraceParent": PARENT.trace_parent, "SpanId": SPAN}],
)
def test_an_orchestration_without_telemetry_has_no_trace(context: object) -> None:
    """A client of SDK 2.x records a context, but no span of the orchestration."""
    assert orchestration_trace([h.orchestrator_started(T0), started(context)]) is None


def test_the_next_execution_has_the_same_span_and_start() -> None:
    context = started_in(PARENT)
    events: list[HistoryEvent] = [h.orchestrator_started(T0), started(context)]
    first = orchestration_trace(events)
    continued = started(continued_context(events, context))
    assert orchestration_trace([h.orchestrator_started(after(9)), continued]) == first
    assert continued_context([], None) is None


def test_a_rewound_execution_has_a_span_of_its_own() -> None:
    first = started(started_in(PARENT))
    again = rewound_start(first, "2026-01-02T03:04:09Z")
    before, trace = orchestration_trace([first]), orchestration_trace([again])
    assert before is not None
    assert trace is not None
    assert trace.started_at == "2026-01-02T03:04:09Z"
    assert trace.own != before.own
    assert trace.parent == before.parent
    assert rewound_start(started(None), "") == started(None)


def test_the_span_of_an_operation_follows_from_its_request() -> None:
    assert operation_span_id("a") == operation_span_id("a") != operation_span_id("b")
    assert len(operation_span_id("a")) == 16


def test_a_recorded_context_may_have_no_state() -> None:
    assert recorded_context({"TraceParent": PARENT.trace_parent, "TraceState": None}) == (
        TraceContext(PARENT.trace_parent)
    )
