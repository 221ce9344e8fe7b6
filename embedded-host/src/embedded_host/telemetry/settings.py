"""The settings of the telemetry: ``telemetryMode`` of host.json and the ``OTEL_*`` variables."""

from __future__ import annotations

from collections.abc import Mapping
from importlib.util import find_spec

_ENDPOINTS = (
    "OTEL_EXPORTER_OTLP_ENDPOINT",
    "OTEL_EXPORTER_OTLP_TRACES_ENDPOINT",
    "OTEL_EXPORTER_OTLP_LOGS_ENDPOINT",
)
_MODULES = (
    "opentelemetry.sdk.trace",
    "opentelemetry.exporter.otlp.proto.http",
    "opentelemetry.exporter.otlp.proto.grpc",
)


def has_endpoint(environ: Mapping[str, str]) -> bool:
    """Return True if a variable has the address of a receiver.

    The Azure Functions host exports nothing without ``OTEL_EXPORTER_OTLP_ENDPOINT``.
    """
    return any(environ.get(name) for name in _ENDPOINTS)


def protocol_of(environ: Mapping[str, str], signal: str) -> str:
    """Return the OTLP protocol of a signal, which is ``TRACES`` or ``LOGS``.

    The default is gRPC, as in the exporter of .NET.
    """
    name = "OTEL_EXPORTER_OTLP_PROTOCOL"
    chosen = environ.get(f"OTEL_EXPORTER_OTLP_{signal}_PROTOCOL") or environ.get(name) or "grpc"
    return "grpc" if chosen.strip().lower() == "grpc" else "http/protobuf"


def is_installed() -> bool:
    """Return True if the packages of the extra ``otel`` can be imported."""
    try:
        return all(find_spec(module) is not None for module in _MODULES)
    except ModuleNotFoundError:
        return False


def worker_continues_traces(environ: Mapping[str, str]) -> bool:
    """Return True if the Python worker of the Azure Functions host continues traces."""
    value = environ.get("PYTHON_ENABLE_OPENTELEMETRY", "")
    return value.lower() in ("1", "true", "t", "yes", "y")
