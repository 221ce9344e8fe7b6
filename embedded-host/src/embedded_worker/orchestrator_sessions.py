"""Runs orchestrators of SDK 1.x, and keeps them in memory between turns.

An orchestrator in memory processes only its new events, so the cost of a chain of n steps grows
with n and not with n squared. An orchestrator that is not in memory is replayed from its whole
history. The result of a turn is the same in both cases.
"""

from __future__ import annotations

import contextvars
import json
from collections.abc import Callable, Iterator
from itertools import chain
from pathlib import Path
from typing import TYPE_CHECKING

from azure.durable_functions.models import DurableOrchestrationContext
from azure.durable_functions.models.actions.Action import Action
from azure.durable_functions.models.actions.CompoundAction import CompoundAction
from azure.durable_functions.models.actions.CreateTimerAction import CreateTimerAction
from azure.durable_functions.models.history.HistoryEvent import HistoryEvent
from azure.durable_functions.models.history.HistoryEventType import HistoryEventType
from azure.durable_functions.models.Task import TaskBase, TaskState
from azure.durable_functions.models.TaskOrchestrationExecutor import TaskOrchestrationExecutor

from embedded_worker.history_timestamps import replace_parser
from embedded_worker.orchestration_context import OrchestrationContext
from embedded_worker.orchestrator_executor import OrchestratorExecutor
from embedded_worker.orchestrator_lint import UnusableValueError
from embedded_worker.protocol import CallLineData
from embedded_worker.sdk import orchestrator_of
from embedded_worker.user_function import UserFunction
from embedded_worker.yield_checks import checked, waiting_position

if TYPE_CHECKING:
    from embedded_worker.yield_checks import Steps

replace_parser()
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
        self._context = OrchestrationContext(**document)
        self._context._input_expected_type = getattr(handle, "_df_input_type", None)
        self._executor = self._context.executor = OrchestratorExecutor(is_strict=is_strict)
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
    def is_replaying(self) -> bool:
        """True while the orchestrator runs code that an earlier turn has already run."""
        return bool(self._context._is_replaying)

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
