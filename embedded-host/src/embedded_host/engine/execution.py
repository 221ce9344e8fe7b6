"""One execution: an orchestrator's actions held against its history (contract, 4.3).

The real host runs the action list from the top, awaiting each action before the next, and feeds it the history; what
the list asks for and the history does not show is new. This module does the same with tasks that settle instead of
awaiting. It may be kept between turns and fed only what is new (``replay`` with the whole list of actions and the
events since), or made afresh and fed everything: both come to the same.
"""

from __future__ import annotations

import json
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
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
    Decision,
    NonDeterministicError,
    ScheduleTask,
    SendOperation,
    StartTimer,
    mismatch,
)
from embedded_host.engine.entity_messages import OutgoingLabels
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
)
from embedded_host.engine.functions import HTTP_ACTIVITY
from embedded_host.engine.invocations import ReplayProgress
from embedded_host.engine.task import PendingTask, Task, settled
from embedded_host.engine.timers import Timers


@dataclass
class Execution:
    instance_id: str
    execution_id: str
    pending: dict[int, Decision] = field(default_factory=dict)
    """What was decided and is not in the history, in order."""
    now: datetime | None = None
    continue_with: ContinueAsNew | None = None
    program: tuple[Action, ...] = ()
    """All actions that the orchestrator has asked for."""
    suspended: bool = False
    returned: bool = False
    """The orchestrator has come to its end, though what it began may hold the execution open."""
    attempts: dict[int, int] = field(default_factory=dict)
    """Decisions that are tries of a retried call -> the how-manieth."""
    labels: OutgoingLabels | None = None
    """Of what it has sent to entities; None until it sends something in this life of it."""
    _at: int = 0
    _current: Task | None = None
    _running: bool = False
    _next_id: int = 0
    _asked_for: int = 0
    """How many actions the orchestrator had asked for once it had seen the event that is being processed."""
    _counted: bool = False
    _reserved_to: int = 0
    """So many actions are numbered."""
    _reserved: deque[int] = field(default_factory=deque)
    """Numbers of actions that were asked for and are not invoked yet."""
    _invoking: bool = False
    _latest: int = -1
    _open: dict[int, PendingTask] = field(default_factory=dict)
    _timers: Timers = field(default_factory=Timers)
    _events: EventWaits = field(default_factory=EventWaits)
    _replies: dict[str, tuple[Task, str]] = field(default_factory=dict)
    """Entity calls without an answer, by request id: what waits, and the entity's id."""
    _held: list[CompletionEvent | EventRaised] = field(default_factory=list)
    _withheld: dict[int, Decision] = field(default_factory=dict)
    """What was decided while suspended."""

    # -- what a turn asks --------------------------------------------------------------------------

    def replay(
        self, actions: tuple[Action, ...], events: Sequence[HistoryEvent], progress: ReplayProgress | None = None
    ) -> None:
        """Take the actions of a turn and the events since the last call.

        With ``progress.counts``, decisions are numbered exactly as the SDK numbers its tasks. Without, the whole list of
        actions counts from the beginning, as on the Functions host. Raises NonDeterministicError."""
        progress = progress or ReplayProgress()
        program = self.program[: progress.unchanged] + actions
        counts = progress.counts_of_last(len(events))
        if len(program) < self._at:
            raise NonDeterministicError(
                f"Non-Deterministic workflow detected: an earlier turn of this execution asked for {self._at} steps, but the "
                f"current replay asks for {len(program)} only. Was a change made to the orchestrator code after this "
                "instance had already started running?"
            )
        self.program = program
        self._timers.mark(program, progress.unchanged)
        self._counted = counts is not None
        if counts is None:
            self._advance()
        for at, event in enumerate(events):
            self._asked_for = 0 if counts is None else counts[at]
            self._process(event)
            if self._counted:
                self._advance()
        self._asked_for = len(program)
        self._advance()
        self._timers.release()

    def close(self) -> None:
        """It is not used any more. What it awaits knows it: without this, only the garbage collector's rarest look, the one at
        what is old, would find the two (1.3 KiB for each instance that waits)."""
        self._current, self._events, self._timers = None, EventWaits(), Timers()
        for tasks in (self._open, self._replies):
            tasks.clear()

    @property
    def finished(self) -> bool:
        """The list is at its end, and nothing is outstanding that holds the execution open."""
        return (
            self._at >= len(self.program)
            and (self._current is None or self._current.done)
            and not self.suspended
            and not any(task.holds and not task.cancelled for task in self._open.values())
        )

    @property
    def open_tasks(self) -> list[int]:
        """Ids of decisions that have not been completed, without cancelled timers."""
        return [task_id for task_id, task in self._open.items() if not task.cancelled]

    @property
    def open_calls(self) -> list[str]:
        """Request ids of entity calls without an answer."""
        return list(self._replies)

    @property
    def called_entities(self) -> list[str]:
        """Ids of the entities whose answers are still to come."""
        return [entity_id for _, entity_id in self._replies.values()]

    @property
    def awaited_events(self) -> list[str]:
        """Names of the events that the orchestrator waits for now, as it spells them."""
        return self._events.awaited(self._waits_at)

    @property
    def unconsumed_events(self) -> Iterator[EventRaised]:
        """Those that nobody has waited for."""
        return chain.from_iterable(self._events.unconsumed.values())

    def take_id(self) -> int:
        self._next_id += 1
        return self._next_id - 1

    # -- the program -------------------------------------------------------------------------------

    def _advance(self) -> None:
        if self._running or self.now is None:
            return
        self._running = True
        self._reserve(self._asked_for)
        try:
            while (self._current is None or self._current.done) and self._at < self._open_to:
                action = self.program[self._at]
                self._at += 1
                self._reserved_to = max(self._reserved_to, self._at)
                self._invoking = True
                try:
                    self._current = self._invoke(action)
                finally:
                    self._invoking = False
                if self._counted and isinstance(action, CreateTimer):
                    # The SDK asks for nothing behind a timer that it waits for, except the next legs of a long one, and
                    # what comes when something else has ended the wait: neither must wait for this leg.
                    self._current = settled()
                elif not self._current.done:
                    self._current.then(self._advance)
        finally:
            self._running = False

    def _reserve(self, upto: int) -> None:
        """Number the decisions of the program's first ``upto`` actions: when the orchestrator asks for them, though they may
        have to wait for the ones before. Without counts they are numbered when they are invoked."""
        if not self._counted:
            return
        for action in self.program[self._reserved_to : upto]:
            self._reserved.extend(self.take_id() for _ in range(_decisions_of(action)))
        self._reserved_to = max(self._reserved_to, min(upto, len(self.program)))

    @property
    def _open_to(self) -> int:
        return self._reserved_to if self._counted else len(self.program)

    def _new_id(self) -> int:
        self._latest = self._reserved.popleft() if self._invoking and self._reserved else self.take_id()
        return self._latest

    def _invoke(self, action: Action) -> Task:
        if isinstance(action, CallActivity):
            if action.retry:
                return self._retried(action.retry, lambda: self._activity(action.name, action.input))
            return self._activity(action.name, action.input)
        if isinstance(action, CallSubOrchestrator):
            if action.retry:
                return self._retried(action.retry, lambda: self._sub_orchestration(action))
            return self._sub_orchestration(action)
        if isinstance(action, CreateTimer):
            timer = self._timer(action.fire_at)
            self._timers.add(timer, self._at - 1, action.cancelled)
            return timer
        if isinstance(action, WaitForEvent):
            return self._events.wait(action.name, self._at)
        if isinstance(action, EntityOperation):
            return self._operation(action)
        if isinstance(action, CallHttp):
            return self._activity(HTTP_ACTIVITY, action.request)
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
            for child in children:
                child.then(whole.settle)
        else:
            missing = [len(children)]

            def one_more() -> None:
                missing[0] -= 1
                if not missing[0]:
                    whole.settle()

            for child in children:
                child.then(one_more)
        return whole

    def _decide(self, decision: Decision, holds: bool = True) -> PendingTask:
        self._put(decision)
        task = self._open[decision.id] = PendingTask(holds)
        return task

    def _put(self, decision: Decision) -> None:
        (self._withheld if self.suspended and self._counted else self.pending)[decision.id] = decision

    def _activity(self, name: str, input: str) -> PendingTask:
        return self._decide(ScheduleTask(self._new_id(), name, input))

    def _sub_orchestration(self, action: CallSubOrchestrator) -> PendingTask:
        task_id = self._new_id()
        instance_id = action.instance_id or f"{self.execution_id}:{task_id}"
        return self._decide(CreateSubOrchestration(task_id, action.name, action.input, instance_id, action.version))

    def _timer(self, fire_at: datetime, retry_of: int | None = None) -> PendingTask:
        return self._decide(StartTimer(self._new_id(), fire_at, retry_of))

    def _operation(self, action: EntityOperation) -> Task:
        task_id = self._new_id()
        request_id = str(uuid5(NAMESPACE_URL, f"{self.instance_id}_{self.execution_id}_{task_id}"))
        self._put(SendOperation(task_id, action.instance_id, request_id, action))
        if action.signal:
            return settled()
        reply = Task()
        self._replies[request_id] = reply, action.instance_id
        return reply

    def _retried(self, policy: RetryPolicy, attempt: Callable[[], PendingTask]) -> Task:
        """Attempts with a timer after each failure, the last one included, which fires at once (recorded; contract, 4.4)."""
        whole = Task()
        failures = 0
        began = self.now
        tried = -1

        def run() -> None:
            nonlocal tried
            task = attempt()
            tried = self._latest
            self.attempts[tried] = failures + 1
            task.then(lambda: tried_once(task))

        def tried_once(task: PendingTask) -> None:
            nonlocal failures
            if not task.failed:
                whole.settle()
                return
            failures += 1
            assert self.now is not None
            assert began is not None
            exhausted = failures >= policy.max_attempts or (
                policy.timeout is not None and self.now - began >= policy.timeout
            )
            fire_at = self.now if exhausted else self.now + policy.delay_after(failures - 1)
            self._timer(fire_at, tried).then(whole.settle if exhausted else run)

        run()
        return whole

    # -- the history -------------------------------------------------------------------------------

    def _process(self, event: HistoryEvent) -> None:
        if isinstance(event, OrchestratorStarted):
            self.now = event.occurred_at
        elif isinstance(event, SchedulingEvent):
            self._match(event)
        elif isinstance(event, (CompletionEvent, EventRaised)):
            # What comes while suspended stands in the history at once and is delivered on resume (recorded; contract, 4.4).
            # The SDK's orchestrator goes on all the same: to number as it does, so does this, and withholds the decisions.
            if self.suspended and not self._counted:
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
            self.suspended = False
            self.pending.update(self._withheld)
            self._withheld.clear()
            held, self._held = self._held, []
            for waiting in held:
                self._deliver(waiting)

    def _match(self, event: SchedulingEvent) -> None:
        decision = self.pending.pop(event.event_id, None)
        if decision is None:
            self._timers.release()
            decision = self.pending.pop(event.event_id, None)
        if wrong := mismatch(event, decision):
            raise NonDeterministicError(wrong)
        if isinstance(event, EventSent) and isinstance(decision, SendOperation) and not decision.operation.signal:
            # The history's own id is the one that the reply will carry.
            request_id = json.loads(event.input).get("id", decision.request_id)
            if request_id != decision.request_id:
                self._replies[request_id] = self._replies.pop(decision.request_id)

    def _deliver(self, event: CompletionEvent | EventRaised) -> None:
        if isinstance(event, EventRaised):
            called = self._replies.pop(event.name, None)
            if called is not None:
                called[0].settle()
            else:
                self._events.raised(event, self._waits_at)
            return
        task = self._open.pop(event.scheduled_id, None)
        if task is not None:
            task.failed = isinstance(event, FailureEvent)
            task.settle()

    @property
    def _waits_at(self) -> int | None:
        """The step that the orchestrator waits at; None while it does not."""
        return self._at if self._current is not None and not self._current.done else None


def _decisions_of(action: Action) -> int:
    """How many decisions an action begins with."""
    if isinstance(action, (WhenAny, WhenAll)):
        return sum(map(_decisions_of, action.actions))
    return 0 if isinstance(action, (WaitForEvent, ContinueAsNew)) else 1
