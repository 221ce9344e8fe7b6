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

from collections.abc import Iterator, Sequence
from dataclasses import InitVar, dataclass, field
from datetime import datetime
from itertools import chain

from embedded_host.engine.actions import (
    Action,
    CallActivity,
    CallHttp,
    CallSubOrchestrator,
    ContinueAsNew,
    CreateTimer,
    EntityOperation,
    WaitForEvent,
    WhenAll,
    WhenAny,
)
from embedded_host.engine.decisions import MatchedDecision, NonDeterministicError
from embedded_host.engine.event_waits import EventWaits
from embedded_host.engine.events import (
    CompletionEvent,
    EventRaised,
    ExecutionResumed,
    ExecutionStarted,
    ExecutionSuspended,
    HistoryEvent,
    OrchestratorStarted,
    SchedulingEvent,
    TimerFired,
)
from embedded_host.engine.functions import HTTP_ACTIVITY
from embedded_host.engine.invocations import ReplayProgress
from embedded_host.engine.message_labels import OutgoingLabels
from embedded_host.engine.observations import Difference, Observation
from embedded_host.engine.open_work import OpenWork
from embedded_host.engine.task import Task, TimerTask, settled
from embedded_host.engine.timers import Timers


@dataclass
class Execution:
    """The program of one execution and its position in the history.

    The program is the list of the orchestrator's actions so far. A step is a position in this list.
    In a turn "with counts", the worker reports ``ReplayProgress.counts``.
    """

    instance_id: InitVar[str]
    execution_id: InitVar[str]
    is_strict: bool = False
    """True if events, long timers and retries have the effects of the Azure Functions host."""
    continue_with: ContinueAsNew | None = None
    """The request to continue as new, if the orchestrator made one."""
    late_events: tuple[EventRaised, ...] = ()
    """The external events after ``continue_with``.

    Only these events remain on the Azure Functions host (DurableTask.Core,
    ``TaskOrchestrationContext.HandleEventRaisedEvent``).
    """
    program: tuple[Action, ...] = ()
    returned: bool = False
    """True once the orchestrator has returned or raised an exception. Tasks may still be open."""
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
    _has_counts: bool = False
    """True in a turn with counts."""
    _count: int = 0
    """Length of the program once the orchestrator has processed the current event.

    Only a turn with counts uses it.
    """
    _numbered_to: int = 0
    """Number of leading actions whose decisions have ids."""
    _work: OpenWork = field(init=False)
    _timers: Timers = field(default_factory=Timers)
    _part: Task | None = None
    """The last top-level timer: an awaited timer, or a part of a long timer."""
    _events: EventWaits = field(init=False)
    _held: list[CompletionEvent | EventRaised] = field(default_factory=list)
    """Events that arrived while the instance was suspended, in turns without counts."""
    _completed_at: datetime | None = None
    """The time of the completion or event that is being delivered."""

    def __post_init__(self, instance_id: str, execution_id: str) -> None:
        """Create the open work and the waits, which share the list of observations."""
        self._work = OpenWork(instance_id, execution_id, self.is_strict, self.observations)
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
        self._has_counts = self._work.withholds = counts is not None
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
        self._work.close()

    @property
    def finished(self) -> bool:
        """True if all actions are done and no open task keeps the execution open."""
        return (
            self._position >= len(self.program)
            and (self._current is None or self._current.done)
            and not self._work.suspended
            and not self._work.has_open_tasks
        )

    @property
    def pending(self) -> dict[int, MatchedDecision]:
        """Decisions that are not yet in the history, by id."""
        return self._work.pending

    @property
    def attempts(self) -> dict[int, int]:
        """Number of each attempt of a call with a retry policy, counted from 1, by decision id."""
        return self._work.attempts

    @property
    def suspended(self) -> bool:
        """True if the instance is suspended."""
        return self._work.suspended

    @property
    def open_tasks(self) -> list[int]:
        """Ids of the decisions without a completion, except those of cancelled timers."""
        return self._work.open_tasks

    @property
    def open_calls(self) -> list[str]:
        """Request ids of the entity calls without a response."""
        return self._work.open_calls

    @property
    def called_entities(self) -> list[str]:
        """Entity ids of the entity calls without a response."""
        return self._work.called_entities

    reports_events = True
    """Always True, because a worker of SDK 1.x returns each action."""

    @property
    def awaited_events(self) -> list[str]:
        """Names of the awaited events, as the orchestrator spells them."""
        return self._events.awaited(self._waits_at)

    @property
    def undelivered_events(self) -> Iterator[EventRaised]:
        """Buffered external events that no wait has accepted."""
        return chain.from_iterable(self._events.undelivered.values())

    @property
    def undelivered_names(self) -> list[str]:
        """Names of the events of ``undelivered_events``, each once."""
        return self._events.undelivered_names

    def take_id(self) -> int:
        """Return the next decision id, and increment the counter."""
        return self._work.take_id()

    # -- the program -------------------------------------------------------------------------------

    def _advance(self) -> None:
        if self._running or self._work.now is None:
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
            self._work.reserve_ids(_decisions_of(action))
        self._numbered_to = max(self._numbered_to, min(upto, len(self.program)))

    @property
    def _open_to(self) -> int:
        return self._numbered_to if self._has_counts else len(self.program)

    def _invoke(self, action: Action) -> Task:
        if isinstance(action, CallActivity):
            return self._work.call_activity(action.name, action.input, action.retry)
        if isinstance(action, CallSubOrchestrator):
            return self._work.call_sub_orchestrator(action)
        if isinstance(action, CreateTimer):
            timer = self._work.start_timer(action.fire_at)
            self._timers.add(timer, self._position - 1, action.cancelled)
            return timer
        if isinstance(action, WaitForEvent):
            return self._events.wait(action.name, self._position)
        if isinstance(action, EntityOperation):
            return self._work.send_operation(action)
        if isinstance(action, CallHttp):
            return self._work.call_activity(HTTP_ACTIVITY, action.request)
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

    def _resume(self) -> None:
        """Make the decisions that the suspension withheld, and deliver the events that it held."""
        self._work.resume()
        held, self._held = self._held, []
        for waiting in held:
            self._deliver(waiting)

    # -- the history -------------------------------------------------------------------------------

    def _process(self, event: HistoryEvent) -> None:
        if isinstance(event, OrchestratorStarted):
            self._work.now = event.occurred_at
        elif isinstance(event, SchedulingEvent):
            self._match(event)
        elif isinstance(event, (CompletionEvent, EventRaised)):
            # An event that arrives while the instance is suspended is recorded at once, but has no
            # effect until the resume (functions-host.md#effects-of-actions). The SDK's
            # orchestrator, however, processes the event at once. A turn with counts must follow the
            # SDK. It therefore delivers the event and withholds the new decisions.
            if self._work.suspended and not self._has_counts:
                self._held.append(event)
            else:
                self._deliver(event)
        elif isinstance(event, ExecutionStarted):
            if self._work.now is None:
                self._work.now = event.occurred_at
            self._advance()
        elif isinstance(event, ExecutionSuspended):
            self._work.suspended = True
        elif isinstance(event, ExecutionResumed):
            self._resume()

    def _match(self, event: SchedulingEvent) -> None:
        if event.event_id not in self._work.pending:
            self._timers.release()
        self._work.match(event)

    def _deliver(self, event: CompletionEvent | EventRaised) -> None:
        # The time of a TimerFired event is the time at which the timer was created.
        self._completed_at = None if isinstance(event, TimerFired) else event.occurred_at
        if isinstance(event, EventRaised):
            if self._work.respond(event.name):
                return
            if self.continue_with is not None:
                self.late_events += (event,)
            self._events.deliver(event, self._waits_at)
            return
        self._work.complete(event)

    @property
    def _waits_at(self) -> int | None:
        """The step at which the orchestrator waits, or None while it does not wait."""
        return self._position if self._current is not None and not self._current.done else None


def _decisions_of(action: Action) -> int:
    """Return the number of decisions that the invocation of an action makes."""
    if isinstance(action, (WhenAny, WhenAll)):
        return sum(map(_decisions_of, action.actions))
    return 0 if isinstance(action, (WaitForEvent, ContinueAsNew)) else 1
