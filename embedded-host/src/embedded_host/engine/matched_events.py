"""The events of a history that belong together: calls, completions, attempts and their delays.

With SDK 1.x, each attempt of a retried call has a new id. The engine records the failed attempt in
the timer that delays the next attempt. With SDK 2.x, all attempts have the id of the first attempt,
and the timers do not refer to an attempt.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

from embedded_host.engine.events import (
    CompletionEvent,
    ExecutionResumed,
    ExecutionSuspended,
    FailureEvent,
    HistoryEvent,
    OrchestratorStarted,
    SchedulingEvent,
    SubOrchestrationInstanceCreated,
    TaskScheduled,
    TimerCreated,
    TimerFired,
)

CallEvent = TaskScheduled | SubOrchestrationInstanceCreated
"""The scheduling event of a call that may have a retry policy."""


@dataclass
class MatchedEvents:
    """The relations between the events of a history. Each event is identified by its index."""

    completions: dict[int, int] = field(default_factory=dict)
    """The completion of each completed scheduling event."""
    scheduled: dict[int, int] = field(default_factory=dict)
    """The scheduling event of each completion."""
    attempts: dict[int, int] = field(default_factory=dict)
    """Number of each attempt of a retried call, counted from 1, by its scheduling event."""
    previous: dict[int, int] = field(default_factory=dict)
    """The previous attempt of each later attempt. Keys and values are scheduling events."""
    delays: dict[int, int] = field(default_factory=dict)
    """The failed attempt of each TimerCreated event that delays the next attempt."""
    turns: dict[int, int] = field(default_factory=dict)
    """Number of the turn of each TimerCreated event and each completion."""

    @classmethod
    def of(cls, events: Sequence[HistoryEvent]) -> MatchedEvents:
        """Return the relations of the events of one execution, which must be in order."""
        return _Matcher(events).matched


class _Matcher:
    def __init__(self, events: Sequence[HistoryEvent]) -> None:
        self._events = events
        self.matched = MatchedEvents()
        self._latest: dict[int, int] = {}
        """Index of the latest scheduling event of each id."""
        self._early: dict[int, int] = {}
        """Index of the completion of each id whose scheduling event has not been processed yet.

        If the clocks of two machines differ, a history in order of time has such completions.
        """
        self._turn = 0
        self._suspended = False
        self._fired: list[int] = []
        """The timers that have fired in this turn, or since the suspension of the instance."""
        self._fired_by_turn: dict[int, list[int]] = {}
        self._announced = _AnnouncedAttempts()
        started: OrchestratorStarted | None = None
        for index, event in enumerate(events):
            if isinstance(event, OrchestratorStarted):
                started = event
                self._turn += 1
                if not self._suspended:
                    self._fired = []
            elif isinstance(event, SchedulingEvent):
                self._schedule(index, event, started)
            elif isinstance(event, CompletionEvent):
                self._complete(index, event)
            elif isinstance(event, ExecutionSuspended):
                self._suspended = True
            elif isinstance(event, ExecutionResumed):
                self._suspended = False

    def _schedule(
        self, index: int, event: SchedulingEvent, started: OrchestratorStarted | None
    ) -> None:
        previous = self._latest.get(event.event_id)
        self._latest[event.event_id] = index
        if (early := self._early.pop(event.event_id, None)) is not None:
            self._link(index, early)
        if isinstance(event, TimerCreated):
            self.matched.turns[index] = self._turn
            self._delay(index, event, started)
        elif isinstance(event, CallEvent):
            if previous is not None and self._is_repeated(previous, event):
                self._next_attempt(previous, index)
                self._delay_before(index, previous)
            elif (failed := self._announced.next(event)) is not None:
                self._next_attempt(failed, index)

    def _complete(self, index: int, event: CompletionEvent) -> None:
        self.matched.turns[index] = self._turn
        scheduled = self._latest.get(event.scheduled_id)
        if scheduled is None:
            self._early[event.scheduled_id] = index
        else:
            self._link(scheduled, index)
        if isinstance(event, TimerFired) and scheduled is not None:
            self._fired.append(scheduled)
            self._fired_by_turn.setdefault(self._turn, []).append(scheduled)
            self._announced.timer_fired(scheduled)

    def _link(self, scheduled: int, completion: int) -> None:
        self.matched.completions[scheduled] = completion
        self.matched.scheduled[completion] = scheduled

    def _next_attempt(self, failed: int, index: int) -> None:
        attempts = self.matched.attempts
        attempts[index] = attempts.setdefault(failed, 1) + 1
        self.matched.previous[index] = failed

    # -- SDK 1.x -----------------------------------------------------------------------------------

    def _delay(self, index: int, event: TimerCreated, started: OrchestratorStarted | None) -> None:
        """Relate a timer to the failed attempt that it names."""
        if not isinstance(event.retry_of, int):
            return
        failed = self._latest.get(event.retry_of)
        call = None if failed is None else self._events[failed]
        if failed is None or not isinstance(call, CallEvent):
            return
        self.matched.delays[index] = failed
        self.matched.attempts.setdefault(failed, 1)
        # The failure of the last attempt starts a timer too. This timer is due at the start of the
        # turn, and no attempt follows it.
        if started is None or event.due_at > started.occurred_at:
            self._announced.expect(index, failed, call)

    # -- SDK 2.x -----------------------------------------------------------------------------------

    def _is_repeated(self, previous: int, event: CallEvent) -> bool:
        """Return true if ``event`` is the next attempt of the failed call ``previous``."""
        completion = self.matched.completions.get(previous)
        return (
            completion is not None
            and isinstance(self._events[completion], FailureEvent)
            and type(self._events[previous]) is type(event)
        )

    def _delay_before(self, index: int, failed: int) -> None:
        """Relate the timer that has just fired to the failed attempt ``failed``.

        A failed attempt starts a timer, and this timer starts the next attempt. If several retried
        calls fail in one turn, their next attempts start in the order in which their timers fire.
        The SDK splits a delay of more than three days into a sequence of timers.
        """
        matched, failure = self.matched, self.matched.completions[failed]
        created_in_order = self._fired
        while (timer := self._unrelated(created_in_order, failure)) is not None:
            matched.delays[timer] = failed
            if matched.turns[timer] <= matched.turns[failure]:
                return
            created_in_order = self._fired_by_turn.get(matched.turns[timer], [])

    def _unrelated(self, timers: Sequence[int], failure: int) -> int | None:
        """Return the first timer that was created after ``failure`` and delays no other attempt."""
        return next((t for t in timers if t > failure and t not in self.matched.delays), None)


class _AnnouncedAttempts:
    """The next attempts of retried calls of SDK 1.x.

    The events of an attempt do not refer to the previous attempt. This class assumes that the next
    attempt is the first call of the same function after the retry's timer has fired.
    """

    def __init__(self) -> None:
        self._expected: dict[int, tuple[type[CallEvent], str, int]] = {}
        """Type and name of the next attempt, and the failed one, by the retry's timer."""
        self._due: list[tuple[type[CallEvent], str, int]] = []
        """Attempts whose timer has fired."""

    def expect(self, timer: int, failed: int, call: CallEvent) -> None:
        self._expected[timer] = (type(call), call.name, failed)

    def timer_fired(self, timer: int) -> None:
        if attempt := self._expected.pop(timer, None):
            self._due.append(attempt)

    def next(self, event: CallEvent) -> int | None:
        """Return the failed attempt that ``event`` repeats, or None."""
        for index, (type_, name, failed) in enumerate(self._due):
            if type_ is type(event) and name == event.name:
                del self._due[index]
                return failed
        return None
