"""Runs orchestrators with the SDK's own executor, and keeps them in memory between turns.

An orchestrator in memory gets only its new events: a chain of n steps then costs n and not n squared. Any other is replayed
from its whole history. Both give the same result.

Two behaviours differ from the SDK's executor on purpose (docs/reference/known-differences.md): external events of one name complete the waits
for it in the order of arrival, one event for one wait, and the names of events are compared without regard to case.
"""

from __future__ import annotations

import contextvars
import json
import re
import sys
import threading
import weakref
from collections import OrderedDict, deque
from collections.abc import Callable, Iterator
from datetime import datetime, timezone
from functools import lru_cache
from itertools import chain
from pathlib import Path
from types import ModuleType

from azure.durable_functions.models import DurableOrchestrationContext
from azure.durable_functions.models.actions.Action import Action
from azure.durable_functions.models.actions.CompoundAction import CompoundAction
from azure.durable_functions.models.actions.CreateTimerAction import CreateTimerAction
from azure.durable_functions.models.history.HistoryEvent import HistoryEvent
from azure.durable_functions.models.history.HistoryEventType import HistoryEventType
from azure.durable_functions.models.Task import AtomicTask, TaskBase, TaskState
from azure.durable_functions.models.TaskOrchestrationExecutor import TaskOrchestrationExecutor

from embedded_worker.orchestrator_lint import UnusableValueError, caller_position, checked
from embedded_worker.protocol import SESSION_LIMIT
from embedded_worker.user_function import OrchestratorHandle

_WAIT = "WaitForExternalEventAction"


_prototype = TaskOrchestrationExecutor()


class _Executor(TaskOrchestrationExecutor):  # type: ignore[misc]
    """The SDK's executor, with external events in order."""

    def __init__(self) -> None:
        # The SDK builds the same table of events, with a class of its own, for every executor.
        table = getattr(_prototype, "event_to_SetTaskValuePayload", None)
        events = getattr(_prototype, "task_completion_events", None)
        if table is None or events is None:
            super().__init__()
        else:
            self.event_to_SetTaskValuePayload, self.task_completion_events = table, events
            self.initialize()
        self.waits: dict[str, list[TaskBase]] = {}
        self.unconsumed: dict[str, deque[HistoryEvent]] = {}
        self.counts: list[int] = []
        """The number of actions after each event of this turn."""

    def process_event(self, event: HistoryEvent) -> None:
        super().process_event(event)
        self.counts.append(len(self.context._action_payload_v2))

    def get_orchestrator_state_str(self) -> str:
        output = self.output
        try:
            return str(super().get_orchestrator_state_str())
        except Exception:
            if output is None or self.output is not None:
                raise
            raise UnusableValueError(  # the SDK has dropped the output that it could not serialize
                f"what the orchestrator returns, a {type(output).__name__}, cannot be made into JSON: {self.exception}. "
                "Return plain values."
            ) from None

    def set_task_value(self, event: HistoryEvent, is_success: bool, id_key: str) -> None:
        if (
            event.event_type != HistoryEventType.EVENT_RAISED
            or event.Name in self.context.open_tasks
        ):
            super().set_task_value(
                event, is_success, id_key
            )  # an entity's reply: its name is the call's id
            return
        key = event.Name.lower()
        waits = self.waits.get(key)
        if not waits:
            self.unconsumed.setdefault(key, deque()).append(event)
            return
        awaited = next((at for at, task in enumerate(waits) if self._is_awaited(task)), -1)
        self._settle(waits.pop(awaited), event)

    def wait(self, task: TaskBase) -> None:
        """Complete ``task`` with the oldest event of its name, or keep it until one arrives."""
        key = str(task.id).lower()
        unconsumed = self.unconsumed.get(key)
        if unconsumed:
            self._settle(task, unconsumed.popleft())
        else:
            self.waits.setdefault(key, []).append(task)

    def _settle(self, task: TaskBase, event: HistoryEvent) -> None:
        self.context.open_tasks[event.Name] = [task]
        super().set_task_value(event, True, "Name")

    def _is_awaited(self, task: TaskBase) -> bool:
        """Return True if the orchestrator waits for the task now, and has not abandoned it after a timeout."""
        top = task
        while top.parent is not None:
            if top.parent.state is not TaskState.RUNNING:
                return False
            top = top.parent
        return top is self.current_task


_CALLS = {
    "CallActivityAction": "call_activity",
    "CallActivityWithRetryAction": "call_activity_with_retry",
    "CallSubOrchestratorAction": "call_sub_orchestrator",
    "CallSubOrchestratorWithRetryAction": "call_sub_orchestrator_with_retry",
    "CallHttpAction": "call_http",
    "CallEntityAction": "call_entity",
}


class _Context(DurableOrchestrationContext):  # type: ignore[misc]
    executor: _Executor
    root: Path
    unyielded: list[tuple[TaskBase, str, str]]
    """Calls whose task has not been yielded yet: the task, the method's name, the position in the code."""

    def _generate_task(self, action: Action, *arguments: object, **options: object) -> TaskBase:
        task = super()._generate_task(action, *arguments, **options)
        if isinstance(action, CreateTimerAction):
            action.task_reference = weakref.ref(task)
        method = _CALLS.get(type(action).__name__)
        if method is not None and not self.is_replaying:
            self.unyielded.append((task, method, caller_position(self.root)))
        return task

    def _add_to_open_tasks(self, task: TaskBase) -> None:
        if isinstance(task, AtomicTask) and task._api_name == _WAIT:
            if not task._is_scheduled:
                self.executor.wait(task)
            return
        super()._add_to_open_tasks(task)


class OrchestratorSession:
    """One execution of one orchestrator."""

    def __init__(self, handle: OrchestratorHandle, payload: str, root: Path) -> None:
        """``handle`` comes from ``df.Orchestrator.create``; ``root`` is the app's directory, for positions in messages."""
        document = json.loads(payload)
        self.execution_id = str(document["history"][1]["OrchestrationInstance"]["ExecutionId"])
        self.seen = len(document["history"])
        self._context = _Context(**document)
        self._context._input_expected_type = getattr(handle, "_df_input_type", None)
        self._executor = self._context.executor = _Executor()
        self._function = checked(handle.orchestrator_function, root)
        self._context.root, self._context.unyielded = root, []
        self._variables = contextvars.copy_context()
        """The context variables that the orchestrator sets; its turns run in different threads."""
        self._started = False
        self._turn_events = 0
        """The number of events of the last turn."""
        self._returned_actions = 0
        """The number of actions after the last turn."""
        self.known = 0
        """The number of leading actions that the last turn left out, because the turn before had returned them."""
        self._timers: list[tuple[int, CreateTimerAction]] = []
        """Returned timers that may still be cancelled, each with the index of its action."""

    def run_turn(self, events: str | None = None) -> str:
        """Return the SDK's JSON for the first turn, or for ``events``, the JSON array of the events since the last one.

        Raises the exceptions of the SDK."""
        return self._variables.run(self._run_turn, events)

    def _run_turn(self, events: str | None) -> str:
        if not self._started:
            self._started = True
            self._turn_events = self.seen
            try:
                return self._encoded(
                    lambda: self._executor.execute(
                        self._context, self._context.histories, self._function
                    )
                )
            finally:
                self._note_actions()
        new = [HistoryEvent(**event) for event in json.loads(events or "[]")]
        self._executor.counts, self._turn_events = [], len(new)
        self._context._histories.extend(new)
        self.seen += len(new)
        self._context.unyielded[:] = [
            entry for entry in self._context.unyielded if not entry[0]._is_scheduled
        ]
        turn_from = max(
            (
                at
                for at, e in enumerate(new)
                if e.event_type == HistoryEventType.ORCHESTRATOR_STARTED
            ),
            default=0,
        )
        for at, event in enumerate(new):
            if self._executor.has_execution_completed:
                break
            self._executor._is_processing_new_events = at >= turn_from
            self._executor.process_event(event)
        return self._encoded(self._new_actions)

    def _new_actions(self) -> str:
        """Return the SDK's JSON without the actions that the last turn returned, up to the first timer that was cancelled since: its
        action has changed."""
        context, whole = self._context, self._context._action_payload_v2
        self.known = next(
            (at for at, timer in self._timers if timer.is_cancelled), self._returned_actions
        )
        self._note_actions()
        context._action_payload_v2 = whole[self.known :]
        try:
            return self._executor.get_orchestrator_state_str()
        finally:
            context._action_payload_v2 = whole

    def _note_actions(self) -> None:
        actions, returned = self._context._action_payload_v2, self._returned_actions
        self._returned_actions = len(actions)
        new = (
            (at, timer) for at in range(returned, len(actions)) for timer in _timers_of(actions[at])
        )
        self._timers = [
            (at, timer) for at, timer in chain(self._timers, new) if _may_be_cancelled(timer)
        ]

    @property
    def counts(self) -> list[int]:
        """The number of actions after each event of the last turn. Events after the orchestrator's end add none."""
        counts = self._executor.counts
        last = len(self._context._action_payload_v2)
        return counts + [last] * (self._turn_events - len(counts))

    def _encoded(self, run: Callable[[], str]) -> str:
        """Return the result of ``run``. Raises UnusableValueError if it fails to serialize the custom status."""
        try:
            return run()
        except TypeError:
            status = self._context.custom_status
            try:
                json.dumps(status, default=lambda value: type(value).to_json(value))
            except Exception as error:
                raise UnusableValueError(
                    f"the custom status, a {type(status).__name__}, cannot be made into JSON: {error}. Set plain values, or give "
                    "its class to_json and from_json."
                ) from None
            raise

    def never_yielded(self) -> list[str]:
        """Return a warning for each call whose task was never yielded: it will never run."""
        return [
            f"{position}: {method}(...) was called without yield, so it never runs. Write yield context.{method}(...)."
            for task, method, position in self._context.unyielded
            if not task._is_scheduled
        ]

    @property
    def finished(self) -> bool:
        return bool(self._executor.has_execution_completed)

    def close(self) -> None:
        """Break the reference cycle between context and executor, so that memory is freed without a full garbage collection."""
        del self._context.executor


def _timers_of(action: Action) -> Iterator[CreateTimerAction]:
    if isinstance(action, CreateTimerAction):
        yield action
    elif isinstance(action, CompoundAction):
        for part in action.compound_tasks:
            yield from _timers_of(part)


def _may_be_cancelled(timer: CreateTimerAction) -> bool:
    """Return True if the timer is not cancelled, and a task by which it can be cancelled still exists.

    The parts of a long timer have a task that user code never gets."""
    if timer.is_cancelled or not hasattr(timer, "task_reference"):
        return not timer.is_cancelled
    task = timer.task_reference()
    return task is not None and task.state is TaskState.RUNNING


class SessionCache:
    """The orchestrators in memory, by instance id. The least recently used ones are dropped first. Thread-safe."""

    def __init__(self, limit: int = SESSION_LIMIT) -> None:
        self._limit = limit
        self._lock = threading.Lock()
        self._kept: OrderedDict[str, OrchestratorSession] = OrderedDict()

    def take(self, instance_id: str, execution_id: str, seen: int) -> OrchestratorSession | None:
        """Remove and return the session that has seen exactly ``seen`` events of this execution; None if there is none."""
        with self._lock:
            session = self._kept.pop(instance_id, None)
        if session is None or (session.execution_id == execution_id and session.seen == seen):
            return session
        session.close()
        return None

    def keep(self, instance_id: str, session: OrchestratorSession) -> None:
        with self._lock:
            dropped = self._kept.pop(
                instance_id, None
            )  # of an earlier execution, which ended on another worker
            self._kept[instance_id] = session
            if len(self._kept) > self._limit:
                dropped = self._kept.popitem(last=False)[1]
        if dropped is not None:
            dropped.close()


_TIMESTAMP = re.compile(r"(\d{4})-(\d\d)-(\d\d)T(\d\d):(\d\d):(\d\d)(?:\.(\d{1,9}))?Z")
"""The form in which the host writes timestamps."""
_module: ModuleType = sys.modules[HistoryEvent.__module__]
_parse_any_timestamp = getattr(_module, "dt_parse", None)


@lru_cache(maxsize=256)
def _parse_timestamp(text: str) -> datetime:
    """Do what the SDK's ``dateutil.parser.parse`` does, which takes longer than the rest of an event's processing."""
    match = _TIMESTAMP.fullmatch(text)
    if match is None:
        return _parse_any_timestamp(text)  # type: ignore[misc,no-any-return]
    *whole, fraction = match.groups()
    year, month, day, hour, minute, second = map(int, whole)
    return datetime(
        year,
        month,
        day,
        hour,
        minute,
        second,
        int((fraction or "0")[:6].ljust(6, "0")),
        timezone.utc,
    )


if _parse_any_timestamp is not None:
    vars(_module)["dt_parse"] = _parse_timestamp
