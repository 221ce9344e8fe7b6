from __future__ import annotations

import pytest

from embedded_host.telemetry.settings import (
    has_endpoint,
    is_installed,
    protocol_of,
    worker_continues_traces,
)


@pytest.mark.parametrize(
    ("environ", "expected"),
    [
        ({}, False),
        ({"OTEL_EXPORTER_OTLP_ENDPOINT": ""}, False),
        ({"OTEL_EXPORTER_OTLP_ENDPOINT": "http://localhost:4317"}, True),
        ({"OTEL_EXPORTER_OTLP_TRACES_ENDPOINT": "http://localhost:4318/v1/traces"}, True),
    ],
)
def test_a_receiver_is_configured_by_an_endpoint(environ: dict[str, str], expected: bool) -> None:
    assert has_endpoint(environ) is expected


@pytest.mark.parametrize(
    ("environ", "traces", "logs"),
    [
        ({}, "grpc", "grpc"),
        ({"OTEL_EXPORTER_OTLP_PROTOCOL": "http/protobuf"}, "http/protobuf", "http/protobuf"),
        (
            {
                "OTEL_EXPORTER_OTLP_PROTOCOL": "http/protobuf",
                "OTEL_EXPORTER_OTLP_LOGS_PROTOCOL": "grpc",
            },
            "http/protobuf",
            "grpc",
        ),
    ],
)
def test_the_protocol_of_a_signal_precedes_the_protocol_of_all(
    environ: dict[str, str], traces: str, logs: str
) -> None:
    assert (protocol_of(environ, "TRACES"), protocol_of(environ, "LOGS")) == (traces, logs)


def test_the_packages_of_the_extra_are_found() -> None:
    assert is_installed()


@pytest.mark.parametrize(("value", "expected"), [("", False), ("true", True), ("0", False)])
def test_the_setting_of_the_python_worker_is_read(value: str, expected: bool) -> None:
    assert worker_continues_traces({"PYTHON_ENABLE_OPENTELEMETRY": value}) is expected
