"""Releases the locks of entities whose owners cannot release them anymore."""

from __future__ import annotations

from embedded_host.engine import history as h
from embedded_host.engine.entity_messages import (
    ORPHANED,
    RELEASE,
    LockRelease,
    release_message,
)
from embedded_host.engine.events import EventRaised
from embedded_host.engine.messages import Message
from embedded_host.store.interface import LockedEntity
from embedded_host.task_hub.hub import TaskHub
from embedded_host.task_hub.instances import is_terminal
from embedded_host.task_hub.unit_of_work import UnitOfWork


async def release_orphaned_locks(hub: TaskHub) -> int:
    """Release the locks of entities whose owners have finished or do not exist.

    Returns the number of released locks. A lock without an owner remains if an orchestration is
    purged while it has locked entities.
    """
    await hub.settle()  # the owner in memory may be newer than its stored row
    unit = UnitOfWork()
    for entity in hub.store.locked_entities(hub.name):
        owner = hub.store.instance(hub.name, entity.locked_by)
        instance = hub.find(entity.id)
        if (
            instance is None
            or instance.key != entity.instance
            or not (owner is None or is_terminal(owner))
            or _is_released(hub, entity)
        ):
            continue
        text = release_message(request_id=ORPHANED, parent=entity.locked_by)
        event = h.event_raised(hub.clock.now(), RELEASE, text)
        hub.units.deliver(instance, Message(event), unit)
    count = len(unit.deliveries)
    await hub.record(unit)
    return count


def _is_released(hub: TaskHub, entity: LockedEntity) -> bool:
    """Return true if the inbox of the entity contains a release of its lock."""
    for message in hub.store.messages(entity.instance):
        if isinstance(message.event, EventRaised) and message.event.name == RELEASE:
            try:
                released = LockRelease.parse(message.event.input)
            except ValueError:
                continue
            if released.parent == entity.locked_by:
                return True
    return False
