"""Telemetry by OpenTelemetry, with the spans of the Azure Functions host.

The modules ``exporters`` and ``spans`` import the packages of the extra ``otel``. The host imports
them only if host.json has ``"telemetryMode": "OpenTelemetry"``.
"""
