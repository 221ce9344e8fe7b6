"""The spans of calls, from the events of one turn. test_hub_tracer.py checks whole instances."""

from __future__ import annotations

from datetime import timedelta

from embedded_host.engine import history as h
from embedded_host.engine.events import HistoryEvent, SchedulingEvent
from embedded_host.engine.orchestration import Orchestration
from embedded_host.engine.trace_contexts import OrchestrationTrace, TraceContext, document_of
from embedded_host.telemetry.call_spans import CallSpans, scheduled_calls
from embedded_host.telemetry.spans import nanoseconds
from tests.task_hub.kit import T0
from tests.telemetry.kit import TRACEPARENT, SpansInMemory, ids

OWN = TraceContext(TRACEPARENT)
LATER = T0 + timedelta(seconds=5)


def emitted(events: list[HistoryEvent], new: list[HistoryEvent]) -> SpansInMemory:
    """Return the spans of a turn at ``LATER`` that adds the events ``new``."""
    spans = SpansInMemory()
    state = Orchestration("i-1", "Main", "e", T0, T0)
    CallSpans(spans, state, OrchestrationTrace(OWN, OWN, ""), LATER).emit([*events, *new], new)
    return spans


def test_a_span_lasts_from_the_call_to_the_turn_that_receives_its_result() -> None:
    call = OWN.with_span("00000000000000aa")
    scheduled = h.task_scheduled(T0, 3, "Hello", trace_context=document_of(call))
    span = emitted([scheduled], [h.task_completed(LATER, 3, "1")]).named("activity:Hello")
    assert (span.start_time, span.end_time) == (nanoseconds(T0), nanoseconds(LATER))
    assert ids(span)[0] == "00000000000000aa"
    assert ids(span)[2] == OWN.span_id
    assert (span.kind.name, span.status.status_code.name) == ("CLIENT", "UNSET")


def test_a_failed_call_has_the_message_and_a_timer_has_its_due_time() -> None:
    events: list[HistoryEvent] = [
        h.task_scheduled(T0, 0, "Hello"),
        h.timer_created(T0, 1, LATER),
    ]
    new: list[HistoryEvent] = [
        h.task_failed(LATER, 0, "boom\nmore", None),
        h.timer_fired(LATER, 1, LATER),
    ]
    spans = emitted(events, new)
    failed = spans.named("activity:Hello").status
    assert (failed.status_code.name, failed.description) == ("ERROR", "boom")
    timer = spans.named("orchestration:Main:timer")
    assert (timer.attributes or {})["durabletask.task.task_id"] == 1


def test_a_call_without_a_result_has_no_span() -> None:
    assert not emitted([h.task_scheduled(T0, 0, "Hello")], []).finished


def test_the_newest_of_two_calls_with_the_same_id_is_found() -> None:
    first, second = h.task_scheduled(T0, 0, "A"), h.task_scheduled(T0, 0, "B")
    found: dict[int, SchedulingEvent] = scheduled_calls([first, second], {0})
    assert found == {0: second}
