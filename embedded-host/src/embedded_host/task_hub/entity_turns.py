"""The turns of an entity: batches of operations, and changes of its lock."""

from __future__ import annotations

import logging
from collections.abc import Callable
from functools import partial
from time import perf_counter
from typing import Protocol

from embedded_host.engine.entity import Entity, EntityTurnResult, lock_turn, release_turn
from embedded_host.engine.entity_messages import (
    ORPHANED,
    LockRelease,
    LockRequest,
    is_operation,
)
from embedded_host.parity.findings import Findings
from embedded_host.task_hub.clock import Clock
from embedded_host.task_hub.entity_locks import LockingHub, is_orphaned, lock_is_wanted
from embedded_host.task_hub.inbox import EntityQueue, EntityWork
from embedded_host.task_hub.instances import LoadedInstance
from embedded_host.task_hub.invoker import Invoker
from embedded_host.task_hub.measurements import HubMeasurements
from embedded_host.task_hub.settings import HubSettings
from embedded_host.task_hub.tracer import Tracer
from embedded_host.task_hub.turns import entity_batch
from embedded_host.task_hub.unit_of_work import UnitOfWork, UnitOfWorkBuilder

log = logging.getLogger("embedded_host.task_hub")


class EntityHub(LockingHub, Protocol):
    """The parts of a task hub that the turns of an entity use."""

    @property
    def invoker(self) -> Invoker:
        """The invoker of entity functions."""

    @property
    def settings(self) -> HubSettings:
        """The settings of the task hub."""

    @property
    def clock(self) -> Clock:
        """The clock of the task hub."""

    @property
    def tracer(self) -> Tracer | None:
        """The telemetry, or None without telemetry."""

    @property
    def findings(self) -> Findings:
        """The parity findings of the app."""

    @property
    def units(self) -> UnitOfWorkBuilder:
        """The builder of units of work."""

    @property
    def measurements(self) -> HubMeasurements:
        """The measurements of the task hub."""

    def cached(self, instance_id: str) -> LoadedInstance | None:
        """Return the instance if it is in memory, else None."""

    async def record(self, unit: UnitOfWork, apply: Callable[[], None] | None = None) -> None:
        """Commit a unit of work, call ``apply``, and start the effects."""

    def finish_turns(self, instance: LoadedInstance) -> None:
        """Mark an instance without messages as idle."""


async def run_entity(hub: EntityHub, instance: LoadedInstance) -> None:
    """Run turns until the inbox is empty, or all messages wait for the release of the lock."""
    entity = instance.state
    assert isinstance(entity, Entity)
    queue = instance.queue = EntityQueue(instance.id) if instance.queue is None else instance.queue
    while True:
        items, instance.inbox = instance.inbox, []
        queue.add(items)
        work = queue.take(entity.locked_by, hub.settings.max_entity_batch)
        if work is None:
            break
        began = hub.clock.now()
        started = perf_counter()
        result = await _turn(hub, instance, entity, work)
        if result is None:
            await hub.record(UnitOfWork(list(hub.units.take(instance.key, work.items))))
            continue
        if hub.cached(instance.id) is not instance:
            return  # the entity was purged meanwhile
        if hub.tracer is not None and work.operations:
            operations = [i.message.event for i in work.items if is_operation(i.message.event)]
            hub.tracer.entity_turn(instance.id, operations, began, result)
        unit = hub.units.entity(instance, work.items, result)
        await hub.record(unit, partial(result.apply, entity))
        hub.measurements.turns.observe(perf_counter() - started, "entity", entity.id.name)
        if result.observations:
            from embedded_host.parity.observed_findings import add_observed_findings

            add_observed_findings(hub.findings, entity.id.name, instance.id, result.observations)
        for message in result.lost:
            log.error("%s [EH405]", message)
        if work.lock_change is not None:
            queue.lock_changed()
    if not queue:
        instance.queue = None
    hub.finish_turns(instance)


async def _turn(
    hub: EntityHub, instance: LoadedInstance, entity: Entity, work: EntityWork
) -> EntityTurnResult | None:
    """Run one turn of an entity. Returns None if the messages of ``work`` have no effect."""
    if work.operations:
        return await entity_batch(
            instance.id, entity, work.operations, hub.invoker, hub.settings, hub.clock, hub.findings
        )
    change = work.lock_change
    if isinstance(change, LockRequest) and lock_is_wanted(hub, change):
        return lock_turn(entity, change, hub.clock.now())
    if isinstance(change, LockRelease) and (
        change.id != ORPHANED or is_orphaned(hub, instance.id, change.parent)
    ):
        return release_turn(entity, hub.clock.now())
    return None
