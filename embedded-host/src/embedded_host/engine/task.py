"""Tasks that an execution awaits."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime


class Task:
    """The outcome of an action. A result or a failure settles the task.

    A failure does not stop the execution: the orchestrator handles it (functions-host.md#replay).
    """

    __slots__ = ("_callbacks", "done")

    def __init__(self) -> None:
        self.done = False
        self._callbacks: list[Callable[[], None]] = []

    def settle(self) -> None:
        """Mark the task as done and run its callbacks. Later calls have no effect."""
        if not self.done:
            self.done = True
            for callback in self._callbacks:
                callback()
            self._callbacks.clear()

    def then(self, callback: Callable[[], None]) -> None:
        """Run ``callback`` once the task is done. If it is already done, run ``callback`` now."""
        if self.done:
            callback()
        else:
            self._callbacks.append(callback)


class PendingTask(Task):
    """The task of a decision. The completion event settles it."""

    __slots__ = ("cancelled", "failed")

    def __init__(self) -> None:
        super().__init__()
        self.failed = False
        self.cancelled = False


class TimerTask(PendingTask):
    """The task of a durable timer."""

    __slots__ = ("fires_on_azure",)

    def __init__(self, fires_on_azure: datetime) -> None:
        """Create the task. The Azure Functions host fires the timer at ``fires_on_azure``."""
        super().__init__()
        self.fires_on_azure = fires_on_azure


def settled() -> Task:
    """Return a task that is done."""
    task = Task()
    task.settle()
    return task
