"""The console's line about an instance that has waited for half a minute."""

from __future__ import annotations

import asyncio
import logging
from collections import OrderedDict
from collections.abc import Iterable
from datetime import datetime, timedelta
from typing import TYPE_CHECKING

from embedded_host.engine.orchestration import Orchestration, Status
from embedded_host.engine.waiting import waits
from embedded_host.store.interface import InstanceRow
from embedded_host.task_hub.clock import TimerQueue
from embedded_host.task_hub.diagnosis import LINES, diagnosis, joined, with_state
from embedded_host.task_hub.instances import Instance

if TYPE_CHECKING:
    from embedded_host.task_hub.hub import TaskHub

log = logging.getLogger("embedded_host.task_hub")

QUIET = timedelta(seconds=30)
"""An instance that has waited so long is spoken of once."""
PAUSE = timedelta(seconds=1)
"""Between two looks: thousands that come to rest one after the other are told of together."""
WATCHED = 1000
"""Of so many instances at a time it is known since when they rest; what waits beside them shows in the list of instances."""


class StallReporter:
    """Tells the console once of an instance that has waited for ``QUIET``."""

    def __init__(self, hub: TaskHub, *, automatic: bool) -> None:
        self._hub = hub
        self.timer = TimerQueue(hub.clock, lambda _: self._tell(), automatic=automatic)
        self._resting: OrderedDict[str, tuple[datetime, datetime]] = OrderedDict()
        """By id, in the order in which they came to rest: when to tell of it, and when it last changed."""
        self._told: set[str] = set()
        self._replaying: asyncio.Future[None] | None = None

    def rests(self, instance: Instance) -> None:
        """``instance`` has come to wait."""
        if instance.id not in self._told and isinstance(instance.state, Orchestration):
            self._add(instance.id, instance.state.updated_at)

    def were_waiting(self, rows: Iterable[InstanceRow]) -> None:
        """The host before left ``rows`` waiting."""
        for row in rows:
            self._add(row.id, row.updated)

    def forget(self, instance_id: str) -> None:
        """It has finished, or is no more: another one with its id is told of again."""
        self._told.discard(instance_id)
        self._resting.pop(instance_id, None)

    def _add(self, instance_id: str, updated_at: datetime) -> None:
        if len(self._resting) >= WATCHED and instance_id not in self._resting:
            return
        tell_at = self._hub.clock.now() + QUIET
        self._resting[instance_id] = (tell_at, updated_at)
        self._resting.move_to_end(instance_id)
        if not len(self.timer):
            self.timer.add(tell_at, None)

    def _tell(self) -> None:
        """Those whose time has come and that have not moved since."""
        lines: list[str] = []
        to_replay: list[tuple[str, str]] = []
        more = 0
        for instance_id, updated_at in self._due():
            # One that is not in memory has to be read and replayed: no more of them than there are lines.
            instance = self._hub.resident(instance_id) or (
                self._hub.find(instance_id) if len(to_replay) < LINES else None
            )
            state = instance.state if instance is not None and not instance.busy else None
            if instance is None or not isinstance(state, Orchestration) or state.updated_at != updated_at:
                continue
            if instance_id in self._told or state.status is Status.SUSPENDED:  # the latter on purpose
                continue
            self._told.add(instance_id)
            if len(lines) == LINES:
                more += 1
            elif state.execution is None:  # the code has changed since: only a replay tells
                to_replay.append((instance_id, state.name))
            elif found := waits(state.history.events, state.execution):
                told = joined(with_state(self._hub, instance, wait) for wait in found)
                lines.append(f"Instance '{instance_id}' of '{state.name}' waits for {told}.")
        for line in lines:
            log.info("%s", line)
        if more:
            text = "%d more instances have waited for %d s; the list of instances shows them."
            log.info(text, more, QUIET.seconds)
        if to_replay:
            self._replaying = asyncio.ensure_future(self._tell_replayed(to_replay[:LINES]))
        if self._resting:
            tell_at, _ = next(iter(self._resting.values()))
            self.timer.add(max(tell_at, self._hub.clock.now() + PAUSE), None)

    def _due(self) -> list[tuple[str, datetime]]:
        now = self._hub.clock.now()
        due: list[tuple[str, datetime]] = []
        while self._resting:
            instance_id, (tell_at, updated_at) = next(iter(self._resting.items()))
            if tell_at > now:
                break
            del self._resting[instance_id]
            due.append((instance_id, updated_at))
        return due

    async def _tell_replayed(self, instances: Iterable[tuple[str, str]]) -> None:
        for instance_id, name in instances:
            found = await diagnosis(self._hub, instance_id)
            if found and found["waitsFor"]:
                log.info("Instance '%s' of '%s' waits for %s.", instance_id, name, joined(found["waitsFor"]))
