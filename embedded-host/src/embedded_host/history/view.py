"""The interpretation of one execution's history."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import cached_property

from embedded_host.engine.entity_messages import (
    OPERATION,
    RELEASE,
    EntityMessage,
    LockRequest,
    OperationRequest,
    parse_message,
)
from embedded_host.engine.events import (
    EventRaised,
    EventSent,
    ExecutionCompleted,
    ExecutionStarted,
    ExecutionTerminated,
    HistoryEvent,
    OrchestratorCompleted,
    OrchestratorStarted,
    SchedulingEvent,
    SubOrchestrationInstanceCreated,
    TimerFired,
)
from embedded_host.engine.history import is_continuation_mark
from embedded_host.engine.matched_events import MatchedEvents
from embedded_host.history.step_reader import StepReader
from embedded_host.history.steps import (
    Action,
    Call,
    CallKind,
    Outcome,
    Step,
    Timer,
    Turn,
)


@dataclass(frozen=True)
class TimeSpent:
    """The duration of an execution: ``total`` is the sum of ``code``, ``work`` and ``wait``."""

    code: timedelta
    """Time in turns."""
    work: timedelta
    """Time outside turns during which an activity ran, or a child or entity call was open."""
    wait: timedelta
    """The remaining time: in queues, in suspension, or in waits for timers, events and locks."""
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
    def matched(self) -> MatchedEvents:
        """The completion of each decision, and the attempts of retried calls."""
        return MatchedEvents.of(self.events)

    @cached_property
    def scheduled(self) -> Mapping[int, SchedulingEvent]:
        """The latest scheduling event of each id.

        With SDK 2.x, all attempts of a call have the same id.
        """
        return {
            event.event_id: event for event in self.events if isinstance(event, SchedulingEvent)
        }

    @cached_property
    def entity_messages(self) -> Mapping[int, EntityMessage]:
        """Messages to entities, by the id of their EventSent event."""
        sent = (
            (event.event_id, _entity_message(event))
            for event in self.events
            if isinstance(event, EventSent)
        )
        return {event_id: message for event_id, message in sent if message is not None}

    @cached_property
    def requests(self) -> Mapping[str, EventSent]:
        """EventSent events that wait for a response, by the name of the response.

        These events are entity calls and lock requests.
        """
        messages = self.entity_messages
        return {
            message.id: event
            for event in self.events
            if isinstance(event, EventSent)
            and (message := messages.get(event.event_id)) is not None
            and (
                isinstance(message, LockRequest)
                or (isinstance(message, OperationRequest) and not message.signal)
            )
        }

    @cached_property
    def responses(self) -> Mapping[str, int]:
        """Indexes of the responses to ``requests``, by their names."""
        return {
            event.name: index
            for index, event in enumerate(self.events)
            if isinstance(event, EventRaised) and event.name in self.requests
        }

    @cached_property
    def steps(self) -> Sequence[Step]:
        """Steps in the order of the events that started them."""
        unfinished = Outcome.OPEN if self.ended is None else Outcome.ABANDONED
        return StepReader(
            self.events, self.matched, self.entity_messages, self.responses, unfinished
        ).steps()

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
            (call.started_at or call.scheduled_at, call.finished_at or until)
            for call in self.calls
            if call.kind in _WORK and not call.is_signal
        ]
        code = _covered(turns)
        work = _covered([*turns, *calls]) - code
        total = max(until - (self.started_at or until), timedelta(0))
        return TimeSpent(code, work, max(total - code - work, timedelta(0)), total)


_WORK = (CallKind.ACTIVITY, CallKind.HTTP, CallKind.SUB_ORCHESTRATION, CallKind.ENTITY)


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


def _entity_message(event: EventSent) -> EntityMessage | None:
    """Return the message of an event for an entity, or None for another event.

    The Azure Functions host adds the due time to the name of a delayed signal. The histories of
    older versions of the Durable extension do not contain the recipient.
    """
    if event.instance_id and not event.instance_id.startswith("@"):
        return None
    try:
        return parse_message(event.name if event.name == RELEASE else OPERATION, event.input)
    except ValueError:
        return None


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
