"""Runs orchestrators with the executor of SDK 1.x, and keeps them in memory between turns.

An orchestrator in memory processes only its new events, so the cost of a chain of n steps grows
with n and not with n squared. An orchestrator that is not in memory is replayed from its whole
history. The result of a turn is the same in both cases.

Two behaviors differ from the SDK's executor on purpose (docs/reference/known-differences.md):
External events of one name complete the waits for that name in the order of arrival, one event for
each wait. Names of events are compared without regard to case. With ``--parity strict``, the SDK's
executor assigns the events: an event completes the newest wait whose name has the same case, and
the last event that arrived before a wait completes all later waits for its name.
"""

from __future__ import annotations

import contextvars
import json
import re
import sys
import weakref
from collections import deque
from collections.abc import Callable, Iterator
from datetime import datetime, timezone
from functools import lru_cache
from itertools import chain
from pathlib import Path
from types import ModuleType
from typing import TYPE_CHECKING

from azure.durable_functions.models import DurableOrchestrationContext
from azure.durable_functions.models.actions.Action import Action
from azure.durable_functions.models.actions.CompoundAction import CompoundAction
from azure.durable_functions.models.actions.CreateTimerAction import CreateTimerAction
from azure.durable_functions.models.history.HistoryEvent import HistoryEvent
from azure.durable_functions.models.history.HistoryEventType import HistoryEventType
from azure.durable_functions.models.Task import AtomicTask, TaskBase, TaskState
from azure.durable_functions.models.TaskOrchestrationExecutor import TaskOrchestrationExecutor

from embedded_worker.code_positions import caller_position
from embedded_worker.orchestrator_lint import UnusableValueError
from embedded_worker.protocol import CallLineData
from embedded_worker.sdk import orchestrator_of
from embedded_worker.user_function import UserFunction
from embedded_worker.yield_checks import checked, waiting_position

if TYPE_CHECKING:
    from embedded_worker.yield_checks import Steps

_WAIT = "WaitForExternalEventAction"
_HOOKS = (
    (TaskOrchestrationExecutor, ("initialize", "execute", "process_event", "set_task_value")),
    (TaskOrchestrationExecutor, ("resume_user_code",)),
    (TaskOrchestrationExecutor, ("get_orchestrator_state_str", "has_execution_completed")),
    (DurableOrchestrationContext, ("_generate_task", "_add_to_open_tasks", "_add_to_actions")),
)
HAS_SESSION_HOOKS = all(hasattr(owner, name) for owner, names in _HOOKS for name in names)
"""True if the SDK has the private methods that a session overrides and calls.

Without them, the orchestrator's handle replays the history from its start in each turn.
"""


def can_keep(handle: UserFunction) -> bool:
    """Return True if a session can run ``handle``."""
    return HAS_SESSION_HOOKS and orchestrator_of(handle) is not None


_prototype = TaskOrchestrationExecutor()


class _Executor(TaskOrchestrationExecutor):  # type: ignore[misc]
    """The SDK's executor, with external events in the order of arrival unless it is strict."""

    def __init__(self, *, is_strict: bool = False) -> None:
        self.is_strict = is_strict
        # The SDK builds the same table and class for every executor. Sharing them saves time.
        table = getattr(_prototype, "event_to_SetTaskValuePayload", None)
        events = getattr(_prototype, "task_completion_events", None)
        if table is None or events is None:
            super().__init__()
        else:
            self.event_to_SetTaskValuePayload, self.task_completion_events = table, events
            self.initialize()
        self.waits: dict[str, list[TaskBase]] = {}
        self.yielded_waits: set[TaskBase] = set()
        self.unconsumed: dict[str, deque[HistoryEvent]] = {}
        self.yields_event = False
        """True if the yielded task has a wait for an event that has arrived before."""
        self.counts: list[int] = []
        """The number of actions after each event of this turn."""

    def process_event(self, event: HistoryEvent) -> None:
        super().process_event(event)
        self.counts.append(len(self.context._action_payload_v2))

    def resume_user_code(self) -> None:
        if self.yields_event:  # the SDK calls this method again for a task that is complete
            self.yields_event = False
            self._add_action(self.current_task)
        super().resume_user_code()
        self.yields_event = False

    def _add_action(self, task: TaskBase) -> None:
        """Add the action of ``task`` if the SDK has not done this.

        Before 1.3.0, it omits the action of a task that is complete. The host then delivers the
        event again after continue-as-new.
        """
        actions = self.context._action_payload_v2
        if not actions or actions[-1] is not task.action_repr:
            self.context._add_to_actions(task.action_repr)
            getattr(self, "_mark_as_scheduled", lambda task: None)(task)

    def get_orchestrator_state_str(self) -> str:
        output = self.output
        try:
            return str(super().get_orchestrator_state_str())
        except Exception:
            problem = None if output is None else _json_problem(output)
            if problem is None:
                raise
            raise UnusableValueError(
                f"the orchestrator's return value, a {type(output).__name__}, cannot be converted "
                f"to JSON: {problem}. Return plain values."
            ) from None

    def set_task_value(self, event: HistoryEvent, is_success: bool, id_key: str) -> None:
        if (
            self.is_strict
            or event.event_type != HistoryEventType.EVENT_RAISED
            or event.Name in self.context.open_tasks
        ):
            # The name of an open task is the id of an entity call, and the event is its response.
            super().set_task_value(event, is_success, id_key)
            return
        key = event.Name.lower()
        waits = self.waits.get(key)
        if not waits:
            self.unconsumed.setdefault(key, deque()).append(event)
            return
        awaited = next((i for i, task in enumerate(waits) if self._is_awaited(task)), -1)
        self._settle(waits.pop(awaited), event)

    def wait(self, task: TaskBase) -> None:
        """Complete ``task`` with the oldest unconsumed event of its name, or keep it waiting.

        Do nothing for a task that was yielded before.
        """
        if task in self.yielded_waits:
            return
        self.yielded_waits.add(task)
        key = str(task.id).lower()
        unconsumed = self.unconsumed.get(key)
        if unconsumed:
            self._settle(task, unconsumed.popleft())
            self.yields_event = True
        else:
            self.waits.setdefault(key, []).append(task)

    def _settle(self, task: TaskBase, event: HistoryEvent) -> None:
        self.context.open_tasks[event.Name] = [task]
        super().set_task_value(event, True, "Name")

    def _is_awaited(self, task: TaskBase) -> bool:
        """Return True if the orchestrator waits for the task now.

        It does not wait for a task that lost a race, for example against a timer.
        """
        top = task
        while top.parent is not None:
            if top.parent.state is not TaskState.RUNNING:
                return False
            top = top.parent
        return top is self.current_task


def _json_problem(output: object) -> Exception | None:
    """Return the reason why ``output`` cannot be converted to JSON, or None if it can."""
    try:
        json.dumps(output)
    except Exception as problem:
        return problem
    return None


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
    """Calls whose task was not yielded yet: task, name of the method, position in the code."""
    calls: list[tuple[TaskBase, str]] | None = None
    """The tasks and their lines, or None if the host does not need the lines."""
    signals: list[tuple[int, str]]
    """The ids of signals and their lines."""
    offset_timers: list[str]
    """A warning for each timer whose time has an offset from UTC."""

    def create_timer(self, fire_at: datetime) -> TaskBase:
        task = super().create_timer(fire_at)
        if isinstance(fire_at, datetime) and fire_at.utcoffset():
            self.offset_timers.append(_offset_timer(fire_at, caller_position(self.root)))
        return task

    def _generate_task(self, action: Action, *arguments: object, **options: object) -> TaskBase:
        task = super()._generate_task(action, *arguments, **options)
        if isinstance(action, CreateTimerAction):
            action.task_reference = weakref.ref(task)
        method = _CALLS.get(type(action).__name__)
        if self.calls is not None:
            position = caller_position(self.root)
            self.calls.append((task, position))
            if method is not None:
                self.unyielded.append((task, method, position))
        elif method is not None and not self.is_replaying:
            self.unyielded.append((task, method, caller_position(self.root)))
        return task

    def signal_entity(self, *arguments: object, **options: object) -> object:
        if self.calls is not None:
            self.signals.append((self._sequence_number, caller_position(self.root)))
        return super().signal_entity(*arguments, **options)

    def _add_to_open_tasks(self, task: TaskBase) -> None:
        if isinstance(task, AtomicTask) and task._api_name == _WAIT and not self.executor.is_strict:
            self.executor.wait(task)
            return
        super()._add_to_open_tasks(task)


def _offset_timer(fire_at: datetime, position: str) -> str:
    """Return the warning for a timer of which the SDK writes the time without its offset."""
    written = fire_at.replace(tzinfo=timezone.utc)
    return (
        f"{position}: create_timer({fire_at.isoformat()}) fires at {written.isoformat()}, "
        "because the SDK writes the time without its offset from UTC. This is the same on the "
        "Azure Functions host. Write create_timer(time.astimezone(datetime.timezone.utc))."
    )


# An AttributeError and the repr of the context have the name that the app's developer knows.
_Context.__name__ = _Context.__qualname__ = DurableOrchestrationContext.__name__
_Context.__module__ = DurableOrchestrationContext.__module__


class OrchestratorSession:
    """One execution of one orchestrator."""

    def __init__(
        self, handle: UserFunction, payload: str, root: Path, *, is_strict: bool = False
    ) -> None:
        """Prepare the execution for ``payload``, the JSON object of its first turn.

        ``root`` is the app's folder. Positions in messages are relative to it. ``is_strict`` is
        True if the SDK assigns the events to waits.
        """
        function = orchestrator_of(handle)
        assert function is not None
        document = json.loads(payload)
        self.execution_id = str(document["history"][1]["OrchestrationInstance"]["ExecutionId"])
        self.seen = len(document["history"])
        self._context = _Context(**document)
        self._context._input_expected_type = getattr(handle, "_df_input_type", None)
        self._executor = self._context.executor = _Executor(is_strict=is_strict)
        self._steps: list[Steps] = []
        """The generator of the orchestrator, once it has started."""
        self._function = checked(function, root, self._steps.append)
        self._context.root, self._context.unyielded = root, []
        self._context.offset_timers = []
        self._variables = contextvars.copy_context()
        """Context variables of the orchestrator. Its turns can run in different threads."""
        self._started = False
        self._turn_events = 0
        """The number of events of the last turn."""
        self._returned_actions = 0
        """The number of actions at the end of the last turn."""
        self.known = 0
        """Number of actions that the last turn omitted, because an earlier turn returned them."""
        self._timers: list[tuple[int, CreateTimerAction]] = []
        """Returned timers that can still be cancelled, each with the index of its action."""

    def report_lines(self) -> None:
        """Determine the lines of the calls. Call this method before the first turn."""
        self._context.calls, self._context.signals = [], []

    @property
    def lines(self) -> CallLineData | None:
        """The lines of the calls, or None if ``report_lines`` was not called."""
        context = self._context
        if context.calls is None:
            return None
        calls = [
            (part.id, line)
            for task, line in context.calls
            for part in getattr(task, "children", [task])
            if type(part.id) is int and part.id >= 0 and line != "?"
        ]
        waits = waiting_position(self._steps[0], context.root) if self._steps else ""
        return CallLineData(calls + context.signals, waits)

    def run_turn(self, events: str | None = None) -> str:
        """Run a turn and return the SDK's JSON.

        ``events`` is None for the first turn, and later the JSON array of the new events.
        Raises the SDK's exception if the orchestrator fails, and UnusableValueError if a value
        cannot be serialized.
        """
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
                self._record_actions()
        new = [HistoryEvent(**event) for event in json.loads(events or "[]")]
        self._executor.counts, self._turn_events = [], len(new)
        self._context._histories.extend(new)
        self.seen += len(new)
        self._context.unyielded[:] = [
            entry for entry in self._context.unyielded if not _was_yielded(entry[0])
        ]
        turn_from = max(
            (
                index
                for index, event in enumerate(new)
                if event.event_type == HistoryEventType.ORCHESTRATOR_STARTED
            ),
            default=0,
        )
        for index, event in enumerate(new):
            if self._executor.has_execution_completed:
                break
            self._executor._is_processing_new_events = index >= turn_from
            self._executor.process_event(event)
        return self._encoded(self._new_actions)

    def _new_actions(self) -> str:
        """Return the SDK's JSON without the leading actions that earlier turns returned.

        A timer that was cancelled since then has a changed action. It and all actions after it are
        returned again.
        """
        context, actions = self._context, self._context._action_payload_v2
        self.known = next(
            (index for index, timer in self._timers if timer.is_cancelled), self._returned_actions
        )
        self._record_actions()
        context._action_payload_v2 = actions[self.known :]
        try:
            return self._executor.get_orchestrator_state_str()
        finally:
            context._action_payload_v2 = actions

    def _record_actions(self) -> None:
        actions, returned = self._context._action_payload_v2, self._returned_actions
        self._returned_actions = len(actions)
        new = (
            (index, timer)
            for index in range(returned, len(actions))
            for timer in _timers_of(actions[index])
        )
        self._timers = [
            (index, timer) for index, timer in chain(self._timers, new) if _may_be_cancelled(timer)
        ]

    @property
    def counts(self) -> list[int]:
        """The number of actions after each event of the last turn.

        Events after the end of the orchestrator add no actions.
        """
        counts = self._executor.counts
        last = len(self._context._action_payload_v2)
        return counts + [last] * (self._turn_events - len(counts))

    def _encoded(self, run: Callable[[], str]) -> str:
        """Return the result of ``run``.

        Raises UnusableValueError if ``run`` fails because of the custom status.
        """
        try:
            return run()
        except TypeError as error:
            status = self._context.custom_status
            try:
                json.dumps(status, default=lambda value: type(value).to_json(value))
            except Exception:
                raise UnusableValueError(
                    f"the custom status, a {type(status).__name__}, cannot be converted to JSON: "
                    f"{error}. Set plain values, or add to_json and from_json to the class."
                ) from None
            raise

    def never_yielded(self) -> list[str]:
        """Return a warning for each call that never runs because its task was never yielded."""
        return [
            f"{position}: {method}(...) was called without yield, so it never runs. "
            f"Write yield context.{method}(...)."
            for task, method, position in self._context.unyielded
            if not _was_yielded(task)
        ]

    def offset_timers(self) -> list[str]:
        """Return a warning for each new timer whose time has an offset from UTC."""
        warnings, self._context.offset_timers = self._context.offset_timers, []
        return warnings

    @property
    def finished(self) -> bool:
        """True if the execution has completed, failed or continued as new."""
        return bool(self._executor.has_execution_completed)

    def close(self) -> None:
        """Break the reference cycle between context and executor.

        Memory is then freed without a full garbage collection.
        """
        del self._context.executor


def _was_yielded(task: TaskBase) -> bool:
    """Return True if the orchestrator has yielded ``task``: the SDK then gives it an id."""
    return all(part.id is not None for part in getattr(task, "children", [task]))


def _timers_of(action: Action) -> Iterator[CreateTimerAction]:
    if isinstance(action, CreateTimerAction):
        yield action
    elif isinstance(action, CompoundAction):
        for part in action.compound_tasks:
            yield from _timers_of(part)


def _may_be_cancelled(timer: CreateTimerAction) -> bool:
    """Return True if the timer is not cancelled and its task can still cancel it.

    A part of a long timer has no task that user code can reach.
    """
    if timer.is_cancelled or not hasattr(timer, "task_reference"):
        return not timer.is_cancelled
    task = timer.task_reference()
    return task is not None and task.state is TaskState.RUNNING


_TIMESTAMP = re.compile(r"(\d{4})-(\d\d)-(\d\d)T(\d\d):(\d\d):(\d\d)(?:\.(\d{1,9}))?Z")
"""The format in which the host writes timestamps."""
_module: ModuleType = sys.modules[HistoryEvent.__module__]
_parse_any_timestamp = getattr(_module, "dt_parse", None)


@lru_cache(maxsize=16384)  # the number of timestamps in a long replayed history
def _parse_timestamp(text: str) -> datetime:
    """Return the time that ``text`` states, as ``dateutil.parser.parse`` of the SDK does.

    The SDK's parser takes longer than all other processing of an event.
    """
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
