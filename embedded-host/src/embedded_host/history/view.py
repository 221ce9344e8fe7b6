"""The interpretation of one execution's history."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from functools import cached_property

from embedded_host.engine.entity_messages import (
    LockRelease,
    LockRequest,
    OperationRequest,
    OperationResponse,
    parse_message,
)
from embedded_host.engine.events import (
    CompletionEvent,
    EventRaised,
    EventSent,
    ExecutionCompleted,
    ExecutionResumed,
    ExecutionStarted,
    ExecutionSuspended,
    ExecutionTerminated,
    FailureEvent,
    HistoryEvent,
    OrchestratorCompleted,
    OrchestratorStarted,
    SchedulingEvent,
    SubOrchestrationInstanceCompleted,
    SubOrchestrationInstanceCreated,
    TaskCompleted,
    TaskCompletionEvent,
    TaskScheduled,
    TimerCreated,
    TimerFired,
)
from embedded_host.engine.functions import HTTP_ACTIVITY
from embedded_host.engine.history import is_continuation_mark
from embedded_host.history.steps import (
    Action,
    Call,
    CallKind,
    Outcome,
    Step,
    Suspension,
    Timer,
    Turn,
)


@dataclass(frozen=True)
class TimeSpent:
    """The duration of an execution: ``total`` is the sum of ``code``, ``work`` and ``wait``."""

    code: timedelta
    """Time in turns."""
    work: timedelta
    """Time outside turns during which an activity, sub-orchestration or entity call was open."""
    wait: timedelta
    """The remaining time: in queues, suspended, or waiting for timers and external events."""
    total: timedelta


@dataclass(frozen=True)
class HistoryView:
    """Steps, turns and times of one execution. Each part is derived on first use."""

    events: Sequence[HistoryEvent]

    @classmethod
    def of(cls, events: Iterable[HistoryEvent]) -> HistoryView:
        """Return the view of one execution's events, which must be in order."""
        return cls(tuple(events))

    @cached_property
    def started(self) -> ExecutionStarted | None:
        """The start of the execution, or None if the history does not contain it."""
        return next((e for e in self.events if isinstance(e, ExecutionStarted)), None)

    @cached_property
    def ended(self) -> ExecutionCompleted | ExecutionTerminated | None:
        """The last event that ends the execution, or None while it runs."""
        return next(
            (
                e
                for e in reversed(self.events)
                if isinstance(e, (ExecutionCompleted, ExecutionTerminated))
            ),
            None,
        )

    @cached_property
    def scheduled(self) -> Mapping[int, SchedulingEvent]:
        """Scheduling events by id."""
        return {
            event.event_id: event for event in self.events if isinstance(event, SchedulingEvent)
        }

    @cached_property
    def completions(self) -> Mapping[int, CompletionEvent]:
        """Completion events by the id of their scheduling event."""
        return {
            event.scheduled_id: event for event in self.events if isinstance(event, CompletionEvent)
        }

    @cached_property
    def operations(self) -> Mapping[int, OperationRequest]:
        """Operations sent to entities, by the id of their EventSent event."""
        sent = (
            (event.event_id, _request(event))
            for event in self.events
            if isinstance(event, EventSent)
        )
        return {event_id: request for event_id, request in sent if request is not None}

    @cached_property
    def responses(self) -> Mapping[str, EventRaised]:
        """Responses of entities by the id of their request."""
        request_ids = {request.id for request in self.operations.values()}
        raised = (event for event in self.events if isinstance(event, EventRaised))
        return {event.name: event for event in raised if event.name in request_ids}

    @cached_property
    def steps(self) -> Sequence[Step]:
        """Steps in the order of the events that started them."""
        return _StepReader(self).steps()

    @cached_property
    def turns(self) -> Sequence[Turn]:
        """Turns in order."""
        return list(_turns(self.events))

    @property
    def started_at(self) -> datetime | None:
        """Time of the start, or None if the history does not contain it."""
        return self.started.occurred_at if self.started else None

    @property
    def ended_at(self) -> datetime | None:
        """Time of the end, or None while the execution runs."""
        return self.ended.occurred_at if self.ended else None

    @property
    def calls(self) -> list[Call]:
        """Calls, with one Call for each attempt of a retried call."""
        return [step for step in self.steps if isinstance(step, Call)]

    def calls_of(self, kind: CallKind) -> list[Call]:
        """Return the calls of a kind."""
        return [call for call in self.calls if call.kind is kind]

    @property
    def timers(self) -> list[Timer]:
        """Timers, including the delays of retries."""
        return [step for step in self.steps if isinstance(step, Timer)]

    @property
    def raised_events(self) -> list[EventRaised]:
        """External events."""
        return [step for step in self.steps if isinstance(step, EventRaised)]

    @property
    def children(self) -> list[str]:
        """Instance ids of the sub-orchestrations in order of creation."""
        return [
            e.instance_id
            for e in self.scheduled.values()
            if isinstance(e, SubOrchestrationInstanceCreated)
        ]

    @property
    def queue_time(self) -> timedelta:
        """Total time that messages waited for turns."""
        return sum((turn.queue_time for turn in self.turns), timedelta(0))

    def time_spent(self, now: datetime) -> TimeSpent:
        """Divide the duration of the execution into code, work and wait.

        The duration ends with the execution, or at ``now`` if the execution has not ended.
        """
        until = self.ended_at or now
        turns = [(turn.started_at, turn.finished_at or until) for turn in self.turns]
        calls = [
            (call.scheduled_at, call.finished_at or until)
            for call in self.calls
            if not call.is_signal
        ]
        code = _covered(turns)
        work = _covered([*turns, *calls]) - code
        total = max(until - (self.started_at or until), timedelta(0))
        return TimeSpent(code, work, max(total - code - work, timedelta(0)), total)


def _covered(spans: Sequence[tuple[datetime, datetime]]) -> timedelta:
    """Return the length of the union of time spans."""
    covered = timedelta(0)
    last: datetime | None = None
    for start, end in sorted(spans):
        begin = start if last is None else max(start, last)
        if end > begin:
            covered += end - begin
            last = end
    return covered


_WITHOUT_STEPS = (TaskCompletionEvent, OrchestratorCompleted)
"""The most frequent events that do not start a step."""


class _StepReader:
    """Converts events to steps, and finds completions by the id of their scheduling event."""

    def __init__(self, view: HistoryView) -> None:
        self._view = view
        self._unfinished = Outcome.OPEN if view.ended is None else Outcome.ABANDONED
        self._attempts = _Attempts()

    def steps(self) -> list[Step]:
        steps: list[Step] = []
        indexes: dict[int, int] = {}
        """Index of each call in ``steps``, by id. It locates the call of a failed first attempt."""
        suspended: int | None = None
        started: OrchestratorStarted | None = None
        for event in self._view.events:
            if isinstance(event, _WITHOUT_STEPS):
                continue
            if isinstance(event, OrchestratorStarted):
                started = event
            elif isinstance(event, (TaskScheduled, SubOrchestrationInstanceCreated)):
                indexes[event.event_id] = len(steps)
                steps.append(self._call(event))
            elif isinstance(event, TimerCreated):
                failed = indexes.get(event.retry_of) if isinstance(event.retry_of, int) else None
                call = steps[failed] if failed is not None else None
                if failed is not None and isinstance(call, Call):
                    call = steps[failed] = replace(call, attempt=call.attempt or 1)
                    # The failure of the last attempt starts a timer too. This timer is due at the
                    # start of the turn, and no attempt follows it.
                    if started is None or event.due_at > started.occurred_at:
                        self._attempts.expect(event.event_id, call)
                    steps.append(self._timer(event, call))
                else:
                    steps.append(self._timer(event, None))
            elif isinstance(event, TimerFired):
                self._attempts.timer_fired(event.timer_id)
            elif isinstance(event, EventSent):
                steps.append(self._operation(event))
            elif isinstance(event, EventRaised):
                if event.name not in self._view.responses:
                    steps.append(event)
            elif isinstance(event, ExecutionSuspended):
                suspended = len(steps)
                steps.append(Suspension(event.reason, event.occurred_at, None, self._unfinished))
            elif isinstance(event, ExecutionResumed) and suspended is not None:
                step = steps[suspended]
                assert isinstance(step, Suspension)
                steps[suspended] = replace(
                    step, resumed_at=event.occurred_at, outcome=Outcome.COMPLETED
                )
                suspended = None
        return steps

    def _call(self, event: TaskScheduled | SubOrchestrationInstanceCreated) -> Call:
        kind = CallKind.SUB_ORCHESTRATION
        if isinstance(event, TaskScheduled):
            kind = CallKind.HTTP if event.name == HTTP_ACTIVITY else CallKind.ACTIVITY
        completion = self._view.completions.get(event.event_id)
        outcome, result, error, details = self._unfinished, None, None, None
        if isinstance(completion, (TaskCompleted, SubOrchestrationInstanceCompleted)):
            outcome, result = Outcome.COMPLETED, completion.result
        elif isinstance(completion, FailureEvent):
            outcome, error, details = Outcome.FAILED, completion.reason, completion.details
        return Call(
            kind,
            event.event_id,
            event.name,
            event.occurred_at,
            completion.occurred_at if completion is not None else None,
            outcome,
            self._attempts.number(kind, event.name),
            event.instance_id if isinstance(event, SubOrchestrationInstanceCreated) else None,
            event.input,
            result,
            error,
            details,
        )

    def _timer(self, event: TimerCreated, failed: Call | None) -> Timer:
        timer = Timer(
            event.event_id,
            event.occurred_at,
            event.due_at,
            outcome=self._unfinished,
            retry_of=failed.id if failed else None,
            name=failed.name if failed else None,
        )
        fired = self._view.completions.get(event.event_id)
        if fired is None:
            return timer
        # The timestamp of TimerFired is the creation time of the timer.
        return replace(
            timer, outcome=Outcome.COMPLETED, fired_at=max(fired.occurred_at, event.due_at)
        )

    def _operation(self, event: EventSent) -> Call:
        request = self._view.operations.get(event.event_id)
        call = Call(
            CallKind.ENTITY,
            event.event_id,
            request.operation if request else event.name,
            event.occurred_at,
            outcome=self._unfinished,
            instance_id=event.instance_id,
            input=request.input if request else event.input,
            is_signal=request is not None and request.signal,
        )
        if request is None:
            return call
        if request.signal:
            return replace(call, outcome=Outcome.COMPLETED, finished_at=event.occurred_at)
        raised = self._view.responses.get(request.id)
        if raised is None:
            return call
        response = OperationResponse.parse(raised.input)
        if response.failed:
            return replace(
                call, outcome=Outcome.FAILED, finished_at=raised.occurred_at, error=response.result
            )
        return replace(
            call, outcome=Outcome.COMPLETED, finished_at=raised.occurred_at, result=response.result
        )


class _Attempts:
    """Determines the attempt numbers of retried calls.

    The events of an attempt do not refer to the previous attempt. This class assumes that the next
    attempt is the first call of the same function after the retry's timer has fired.
    """

    def __init__(self) -> None:
        self._expected: dict[int, tuple[CallKind, str, int]] = {}
        """Kind, name and number of the next attempt, by the id of the retry's timer."""
        self._due: list[tuple[CallKind, str, int]] = []
        """Attempts whose timer has fired."""

    def expect(self, timer_id: int, failed: Call) -> None:
        self._expected[timer_id] = (failed.kind, failed.name, (failed.attempt or 1) + 1)

    def timer_fired(self, timer_id: int) -> None:
        if attempt := self._expected.pop(timer_id, None):
            self._due.append(attempt)

    def number(self, kind: CallKind, name: str) -> int | None:
        for index, (due_kind, due_name, number) in enumerate(self._due):
            if (due_kind, due_name) == (kind, name):
                del self._due[index]
                return number
        return None


def _request(event: EventSent) -> OperationRequest | None:
    """Return the operation that an event sends, or None if it sends no message to an entity.

    A lock request is shown as a call of an operation, and the release of a lock as a signal.
    """
    try:
        message = parse_message(event.name, event.input)
    except ValueError:
        return None
    if isinstance(message, LockRequest):
        return OperationRequest(message.id, "lock", None, signal=False, parent=message.parent)
    if isinstance(message, LockRelease):
        return OperationRequest(message.id, "release", None, signal=True, parent=message.parent)
    return message


def _turns(events: Sequence[HistoryEvent]) -> Iterator[Turn]:
    messages: list[HistoryEvent] = []
    actions: list[Action] = []
    is_continuation = False
    for index, event in enumerate(events):
        if isinstance(event, SchedulingEvent):
            actions.append(event)
        elif isinstance(event, OrchestratorCompleted):
            # In a history file, ExecutionCompleted may follow the end of the last turn.
            if is_continuation_mark(events, index) and not isinstance(
                events[index + 1], ExecutionCompleted
            ):
                messages.append(event)
                is_continuation = True
                continue
            yield _turn(messages, actions, event, is_continuation)
            messages, actions, is_continuation = [], [], False
        elif not isinstance(event, ExecutionCompleted):
            messages.append(event)
    if messages or actions:
        yield _turn(messages, actions, None, is_continuation)


def _turn(
    messages: Sequence[HistoryEvent],
    actions: Sequence[Action],
    completed: OrchestratorCompleted | None,
    is_continuation: bool,
) -> Turn:
    begin = next((e for e in messages if isinstance(e, OrchestratorStarted)), None)
    first = begin or next(iter(messages), None) or next(iter(actions), None) or completed
    assert first is not None
    sent = [
        e.due_at if isinstance(e, TimerFired) else e.occurred_at
        for e in messages
        if not isinstance(e, (OrchestratorStarted, OrchestratorCompleted))
    ]
    return Turn(
        messages,
        actions,
        completed,
        is_continuation,
        first.occurred_at,
        min(sent, default=first.occurred_at),
    )
