"""Queries on the entities of a task hub, and the deletion of entities without a state."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass, replace

from embedded_host.store.interface import InstanceQuery, InstanceRow
from embedded_host.task_hub import purging
from embedded_host.task_hub.hub import TaskHub

BATCH = 50
"""Number of entities that are examined before other work runs on the event loop."""


@dataclass(frozen=True)
class EntityStatus:
    """An entity, and its state as JSON or None."""

    row: InstanceRow
    state: str | None
    backlog: int = 0
    """Number of operations in the inbox."""
    locked_by: str | None = None
    """Id of the orchestration that has locked the entity."""

    @property
    def is_transient(self) -> bool:
        """True if the entity has no state."""
        return self.state is None


class EntityQueries:
    """The queries on the entities of one task hub."""

    def __init__(self, hub: TaskHub) -> None:
        self._hub, self._store = hub, hub.store

    def get(self, instance_id: str) -> EntityStatus | None:
        """Return an entity, or None if there is no entity with this id."""
        row = self._store.instance(self._hub.name, instance_id)
        return None if row is None else self._status(row)

    async def page(
        self, query: InstanceQuery, limit: int, *, include_transient: bool
    ) -> tuple[list[EntityStatus], str | None]:
        """Return the entities of a page, and the last id of the page or None at the end.

        The page examines at most ``limit`` entities. Without ``include_transient``, entities
        without a state are omitted. The event loop runs other work after each ``BATCH`` entities.
        """
        query, found = replace(query, entities=True), list[EntityStatus]()
        while limit > 0:
            rows = self._store.list(self._hub.name, query, min(BATCH, limit))
            found += [s for s in self._statuses(rows) if include_transient or not s.is_transient]
            if len(rows) < min(BATCH, limit):
                return found, None
            limit -= len(rows)
            query = replace(query, after_id=rows[-1].id)
            await asyncio.sleep(0)
        return found, query.after_id

    async def remove_empty(self) -> int:
        """Delete entities that have no state, no operations and no lock. Return their number."""
        removed = 0
        query = InstanceQuery(id_prefix="@", entities=True)
        while rows := self._store.list(self._hub.name, query, BATCH):
            empty = [s.row for s in self._statuses(rows) if self._is_empty(s)]
            removed += await purging.delete(self._hub, empty)
            query = replace(query, after_id=rows[-1].id)
            await asyncio.sleep(0)
        return removed

    def _is_empty(self, status: EntityStatus) -> bool:
        instance = self._hub.cached(status.row.id)
        return (
            status.is_transient
            and status.locked_by is None
            and not (instance is not None and (instance.busy or instance.backlog))
            and not self._store.messages(status.row.key)
        )

    def _statuses(self, rows: Sequence[InstanceRow]) -> list[EntityStatus]:
        return [status for row in rows if (status := self._status(row)) is not None]

    def _status(self, row: InstanceRow) -> EntityStatus | None:
        stored = self._store.entity(row.key)
        if stored is None:
            return None
        instance = self._hub.cached(row.id)
        return EntityStatus(
            row,
            stored.state if stored.has_state else None,
            instance.backlog if instance is not None and instance.key == row.key else 0,
            stored.locked_by,
        )
