"""The telemetry of a host, compared with the spans that the Azure Functions host has exported."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.support.features_app import features_app
from tests.support.otlp_receiver import OtlpReceiver, ReceivedSpan
from tests.support.polling import eventually
from tests.support.running_host import RunningHost

pytestmark = [pytest.mark.process, pytest.mark.xdist_group("telemetry")]

RECORDED: list[dict[str, Any]] = json.loads(
    (Path(__file__).parent / "spans.json").read_text(encoding="utf-8")
)
"""The spans of the Azure Functions host, with shortened ids (functions-host.md#telemetry)."""
TRACE = "0af7651916cd43dd8448eb211c80319c"
TRACEPARENT = f"00-{TRACE}-b7ad6b7169203331-01"

NODE = tuple[str, str, str, str, str, tuple[str, ...]]
"""Scope, name, kind, status and message of a span, and the names of its attributes."""


@pytest.fixture(scope="module")
def host(receiver: OtlpReceiver, tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningHost]:
    folder = tmp_path_factory.mktemp("telemetry")
    app = features_app(folder / "app")
    document = json.loads((app.root / "host.json").read_text(encoding="utf-8"))
    document["telemetryMode"] = "OpenTelemetry"
    document["extensions"]["durableTask"]["tracing"] = {
        "distributedTracingEnabled": True,
        "version": "V2",
    }
    app.write("host.json", json.dumps(document))
    app.orchestrator(
        "Sub",
        """
        yield context.call_sub_orchestrator("Hello", None, context.instance_id + ":sub")
        return (yield context.call_sub_orchestrator("Returns"))
        """,
    )
    app.orchestrator("Hello", 'return (yield context.call_activity("Echo", 1))')
    app.orchestrator("Returns", 'return (yield context.call_activity("Echo", 2))')
    app.orchestrator("ActFail", 'yield context.call_activity("Fail", "boom")')
    app.orchestrator(
        "Retry",
        """
        options = df.RetryOptions(10, 3)
        return (yield context.call_activity_with_retry("Flaky", options, context.get_input()))
        """,
    )
    app.orchestrator(
        "ContinueAsNew",
        """
        at = context.get_input() or 0
        yield context.call_activity("Echo", at)
        if at < 3:
            context.continue_as_new(at + 1)
        return at
        """,
    )
    app.orchestrator(
        "EntityCall",
        """
        entity = df.EntityId("Counter", "k1")
        context.signal_entity(entity, "add", 5)
        yield context.call_entity(entity, "add", 3)
        return (yield context.call_entity(entity, "get"))
        """,
    )
    app.orchestrator("WaitEvent", 'return (yield context.wait_for_external_event("Approval"))')
    app.http(
        "Context",
        "def main(req, context):\n    return context.trace_context.Traceparent",
        "context",
        "get",
    )
    app.activity("TraceParent", "return 1")
    app.write(
        "TraceParent/__init__.py",
        "def main(value, context):\n    return context.trace_context.trace_parent\n",
    )
    app.orchestrator("Traced", 'return (yield context.call_activity("TraceParent", 1))')
    with RunningHost(
        app.root,
        folder / "state",
        OTEL_EXPORTER_OTLP_ENDPOINT=receiver.http_url,
        OTEL_EXPORTER_OTLP_PROTOCOL="http/protobuf",
        OTEL_BSP_SCHEDULE_DELAY="100",
        OTEL_BLRP_SCHEDULE_DELAY="100",
        OTEL_SERVICE_NAME="greetings",
    ) as host:
        yield host
        assert host.stop() == 0, host.log


def run(host: RunningHost, receiver: OtlpReceiver, name: str, input: object = None) -> ReceivedSpan:
    """Run an orchestration to its end, and return its span."""
    instance_id = f"otel-{name}"
    host.start(name, input, instance_id)
    return receiver.ended(instance_id)


def nodes(spans: list[dict[str, Any]]) -> Counter[tuple[NODE, NODE | None]]:
    """Return the spans with their parents, without ids and times."""
    by_id = {span["span"]: span for span in spans}

    def node(span: dict[str, Any]) -> NODE:
        return (
            span["scope"],
            span["name"],
            span["kind"],
            span["status"],
            span.get("status_message", ""),
            tuple(sorted(f"{k}={_comparable(k, v)}" for k, v in span["attributes"].items())),
        )

    return Counter(
        (node(span), node(by_id[span["parent"]]) if span["parent"] in by_id else None)
        for span in spans
    )


def _comparable(name: str, value: object) -> object:
    """Return the value of an attribute, or its type if it differs in each run."""
    if name.endswith(("execution_id", "fire_at")):
        return type(value).__name__
    text = str(value)
    return "GUID:1" if text.endswith(":1") and len(text) > 33 else value


def documents(spans: list[ReceivedSpan]) -> list[dict[str, Any]]:
    return [
        {
            "scope": span.scope,
            "name": span.name,
            "kind": span.kind,
            "span": span.span,
            "parent": span.parent,
            "status": span.status,
            "status_message": span.message,
            "attributes": span.attributes,
        }
        for span in spans
        if span.scope != "Microsoft.AspNetCore"
    ]


def recorded(name: str) -> list[dict[str, Any]]:
    trace = next(s["trace"] for s in RECORDED if s["name"] == f"orchestration:{name}")
    return [span for span in RECORDED if span["trace"] == trace]


@pytest.mark.parametrize(
    ("name", "input"),
    [
        ("Chain", None),
        ("Sub", None),
        ("Timer", 1.1),
        ("ActFail", None),
        ("EntityCall", None),
        ("Retry", "attempts"),
        ("ContinueAsNew", 0),
    ],
)
def test_the_spans_are_those_of_the_azure_functions_host(
    host: RunningHost, receiver: OtlpReceiver, tmp_path: Path, name: str, input: object
) -> None:
    if input == "attempts":
        input = str(tmp_path / "attempts")
    expected = nodes(recorded(name))
    span = run(host, receiver, name, input)

    def complete() -> bool:
        return len(documents(receiver.trace(span))) >= expected.total()

    eventually(complete, "all spans of the trace are received", 5)
    assert nodes(documents(receiver.trace(span))) == expected


def test_an_event_has_a_span_below_the_call_that_raises_it(
    host: RunningHost, receiver: OtlpReceiver
) -> None:
    links = host.start("WaitEvent", None, "otel-ev")
    host.post(links["sendEventPostUri"].replace("{eventName}", "Approval"), 1)
    receiver.ended("otel-ev")
    event = eventually(
        lambda: next((s for s in receiver.spans if s.name == "orchestration_event:Approval"), None),
        "the span of the event is received",
    )
    parent = next(s for s in receiver.spans if s.span == event.parent)
    assert nodes(documents([event])) == nodes(
        [span for span in RECORDED if span["name"] == event.name]
    )
    assert (parent.kind, parent.attributes["http.request.method"]) == ("server", "POST")


def test_the_trace_of_a_request_continues_to_the_activity_and_is_reported(
    host: RunningHost, receiver: OtlpReceiver
) -> None:
    reply = host.post("/api/start/Traced/otel-traced", traceparent=TRACEPARENT)
    span = receiver.ended("otel-traced")
    assert span.trace == TRACE
    spans = {s.name: s for s in receiver.trace(span) if s.kind == "server"}
    call = spans["POST api/start/{functionName}/{instanceId?}"]
    assert call.parent == TRACEPARENT.split("-")[2]
    assert call.attributes["faas.name"] == "Starter"
    assert call.attributes["http.response.status_code"] == 202
    activity = spans["activity:TraceParent"]
    output = host.status(reply.json)["output"]
    assert output == f"00-{TRACE}-{activity.span}-01"
    assert "EH827" in host.log


def test_a_function_gets_the_span_of_its_call(host: RunningHost, receiver: OtlpReceiver) -> None:
    given = host.get("/api/context", traceparent=TRACEPARENT).text
    call = eventually(
        lambda: next((s for s in receiver.spans if s.name == "GET api/context"), None),
        "the span of the call is received",
    )
    assert given == f"00-{TRACE}-{call.span}-01"


def test_the_resource_is_that_of_the_azure_functions_host(
    host: RunningHost, receiver: OtlpReceiver
) -> None:
    resource = run(host, receiver, "Hello").resource
    assert resource["service.name"] == "greetings"
    assert {"service.version", "faas.version", "process.pid", "telemetry.sdk.name"} <= set(resource)


def test_the_log_records_of_the_host_are_exported_with_their_span(
    host: RunningHost, receiver: OtlpReceiver
) -> None:
    run(host, receiver, "Failing")
    record = eventually(
        lambda: next((r for r in receiver.records if "[EH402]" in r.text), None),
        "the record of the failed activity is received",
    )
    assert (record.scope, record.severity) == ("embedded_host.functions", "Error")
    eventually(
        lambda: any(s.span == record.span and s.name == "activity:Fail" for s in receiver.spans),
        "the span of the record is received",
    )
