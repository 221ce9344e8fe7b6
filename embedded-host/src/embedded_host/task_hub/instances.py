"""Instances in memory, and their conversion from and to rows of the store."""

from __future__ import annotations

from dataclasses import dataclass, field
from itertools import chain

from embedded_host.engine.entity import Entity
from embedded_host.engine.entity_messages import EntityId
from embedded_host.engine.events import ExecutionStarted
from embedded_host.engine.history import History
from embedded_host.engine.messages import Message
from embedded_host.engine.orchestration import Orchestration
from embedded_host.engine.status import Status
from embedded_host.store.interface import InstanceRow, Store


@dataclass(frozen=True)
class InboxItem:
    """A message in an inbox, and the rows to delete when a turn consumes it."""

    message: Message
    message_id: int | None = None
    activity_id: int | None = None


@dataclass
class LoadedInstance:
    """An orchestration or entity in memory, with its inbox."""

    key: int
    id: str
    state: Orchestration | Entity
    turns: int = 0
    """Number of rows of its history, which is the number of the next row."""
    inbox: list[InboxItem] = field(default_factory=list)
    busy: bool = False
    """True while it is queued for a turn or in one."""
    awaited: tuple[tuple[str, str], ...] | None = ()
    """What the store has in ``SetAwaited``; None if that was not read."""

    @property
    def is_terminal(self) -> bool:
        return isinstance(self.state, Orchestration) and self.state.status.is_terminal


def load(store: Store, row: InstanceRow) -> LoadedInstance:
    """Return an instance from the store, with an empty inbox. Raises StateError if its rows are damaged."""
    try:
        return _loaded(store, row)
    except (ValueError, KeyError, TypeError) as error:
        damage = f"of the instance '{row.id}' it holds what was never written ({type(error).__name__}: {error})"
        raise store.damage_error(damage) from error


def _loaded(store: Store, row: InstanceRow) -> LoadedInstance:
    entity = store.entity(row.key)
    if entity is not None:
        exists, state = entity
        return LoadedInstance(
            row.key, row.id, Entity(EntityId.parse(row.id), row.created, row.updated, exists, state)
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
        history=History(chain.from_iterable(turns)),
    )
    return LoadedInstance(row.key, row.id, orchestration, len(turns), awaited=None)


def new_orchestration(key: int, started: ExecutionStarted) -> LoadedInstance:
    """Return a Pending instance; ``started`` will be its first message."""
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
    return LoadedInstance(key, instance_id, state)


def row_of(hub: str, instance: LoadedInstance) -> InstanceRow:
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
        custom_status=state.custom_status,
        output=state.output,
    )
