"""The open work of an execution of SDK 1.x: decisions, and tasks without a completion.

``recorded_execution`` derives the open work of an execution of SDK 2.x from the history.
"""

from __future__ import annotations

import json
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from datetime import datetime
from uuid import NAMESPACE_URL, uuid5

from embedded_host.engine.actions import CallSubOrchestrator, EntityOperation, RetryPolicy
from embedded_host.engine.decisions import (
    CreateSubOrchestration,
    MatchedDecision,
    NonDeterministicError,
    ScheduleTask,
    SendOperation,
    StartTimer,
    mismatch,
)
from embedded_host.engine.events import CompletionEvent, EventSent, FailureEvent, SchedulingEvent
from embedded_host.engine.observations import Difference, Observation
from embedded_host.engine.task import PendingTask, Task, TimerTask, settled
from embedded_host.engine.timers import fire_time_on_azure


@dataclass(slots=True)  # one object for each waiting execution
class OpenWork:
    """Makes decisions, matches them with the history, and completes their tasks."""

    instance_id: str
    execution_id: str
    is_strict: bool
    observations: list[Observation]
    """The differences from the Azure Functions host, in order. The owner may remove them."""
    pending: dict[int, MatchedDecision] = field(default_factory=dict)
    """Decisions that are not yet in the history, by id."""
    attempts: dict[int, int] = field(default_factory=dict)
    """Number of each attempt of a call with a retry policy, counted from 1, by decision id."""
    now: datetime | None = None
    """The orchestrator's current time."""
    suspended: bool = False
    withholds: bool = False
    """True if decisions are withheld while the instance is suspended: in a turn with counts."""
    _next_id: int = 0
    _reserved_ids: deque[int] = field(default_factory=deque)
    """Ids of the decisions whose actions are numbered but not yet invoked."""
    _tasks: dict[int, PendingTask] = field(default_factory=dict)
    """Tasks without a completion, by decision id."""
    _responses: dict[str, tuple[Task, str]] = field(default_factory=dict)
    """Task and entity id of each entity call without a response, by request id."""
    _withheld: dict[int, tuple[MatchedDecision, datetime | None]] = field(default_factory=dict)
    """Decisions made while the instance was suspended, in a turn with counts, with their times."""

    def close(self) -> None:
        """Break the reference cycles of the tasks."""
        self._tasks.clear()
        self._responses.clear()

    @property
    def open_tasks(self) -> list[int]:
        """Ids of the decisions without a completion, except those of cancelled timers."""
        return [task_id for task_id, task in self._tasks.items() if not task.cancelled]

    @property
    def has_open_tasks(self) -> bool:
        """True if ``open_tasks`` is not empty."""
        return any(not task.cancelled for task in self._tasks.values())

    @property
    def open_calls(self) -> list[str]:
        """Request ids of the entity calls without a response."""
        return list(self._responses)

    @property
    def called_entities(self) -> list[str]:
        """Entity ids of the entity calls without a response."""
        return [entity_id for _, entity_id in self._responses.values()]

    # -- ids ---------------------------------------------------------------------------------------

    def take_id(self) -> int:
        """Return the next decision id, and increment the counter."""
        self._next_id += 1
        return self._next_id - 1

    def reserve_ids(self, count: int) -> None:
        """Assign ids to the next ``count`` decisions of invoked actions."""
        self._reserved_ids.extend(self.take_id() for _ in range(count))

    def _reserved_id(self) -> int:
        """Return the id for the next decision of an invoked action.

        The timers and later attempts of a retried call use ``take_id`` instead.
        """
        return self._reserved_ids.popleft() if self._reserved_ids else self.take_id()

    # -- decisions ---------------------------------------------------------------------------------

    def call_activity(self, name: str, input: str, retry: RetryPolicy | None = None) -> Task:
        """Schedule an activity, and return its task."""
        if retry:
            return self._retried(retry, lambda id: self._decide(ScheduleTask(id, name, input)))
        return self._decide(ScheduleTask(self._reserved_id(), name, input))

    def call_sub_orchestrator(self, action: CallSubOrchestrator) -> Task:
        """Create a sub-orchestration, and return its task."""
        if action.retry:
            return self._retried(action.retry, lambda id: self._sub_orchestration(id, action))
        return self._sub_orchestration(self._reserved_id(), action)

    def start_timer(self, fire_at: datetime) -> PendingTask:
        """Start a timer, and return its task."""
        return self._decide(StartTimer(self._reserved_id(), fire_at))

    def send_operation(self, action: EntityOperation) -> Task:
        """Send an operation to an entity. Return its task, which is settled for a signal."""
        id = self._reserved_id()
        request_id = str(uuid5(NAMESPACE_URL, f"{self.instance_id}_{self.execution_id}_{id}"))
        self._put(SendOperation(id, action.instance_id, request_id, action))
        if action.signal:
            return settled()
        response = Task()
        self._responses[request_id] = response, action.instance_id
        return response

    def _sub_orchestration(self, id: int, action: CallSubOrchestrator) -> PendingTask:
        instance_id = action.instance_id or f"{self.execution_id}:{id}"
        return self._decide(
            CreateSubOrchestration(id, action.name, action.input, instance_id, action.version)
        )

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
            timer = self._decide(StartTimer(self.take_id(), fire_at, id))
            timer.then(whole.settle if exhausted else lambda: run(self.take_id()))

        run(self._reserved_id())
        return whole

    def _decide(self, decision: MatchedDecision) -> PendingTask:
        self._put(decision)
        task = PendingTask()
        if isinstance(decision, StartTimer) and self.now is not None:
            task = TimerTask(fire_time_on_azure(decision.fire_at, self.now))
        self._tasks[decision.id] = task
        return task

    def _put(self, decision: MatchedDecision) -> None:
        if self.suspended and self.withholds:
            self._withheld[decision.id] = decision, self.now
        else:
            self.pending[decision.id] = decision

    def resume(self) -> None:
        """Make the decisions that the suspension withheld."""
        self.suspended = False
        for id, (decision, decided) in self._withheld.items():
            self.pending[id] = self._resumed(decision, decided)
        self._withheld.clear()

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

    # -- the history -------------------------------------------------------------------------------

    def match(self, event: SchedulingEvent) -> None:
        """Remove the decision that ``event`` records.

        Raises NonDeterministicError if the event records another decision.
        """
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

    def respond(self, request_id: str) -> bool:
        """Settle the entity call with this request id. Return False if there is none."""
        called = self._responses.pop(request_id, None)
        if called is None:
            return False
        called[0].settle()
        return True

    def complete(self, event: CompletionEvent) -> None:
        """Settle the task that ``event`` completes, if it is open."""
        task = self._tasks.pop(event.scheduled_id, None)
        if task is not None:
            task.failed = isinstance(event, FailureEvent)
            task.settle()
