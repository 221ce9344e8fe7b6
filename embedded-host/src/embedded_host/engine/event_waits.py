"""Received external events of one execution, and its waits for events."""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass, field
from typing import NamedTuple

from embedded_host.engine.events import EventRaised
from embedded_host.engine.task import Task


class _Wait(NamedTuple):
    step: int
    """Step of the program (see ``Execution``) at which the wait started.

    If an orchestrator waits at a later step, the wait belongs to a ``task_any`` in which another
    task was done first.
    """
    task: Task
    name: str
    """The event's name as the orchestrator spells it."""


@dataclass
class EventWaits:
    """Assigns received events to waits, and buffers the events that no wait accepts yet.

    The comparison of names ignores case (docs/reference/known-differences.md, "Events are kept in
    order").
    """

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

    def deliver(self, event: EventRaised, current: int | None) -> None:
        """Settle one wait with an event, or buffer the event if there is no wait for it.

        ``current`` is the step at which the orchestrator waits. The first wait of that step for
        the name of the event receives the event. If there is none, the latest wait of an earlier
        step receives it.
        """
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
        """Return the names of the events that the orchestrator waits for at step ``current``."""
        return [
            wait.name for waits in self._waits.values() for wait in waits if wait.step == current
        ]
