"""What an execution awaits."""

from __future__ import annotations

from collections.abc import Callable


class Task:
    """Something awaited. Failure needs no mark: the host swallows it and goes on (contract, 4.3)."""

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
    """A decision whose completion has not come."""

    __slots__ = ("cancelled", "failed", "holds")

    def __init__(self, holds: bool = True) -> None:
        super().__init__()
        self.holds = holds
        """Whether the execution cannot end while this is open."""
        self.failed = False
        self.cancelled = False


def settled() -> Task:
    task = Task()
    task.settle()
    return task
