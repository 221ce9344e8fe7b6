"""The root cause of a wait: the wait of an instance deeper in the tree.

A sub-orchestration and the owner of an entity's lock delay the instance that waits for them. This
module follows these two kinds of waits to an instance that waits for another reason: a leaf.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

from embedded_host.engine.status import Status
from embedded_host.engine.timestamps import format_utc
from embedded_host.history import Wait, WaitKind, joined
from embedded_host.store.interface import InstanceRow, StateReader
from embedded_host.task_hub.recorded_waits import recorded_history, recorded_waits
from embedded_host.task_hub.undelivered_events import UndeliveredEvent, undelivered_events

EXAMINED = 50
"""Maximum number of instances that a search examines."""
FOLLOWED = 10
"""Maximum number of waits of one instance that a search follows."""
_SUSPENDED, _EVENT, _ENTITY, _PENDING, _ACTIVITY, _TIMER, _UNKNOWN = range(7)
"""The ranks of leaves. A leaf on which a user can act has a low rank."""
_RANKS = {
    WaitKind.EVENT: _EVENT,
    WaitKind.ENTITY: _ENTITY,
    WaitKind.LOCK: _ENTITY,
    WaitKind.ACTIVITY: _ACTIVITY,
    WaitKind.TIMER: _TIMER,
}


@dataclass(frozen=True)
class RootCause:
    """The path from an instance to the leaf for which it waits, and the reason of the leaf."""

    instance_ids: Sequence[str]
    """The full ids of the instances and entities, from the diagnosed instance to the leaf."""
    path: Sequence[str]
    """The ids, each without the id of its parent: ``tree-0``, ``west``, ``:1``."""
    reason: str
    """A phrase such as ``waits for the external event 'Go' since 2026-01-02T03:04:05Z``."""
    more: int = 0
    """Number of other open sub-orchestrations of the instances on the path."""
    undelivered: Sequence[UndeliveredEvent] = ()
    """The undelivered events of the leaf."""

    @property
    def text(self) -> str:
        """The path and the reason, without a full stop."""
        others = f"; {self.more} more sub-orchestration{'s are' if self.more > 1 else ' is'} open"
        hints = [f". {event.sentence.removesuffix('.')}" for event in self.undelivered]
        return f"{' > '.join(self.path)} {self.reason}{others if self.more else ''}{''.join(hints)}"

    def document(self) -> dict[str, object]:
        """Return the JSON object of the management API."""
        return {
            "path": list(self.path),
            "instanceIds": list(self.instance_ids),
            "text": self.text,
            "undeliveredEvents": [event.document() for event in self.undelivered],
        }


def root_cause(
    store: StateReader,
    hub: str,
    instance: InstanceRow,
    waits: Sequence[Wait],
    with_state: Callable[[str, Wait], Wait] = lambda _, wait: wait,
) -> RootCause | None:
    """Return the root cause of an instance's waits, or None if the waits have no deeper cause.

    ``with_state`` adds to a wait of an instance, given by its id, the state that only a running
    host knows.
    """
    if not any(_may_be_followed(wait) for wait in waits):
        return None
    search = _Search(store, hub)
    leaf = search.deeper(instance, waits, (_Step(instance.id, instance.id),))
    return None if leaf is None else _cause(leaf, with_state)


def lock_cause(store: StateReader, hub: str, entity: InstanceRow) -> RootCause | None:
    """Return the root cause of an entity's lock, or None if the entity is free."""
    owner = lock_owner(store, hub, entity.id)
    row = store.instance(hub, owner) if owner is not None else None
    if row is None:
        return None
    path = (_Step(entity.id, entity.id), _Step(row.id, row.id))
    leaf = _Search(store, hub).leaf(row, path)
    return None if leaf is None else _cause(leaf)


def _cause(
    leaf: _Leaf, with_state: Callable[[str, Wait], Wait] = lambda _, wait: wait
) -> RootCause:
    reason = leaf.reason
    if leaf.waits:
        described = joined(with_state(leaf.path[-1].id, wait) for wait in leaf.waits)
        reason = f"waits for {described}"
    return RootCause(
        [step.id for step in leaf.path],
        [step.label for step in leaf.path],
        reason,
        leaf.more,
        leaf.undelivered,
    )


@dataclass(frozen=True)
class _Step:
    id: str
    label: str


@dataclass(frozen=True)
class _Leaf:
    rank: int
    path: tuple[_Step, ...]
    reason: str = ""
    """The reason of a leaf without waits."""
    waits: Sequence[Wait] = ()
    undelivered: Sequence[UndeliveredEvent] = ()
    more: int = 0


class _Search:
    def __init__(self, store: StateReader, hub: str) -> None:
        self._store, self._hub = store, hub
        self._seen: set[str] = set()
        """Ids of the examined instances. Branches that meet again are followed once."""

    def deeper(
        self, row: InstanceRow, waits: Sequence[Wait], path: tuple[_Step, ...]
    ) -> _Leaf | None:
        """Return the leaf of the lowest rank that an instance's waits lead to."""
        best: _Leaf | None = None
        for next_row, steps in self._followed(row, waits):
            leaf = self.leaf(next_row, (*path, *steps))
            if leaf is not None and (best is None or leaf.rank < best.rank):
                best = leaf
        if best is None:
            return None
        children = sum(wait.kind is WaitKind.SUB_ORCHESTRATION for wait in waits)
        is_child = not best.path[len(path)].id.startswith("@")
        more = best.more + children - is_child
        return _Leaf(best.rank, best.path, best.reason, best.waits, best.undelivered, max(more, 0))

    def leaf(self, row: InstanceRow, path: tuple[_Step, ...]) -> _Leaf | None:
        """Return the leaf for an instance at the end of ``path``, or None if it has finished."""
        if row.id in (step.id for step in path[:-1]):
            return _Leaf(
                _SUSPENDED, path, "waits for the instances before it: a deadlock. Terminate one"
            )
        if row.id in self._seen or len(self._seen) >= EXAMINED:
            return None
        self._seen.add(row.id)
        status = Status(row.status)
        if status.is_terminal:
            return None
        if status is Status.SUSPENDED:
            since = format_utc(row.updated)
            return _Leaf(_SUSPENDED, path, f"has been suspended since {since}: resume it")
        if status is Status.PENDING:
            since = format_utc(row.created)
            return _Leaf(_PENDING, path, f"waits for its first turn since {since}")
        view = recorded_history(self._store, row)
        waits = recorded_waits(self._store, row, view)
        deeper = self.deeper(row, waits, path)
        own = [wait for wait in waits if wait.kind is not WaitKind.SUB_ORCHESTRATION]
        rank = min((_RANKS[wait.kind] for wait in own), default=_UNKNOWN)
        if deeper is not None and deeper.rank <= rank:
            return deeper
        stored = self._store.awaited(row.key)
        undelivered = undelivered_events(
            view.events,
            (name for kind, name in stored if kind == "undelivered"),
            (name for kind, name in stored if kind == "event"),
        )
        if own:
            return _Leaf(rank, path, waits=own, undelivered=undelivered)
        since = view.events[-1].timestamp if view.events else format_utc(row.updated)
        reason = f"waits for a turn or an external event since {since}"
        return _Leaf(_UNKNOWN, path, reason, undelivered=undelivered)

    def _followed(
        self, row: InstanceRow, waits: Sequence[Wait]
    ) -> Iterator[tuple[InstanceRow, tuple[_Step, ...]]]:
        """Yield the instances for which an instance waits, with their steps in the path."""
        followed = 0
        for wait in waits:
            if followed == FOLLOWED:
                return
            for id, steps in self._causes(row, wait):
                found = self._store.instance(self._hub, id)
                if found is not None and not Status(found.status).is_terminal:
                    followed += 1
                    yield found, steps

    def _causes(self, row: InstanceRow, wait: Wait) -> Iterator[tuple[str, tuple[_Step, ...]]]:
        if wait.kind is WaitKind.SUB_ORCHESTRATION and wait.instance_id:
            yield wait.instance_id, (_Step(wait.instance_id, _label(wait.instance_id, row)),)
        elif wait.kind in (WaitKind.ENTITY, WaitKind.LOCK):
            for entity_id in wait.entity_ids or ([wait.instance_id] if wait.instance_id else ()):
                owner = lock_owner(self._store, self._hub, entity_id)
                if owner is not None and owner != row.id:
                    yield owner, (_Step(entity_id, entity_id), _Step(owner, owner))


def lock_owner(store: StateReader, hub: str, entity_id: str) -> str | None:
    """Return the id of the orchestration that has locked an entity, or None."""
    row = store.instance(hub, entity_id)
    entity = store.entity(row.key) if row is not None else None
    return entity.locked_by if entity is not None else None


def _may_be_followed(wait: Wait) -> bool:
    return wait.kind in (WaitKind.SUB_ORCHESTRATION, WaitKind.ENTITY, WaitKind.LOCK)


def _label(child_id: str, parent: InstanceRow) -> str:
    """Return the id of a child without the part that is the id of its parent or execution.

    The SDK derives the ids of children from one of them: ``EXECUTION:1``.
    """
    for prefix in (parent.id, parent.execution_id):
        rest = child_id.removeprefix(prefix)
        if prefix and rest != child_id and rest[:1] in tuple(":-_/."):
            return rest if rest[1:].isalnum() and rest[1:2].isdigit() else rest[1:] or child_id
    return child_id
