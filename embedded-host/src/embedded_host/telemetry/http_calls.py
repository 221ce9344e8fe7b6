"""The HTTP calls that the host handles, for their spans."""

from __future__ import annotations

from contextvars import ContextVar
from dataclasses import dataclass

from embedded_host.engine.trace_contexts import TraceContext


@dataclass
class HttpCall:
    """An HTTP call while the host handles it."""

    context: TraceContext
    """The span of the call."""
    continues_trace: bool
    """True if the request has a valid ``traceparent``."""
    function: str = ""
    """The name of the function that handles the call, or an empty string."""
    route: str = ""
    """The route of the function, with the prefix."""


current_call: ContextVar[HttpCall | None] = ContextVar("current HTTP call", default=None)
"""The HTTP call that the current task handles, or None without telemetry."""
