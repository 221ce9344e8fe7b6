"""The span of the running invocation, for the requests of its durable client."""

from __future__ import annotations

from contextvars import ContextVar

from embedded_worker.protocol import TraceData

current_trace: ContextVar[TraceData | None] = ContextVar("current trace", default=None)
"""The span of the running invocation, or None without telemetry."""
