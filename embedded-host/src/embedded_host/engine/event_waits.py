"""Received external events of one execution, and its waits for events."""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass, field
from typing import NamedTuple

from embedded_host.engine.events import EventRaised
from embedded_host.engine.observations import Difference, Observation
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
    order"). With ``is_strict``, the newest wait receives an event, as on the Azure Functions host.
    """

    is_strict: bool = False
    observations: list[Observation] = field(default_factory=list)
    """The differences from the Azure Functions host, in order. The owner may remove them."""
    undelivered: dict[str, deque[EventRaised]] = field(default_factory=dict)
    """Buffered events by lower-case name."""
    _waits: dict[str, list[_Wait]] = field(default_factory=dict)
    _early: dict[str, EventRaised] = field(default_factory=dict)
    """The last event of each name, in its spelling, that arrived before a wait for this name.

    SDK 1.x completes all later waits for the name with this event.
    """

    def wait(self, name: str, step: int) -> Task:
        """Start a wait and return its task, which is settled if an event is buffered."""
        key = name.lower()
        task = Task()
        early = self._early.get(name)
        if buffered := self.undelivered.get(key):
            event = buffered.popleft()
            if not buffered:
                del self.undelivered[key]
            if early is None:
                self._observe(Difference.EVENT_CASE, event.name, name)
            elif early is not event:
                self._observe(Difference.EVENT_BEFORE_WAIT, name)
            task.settle()
        else:
            if early is not None:
                self._observe(Difference.EVENT_BEFORE_WAIT, name)
            self._waits.setdefault(key, []).append(_Wait(step, task, name))
        return task

    def deliver(self, event: EventRaised, current: int | None) -> None:
        """Settle one wait with an event, or buffer the event if there is no wait for it.

        ``current`` is the step at which the orchestrator waits. The first wait of that step for
        the name of the event receives the event. If there is none, the latest wait of an earlier
        step receives it.
        """
        key = event.name.lower()
        waits = self._waits.get(key, [])
        same_case = [wait for wait in waits if wait.name == event.name]
        if not same_case:
            self._early[event.name] = event
        if not waits:
            self.undelivered.setdefault(key, deque()).append(event)
            return
        first = next((at for at, wait in enumerate(waits) if wait.step == current), -1)
        served = waits[first]
        if not same_case:
            self._observe(Difference.EVENT_CASE, event.name, served.name)
        elif served is not same_case[-1]:
            self._observe(Difference.NEWEST_WAIT, event.name)
        if self.is_strict:
            first = -1
        served = waits.pop(first)
        if not waits:
            del self._waits[key]
        served.task.settle()

    def awaited(self, current: int | None) -> list[str]:
        """Return the names of the events that the orchestrator waits for at step ``current``."""
        return [
            wait.name for waits in self._waits.values() for wait in waits if wait.step == current
        ]

    @property
    def undelivered_names(self) -> list[str]:
        """Names of the buffered events, in the spelling of the first event of each name."""
        return [events[0].name for events in self.undelivered.values()]

    def _observe(self, difference: Difference, *names: str) -> None:
        self.observations.append(Observation(difference, names))
