"""The trace contexts of an orchestration: W3C ``traceparent`` values and the ids of its spans.

Only the host's telemetry starts a trace: it puts a trace context with a ``SpanId`` into the
ExecutionStarted event. From this event, a turn derives the contexts of activities,
sub-orchestrations and entity operations. They are part of the history and of the messages, so the
spans of an instance survive a restart of the host. The JSON keys are those of
``DistributedTraceContext`` in DurableTask.Core.
"""

from __future__ import annotations

import re
import secrets
from collections.abc import Iterable, Mapping
from hashlib import blake2b
from typing import NamedTuple

from msgspec import structs

from embedded_host.engine.events import (
    ExecutionStarted,
    HistoryEvent,
    OrchestratorStarted,
)

_TRACEPARENT = re.compile("[0-9a-f]{2}-([0-9a-f]{32})-([0-9a-f]{16})-([0-9a-f]{2})(?:-.*)?")


class TraceContext(NamedTuple):
    """A position in a trace: the span that is the parent of the next spans."""

    trace_parent: str
    """The W3C ``traceparent``."""
    trace_state: str = ""

    @property
    def trace_id(self) -> str:
        """The id of the trace, 32 hexadecimal digits."""
        return self.trace_parent[3:35]

    @property
    def span_id(self) -> str:
        """The id of the span, 16 hexadecimal digits."""
        return self.trace_parent[36:52]

    @property
    def is_sampled(self) -> bool:
        """True if the spans of the trace are recorded."""
        return bool(int(self.trace_parent[53:55], 16) & 1)

    def with_span(self, span_id: str) -> TraceContext:
        """Return the context of another span of the same trace."""
        parent = f"00-{self.trace_id}-{span_id}-{self.trace_parent[53:55]}"
        return TraceContext(parent, self.trace_state)


def trace_context(trace_parent: str, trace_state: str = "") -> TraceContext | None:
    """Return the context of a W3C ``traceparent``, or None if it is invalid."""
    found = _TRACEPARENT.fullmatch(trace_parent.strip())
    if found is None or trace_parent.startswith("ff"):
        return None
    trace_id, span_id, flags = found.groups()
    if not (trace_id.strip("0") and span_id.strip("0")):
        return None
    return TraceContext(f"00-{trace_id}-{span_id}-{flags}", trace_state)


def recorded_context(document: object) -> TraceContext | None:
    """Return the context of a recorded JSON object, or None if it has no valid context."""
    if not isinstance(document, Mapping):
        return None
    parent, state = document.get("TraceParent"), document.get("TraceState")
    if not isinstance(parent, str):
        return None
    return trace_context(parent, state if isinstance(state, str) else "")


def document_of(context: TraceContext, own: TraceContext | None = None) -> dict[str, object]:
    """Return the JSON object of a context.

    ``own`` is the span of an orchestration whose parent is ``context``.
    """
    return {
        "TraceParent": context.trace_parent,
        "TraceState": context.trace_state or None,
        "Id": None if own is None else own.trace_parent,
        "SpanId": None if own is None else own.span_id,
        "ActivityStartTime": None,
    }


class OrchestrationTrace(NamedTuple):
    """The trace of an orchestration."""

    parent: TraceContext
    """The span that has created the orchestration."""
    own: TraceContext
    """The span of the orchestration, from its start to its end."""
    started_at: str
    """The start of the span, or an empty string before the first turn.

    Continue-as-new keeps it: one span covers all executions.
    """


def orchestration_trace(events: Iterable[HistoryEvent]) -> OrchestrationTrace | None:
    """Return the trace of the execution with these events, or None without telemetry."""
    first = ""
    for event in events:
        if isinstance(event, OrchestratorStarted):
            first = first or event.timestamp
        elif isinstance(event, ExecutionStarted):
            document = event.parent_trace_context
            parent = recorded_context(document)
            if parent is None or not isinstance(document, Mapping):
                return None
            span_id, started = document.get("SpanId"), document.get("ActivityStartTime")
            # A context with an Id is the host's. That of a client of SDK 2.x has none.
            if not (isinstance(span_id, str) and isinstance(document.get("Id"), str)):
                return None
            at = started if isinstance(started, str) else first
            return OrchestrationTrace(parent, parent.with_span(span_id), at)
    return None


def started_in(parent: TraceContext) -> dict[str, object]:
    """Return the JSON object for the ExecutionStarted of an orchestration below ``parent``."""
    return document_of(parent, parent.with_span(new_span_id()))


def continued_context(events: Iterable[HistoryEvent], document: object) -> object:
    """Return the trace context of the next execution after continue-as-new."""
    trace = orchestration_trace(events)
    if trace is None or not isinstance(document, Mapping):
        return document
    return {**document, "ActivityStartTime": trace.started_at}


def rewound_start(started: ExecutionStarted, at: str) -> ExecutionStarted:
    """Return the ExecutionStarted of a rewound execution, which has its own span."""
    document = started.parent_trace_context
    parent = recorded_context(document)
    if parent is None or not isinstance(document, Mapping) or not document.get("Id"):
        return started
    own = parent.with_span(new_span_id())
    context = {**document, "Id": own.trace_parent, "SpanId": own.span_id, "ActivityStartTime": at}
    return structs.replace(started, parent_trace_context=context)


def new_span_id() -> str:
    """Return a random id of a span."""
    return secrets.token_hex(8)


def operation_span_id(request_id: str) -> str:
    """Return the id of the span of an entity operation.

    It is derived from the id of the request, so that it needs no place in the history.
    """
    return blake2b(request_id.encode(errors="replace"), digest_size=8).hexdigest()
