"""Tasks that an execution awaits."""

from __future__ import annotations

from collections.abc import Callable


class Task:
    """Something awaited. Failures count as settled, because the orchestrator handles them (functions-host.md#replay)."""

    __slots__ = ("_callbacks", "done")

    def __init__(self) -> None:
        self.done = False
        self._callbacks: list[Callable[[], None]] = []

    def settle(self) -> None:
        if not self.done:
            self.done = True
            for callback in self._callbacks:
                callback()
            self._callbacks.clear()

    def then(self, callback: Callable[[], None]) -> None:
        if self.done:
            callback()
        else:
            self._callbacks.append(callback)


class PendingTask(Task):
    """The task of a decision whose completion has not arrived."""

    __slots__ = ("cancelled", "failed")

    def __init__(self) -> None:
        super().__init__()
        self.failed = False
        self.cancelled = False


def settled() -> Task:
    task = Task()
    task.settle()
    return task
