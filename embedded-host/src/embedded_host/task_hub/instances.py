"""Instances in memory: as the engine wants them, and as rows of the store."""

from __future__ import annotations

from dataclasses import dataclass, field

from embedded_host.engine.entity import Entity
from embedded_host.engine.entity_messages import EntityId
from embedded_host.engine.events import ExecutionStarted, decode_events
from embedded_host.engine.history import History
from embedded_host.engine.messages import Message
from embedded_host.engine.orchestration import Orchestration
from embedded_host.engine.status import Status
from embedded_host.store.interface import InstanceRow, Store


@dataclass(frozen=True)
class Inboxed:
    """A message in an inbox, and the rows to delete when a turn has taken it."""

    message: Message
    message_id: int | None = None
    activity_id: int | None = None


@dataclass
class Instance:
    key: int
    id: str
    state: Orchestration | Entity
    turns: int = 0
    """How many rows its history has: the number of the next one."""
    inbox: list[Inboxed] = field(default_factory=list)
    busy: bool = False
    """Queued for a turn, or in one."""
    awaited: tuple[tuple[str, str], ...] | None = ()
    """As the store has it (``contract.SetAwaited``); None if that was not read."""

    @property
    def is_terminal(self) -> bool:
        return isinstance(self.state, Orchestration) and self.state.status.is_terminal


def load(store: Store, row: InstanceRow) -> Instance:
    """An instance as it stands in the store, its inbox empty. Raises StateError if that is damaged."""
    try:
        return _loaded(store, row)
    except (ValueError, KeyError, TypeError) as error:
        found = f"of the instance '{row.id}' it holds what was never written ({type(error).__name__}: {error})"
        raise store.damage_error(found) from error


def _loaded(store: Store, row: InstanceRow) -> Instance:
    entity = store.entity(row.key)
    if entity is not None:
        exists, state = entity
        return Instance(row.key, row.id, Entity(EntityId.parse(row.id), row.created, row.updated, exists, state))
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
        history=History(event for text in turns for event in decode_events(text)),
    )
    return Instance(row.key, row.id, orchestration, len(turns), awaited=None)


def new_orchestration(key: int, started: ExecutionStarted) -> Instance:
    """A Pending instance from the ExecutionStarted that is to be its first message."""
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
    return Instance(key, instance_id, state)


def row_of(hub: str, instance: Instance) -> InstanceRow:
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
