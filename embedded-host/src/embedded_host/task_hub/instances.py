"""Instances in memory, and their conversion to and from rows of the store."""

from __future__ import annotations

from dataclasses import dataclass, field
from itertools import chain

from embedded_host.engine.entity import Entity
from embedded_host.engine.entity_messages import EntityId
from embedded_host.engine.events import ExecutionStarted
from embedded_host.engine.history import History
from embedded_host.engine.json_codec import compact_plain
from embedded_host.engine.orchestration import Orchestration
from embedded_host.engine.status import Status
from embedded_host.store.interface import InstanceRow, Store
from embedded_host.task_hub.inbox import EntityQueue, InboxItem
from embedded_host.task_hub.replays import InstanceReplays


@dataclass
class LoadedInstance:
    """An orchestration or entity in memory, with its inbox."""

    key: int
    id: str
    state: Orchestration | Entity
    turns: int = 0
    """Number of turns in the stored history. It is also the number of the next turn."""
    inbox: list[InboxItem] = field(default_factory=list)
    queue: EntityQueue | None = None
    """The items that an entity has taken from its inbox but not processed, or None."""
    busy: bool = False
    """True while the instance waits for a turn or is in a turn."""
    tags: str | None = None
    """JSON object of the tags, or None without tags."""
    replays: InstanceReplays | None = None
    """The replays with the current code, or None before the first turn."""
    awaited: tuple[tuple[str, str], ...] | None = ()
    """The stored waits and undelivered events (``SetAwaited``), or None if they are not loaded."""

    @property
    def backlog(self) -> int:
        """Number of messages that wait for a turn or for the release of a lock."""
        return len(self.inbox) + (0 if self.queue is None else len(self.queue))

    @property
    def is_terminal(self) -> bool:
        """True for an orchestration that has finished."""
        return isinstance(self.state, Orchestration) and self.state.status.is_terminal


def load(store: Store, row: InstanceRow) -> LoadedInstance:
    """Load an instance with an empty inbox. Raises StateError if its rows are damaged."""
    try:
        return _loaded(store, row)
    except (ValueError, KeyError, TypeError) as error:
        damage = (
            f"the rows of the instance '{row.id}' are invalid ({type(error).__name__}: {error})"
        )
        raise store.damage_error(damage) from error


def _loaded(store: Store, row: InstanceRow) -> LoadedInstance:
    entity = store.entity(row.key)
    if entity is not None:
        return LoadedInstance(
            row.key, row.id, Entity(EntityId.parse(row.id), row.created, row.updated, *entity)
        )
    turns = store.history(row.key)
    orchestration = Orchestration(
        instance_id=row.id,
        name=row.name,
        execution_id=row.execution_id,
        created_at=row.created,
        updated_at=row.updated,
        input=store.input(row.key),
        status=Status(row.status),
        output=row.output,
        custom_status=row.custom_status,
        parent=row.parent,
        generation=row.generation,
        continued=row.continued,
        protocol=row.protocol,
        history=History(chain.from_iterable(turns)),
    )
    return LoadedInstance(row.key, row.id, orchestration, len(turns), tags=row.tags, awaited=None)


def new_orchestration(key: int, started: ExecutionStarted) -> LoadedInstance:
    """Create a Pending instance. ``started`` becomes its first message."""
    at = started.occurred_at
    instance_id = started.orchestration_instance.instance_id
    state = Orchestration(
        instance_id=instance_id,
        name=started.name,
        execution_id=started.orchestration_instance.execution_id,
        created_at=at,
        updated_at=at,
        input=started.input,
        parent=started.parent_instance,
        generation=started.generation,
    )
    tags = compact_plain(started.tags) if started.tags else None
    return LoadedInstance(key, instance_id, state, tags=tags)


def is_terminal(row: InstanceRow) -> bool:
    """Return true if the instance has finished."""
    return Status(row.status).is_terminal


def row_of(hub: str, instance: LoadedInstance) -> InstanceRow:
    """Return the row of an instance in the task hub ``hub``."""
    state = instance.state
    if isinstance(state, Entity):
        return InstanceRow(
            instance.key,
            hub,
            instance.id,
            f"@{state.id.name}",
            Status.RUNNING.value,
            state.created_at,
            state.updated_at,
            "",
        )
    return InstanceRow(
        key=instance.key,
        hub=hub,
        id=instance.id,
        name=state.name,
        status=state.status.value,
        created=state.created_at,
        updated=state.updated_at,
        execution_id=state.execution_id,
        generation=state.generation,
        parent=state.parent,
        continued=state.continued,
        protocol=state.protocol,
        custom_status=state.custom_status,
        output=state.output,
        tags=instance.tags,
    )
