"""External events and who waits for them, within one execution."""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass, field
from typing import NamedTuple

from embedded_host.engine.events import EventRaised
from embedded_host.engine.task import Task


class _Wait(NamedTuple):
    step: int
    """Of the program; what belongs to an earlier one than the current one was left behind."""
    task: Task
    name: str
    """As the orchestrator spells it."""


@dataclass
class EventWaits:
    """Names are compared without case, as documented (docs/differences.md, "Events are kept in order")."""

    unconsumed: dict[str, deque[EventRaised]] = field(default_factory=dict)
    """Events that nobody has waited for, by lower-case name."""
    _waits: dict[str, list[_Wait]] = field(default_factory=dict)

    def wait(self, name: str, step: int) -> Task:
        """The task of a wait that begins now: settled if there is an event for it."""
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
        """``current`` is the step that the orchestrator waits at now. First come, first served among its waits; one that it has
        left behind (its timeout came first) gets only what nobody waits for, the youngest first."""
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
        """Names of the events that are waited for at a step."""
        return [wait.name for waits in self._waits.values() for wait in waits if wait.step == current]
