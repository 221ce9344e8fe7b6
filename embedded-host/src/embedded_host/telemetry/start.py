"""Starts the telemetry of a host, if its packages are installed and a receiver is configured."""

from __future__ import annotations

import asyncio
import sys
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING

from embedded_host.telemetry.settings import has_endpoint, is_installed

if TYPE_CHECKING:
    from embedded_host.telemetry.host_telemetry import HostTelemetry


async def start_telemetry(
    environ: Mapping[str, str], install: Callable[[], str]
) -> HostTelemetry | None:
    """Start to export traces and logs.

    If a package or the address of the receiver is missing, print the reason and return None.
    ``environ`` has the ``OTEL_*`` variables and the app settings. ``install`` returns the command
    that installs the packages.
    """
    if not is_installed():
        print(
            "host.json: telemetryMode is OpenTelemetry, but the packages of the extra 'otel' are "
            f"not installed, so no traces and logs are exported. Run `{install()}`. [EH125]",
            file=sys.stderr,
        )
        return None
    if not has_endpoint(environ):
        print(
            "host.json: telemetryMode is OpenTelemetry, but OTEL_EXPORTER_OTLP_ENDPOINT is not "
            "set, so no traces and logs are exported. Set it in the environment or in "
            "local.settings.json to the address of an OTLP receiver, such as "
            "http://localhost:4317. [EH126]",
            file=sys.stderr,
        )
        return None
    # The import takes half a second. The event loop continues meanwhile.
    return await asyncio.to_thread(_start, environ)


def _start(environ: Mapping[str, str]) -> HostTelemetry:
    from embedded_host.telemetry.host_telemetry import HostTelemetry

    return HostTelemetry(environ)
