"""The conversion of a history to steps."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

from msgspec import UNSET, UnsetType

from embedded_host.engine.entity_messages import (
    OPERATION,
    EntityMessage,
    LockRelease,
    LockRequest,
    OperationResponse,
)
from embedded_host.engine.events import (
    EventRaised,
    EventSent,
    ExecutionResumed,
    ExecutionSuspended,
    FailureEvent,
    HistoryEvent,
    SubOrchestrationInstanceCompleted,
    SubOrchestrationInstanceCreated,
    TaskCompleted,
    TaskFailed,
    TaskScheduled,
    TimerCreated,
)
from embedded_host.engine.functions import HTTP_ACTIVITY
from embedded_host.engine.json_codec import compact
from embedded_host.engine.matched_events import MatchedEvents
from embedded_host.engine.timestamps import parse_utc
from embedded_host.history.failures import failure_text, failure_trace, response_failure
from embedded_host.history.steps import Call, CallKind, Outcome, Step, Suspension, Timer


@dataclass(frozen=True)
class StepReader:
    """Converts the events of one execution to steps."""

    events: Sequence[HistoryEvent]
    matched: MatchedEvents
    entity_messages: Mapping[int, EntityMessage]
    responses: Mapping[str, int]
    unfinished: Outcome
    """The outcome of a step without a completion."""

    def steps(self) -> list[Step]:
        """Return the steps in the order of the events that started them."""
        steps: list[Step] = []
        suspended: int | None = None
        for index, event in enumerate(self.events):
            if isinstance(event, (TaskScheduled, SubOrchestrationInstanceCreated)):
                steps.append(self._call(index, event))
            elif isinstance(event, TimerCreated):
                steps.append(self._timer(index, event))
            elif isinstance(event, EventSent):
                steps.append(self._sent(index, event))
            elif isinstance(event, EventRaised):
                if event.name not in self.responses:
                    steps.append(event)
            elif isinstance(event, ExecutionSuspended):
                suspended = len(steps)
                steps.append(Suspension(event.reason, event.occurred_at, None, self.unfinished))
            elif isinstance(event, ExecutionResumed) and suspended is not None:
                step = steps[suspended]
                assert isinstance(step, Suspension)
                steps[suspended] = replace(
                    step, resumed_at=event.occurred_at, outcome=Outcome.COMPLETED
                )
                suspended = None
        return steps

    def _call(self, index: int, event: TaskScheduled | SubOrchestrationInstanceCreated) -> Call:
        kind = CallKind.SUB_ORCHESTRATION
        if isinstance(event, TaskScheduled):
            kind = CallKind.HTTP if event.name == HTTP_ACTIVITY else CallKind.ACTIVITY
        at = self.matched.completions.get(index)
        completion = None if at is None else self.events[at]
        outcome, result, error, details = self.unfinished, None, None, None
        input = event.input
        started_at: str | UnsetType = UNSET
        if isinstance(completion, (TaskCompleted, TaskFailed)):
            started_at = completion.started_at
        if isinstance(completion, TaskFailed) and input is None and completion.failed_input:
            input = compact([completion.failed_input])
        if isinstance(completion, (TaskCompleted, SubOrchestrationInstanceCompleted)):
            outcome, result = Outcome.COMPLETED, completion.result
        elif isinstance(completion, FailureEvent):
            outcome, error, details = Outcome.FAILED, completion.reason, completion.details
            if (failure := completion.failure_details) is not None:
                error, details = failure_text(failure), failure_trace(failure)
        return Call(
            kind,
            event.event_id,
            event.name,
            event.occurred_at,
            completion.occurred_at if completion is not None else None,
            outcome,
            self.matched.attempts.get(index),
            event.instance_id if isinstance(event, SubOrchestrationInstanceCreated) else None,
            input,
            result,
            error,
            details,
            event=index,
            completion=at,
            started_at=parse_utc(started_at) if started_at else None,
        )

    def _timer(self, index: int, event: TimerCreated) -> Timer:
        failed = self.matched.delays.get(index)
        call = None if failed is None else self.events[failed]
        timer = Timer(
            event.event_id,
            event.occurred_at,
            event.due_at,
            outcome=self.unfinished,
            retry_of=call.event_id if call else None,
            name=call.name
            if isinstance(call, (TaskScheduled, SubOrchestrationInstanceCreated))
            else None,
            event=index,
        )
        at = self.matched.completions.get(index)
        if at is None:
            return timer
        # The timestamp of TimerFired is the creation time of the timer.
        return replace(
            timer,
            outcome=Outcome.COMPLETED,
            fired_at=max(self.events[at].occurred_at, event.due_at),
        )

    def _sent(self, index: int, event: EventSent) -> Call:
        message = self.entity_messages.get(event.event_id)
        call = Call(
            CallKind.ENTITY,
            event.event_id,
            event.name,
            event.occurred_at,
            outcome=self.unfinished,
            instance_id=event.instance_id,
            input=event.input,
            event=index,
        )
        if message is None:
            is_operation = event.name == OPERATION and event.instance_id[:1] in ("", "@")
            return call if is_operation else _one_way(replace(call, kind=CallKind.SENT_EVENT))
        if isinstance(message, LockRelease):
            return _one_way(replace(call, kind=CallKind.RELEASE, name="release", input=None))
        if isinstance(message, LockRequest):
            entities = tuple(map(str, message.lock_set))
            call = replace(call, kind=CallKind.LOCK, name="lock", input=None, entities=entities)
        else:
            call = replace(call, name=message.operation, input=message.input)
            if message.signal:
                return _one_way(call)
        return self._responded(call, message.id)

    def _responded(self, call: Call, name: str) -> Call:
        """Return a request with its response, which is the EventRaised event with this name."""
        at = self.responses.get(name)
        raised = None if at is None else self.events[at]
        if not isinstance(raised, EventRaised):
            return call
        call = replace(
            call, outcome=Outcome.COMPLETED, finished_at=raised.occurred_at, completion=at
        )
        if call.kind is CallKind.LOCK:
            return call
        failure = response_failure(raised)
        if failure is not None:
            error, details = failure_text(failure), failure_trace(failure)
            return replace(call, outcome=Outcome.FAILED, error=error, details=details)
        response = OperationResponse.parse(raised.input)
        if response.failed:
            return replace(call, outcome=Outcome.FAILED, error=response.result)
        return replace(call, result=response.result)


def _one_way(call: Call) -> Call:
    """Return a message without a response, which completes at once."""
    return replace(call, outcome=Outcome.COMPLETED, finished_at=call.scheduled_at, is_signal=True)
