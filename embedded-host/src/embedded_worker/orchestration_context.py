"""The context of SDK 1.x, with the positions of an orchestrator's calls in its code."""

from __future__ import annotations

import weakref
from datetime import datetime, timezone
from pathlib import Path

from azure.durable_functions.models import DurableOrchestrationContext
from azure.durable_functions.models.actions.Action import Action
from azure.durable_functions.models.actions.CreateTimerAction import CreateTimerAction
from azure.durable_functions.models.Task import AtomicTask, TaskBase

from embedded_worker.code_positions import caller_position
from embedded_worker.orchestrator_executor import OrchestratorExecutor

_WAIT = "WaitForExternalEventAction"
_CALLS = {
    "CallActivityAction": "call_activity",
    "CallActivityWithRetryAction": "call_activity_with_retry",
    "CallSubOrchestratorAction": "call_sub_orchestrator",
    "CallSubOrchestratorWithRetryAction": "call_sub_orchestrator_with_retry",
    "CallHttpAction": "call_http",
    "CallEntityAction": "call_entity",
}


class OrchestrationContext(DurableOrchestrationContext):  # type: ignore[misc]
    """The object that an orchestrator gets: the SDK's, which also records calls and timers."""

    executor: OrchestratorExecutor
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
        """Create a timer, and record a warning if its time has an offset from UTC."""
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
        """Signal an entity, and record the line if the host needs it."""
        if self.calls is not None:
            self.signals.append((self._sequence_number, caller_position(self.root)))
        return super().signal_entity(*arguments, **options)

    def _add_to_open_tasks(self, task: TaskBase) -> None:
        if isinstance(task, AtomicTask) and task._api_name == _WAIT and not self.executor.is_strict:
            self.executor.wait(task)
            return
        super()._add_to_open_tasks(task)


# An AttributeError and the repr of the context have the name that the app's developer knows.
OrchestrationContext.__name__ = OrchestrationContext.__qualname__ = (
    DurableOrchestrationContext.__name__
)
OrchestrationContext.__module__ = DurableOrchestrationContext.__module__


def _offset_timer(fire_at: datetime, position: str) -> str:
    """Return the warning for a timer of which the SDK writes the time without its offset."""
    written = fire_at.replace(tzinfo=timezone.utc)
    return (
        f"{position}: create_timer({fire_at.isoformat()}) fires at {written.isoformat()}, "
        "because the SDK writes the time without its offset from UTC. This is the same on the "
        "Azure Functions host. Write create_timer(time.astimezone(datetime.timezone.utc))."
    )
