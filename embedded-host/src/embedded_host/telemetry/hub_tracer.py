"""The spans of a task hub, named and attributed as those of the Azure Functions host.

Source: functions-host.md#telemetry.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime

from msgspec import structs
from opentelemetry.trace import Span, SpanKind

from embedded_host.engine.entity import EntityTurnResult
from embedded_host.engine.entity_messages import (
    OPERATION,
    EntityId,
    is_operation,
)
from embedded_host.engine.events import (
    EventRaised,
    EventSent,
    ExecutionStarted,
    HistoryEvent,
    OrchestratorStarted,
    TaskScheduled,
)
from embedded_host.engine.messages import Deliver, Message, Outgoing, StartOrchestration
from embedded_host.engine.orchestration import Orchestration, TurnResult
from embedded_host.engine.status import Status
from embedded_host.engine.timestamps import parse_utc
from embedded_host.engine.trace_contexts import (
    OrchestrationTrace,
    TraceContext,
    document_of,
    operation_span_id,
    orchestration_trace,
    recorded_context,
    started_in,
)
from embedded_host.task_hub.tracer import ActivityRun, current_trace
from embedded_host.task_hub.unit_of_work import ActivityWork
from embedded_host.telemetry.call_spans import CallSpans, scheduled_calls
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
from embedded_host.telemetry.spans import AttributeValue, Spans, context_of, end_span


class HubTracer:
    """The ``task_hub.tracer.Tracer`` that emits spans by OpenTelemetry."""

    def __init__(self, spans: Spans) -> None:
        self._spans = spans

    # -- clients -----------------------------------------------------------------------------------

    def orchestration_created(self, started: ExecutionStarted) -> ExecutionStarted:
        """Emit the span of a client's start, and return the event with its trace context.

        The parent is the trace context of a client of SDK 2.x, or else the current HTTP call.
        """
        parent = recorded_context(started.parent_trace_context) or current_trace.get()
        instance = started.orchestration_instance
        attributes: dict[str, AttributeValue] = {
            "durabletask.type": "orchestration",
            "durabletask.task.operation": "create_orchestration",
            "durabletask.task.name": started.name,
            "durabletask.task.instance_id": instance.instance_id,
            "durabletask.task.execution_id": instance.execution_id,
        }
        name = name_with_version("create_orchestration", started.name, started.version, attributes)
        span = self._spans.emit(EXTENSION, name, SpanKind.PRODUCER, parent, attributes)
        context = context_of(span)
        if context is None:
            return started
        return structs.replace(started, parent_trace_context=started_in(context))

    def event_raised(self, instance_id: str, name: str) -> None:
        """Emit the span of an event that a client raises."""
        self._event(name, instance_id, current_trace.get())

    def entity_signalled(self, entity_id: str, operation: str) -> object:
        """Emit the span of a client's signal. Return the trace context of its message."""
        span = self._entity_producer(entity_id, operation, current_trace.get())
        context = context_of(span)
        return None if context is None else document_of(context)

    # -- activities --------------------------------------------------------------------------------

    def activity_started(
        self, work: ActivityWork, history: Sequence[HistoryEvent]
    ) -> ActivityRun | None:
        """Start the span of an activity, or return None if the activity has no trace."""
        row = work.row
        document = work.trace_context
        if document is None:
            scheduled = scheduled_calls(history, {row.task_id}).get(row.task_id)
            if isinstance(scheduled, TaskScheduled):
                document = scheduled.parent_trace_context
        parent = recorded_context(document)
        if parent is None:
            return None
        attributes = activity_attributes(row.name, work.instance_id, row.task_id)
        attributes |= {"faas.name": row.name, "faas.trigger": "activityTrigger"}
        span = self._spans.start_span(
            CORE, f"activity:{row.name}", SpanKind.SERVER, parent, attributes
        )
        context = context_of(span)
        return None if context is None else _ActivityRun(span, context)

    # -- orchestrations ----------------------------------------------------------------------------

    def turn_recorded(
        self,
        state: Orchestration,
        past: Sequence[HistoryEvent],
        received: Sequence[HistoryEvent],
        result: TurnResult,
    ) -> None:
        """Emit the spans that a turn has ended."""
        events = [*past, *received] if result.replaces else past
        trace = orchestration_trace(events)
        if trace is None:
            return
        new = list(received) if result.replaces else result.events
        at = next((e.occurred_at for e in new if isinstance(e, OrchestratorStarted)), None)
        turn = CallSpans(self._spans, state, trace, at or result.updated_at)
        turn.emit(events, new)
        for sent in new:
            if isinstance(sent, EventSent):
                self._sent(sent, state, trace)
        if result.status.is_terminal:
            self._ended(state, events, trace, result)

    def _sent(self, sent: EventSent, state: Orchestration, trace: OrchestrationTrace) -> None:
        """Emit the span of a signal or of an event that an orchestration sends."""
        if sent.name != OPERATION:
            if not EntityId.is_valid(sent.instance_id):
                own: dict[str, AttributeValue] = {
                    "durabletask.task.instance_id": state.instance_id,
                    "durabletask.task.execution_id": state.execution_id,
                }
                self._event(sent.name, sent.instance_id, trace.own, own)
            return
        request = operation_request(sent.input)
        if request is not None and request.signal:
            span_id = operation_span_id(request.id)
            self._entity_producer(sent.instance_id, request.operation, trace.own, span_id=span_id)

    def _ended(
        self,
        state: Orchestration,
        events: Iterable[HistoryEvent],
        trace: OrchestrationTrace,
        result: TurnResult,
    ) -> None:
        """Emit the span of an orchestration that has ended."""
        started = next(event for event in events if isinstance(event, ExecutionStarted))
        attributes: dict[str, AttributeValue] = {
            "durabletask.type": "orchestration",
            "durabletask.task.name": state.name,
            "durabletask.task.instance_id": state.instance_id,
            "faas.name": state.name,
            "faas.trigger": "orchestrationTrigger",
            "durabletask.task.status": result.status.value,
        }
        failure = None
        if result.status is Status.COMPLETED:
            attributes |= {
                "DurableFunctionsType": "Orchestrator",
                "DurableFunctionsInstanceId": state.instance_id,
                "DurableFunctionsRuntimeStatus": result.status.value,
            }
        elif result.status is Status.FAILED:
            failure = one_line(result.output)
        else:
            failure = result.status.value
        self._spans.emit(
            CORE,
            name_with_version("orchestration", state.name, started.version, attributes),
            SpanKind.SERVER,
            trace.parent,
            attributes,
            start=parse_utc(trace.started_at) if trace.started_at else state.created_at,
            end=result.updated_at,
            span_id=trace.own.span_id,
            failure=failure,
            is_ok=failure is None,
        )

    def _event(
        self,
        name: str,
        target: str,
        parent: TraceContext | None,
        own: Mapping[str, AttributeValue] = {},
    ) -> None:
        attributes: dict[str, AttributeValue] = {
            "durabletask.type": "event",
            "durabletask.task.name": name,
            **own,
            "durabletask.event.target_instance_id": target,
        }
        self._spans.emit(CORE, f"orchestration_event:{name}", SpanKind.PRODUCER, parent, attributes)

    # -- entities ----------------------------------------------------------------------------------

    def entity_turn(
        self,
        entity_id: str,
        operations: Sequence[EventRaised],
        began: datetime,
        result: EntityTurnResult,
    ) -> None:
        """Emit the spans of a batch, and give the messages of ``result`` a trace context.

        The worker does not report which operation has sent a message. The parent is therefore the
        last operation with a trace.
        """
        last: TraceContext | None = None
        for event in operations:
            parent, request = (
                recorded_context(event.parent_trace_context),
                operation_request(event.input),
            )
            if parent is None or request is None:
                continue
            span = self._spans.emit(
                EXTENSION,
                entity_span_name(entity_id, request.operation),
                SpanKind.CONSUMER if request.signal else SpanKind.SERVER,
                parent,
                {
                    "durabletask.type": "entity",
                    "durabletask.task.operation": entity_operation(signal=request.signal),
                    "durabletask.task.instance_id": entity_id,
                },
                start=began,
                end=result.updated_at,
            )
            last = context_of(span) or last
        if last is not None:
            result.outgoing[:] = [self._traced(sent, entity_id, last) for sent in result.outgoing]

    def _traced(self, sent: Outgoing, entity_id: str, parent: TraceContext) -> Outgoing:
        """Return a message of an entity with a trace context, and emit the span that sends it."""
        if isinstance(sent, Deliver) and is_operation(sent.message.event):
            event, message = sent.message.event, sent.message
            request = operation_request(event.input)
            if request is None:
                return sent
            span = self._entity_producer(
                sent.instance_id, request.operation, parent, sender=entity_id
            )
            context = context_of(span)
            if context is None:
                return sent
            event = structs.replace(event, parent_trace_context=document_of(context))
            return Deliver(sent.instance_id, Message(event, message.execution_id, message.due))
        if isinstance(sent, StartOrchestration):
            # The extension has these attributes, and the entity's name in the place of the kind.
            entity = EntityId.parse(entity_id).name
            span = self._spans.emit(
                EXTENSION,
                f"{entity}:create_orchestration",
                SpanKind.PRODUCER,
                parent,
                {
                    "durabletask.type": "entity",
                    "durabletask.event.target_instance_id": sent.instance_id,
                    "durabletask.task.instance_id": entity_id,
                },
            )
            context = context_of(span)
            if context is None:
                return sent
            started = structs.replace(sent.started, parent_trace_context=started_in(context))
            return StartOrchestration(sent.instance_id, started, sent.if_taken, sent.due)
        return sent

    def _entity_producer(
        self,
        entity_id: str,
        operation: str,
        parent: TraceContext | None,
        *,
        span_id: str | None = None,
        sender: str = "",
    ) -> Span:
        attributes: dict[str, AttributeValue] = {
            "durabletask.type": "entity",
            "durabletask.task.operation": entity_operation(signal=True),
            "durabletask.event.target_instance_id": entity_id,
        }
        if sender:
            attributes["durabletask.task.instance_id"] = sender
        name = entity_span_name(entity_id, operation)
        return self._spans.emit(
            EXTENSION, name, SpanKind.PRODUCER, parent, attributes, span_id=span_id
        )


class _ActivityRun:
    """The span of one run of an activity."""

    def __init__(self, span: Span, context: TraceContext) -> None:
        self._span, self.context = span, context

    def end(self, failure: str | None) -> None:
        """End the span. ``failure`` is the message of the failed activity."""
        end_span(
            self._span,
            failure=None if failure is None else one_line(failure),
            is_ok=failure is None,
        )
