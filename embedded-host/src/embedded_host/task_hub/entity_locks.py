"""Locks of entities and the orchestrations that own them.

An orchestration that ends releases its locks (``engine/turn.py``). A purged one cannot do this:
``orphaned_locks`` releases its locks. A lock request that is still waiting when
its orchestration ends has no effect. On the Azure Functions host, it would lock the entity forever.
"""

from __future__ import annotations

from typing import Protocol

from embedded_host.engine.critical_sections import is_open, open_critical_sections
from embedded_host.engine.entity import Entity
from embedded_host.engine.entity_messages import LockRequest
from embedded_host.engine.orchestration import Orchestration
from embedded_host.store.interface import Store
from embedded_host.task_hub.instances import LoadedInstance


class LockingHub(Protocol):
    """The parts of a task hub that the functions of this module read."""

    @property
    def name(self) -> str:
        """Name of the task hub."""

    @property
    def store(self) -> Store:
        """The store of the task hub."""

    def find(self, instance_id: str) -> LoadedInstance | None:
        """Return the instance, from memory or from the store."""


def lock_is_wanted(hub: LockingHub, request: LockRequest) -> bool:
    """Return true if the orchestration that sent ``request`` still waits for it."""
    state = _live(hub, request.parent)
    return state is not None and is_open(state.history.events, request)


def is_orphaned(hub: LockingHub, entity_id: str, owner: str) -> bool:
    """Return true if ``owner`` cannot release its lock of the entity anymore."""
    state = _live(hub, owner)
    if state is None:
        return True
    sections = open_critical_sections(state.history.events)
    return not any(entity_id in map(str, section.lock_set) for section in sections)


def lock_owner(hub: LockingHub, entity_id: str) -> str | None:
    """Return the id of the orchestration that has locked an entity, or None."""
    instance = hub.find(entity_id)
    return (
        instance.state.locked_by
        if instance is not None and isinstance(instance.state, Entity)
        else None
    )


def blocking_lock(
    hub: LockingHub, instance: LoadedInstance, entity_id: str
) -> tuple[str, str] | None:
    """Return the lock of another orchestration for which an instance waits, or None.

    The instance waits for a response of the entity. With a lock request, this entity is the first
    one of the lock set. The result is the id of the locked entity and the id of the owner.
    """
    ids = [entity_id]
    if isinstance(instance.state, Orchestration):
        for section in open_critical_sections(instance.state.history.events):
            if str(section.lock_set[0]) == entity_id:
                ids += [str(entity) for entity in section.lock_set[1:]]
    for id in ids:
        owner = lock_owner(hub, id)
        if owner is not None and owner != instance.id:
            return id, owner
    return None


def _live(hub: LockingHub, instance_id: str) -> Orchestration | None:
    instance = hub.find(instance_id)
    if instance is None or instance.is_terminal or not isinstance(instance.state, Orchestration):
        return None
    return instance.state
