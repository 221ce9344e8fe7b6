"""Locks of entities and the orchestrations that own them.

An orchestration that ends without releasing its locks leaves them behind: it was terminated, or its
code failed outside of the SDK. The entities stay locked, as on the Azure Functions host, because
the orchestration may have left them in an inconsistent state. ``HubClient.release_orphaned_locks``
releases them. A lock request that is still waiting when its orchestration ends has no effect. On
the Azure Functions host, it would lock the entity forever.
"""

from __future__ import annotations

from typing import Protocol

from embedded_host.engine.entity import Entity
from embedded_host.engine.entity_messages import LockRequest, is_open, open_critical_sections
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


def locked_entities(hub: LockingHub, state: Orchestration) -> list[str]:
    """Return the ids of the entities that an orchestration has locked and not released."""
    ids = [
        str(entity)
        for section in open_critical_sections(state.history.events)
        for entity in section.lock_set
    ]
    return [id for id in ids if lock_owner(hub, id) == state.instance_id]


def lock_owner(hub: LockingHub, entity_id: str) -> str | None:
    """Return the id of the orchestration that has locked an entity, or None."""
    instance = hub.find(entity_id)
    return (
        instance.state.locked_by
        if instance is not None and isinstance(instance.state, Entity)
        else None
    )


def _live(hub: LockingHub, instance_id: str) -> Orchestration | None:
    instance = hub.find(instance_id)
    if instance is None or instance.is_terminal or not isinstance(instance.state, Orchestration):
        return None
    return instance.state
