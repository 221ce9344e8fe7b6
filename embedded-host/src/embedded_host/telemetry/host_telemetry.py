"""The telemetry of a running host: its exporters, its tracer and its log export."""

from __future__ import annotations

import asyncio
import contextlib
import logging
from collections.abc import Mapping

from embedded_host import __version__
from embedded_host.parity.findings import Findings
from embedded_host.telemetry.exporters import Exporters
from embedded_host.telemetry.http_tracing import HttpTracing
from embedded_host.telemetry.hub_tracer import HubTracer
from embedded_host.telemetry.log_records import LogExport
from embedded_host.telemetry.settings import worker_continues_traces

_EXPORT_SECONDS = 3.0
"""Maximum seconds for which a stop waits until the receiver has the last spans."""


class HostTelemetry:
    """Exports the traces and logs of one host until ``close``."""

    def __init__(self, environ: Mapping[str, str]) -> None:
        """Start to export. ``environ`` has the ``OTEL_*`` variables and the app settings."""
        self._environ = environ
        self._exporters = Exporters(environ, __version__)
        self.tracer = HubTracer(self._exporters.spans)
        self.logs = LogExport(self._exporters.logs)
        logging.getLogger("embedded_host").addHandler(self.logs)

    def http(self, findings: Findings) -> HttpTracing:
        """Return the tracing of HTTP calls. ``findings`` are the parity findings of the app."""
        continues = worker_continues_traces(self._environ)
        return HttpTracing(self._exporters.spans, findings, worker_continues=continues)

    async def close(self) -> None:
        """Export the remaining spans and records."""
        logging.getLogger("embedded_host").removeHandler(self.logs)
        with contextlib.suppress(asyncio.TimeoutError):
            await asyncio.wait_for(asyncio.to_thread(self._exporters.close), _EXPORT_SECONDS)
