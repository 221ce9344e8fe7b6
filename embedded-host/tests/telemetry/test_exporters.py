"""The export to a receiver. test_host_telemetry.py exports the spans of a host over HTTP."""

from __future__ import annotations

import os
from collections.abc import Iterator

import pytest
from opentelemetry.trace import SpanKind

from embedded_host.telemetry.exporters import Exporters
from tests.support.otlp_receiver import OtlpReceiver


@pytest.fixture(autouse=True)
def _variables() -> Iterator[None]:
    before = dict(os.environ)
    yield
    for name in set(os.environ) - set(before):
        del os.environ[name]
    os.environ.update(before)


@pytest.mark.parametrize("protocol", ["grpc", "http/protobuf"])
def test_spans_reach_the_receiver_before_the_exporters_are_closed(
    receiver: OtlpReceiver, protocol: str
) -> None:
    url = receiver.grpc_url if protocol == "grpc" else receiver.http_url
    environ = {
        "OTEL_EXPORTER_OTLP_ENDPOINT": url,
        "OTEL_EXPORTER_OTLP_PROTOCOL": protocol,
        "OTEL_RESOURCE_ATTRIBUTES": "deployment.environment=test",
        "WEBSITE_SITE_NAME": "site",
    }
    exporters = Exporters(environ, "1.2.3")
    exporters.spans.emit("DurableTask.Core", protocol, SpanKind.SERVER, None, {"n": 1})
    exporters.close()
    [span] = [span for span in receiver.spans if span.name == protocol]
    assert (span.kind, span.attributes) == ("server", {"n": 1})
    expected = {
        "service.name": "site",
        "service.version": "1.2.3",
        "faas.version": "1.2.3",
        "process.pid": os.getpid(),
        "deployment.environment": "test",
    }
    assert expected.items() <= span.resource.items()
