"""External events of one execution, and the waits for them."""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass, field
from typing import NamedTuple

from embedded_host.engine.events import EventRaised
from embedded_host.engine.task import Task


class _Wait(NamedTuple):
    step: int
    """Step of the program. A wait of an earlier step than the current one was left behind by ``task_any``."""
    task: Task
    name: str
    """In the orchestrator's spelling."""


@dataclass
class EventWaits:
    """Buffers events and serves waits. Names are compared without case (docs/reference/known-differences.md, "Events are kept in order")."""

    unconsumed: dict[str, deque[EventRaised]] = field(default_factory=dict)
    """Buffered events by lower-case name."""
    _waits: dict[str, list[_Wait]] = field(default_factory=dict)

    def wait(self, name: str, step: int) -> Task:
        """Start a wait and return its task, which is settled if an event is buffered."""
        key = name.lower()
        task = Task()
        if buffered := self.unconsumed.get(key):
            buffered.popleft()
            if not buffered:
                del self.unconsumed[key]
            task.settle()
        else:
            self._waits.setdefault(key, []).append(_Wait(step, task, name))
        return task

    def raised(self, event: EventRaised, current: int | None) -> None:
        """Serve or buffer an event. ``current`` is the step at which the orchestrator waits.

        Waits of that step are served first, in order. Waits that were left behind (their timeout came first) get events that
        no current wait takes, the youngest wait first."""
        key = event.name.lower()
        waits = self._waits.get(key)
        if not waits:
            self.unconsumed.setdefault(key, deque()).append(event)
            return
        served = waits.pop(next((at for at, wait in enumerate(waits) if wait.step == current), -1))
        if not waits:
            del self._waits[key]
        served.task.settle()

    def awaited(self, current: int | None) -> list[str]:
        """Return the names of the events that are waited for at a step."""
        return [
            wait.name for waits in self._waits.values() for wait in waits if wait.step == current
        ]
