"""The spans of a task hub. test_host_telemetry.py compares them with the recorded spans."""

from __future__ import annotations

import asyncio
from collections.abc import Generator
from typing import Any

from embedded_host.engine import history as h
from embedded_host.engine.entity import EntityTurnResult
from embedded_host.engine.entity_messages import OPERATION, EntityId, request_message
from embedded_host.engine.events import EventRaised
from embedded_host.engine.messages import Deliver, Message, StartOrchestration
from embedded_host.engine.trace_contexts import (
    TraceContext,
    document_of,
    orchestration_trace,
    recorded_context,
)
from embedded_host.task_hub.tracer import current_trace
from embedded_host.telemetry.hub_tracer import HubTracer
from tests.support.polling import eventually_async
from tests.task_hub.app import new_hub
from tests.task_hub.kit import T0, HubUnderTest, InlineInvoker
from tests.telemetry.kit import TRACE, TRACEPARENT, SpansInMemory, ids


def waits_then_calls(context: Any) -> Generator[Any, Any, Any]:
    yield context.wait_for_external_event("Go")
    return (yield context.call_activity("Echo", 1))


def ends(context: Any) -> None:
    context.set_result(None)


def traced(**orchestrators: Any) -> tuple[HubUnderTest, SpansInMemory]:
    """Return a hub with these orchestrators, and its spans."""
    spans = SpansInMemory()
    invoker = InlineInvoker(orchestrators, {"Echo": lambda value: value}, {"Relay": ends})
    return HubUnderTest(invoker, tracer=HubTracer(spans)), spans


async def restarted(host: HubUnderTest) -> tuple[HubUnderTest, SpansInMemory]:
    """Kill the host and return the next one."""
    await host.kill()
    spans = SpansInMemory()
    host = HubUnderTest(host.invoker, host.store, host.clock, tracer=HubTracer(spans))
    host.hub.start()
    await host.idle()
    return host, spans


async def test_the_span_of_an_orchestration_survives_a_restart_of_the_host() -> None:
    host, before = traced(Main=waits_then_calls)
    await host.start("Main")
    created = before.named("create_orchestration:Main")
    began = host.clock.now()
    host.clock.advance(5)
    host, after = await restarted(host)
    await host.raise_event("Go")
    span = after.named("orchestration:Main")
    assert ids(span)[1:] == (ids(created)[1], ids(created)[0])
    assert span.start_time == int(began.timestamp() * 1e9)
    assert span.end_time == int(host.clock.now().timestamp() * 1e9)
    call = after.named("activity:Echo", "client")
    assert ids(call)[2] == ids(span)[0]
    assert ids(after.named("activity:Echo", "server"))[2] == ids(call)[0]


async def test_the_span_of_an_orchestration_is_current_in_each_of_its_turns() -> None:
    seen: list[TraceContext | None] = []

    def main(context: Any) -> Generator[Any, Any, Any]:
        seen.append(current_trace.get())
        yield from waits_then_calls(context)

    host, _ = traced(Main=main)
    await host.start("Main")
    host, after = await restarted(host)
    await host.raise_event("Go")
    span = after.named("orchestration:Main")
    assert len(seen) >= 2
    for context in seen:
        assert context is not None
        assert (context.span_id, context.trace_id) == ids(span)[:2]


async def test_an_activity_that_a_restart_interrupts_keeps_its_parent() -> None:
    host, _ = traced(Main=lambda context: (yield context.call_activity("Echo", 1)))
    host.invoker.gate = asyncio.Event()
    await host.client.start("Main", None, "i-1")
    await eventually_async(
        lambda: host.hub.running_since(host.row().key, 0), "the activity is running"
    )
    host.invoker.gate = None
    host, spans = await restarted(host)
    call = spans.named("activity:Echo", "client")
    assert ids(spans.named("activity:Echo", "server"))[2] == ids(call)[0]
    assert ids(call)[2] == ids(spans.named("orchestration:Main"))[0]


async def test_the_current_http_call_is_the_parent_of_the_operations_of_clients() -> None:
    host, spans = traced(Main=waits_then_calls)
    before = current_trace.set(TraceContext(TRACEPARENT))
    try:
        await host.start("Main")
        await host.raise_event("Go")
        await host.client.signal_entity(EntityId("relay", "k"), "end", None)
    finally:
        current_trace.reset(before)
    await host.idle()
    for name in ("create_orchestration:Main", "orchestration_event:Go"):
        assert ids(spans.named(name))[1:] == (TRACE, TRACEPARENT.split("-")[2])
    signal = spans.named("entity:relay:end", "producer")
    assert ids(signal)[2] == TRACEPARENT.split("-")[2]
    assert ids(spans.named("entity:relay:end", "consumer"))[2] == ids(signal)[0]


def test_the_messages_of_an_entity_are_below_its_operation() -> None:
    spans, context = SpansInMemory(), document_of(TraceContext(TRACEPARENT))
    text = request_message(request_id="r", operation="relay", input=None, signal=True, now=T0)
    signal = request_message(request_id="s", operation="end", input=None, signal=True, now=T0)
    started = h.execution_started(T0, instance_id="i", execution_id="e", name="Main", input=None)
    response = Deliver("i-1", Message(h.event_raised(T0, "r", "{}")))
    result = EntityTurnResult(
        True,
        None,
        T0,
        [
            Deliver("@relay@other", Message(h.event_raised(T0, OPERATION, signal))),
            StartOrchestration("i", started, None),
            response,
        ],
    )
    HubTracer(spans).entity_turn(
        "@relay@k", [h.event_raised(T0, OPERATION, text, context)], T0, result
    )
    operation = spans.named("entity:relay:relay", "consumer")
    assert ids(operation)[1:] == (TRACE, TRACEPARENT.split("-")[2])
    sent, creating, last = result.outgoing
    producer = spans.named("entity:relay:end", "producer")
    assert ids(producer)[2] == ids(operation)[0]
    assert (producer.attributes or {})["durabletask.task.instance_id"] == "@relay@k"
    assert isinstance(sent, Deliver)
    assert isinstance(sent.message.event, EventRaised)
    received = recorded_context(sent.message.event.parent_trace_context)
    assert received is not None
    assert received.span_id == ids(producer)[0]
    assert isinstance(creating, StartOrchestration)
    trace = orchestration_trace([creating.started])
    assert trace is not None
    assert trace.parent.span_id == ids(spans.named("relay:create_orchestration"))[0]
    assert last is response


async def test_a_terminated_orchestration_has_an_error() -> None:
    host, spans = traced(Main=waits_then_calls)
    await host.start("Main")
    await host.client.terminate("i-1", "enough")
    await host.idle()
    span = spans.named("orchestration:Main")
    assert (span.status.status_code.name, span.status.description) == ("ERROR", "Terminated")
    assert (span.attributes or {})["durabletask.task.status"] == "Terminated"


async def test_a_version_is_in_the_name_and_the_attributes() -> None:
    host, spans = traced(Main=lambda context: None)
    await host.client.start("Main", None, "i-1", "1.2")
    await host.idle()
    for name in ("create_orchestration:Main@(1.2)", "orchestration:Main@(1.2)"):
        assert (spans.named(name).attributes or {})["durabletask.task.version"] == "1.2"


async def test_a_rewound_orchestration_has_a_second_span() -> None:
    spans = SpansInMemory()
    failing = new_hub(flaky_failures=3)
    host = HubUnderTest(failing.invoker, tracer=HubTracer(spans))
    await host.start("Retries")
    for _ in range(3):
        await host.advance(5)
    await host.client.rewind("i-1", "fixed")
    await host.idle()
    failed, completed = (span for span in spans.finished if span.name == "orchestration:Retries")
    assert (failed.status.status_code.name, completed.status.status_code.name) == ("ERROR", "OK")
    assert ids(failed)[1:] == ids(completed)[1:]
    assert ids(failed)[0] != ids(completed)[0]
    assert (completed.start_time or 0) >= (failed.end_time or 0)


async def test_an_instance_from_before_the_telemetry_has_no_spans() -> None:
    host, _ = traced(Main=waits_then_calls)
    host = HubUnderTest(host.invoker)
    await host.start("Main")
    host, spans = await restarted(host)
    await host.raise_event("Go")
    assert host.outcome() == ("Completed", 1)
    assert [span.name for span in spans.finished] == ["orchestration_event:Go"]


async def test_without_telemetry_the_history_has_no_trace_context() -> None:
    host, _ = traced(Main=lambda context: (yield context.call_activity("Echo", 1)))
    host = HubUnderTest(host.invoker)
    await host.start("Main")
    contexts = [
        getattr(event, "parent_trace_context", None) for event in host.client.history(host.row())
    ]
    assert set(contexts) == {None}
