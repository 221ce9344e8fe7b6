"""One execution: the actions of an orchestrator, matched with its history.

Source: functions-host.md#replay.

The Azure Functions host runs through the list of actions, awaits each action before it starts the
next, and completes the actions with the events of the history. Actions that the history does not
contain are new decisions.

This module does the same, with tasks and callbacks instead of ``await``. The caller may keep an
execution between turns and process only the new events (``replay``). It may also create the
execution again and process the whole history. Both ways have the same result.
"""

from __future__ import annotations

import json
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from itertools import chain
from uuid import NAMESPACE_URL, uuid5

from embedded_host.engine.actions import (
    Action,
    CallActivity,
    CallHttp,
    CallSubOrchestrator,
    ContinueAsNew,
    CreateTimer,
    EntityOperation,
    RetryPolicy,
    WaitForEvent,
    WhenAll,
    WhenAny,
)
from embedded_host.engine.decisions import (
    CreateSubOrchestration,
    MatchedDecision,
    NonDeterministicError,
    ScheduleTask,
    SendOperation,
    StartTimer,
    mismatch,
)
from embedded_host.engine.event_waits import EventWaits
from embedded_host.engine.events import (
    CompletionEvent,
    EventRaised,
    EventSent,
    ExecutionResumed,
    ExecutionStarted,
    ExecutionSuspended,
    FailureEvent,
    HistoryEvent,
    OrchestratorStarted,
    SchedulingEvent,
    TimerFired,
)
from embedded_host.engine.functions import HTTP_ACTIVITY
from embedded_host.engine.invocations import ReplayProgress
from embedded_host.engine.message_labels import OutgoingLabels
from embedded_host.engine.observations import Difference, Observation
from embedded_host.engine.task import PendingTask, Task, TimerTask, settled
from embedded_host.engine.timers import Timers, fire_time_on_azure


@dataclass
class Execution:
    """The decisions and open tasks of one execution.

    The program is the list of the orchestrator's actions so far. A step is a position in this list.
    In a turn "with counts", the worker reports ``ReplayProgress.counts``.
    """

    instance_id: str
    execution_id: str
    is_strict: bool = False
    """True if events, long timers and retries have the effects of the Azure Functions host."""
    pending: dict[int, MatchedDecision] = field(default_factory=dict)
    """Decisions that are not yet in the history, by id."""
    now: datetime | None = None
    """The orchestrator's current time."""
    continue_with: ContinueAsNew | None = None
    """The request to continue as new, if the orchestrator made one."""
    late_events: tuple[EventRaised, ...] = ()
    """The external events after ``continue_with``.

    Only these events remain on the Azure Functions host (DurableTask.Core,
    ``TaskOrchestrationContext.HandleEventRaisedEvent``).
    """
    program: tuple[Action, ...] = ()
    suspended: bool = False
    returned: bool = False
    """True once the orchestrator has returned or raised an exception. Tasks may still be open."""
    attempts: dict[int, int] = field(default_factory=dict)
    """Number of each attempt of a call with a retry policy, counted from 1, by decision id."""
    observations: list[Observation] = field(default_factory=list)
    """The differences of this turn from the Azure Functions host."""
    labels: OutgoingLabels | None = None
    """Labels of the messages to entities. The turn sets it before it sends the first message."""
    _position: int = 0
    """Index of the next action of ``program``."""
    _current: Task | None = None
    """The task of the action that the orchestrator awaits."""
    _running: bool = False
    """True inside ``_advance``, which is not reentrant."""
    _next_id: int = 0
    _has_counts: bool = False
    """True in a turn with counts."""
    _count: int = 0
    """Length of the program once the orchestrator has processed the current event.

    Only a turn with counts uses it.
    """
    _numbered_to: int = 0
    """Number of leading actions whose decisions have ids."""
    _reserved_ids: deque[int] = field(default_factory=deque)
    """Ids of the decisions whose actions are numbered but not yet invoked."""
    _tasks: dict[int, PendingTask] = field(default_factory=dict)
    """Tasks without a completion, by decision id."""
    _timers: Timers = field(default_factory=Timers)
    _part: Task | None = None
    """The last top-level timer: an awaited timer, or a part of a long timer."""
    _events: EventWaits = field(init=False)
    _responses: dict[str, tuple[Task, str]] = field(default_factory=dict)
    """Task and entity id of each entity call without a response, by request id."""
    _held: list[CompletionEvent | EventRaised] = field(default_factory=list)
    """Events that arrived while the instance was suspended, in turns without counts."""
    _withheld: dict[int, tuple[MatchedDecision, datetime | None]] = field(default_factory=dict)
    """Decisions made while the instance was suspended, in a turn with counts, with their times."""
    _completed_at: datetime | None = None
    """The time of the completion or event that is being delivered."""

    def __post_init__(self) -> None:
        """Create the waits, which share the list of observations."""
        self._events = EventWaits(self.is_strict, self.observations)

    # -- interface of a turn -----------------------------------------------------------------------

    def replay(
        self,
        actions: tuple[Action, ...],
        events: Sequence[HistoryEvent],
        progress: ReplayProgress | None = None,
        *,
        new: int | None = None,
    ) -> None:
        """Process the actions of a turn and the events since the last call.

        The last ``new`` events, by default all, are the events of this turn. Only these events
        cause ``observations``.

        With ``progress.counts``, decisions get their ids in the order in which the SDK numbers its
        tasks. Without counts, all actions are available before the first event, as on the Azure
        Functions host. Raises NonDeterministicError if the history contains other decisions.
        """
        progress = progress or ReplayProgress()
        program = self.program[: progress.unchanged] + actions
        counts = progress.counts_of_last(len(events))
        if len(program) < self._position:
            raise NonDeterministicError(
                "Non-Deterministic workflow detected: an earlier turn of this execution had "
                f"{self._position} actions, but the current replay has {len(program)}. Was a "
                "change made to the orchestrator code after this instance had already started "
                "running?"
            )
        self.program = program
        self._timers.mark(program, progress.unchanged)
        self.observations.clear()
        first_new = 0 if new is None else len(events) - new
        self._has_counts = counts is not None
        if counts is None:
            self._advance()
        for at, event in enumerate(events):
            if at == first_new:
                self.observations.clear()
            self._count = 0 if counts is None else counts[at]
            self._process(event)
            if self._has_counts:
                self._advance()
        self._count = len(program)
        self._advance()
        self._timers.release()

    def close(self) -> None:
        """Break the reference cycles of an execution that is no longer used.

        Without this call, only a full garbage collection frees the memory of the execution:
        1.3 KiB for each waiting instance.
        """
        self._current, self._events, self._timers = None, EventWaits(), Timers()
        self._part = None
        for tasks in (self._tasks, self._responses):
            tasks.clear()

    @property
    def finished(self) -> bool:
        """True if all actions are done and no open task keeps the execution open."""
        return (
            self._position >= len(self.program)
            and (self._current is None or self._current.done)
            and not self.suspended
            and not any(not task.cancelled for task in self._tasks.values())
        )

    @property
    def open_tasks(self) -> list[int]:
        """Ids of the decisions without a completion, except those of cancelled timers."""
        return [task_id for task_id, task in self._tasks.items() if not task.cancelled]

    @property
    def open_calls(self) -> list[str]:
        """Request ids of the entity calls without a response."""
        return list(self._responses)

    @property
    def called_entities(self) -> list[str]:
        """Entity ids of the entity calls without a response."""
        return [entity_id for _, entity_id in self._responses.values()]

    reports_events = True
    """Always True, because a worker of SDK 1.x returns each action."""

    @property
    def awaited_events(self) -> list[str]:
        """Names of the awaited events, as the orchestrator spells them."""
        return self._events.awaited(self._waits_at)

    @property
    def unconsumed_events(self) -> Iterator[EventRaised]:
        """Buffered external events that no wait has accepted."""
        return chain.from_iterable(self._events.unconsumed.values())

    def take_id(self) -> int:
        """Return the next decision id, and increment the counter."""
        self._next_id += 1
        return self._next_id - 1

    # -- the program -------------------------------------------------------------------------------

    def _advance(self) -> None:
        if self._running or self.now is None:
            return
        self._running = True
        self._reserve(self._count)
        try:
            while (self._current is None or self._current.done) and self._position < self._open_to:
                action = self.program[self._position]
                self._observe_long_timer()
                self._position += 1
                self._numbered_to = max(self._numbered_to, self._position)
                self._current = self._invoke(action)
                if isinstance(action, CreateTimer):
                    self._part = self._current
                if self._has_counts and isinstance(action, CreateTimer) and not self.is_strict:
                    # The SDK splits a long timer into several timers, its legs. It may add an
                    # action after a top-level timer that has not fired: the next leg, or an action
                    # after an event that ended the wait for the leg. Such an action must not wait
                    # for this timer.
                    self._current = settled()
                elif not self._current.done:
                    self._current.then(self._advance)
            if self._current is self._part and self._position < self._open_to:
                self._observe_long_timer()
        finally:
            self._running = False

    def _observe_long_timer(self) -> None:
        """Observe that the orchestrator continues during the last top-level timer."""
        if self._part is not None and not self._part.done:
            self.observations.append(Observation(Difference.LONG_TIMER))
        self._part = None

    def _reserve(self, upto: int) -> None:
        """Assign ids to the decisions of the first ``upto`` actions, in a turn with counts.

        The orchestrator has already requested these actions, but the engine may invoke them later,
        after earlier actions. Without counts, a decision gets its id when its action is invoked.
        """
        if not self._has_counts:
            return
        for action in self.program[self._numbered_to : upto]:
            self._reserved_ids.extend(self.take_id() for _ in range(_decisions_of(action)))
        self._numbered_to = max(self._numbered_to, min(upto, len(self.program)))

    @property
    def _open_to(self) -> int:
        return self._numbered_to if self._has_counts else len(self.program)

    def _reserved_id(self) -> int:
        """Return the id for the next decision of an invoked action.

        The timers and later attempts of a retried call use ``take_id`` instead.
        """
        return self._reserved_ids.popleft() if self._reserved_ids else self.take_id()

    def _invoke(self, action: Action) -> Task:
        if isinstance(action, CallActivity):
            if action.retry:
                return self._retried(
                    action.retry, lambda id: self._activity(id, action.name, action.input)
                )
            return self._activity(self._reserved_id(), action.name, action.input)
        if isinstance(action, CallSubOrchestrator):
            if action.retry:
                return self._retried(action.retry, lambda id: self._sub_orchestration(id, action))
            return self._sub_orchestration(self._reserved_id(), action)
        if isinstance(action, CreateTimer):
            timer = self._timer(self._reserved_id(), action.fire_at)
            self._timers.add(timer, self._position - 1, action.cancelled)
            return timer
        if isinstance(action, WaitForEvent):
            return self._events.wait(action.name, self._position)
        if isinstance(action, EntityOperation):
            return self._operation(self._reserved_id(), action)
        if isinstance(action, CallHttp):
            return self._activity(self._reserved_id(), HTTP_ACTIVITY, action.request)
        if isinstance(action, (WhenAny, WhenAll)):
            return self._compound(action)
        self.continue_with = action
        return settled()

    def _compound(self, action: WhenAny | WhenAll) -> Task:
        children = [self._invoke(child) for child in action.actions]
        whole = Task()
        if not children:
            whole.settle()
        elif isinstance(action, WhenAny):
            timers = [child for child in children if isinstance(child, TimerTask)]
            for child in children:
                if not timers or isinstance(child, TimerTask):
                    child.then(whole.settle)
                else:
                    child.then(lambda: self._settle_race(whole, timers))
        else:
            missing = [len(children)]

            def one_more() -> None:
                missing[0] -= 1
                if not missing[0]:
                    whole.settle()

            for child in children:
                child.then(one_more)
        return whole

    def _settle_race(self, whole: Task, timers: Sequence[TimerTask]) -> None:
        """Settle a ``task_any``. Observe a timer that wins it on the Azure Functions host."""
        completed_at = self._completed_at
        if not whole.done and completed_at is not None:
            for timer in timers:
                # An orchestrator cancels the timer only after the race.
                if not timer.done and completed_at >= timer.fires_on_azure:
                    self.observations.append(Observation(Difference.CLOSE_RACE))
        whole.settle()

    def _decide(self, decision: MatchedDecision) -> PendingTask:
        self._put(decision)
        task = PendingTask()
        if isinstance(decision, StartTimer) and self.now is not None:
            task = TimerTask(fire_time_on_azure(decision.fire_at, self.now))
        self._tasks[decision.id] = task
        return task

    def _put(self, decision: MatchedDecision) -> None:
        if self.suspended and self._has_counts:
            self._withheld[decision.id] = decision, self.now
        else:
            self.pending[decision.id] = decision

    def _resume(self) -> None:
        """Deliver the events that the suspension held, and make its withheld decisions."""
        self.suspended = False
        for id, (decision, decided) in self._withheld.items():
            self.pending[id] = self._resumed(decision, decided)
        self._withheld.clear()
        held, self._held = self._held, []
        for waiting in held:
            self._deliver(waiting)

    def _resumed(self, decision: MatchedDecision, decided: datetime | None) -> MatchedDecision:
        """Return a withheld decision. The Azure Functions host makes it at the resume.

        The last failure of a retried call starts a timer that is due at once.
        """
        if (
            not isinstance(decision, StartTimer)
            or decision.retry_of is None
            or decided is None
            or self.now is None
            or not decided < min(decision.fire_at, self.now)
        ):
            return decision
        self.observations.append(Observation(Difference.SUSPENDED_RETRY))
        if not self.is_strict:
            return decision
        return replace(decision, fire_at=self.now + (decision.fire_at - decided))

    def _activity(self, id: int, name: str, input: str) -> PendingTask:
        return self._decide(ScheduleTask(id, name, input))

    def _sub_orchestration(self, id: int, action: CallSubOrchestrator) -> PendingTask:
        instance_id = action.instance_id or f"{self.execution_id}:{id}"
        return self._decide(
            CreateSubOrchestration(id, action.name, action.input, instance_id, action.version)
        )

    def _timer(self, id: int, fire_at: datetime, retry_of: int | None = None) -> PendingTask:
        return self._decide(StartTimer(id, fire_at, retry_of))

    def _operation(self, id: int, action: EntityOperation) -> Task:
        request_id = str(uuid5(NAMESPACE_URL, f"{self.instance_id}_{self.execution_id}_{id}"))
        self._put(SendOperation(id, action.instance_id, request_id, action))
        if action.signal:
            return settled()
        response = Task()
        self._responses[request_id] = response, action.instance_id
        return response

    def _retried(self, policy: RetryPolicy, start_attempt: Callable[[int], PendingTask]) -> Task:
        """Start the first attempt. After each failure, start a timer and then the next attempt.

        The last failure starts a timer too, which is due at once
        (functions-host.md#effects-of-actions).
        """
        whole = Task()
        failures = 0
        first_started = self.now

        def run(id: int) -> None:
            self.attempts[id] = failures + 1
            task = start_attempt(id)
            task.then(lambda: attempt_settled(id, task))

        def attempt_settled(id: int, task: PendingTask) -> None:
            nonlocal failures
            if not task.failed:
                whole.settle()
                return
            failures += 1
            assert self.now is not None
            assert first_started is not None
            exhausted = failures >= policy.max_attempts or (
                policy.timeout is not None and self.now - first_started >= policy.timeout
            )
            fire_at = self.now if exhausted else self.now + policy.delay_after(failures - 1)
            timer = self._timer(self.take_id(), fire_at, id)
            timer.then(whole.settle if exhausted else lambda: run(self.take_id()))

        run(self._reserved_id())
        return whole

    # -- the history -------------------------------------------------------------------------------

    def _process(self, event: HistoryEvent) -> None:
        if isinstance(event, OrchestratorStarted):
            self.now = event.occurred_at
        elif isinstance(event, SchedulingEvent):
            self._match(event)
        elif isinstance(event, (CompletionEvent, EventRaised)):
            # An event that arrives while the instance is suspended is recorded at once, but has no
            # effect until the resume (functions-host.md#effects-of-actions). The SDK's
            # orchestrator, however, processes the event at once. A turn with counts must follow the
            # SDK. It therefore delivers the event and withholds the new decisions.
            if self.suspended and not self._has_counts:
                self._held.append(event)
            else:
                self._deliver(event)
        elif isinstance(event, ExecutionStarted):
            if self.now is None:
                self.now = event.occurred_at
            self._advance()
        elif isinstance(event, ExecutionSuspended):
            self.suspended = True
        elif isinstance(event, ExecutionResumed):
            self._resume()

    def _match(self, event: SchedulingEvent) -> None:
        decision = self.pending.pop(event.event_id, None)
        if decision is None:
            self._timers.release()
            decision = self.pending.pop(event.event_id, None)
        if wrong := mismatch(event, decision):
            raise NonDeterministicError(wrong, event.event_id)
        if (
            isinstance(event, EventSent)
            and isinstance(decision, SendOperation)
            and not decision.operation.signal
        ):
            # The name of the response is the id of the recorded request.
            request_id = json.loads(event.input).get("id", decision.request_id)
            if request_id != decision.request_id:
                self._responses[request_id] = self._responses.pop(decision.request_id)

    def _deliver(self, event: CompletionEvent | EventRaised) -> None:
        # The time of a TimerFired event is the time at which the timer was created.
        self._completed_at = None if isinstance(event, TimerFired) else event.occurred_at
        if isinstance(event, EventRaised):
            called = self._responses.pop(event.name, None)
            if called is not None:
                called[0].settle()
                return
            if self.continue_with is not None:
                self.late_events += (event,)
            self._events.deliver(event, self._waits_at)
            return
        task = self._tasks.pop(event.scheduled_id, None)
        if task is not None:
            task.failed = isinstance(event, FailureEvent)
            task.settle()

    @property
    def _waits_at(self) -> int | None:
        """The step at which the orchestrator waits, or None while it does not wait."""
        return self._position if self._current is not None and not self._current.done else None


def _decisions_of(action: Action) -> int:
    """Return the number of decisions that the invocation of an action makes."""
    if isinstance(action, (WhenAny, WhenAll)):
        return sum(map(_decisions_of, action.actions))
    return 0 if isinstance(action, (WaitForEvent, ContinueAsNew)) else 1
