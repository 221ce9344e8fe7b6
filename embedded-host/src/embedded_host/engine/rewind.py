"""Rewind: the failures are removed from the history, so that a failed execution can continue.

Source: functions-host.md#effects-of-actions. With SDK 2.x, the Azure Functions host cannot rewind a
retried call, because it keeps the timers between the attempts. This module removes these timers.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass, field

from embedded_host.engine.events import (
    EventSent,
    ExecutionCompleted,
    ExecutionStarted,
    FailureEvent,
    GenericEvent,
    HistoryEvent,
    OrchestratorStarted,
    SchedulingEvent,
    SubOrchestrationInstanceCreated,
    SubOrchestrationInstanceFailed,
    TaskFailed,
    TimerCreated,
    TimerFired,
)
from embedded_host.engine.matched_events import CallEvent, MatchedEvents
from embedded_host.engine.sdk_protocols import SDK_1X
from embedded_host.engine.trace_contexts import rewound_start


@dataclass(frozen=True)
class Rewound:
    """The result of ``rewind``."""

    events: list[HistoryEvent]
    """The new history."""
    failed_children: list[str] = field(default_factory=list)
    """Instance ids of the failed sub-orchestrations. The caller must rewind them too."""


def rewind(
    events: Sequence[HistoryEvent],
    reason: str | None,
    not_failed: Collection[str] = (),
    *,
    running: Collection[str] = (),
    protocol: int = SDK_1X,
    at: str = "",
) -> Rewound:
    """Return the history with each failure replaced by a GenericEvent.

    The function replaces the failure and the scheduling event of each failed activity, the timers
    that delayed retries, the failures of sub-orchestrations, and the end of the execution.

    ``not_failed`` contains the ids of sub-orchestrations that cannot be rewound, because they were
    purged or started again. Their scheduling events are replaced too, so that the next turn creates
    these sub-orchestrations again. ``running`` contains the ids of unfinished sub-orchestrations,
    for which the execution continues to wait. ``protocol`` is the protocol version of the
    execution. ``at`` is the time of the rewind, with which the new span of the execution begins.
    """
    if protocol == SDK_1X:
        replaced, children = _failures(events, not_failed)
    else:
        rewound = _RecordedFailures(events, not_failed, running)
        replaced, children = rewound.replaced, rewound.children
    replaced |= {i for i, event in enumerate(events) if isinstance(event, ExecutionCompleted)}
    return Rewound(
        [_generic(e, reason) if i in replaced else _started(e, at) for i, e in enumerate(events)],
        list(dict.fromkeys(children)),
    )


def _started(event: HistoryEvent, at: str) -> HistoryEvent:
    return rewound_start(event, at) if isinstance(event, ExecutionStarted) else event


def _failures(
    events: Sequence[HistoryEvent], not_failed: Collection[str]
) -> tuple[set[int], list[str]]:
    """Return the indexes of the replaced events and the failed children, for SDK 1.x."""
    scheduled = {e.event_id: i for i, e in enumerate(events) if isinstance(e, SchedulingEvent)}
    fired = {e.timer_id: i for i, e in enumerate(events) if isinstance(e, TimerFired)}
    failed = {e.task_scheduled_id for e in events if isinstance(e, FailureEvent)}
    replaced: set[int] = set()
    children: list[str] = []
    for index, event in enumerate(events):
        if isinstance(event, TaskFailed):
            replaced |= {index, scheduled[event.task_scheduled_id]}
        elif isinstance(event, SubOrchestrationInstanceFailed):
            replaced.add(index)
            at = scheduled[event.task_scheduled_id]
            created = events[at]
            assert isinstance(created, SubOrchestrationInstanceCreated)
            if created.instance_id in not_failed:
                replaced.add(at)
            else:
                children.append(created.instance_id)
        elif isinstance(event, TimerCreated) and event.retry_of in failed:
            replaced |= {index, fired.get(event.event_id, index)}
    return replaced, children


@dataclass
class _FailedCall:
    """A call of SDK 2.x that has not succeeded, with its attempts and their delays."""

    attempts: list[int]
    """Indexes of the scheduling events. All attempts except the last one have failed."""
    delays: list[int]
    """Indexes of the TimerCreated events of the delays."""
    keeps_attempts: bool = False
    """True if a rewind repeats only the last attempt."""


class _RecordedFailures:
    """The events that a rewind of SDK 2.x replaces.

    An execution of SDK 2.x can end while calls and timers are open. These calls and timers never
    complete, so they are replaced too, and the next turn schedules them again.

    A failed call with retries starts again with its first attempt. Its delays are replaced, so that
    the SDK does not count their ids. This changes the ids of later decisions. If the history
    contains later decisions, only the last attempt is repeated.
    """

    def __init__(
        self,
        events: Sequence[HistoryEvent],
        not_failed: Collection[str],
        running: Collection[str],
    ) -> None:
        self._events, self._not_failed, self._running = events, not_failed, running
        self._matched = MatchedEvents.of(events)
        self._turns = list(_turn_numbers(events))
        self._calls = self._failed_calls()
        self.replaced: set[int] = set()
        self.children: list[str] = []
        while self._replace() and self._keep_attempts():
            pass

    def _failed_calls(self) -> list[_FailedCall]:
        """Return the calls whose last attempt has failed or has no completion."""
        calls: dict[int, _FailedCall] = {}
        """Each call by its last attempt."""
        matched = self._matched
        for index, event in enumerate(self._events):
            if not isinstance(event, CallEvent):
                continue
            call = calls.pop(matched.previous.get(index, -1), _FailedCall([], []))
            call.attempts.append(index)
            calls[index] = call
        failed = [call for last, call in calls.items() if not self._has_succeeded(last)]
        for timer, attempt in matched.delays.items():
            for call in failed:
                if attempt in call.attempts:
                    call.delays.append(timer)
        for call in failed:
            call.delays += self._unfinished_delay(call.attempts[-1])
        return failed

    def _has_succeeded(self, index: int) -> bool:
        completion = self._matched.completions.get(index)
        return completion is not None and not isinstance(self._events[completion], FailureEvent)

    def _unfinished_delay(self, attempt: int) -> Iterable[int]:
        """Yield the timer that the failure of an attempt may have started.

        The timer is open, or it fired in the last turn, so that no attempt has followed.
        """
        matched = self._matched
        failure = matched.completions.get(attempt)
        if failure is None:
            return
        for timer, turn in matched.turns.items():
            fired = matched.completions.get(timer)
            if (
                isinstance(self._events[timer], TimerCreated)
                and timer > failure
                and turn == matched.turns[failure]
                and timer not in matched.delays
                and (fired is None or self._turns[fired] == self._turns[-1])
            ):
                matched.delays[timer] = attempt
                yield timer
                return

    def _replace(self) -> bool:
        """Determine the replaced events. Always returns true."""
        self.replaced, self.children = set(), []
        completions = self._matched.completions
        for call in self._calls:
            self._replace_call(call)
        for index, event in enumerate(self._events):
            if isinstance(event, TimerCreated) and index not in completions:
                self.replaced.add(index)
        if any(
            isinstance(self._events[index], FailureEvent) and self._turns[index] == self._turns[-1]
            for index in self.replaced
        ):
            # The orchestrator sent these messages because of the failure. Usually, they release
            # locks.
            self.replaced |= {
                index
                for index, event in enumerate(self._events)
                if isinstance(event, EventSent) and self._turns[index] == self._turns[-1]
            }
        return True

    def _replace_call(self, call: _FailedCall) -> None:
        completions, last = self._matched.completions, call.attempts[-1]
        if not call.keeps_attempts:
            replaced = [*call.attempts[:-1], *call.delays]
            self.replaced.update(replaced)
            self.replaced.update(completions[i] for i in replaced if i in completions)
        elif any(delay > last for delay in call.delays):
            return  # the next turn repeats the delay or the next attempt
        event, completion = self._events[last], completions.get(last)
        if completion is not None:
            self.replaced.add(completion)
        if isinstance(event, SubOrchestrationInstanceCreated):
            child = event.instance_id
            if completion is None and child in self._running:
                return
            if child not in self._not_failed:
                self.children.append(child)
                return
        self.replaced.add(last)

    def _keep_attempts(self) -> bool:
        """Keep the attempts of calls whose repetition would change the ids of later decisions.

        Returns true if there are such calls.
        """
        last_id = max(
            (
                event.event_id
                for index, event in enumerate(self._events)
                if isinstance(event, SchedulingEvent) and index not in self.replaced
            ),
            default=-1,
        )
        kept = [
            call
            for call in self._calls
            if not call.keeps_attempts
            and any(self._events[delay].event_id < last_id for delay in call.delays)
        ]
        for call in kept:
            call.keeps_attempts = True
        return bool(kept)


def _turn_numbers(events: Iterable[HistoryEvent]) -> Iterable[int]:
    turn = 0
    for event in events:
        turn += isinstance(event, OrchestratorStarted)
        yield turn


def _generic(event: HistoryEvent, reason: str | None) -> GenericEvent:
    data = f"Rewound: {type(event).__name__}" + (f" ({reason})" if reason else "")
    return GenericEvent(data=data, timestamp=event.timestamp)
