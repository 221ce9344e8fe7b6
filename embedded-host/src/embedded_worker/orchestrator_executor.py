"""The executor of SDK 1.x, with external events in the order of arrival.

Two behaviors differ from the SDK's executor on purpose (docs/reference/known-differences.md):
External events of one name complete the waits for that name in the order of arrival, one event for
each wait. Names of events are compared without regard to case. With ``--parity strict``, the SDK's
executor assigns the events: an event completes the newest wait whose name has the same case, and
the last event that arrived before a wait completes all later waits for its name.
"""

from __future__ import annotations

import json
from collections import deque

from azure.durable_functions.models.history.HistoryEvent import HistoryEvent
from azure.durable_functions.models.history.HistoryEventType import HistoryEventType
from azure.durable_functions.models.Task import TaskBase, TaskState
from azure.durable_functions.models.TaskOrchestrationExecutor import TaskOrchestrationExecutor

from embedded_worker.orchestrator_lint import UnusableValueError

_prototype = TaskOrchestrationExecutor()


class OrchestratorExecutor(TaskOrchestrationExecutor):  # type: ignore[misc]
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
        self.undelivered: dict[str, deque[HistoryEvent]] = {}
        self.yields_event = False
        """True if the yielded task has a wait for an event that has arrived before."""
        self.counts: list[int] = []
        """The number of actions after each event of this turn."""

    def process_event(self, event: HistoryEvent) -> None:
        """Process an event, and count the actions after it."""
        super().process_event(event)
        self.counts.append(len(self.context._action_payload_v2))

    def resume_user_code(self) -> None:
        """Resume the orchestrator. Add the action of an event that arrived before its wait."""
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
        """Return the SDK's JSON.

        Raises UnusableValueError if the return value cannot be converted.
        """
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
        """Complete the task of ``event``, or keep an external event until a wait for its name."""
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
            self.undelivered.setdefault(key, deque()).append(event)
            return
        awaited = next((i for i, task in enumerate(waits) if self._is_awaited(task)), -1)
        self._settle(waits.pop(awaited), event)

    def wait(self, task: TaskBase) -> None:
        """Complete ``task`` with the oldest undelivered event of its name, or keep it waiting.

        Do nothing for a task that was yielded before.
        """
        if task in self.yielded_waits:
            return
        self.yielded_waits.add(task)
        key = str(task.id).lower()
        undelivered = self.undelivered.get(key)
        if undelivered:
            self._settle(task, undelivered.popleft())
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
