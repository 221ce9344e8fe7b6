"""The interface of the telemetry of a task hub. Without telemetry, a hub has no tracer."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from contextvars import ContextVar
from datetime import datetime
from typing import Protocol

from embedded_host.engine.entity import EntityTurnResult
from embedded_host.engine.events import EventRaised, ExecutionStarted, HistoryEvent
from embedded_host.engine.orchestration import Orchestration, TurnResult
from embedded_host.engine.trace_contexts import TraceContext
from embedded_host.task_hub.unit_of_work import ActivityWork

current_trace: ContextVar[TraceContext | None] = ContextVar("current trace", default=None)
"""The span of the HTTP call, activity or orchestration that the current task handles."""


@contextmanager
def in_trace(context: TraceContext | None) -> Iterator[None]:
    """Set ``current_trace`` in the ``with`` block."""
    token = current_trace.set(context)
    try:
        yield
    finally:
        current_trace.reset(token)


NOTED_INVOCATIONS = 10_000
"""Number of the newest invocations whose spans are stored, for their log lines."""


class InvocationTraces:
    """The spans of the newest invocations."""

    def __init__(self) -> None:
        self._traces: dict[str, TraceContext] = {}

    def note_current(self, invocation_id: str) -> None:
        """Store the current span as that of an invocation, if there is one."""
        current = current_trace.get()
        if current is not None:
            self.note(invocation_id, current)

    def note(self, invocation_id: str, trace: TraceContext) -> None:
        """Store the span of an invocation."""
        self._traces[invocation_id] = trace
        if len(self._traces) > NOTED_INVOCATIONS:
            del self._traces[next(iter(self._traces))]

    def of(self, invocation_id: str) -> TraceContext | None:
        """Return the span of an invocation, or None if it is not known."""
        return self._traces.get(invocation_id)


invocation_traces = InvocationTraces()
"""The spans of the invocations of this process. It is empty without telemetry."""


class ActivityRun(Protocol):
    """The span of one run of an activity."""

    @property
    def context(self) -> TraceContext:
        """The trace context that the function receives."""

    def end(self, failure: str | None) -> None:
        """End the span. ``failure`` is the message of the failed activity."""


class Tracer(Protocol):
    """Emits the spans of a task hub."""

    def orchestration_created(self, started: ExecutionStarted) -> ExecutionStarted:
        """Emit the span of a client's start, and return the event with its trace context."""

    def event_raised(self, instance_id: str, name: str) -> None:
        """Emit the span of an event that a client raises."""

    def entity_signalled(self, entity_id: str, operation: str) -> object:
        """Emit the span of a client's signal. Return the trace context of its message."""

    def activity_started(
        self, work: ActivityWork, history: Sequence[HistoryEvent]
    ) -> ActivityRun | None:
        """Start the span of an activity.

        Return None if the activity has no trace. ``history`` is the history of its instance. It has
        the trace context of an activity that was scheduled before a restart of the host.
        """

    def turn_recorded(
        self,
        state: Orchestration,
        past: Sequence[HistoryEvent],
        received: Sequence[HistoryEvent],
        result: TurnResult,
    ) -> None:
        """Emit the spans that a turn has ended.

        ``past`` is the history of the execution. After continue-as-new, it is the history of the
        execution that the turn has ended, without the events ``received`` that the turn consumed.
        """

    def entity_turn(
        self,
        entity_id: str,
        operations: Sequence[EventRaised],
        began: datetime,
        result: EntityTurnResult,
    ) -> None:
        """Emit the spans of the operations of a batch.

        The signals and orchestrations in ``result`` get a trace context.
        """
