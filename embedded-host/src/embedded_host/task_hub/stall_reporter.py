"""The stall reporter, which logs instances that have waited for half a minute."""

from __future__ import annotations

import asyncio
import logging
from collections import OrderedDict
from collections.abc import Iterable
from datetime import datetime, timedelta
from typing import Protocol

from embedded_host.engine.orchestration import Orchestration
from embedded_host.engine.status import Status
from embedded_host.history import joined
from embedded_host.store.interface import InstanceRow
from embedded_host.task_hub.clock import Clock, TimerQueue
from embedded_host.task_hub.diagnosis import (
    DiagnosedHub,
    Diagnosis,
    diagnose,
    other_sdk_diagnosis,
    waits_diagnosis,
)
from embedded_host.task_hub.instances import LoadedInstance

log = logging.getLogger("embedded_host.task_hub")

STALL_TIME = timedelta(seconds=30)
"""Time after which a waiting instance is reported. An instance is reported only once."""
REPORT_INTERVAL = timedelta(seconds=1)
"""Minimum time between two reports. One report covers all instances that stall in this time."""
LINES = 5
"""Maximum number of instances that a report lists. The other instances are only counted."""
WATCHED = 1000
"""Maximum number of watched instances. The dashboard shows the others."""


class WatchedHub(DiagnosedHub, Protocol):
    """The parts of a task hub that the stall reporter reads."""

    @property
    def clock(self) -> Clock:
        """The clock of the task hub."""

    def cached(self, instance_id: str) -> LoadedInstance | None:
        """Return the instance if it is in memory, else None."""


class StallReporter:
    """Logs each instance once after it has waited for ``STALL_TIME``."""

    def __init__(self, hub: WatchedHub, *, automatic: bool) -> None:
        self._hub = hub
        self.timer: TimerQueue[None] = TimerQueue(
            hub.clock, lambda _: self._report(), automatic=automatic
        )
        self._waiting: OrderedDict[str, tuple[datetime, datetime]] = OrderedDict()
        """Report time and last change of each instance, by id. The earliest report is first."""
        self._reported: set[str] = set()
        self._diagnoses: set[asyncio.Task[None]] = set()

    def instance_waits(self, instance: LoadedInstance) -> None:
        """Watch an instance that starts to wait."""
        if instance.id not in self._reported and isinstance(instance.state, Orchestration):
            self._add(instance.id, instance.state.updated_at)

    def instances_were_waiting(self, rows: Iterable[InstanceRow]) -> None:
        """Watch instances that have waited since an earlier host stopped."""
        for row in rows:
            self._add(row.id, row.updated)

    def forget(self, instance_id: str) -> None:
        """Stop watching an instance that finished or was deleted.

        A new instance with the same id is reported again.
        """
        self._reported.discard(instance_id)
        self._waiting.pop(instance_id, None)

    @property
    def watched(self) -> list[str]:
        """Ids of the watched instances, in the order of their reports."""
        return list(self._waiting)

    async def close(self) -> None:
        """Stop, and cancel running diagnoses."""
        self.timer.close()
        diagnoses = list(self._diagnoses)
        for task in diagnoses:
            task.cancel()
        await asyncio.gather(*diagnoses, return_exceptions=True)

    def _add(self, instance_id: str, updated_at: datetime) -> None:
        if len(self._waiting) >= WATCHED and instance_id not in self._waiting:
            return
        report_at = self._hub.clock.now() + STALL_TIME
        self._waiting[instance_id] = (report_at, updated_at)
        self._waiting.move_to_end(instance_id)
        if not len(self.timer):
            self.timer.add(report_at, None)

    def _report(self) -> None:
        """Log the instances that are due and have not changed meanwhile."""
        lines: list[str] = []
        to_replay: list[tuple[str, str]] = []
        more = 0
        for instance_id, updated_at in self._due():
            # An instance that is not in memory must be loaded and replayed. A report loads at most
            # LINES such instances.
            instance = self._hub.cached(instance_id) or (
                self._hub.find(instance_id) if len(to_replay) < LINES else None
            )
            state = instance.state if instance is not None and not instance.busy else None
            if (
                instance is None
                or not isinstance(state, Orchestration)
                or state.updated_at != updated_at
            ):
                continue
            if instance_id in self._reported or state.status is Status.SUSPENDED:
                continue
            self._reported.add(instance_id)
            if len(lines) == LINES:
                more += 1
            elif (diagnosis := other_sdk_diagnosis(self._hub, state)) is not None:
                lines.append(f"Instance '{instance_id}' of '{state.name}': {diagnosis.text}")
            elif state.execution is None:  # the code has changed, or the cache was full
                to_replay.append((instance_id, state.name))
            else:
                diagnosis = waits_diagnosis(self._hub, instance, state, state.execution)
                lines.append(_line(instance_id, state.name, diagnosis))
        for line in lines:
            log.info("%s", line)
        if more:
            instances = "1 more instance has" if more == 1 else f"{more} more instances have"
            log.info(
                "%s waited for %d s. See the dashboard's list of instances.",
                instances,
                STALL_TIME.seconds,
            )
        if to_replay:
            task = asyncio.ensure_future(self._report_replayed(to_replay[:LINES]))
            self._diagnoses.add(task)
            task.add_done_callback(self._diagnoses.discard)
        if self._waiting:
            report_at, _ = next(iter(self._waiting.values()))
            self.timer.add(max(report_at, self._hub.clock.now() + REPORT_INTERVAL), None)

    def _due(self) -> list[tuple[str, datetime]]:
        now = self._hub.clock.now()
        due: list[tuple[str, datetime]] = []
        while self._waiting:
            instance_id, (report_at, updated_at) = next(iter(self._waiting.items()))
            if report_at > now:
                break
            del self._waiting[instance_id]
            due.append((instance_id, updated_at))
        return due

    async def _report_replayed(self, instances: Iterable[tuple[str, str]]) -> None:
        for instance_id, name in instances:
            diagnosis = await diagnose(self._hub, instance_id)
            if diagnosis and diagnosis.waits:
                log.info("%s", _line(instance_id, name, diagnosis))


def _line(instance_id: str, name: str, diagnosis: Diagnosis) -> str:
    subject = f"Instance '{instance_id}' of '{name}'"
    if diagnosis.waits:
        hints = [event.sentence for event in diagnosis.undelivered]
        return " ".join([f"{subject} waits for {joined(diagnosis.waits)}.", *hints])
    return f"{subject}: {diagnosis.text}"
