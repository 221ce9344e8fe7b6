from __future__ import annotations

import pytest

from embedded_host.telemetry import start


async def test_missing_packages_are_reported_with_the_command_that_installs_them(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(start, "is_installed", lambda: False)
    environ = {"OTEL_EXPORTER_OTLP_ENDPOINT": "http://localhost:1"}
    assert await start.start_telemetry(environ, lambda: "pip install x") is None
    error = capsys.readouterr().err
    assert "extra 'otel' are not installed" in error
    assert "Run `pip install x`. [EH125]" in error


async def test_a_missing_endpoint_is_reported(capsys: pytest.CaptureFixture[str]) -> None:
    assert await start.start_telemetry({}, str) is None
    assert "OTEL_EXPORTER_OTLP_ENDPOINT is not set" in capsys.readouterr().err
