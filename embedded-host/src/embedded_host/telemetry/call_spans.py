"""The spans of the calls of an orchestration: from the start of a call to its result.

Source: functions-host.md#telemetry.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime

from opentelemetry.trace import SpanKind

from embedded_host.engine.events import (
    EventRaised,
    EventSent,
    FailureEvent,
    HistoryEvent,
    SchedulingEvent,
    SubOrchestrationInstanceCompleted,
    SubOrchestrationInstanceCreated,
    SubOrchestrationInstanceFailed,
    TaskCompleted,
    TaskFailed,
    TaskScheduled,
    TimerCreated,
    TimerFired,
)
from embedded_host.engine.orchestration import Orchestration
from embedded_host.engine.trace_contexts import (
    OrchestrationTrace,
    operation_span_id,
    recorded_context,
)
from embedded_host.telemetry.span_names import (
    CORE,
    EXTENSION,
    activity_attributes,
    entity_operation,
    entity_span_name,
    name_with_version,
    one_line,
    operation_request,
)
from embedded_host.telemetry.spans import AttributeValue, Scope, Spans

_GUID = 36
"""The length of the id of a request to an entity, which is the name of its response."""


class CallSpans:
    """The spans of the calls whose results a turn received."""

    def __init__(
        self, spans: Spans, state: Orchestration, trace: OrchestrationTrace, at: datetime
    ) -> None:
        """Emit spans with ``spans``. ``at`` is the time of the turn, which is their end."""
        self._spans, self._state, self._trace, self._at = spans, state, trace, at

    def emit(self, events: Sequence[HistoryEvent], new: Iterable[HistoryEvent]) -> None:
        """Emit the spans of the completions among the ``new`` events."""
        completed = (
            TaskCompleted,
            TaskFailed,
            SubOrchestrationInstanceCompleted,
            SubOrchestrationInstanceFailed,
            TimerFired,
        )
        done = [event for event in new if isinstance(event, completed)]
        responses = [e for e in new if isinstance(e, EventRaised) and len(e.name) == _GUID]
        calls = scheduled_calls(events, {event.scheduled_id for event in done}) if done else {}
        for event in done:
            failure = None
            if isinstance(event, FailureEvent):
                details = event.failure_details
                failure = one_line(event.reason if details is None else details.error_message)
            self._call(calls.get(event.scheduled_id), failure)
        for response in responses:
            self._response(response, events)

    def _call(self, call: SchedulingEvent | None, failure: str | None) -> None:
        if isinstance(call, TaskScheduled):
            context = recorded_context(call.parent_trace_context)
            attributes = activity_attributes(call.name, self._state.instance_id, call.event_id)
            span_id = None if context is None else context.span_id
            self._emit(f"activity:{call.name}", call, attributes, span_id, failure)
        elif isinstance(call, SubOrchestrationInstanceCreated):
            attributes = {
                "durabletask.type": "orchestration",
                "durabletask.task.name": call.name,
                "durabletask.task.instance_id": self._state.instance_id,
            }
            name = name_with_version("orchestration", call.name, call.version, attributes)
            span_id = call.client_span_id if isinstance(call.client_span_id, str) else None
            self._emit(name, call, attributes, span_id, failure)
        elif isinstance(call, TimerCreated):
            attributes = {
                "durabletask.type": "timer",
                "durabletask.task.name": self._state.name,
                "durabletask.task.instance_id": self._state.instance_id,
                "durabletask.fire_at": call.fire_at,
                "durabletask.task.task_id": call.event_id,
            }
            name = f"orchestration:{self._state.name}:timer"
            self._emit(name, call, attributes, None, None, SpanKind.INTERNAL)

    def _response(self, response: EventRaised, events: Sequence[HistoryEvent]) -> None:
        """Emit the span of the call of an entity that has responded."""
        for sent in reversed(events):
            if not isinstance(sent, EventSent) or response.name not in sent.input:
                continue
            request = operation_request(sent.input)
            if request is None or request.id != response.name:
                continue
            attributes: dict[str, AttributeValue] = {
                "durabletask.type": "entity",
                "durabletask.task.operation": entity_operation(signal=False),
                "durabletask.event.target_instance_id": sent.instance_id,
            }
            name = entity_span_name(sent.instance_id, request.operation)
            span_id = operation_span_id(request.id)
            self._emit(name, sent, attributes, span_id, None, scope=EXTENSION)
            return

    def _emit(
        self,
        name: str,
        call: SchedulingEvent,
        attributes: Mapping[str, AttributeValue],
        span_id: str | None,
        failure: str | None,
        kind: SpanKind = SpanKind.CLIENT,
        scope: Scope = CORE,
    ) -> None:
        self._spans.emit(
            scope,
            name,
            kind,
            self._trace.own,
            attributes,
            start=call.occurred_at,
            end=max(self._at, call.occurred_at),
            span_id=span_id,
            failure=failure,
        )


def scheduled_calls(events: Sequence[HistoryEvent], ids: set[int]) -> dict[int, SchedulingEvent]:
    """Return the newest scheduling events with these ids."""
    found: dict[int, SchedulingEvent] = {}
    for event in reversed(events):
        if isinstance(event, SchedulingEvent) and event.event_id in ids:
            found.setdefault(event.event_id, event)
            if len(found) == len(ids):
                break
    return found
