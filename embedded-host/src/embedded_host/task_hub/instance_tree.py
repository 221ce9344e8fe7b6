"""The tree of an instance: its sub-orchestrations and the entities that they call.

The tree contains the state in the store, so it is the same for a running host and a state file. It
contains the calls of the current execution of each instance.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from msgspec import Struct, field, to_builtins

from embedded_host.engine.entity_messages import EntityId
from embedded_host.engine.status import Status
from embedded_host.engine.timestamps import format_utc
from embedded_host.history import Call, CallKind, HistoryView, Outcome, Wait, WaitKind, joined
from embedded_host.store.interface import InstanceRow, StateReader
from embedded_host.task_hub.recorded_waits import recorded_history, recorded_waits

NODES = 500
"""Maximum number of instances in a tree."""
CHILDREN = 100
"""Maximum number of children and of entities of one instance in a tree."""
EVENTS = 200_000
"""Number of history events after which no further history is read."""
STATE = 1000
"""Maximum characters of an entity state. The rest is cut off."""
ERROR = 300
"""Maximum characters of an error. The rest is cut off."""
_FIRST = {Outcome.FAILED: 0, Outcome.OPEN: 1, Outcome.ABANDONED: 1, Outcome.COMPLETED: 2}
"""The order in which the calls of an instance are selected if there are too many."""


class EntityNode(Struct, kw_only=True, rename="camel"):
    """An entity that an instance calls, signals or locks."""

    id: str
    name: str
    key: str
    calls: int
    """Number of calls and signals of the instance to the entity."""
    last_updated_time: str | None = None
    """The time of the last operation, or None if the entity does not exist."""
    state: str | None = None
    """The entity's state as JSON, at most ``STATE`` characters."""
    is_cut: bool = False
    """True if the end of the state is cut off."""
    locked_by: str | None = None
    """Id of the orchestration that has locked the entity."""
    waiting: str | None = None
    """The open operation of the instance, with the start of the wait."""


class InstanceNode(Struct, kw_only=True, rename="camel"):
    """An orchestration in a tree."""

    instance_id: str
    name: str
    runtime_status: str | None
    """The runtime status, or None if the instance was purged."""
    created_time: str
    last_updated_time: str | None = None
    parent_instance_id: str | None = None
    """Id of the parent. Only the root of a tree has this member."""
    error: str | None = None
    """The first line of the error of a failed instance."""
    waits_for: str | None = None
    """The open waits of an unfinished instance."""
    children: list[InstanceNode] = field(default_factory=list)
    entities: list[EntityNode] = field(default_factory=list)
    truncated: int = 0
    """Number of children and entities that the tree does not contain."""

    def document(self) -> dict[str, object]:
        """Return the JSON object of the dashboard's API."""
        document: dict[str, object] = to_builtins(self)
        return document


def instance_tree(
    store: StateReader, hub: str, instance_id: str, nodes: int = NODES
) -> InstanceNode | None:
    """Return the tree of an orchestration, or None if there is no such orchestration.

    The tree has at most ``nodes`` instances. The instances near the root are selected first, and
    the failed and open calls of each instance are selected before the completed calls.
    """
    row = store.instance(hub, instance_id)
    if row is None or store.entity(row.key) is not None:
        return None
    root = _node(row)
    root.parent_instance_id = (
        row.parent.orchestration_instance.instance_id if row.parent is not None else None
    )
    builder = _TreeBuilder(store, hub, {row.id}, nodes - 1, EVENTS)
    queue = deque([(row, root)])
    while queue:
        row, node = queue.popleft()
        queue.extend(builder.expand(row, node))
    return root


@dataclass
class _TreeBuilder:
    store: StateReader
    hub: str
    seen: set[str]
    """Ids of the instances in the tree. A child with a reused id is not expanded again."""
    nodes_left: int
    events_left: int

    def expand(
        self, row: InstanceRow, node: InstanceNode
    ) -> Iterable[tuple[InstanceRow, InstanceNode]]:
        """Add the waits, children and entities of a node. Return the children that exist."""
        if self.events_left <= 0:
            return []
        view = recorded_history(self.store, row)
        self.events_left -= len(view.events)
        node.waits_for = _waits_text(self.store, row, view)
        node.entities, hidden = self._entities(view)
        # All attempts of a retried call with an explicit id have the same child.
        calls = {call.instance_id: call for call in view.calls_of(CallKind.SUB_ORCHESTRATION)}
        chosen = _chosen(list(calls.values()), min(CHILDREN, self.nodes_left))
        node.truncated = hidden + len(calls) - len(chosen)
        self.nodes_left -= len(chosen)
        expandable = []
        for call in chosen:
            child = self._child(call)
            node.children.append(child[1])
            if child[0] is not None and child[0].id not in self.seen:
                self.seen.add(child[0].id)
                expandable.append((child[0], child[1]))
        return expandable

    def _child(self, call: Call) -> tuple[InstanceRow | None, InstanceNode]:
        assert call.instance_id is not None
        row = self.store.instance(self.hub, call.instance_id)
        if row is not None:
            return row, _node(row)
        ended = format_utc(call.finished_at) if call.finished_at else None
        return None, InstanceNode(
            instance_id=call.instance_id,
            name=call.name,
            runtime_status=None,
            created_time=format_utc(call.scheduled_at),
            last_updated_time=ended,
        )

    def _entities(self, view: HistoryView) -> tuple[list[EntityNode], int]:
        """Return the entities of an instance, and the number of entities over the limit."""
        nodes: dict[str, EntityNode] = {}
        for call in view.calls:
            if call.kind not in (CallKind.ENTITY, CallKind.LOCK):
                continue
            for id in call.entities or ((call.instance_id,) if call.instance_id else ()):
                node = nodes.get(id)
                if node is None:
                    if not EntityId.is_valid(id):
                        continue
                    entity = EntityId.parse(id)
                    node = nodes[id] = EntityNode(id=id, name=entity.name, key=entity.key, calls=0)
                node.calls += call.kind is CallKind.ENTITY
                if call.is_open and not call.is_signal:
                    node.waiting = f"'{call.name}' since {format_utc(call.scheduled_at)}"
        shown = list(nodes.values())[:CHILDREN]
        for node in shown:
            self._add_state(node)
        return shown, len(nodes) - len(shown)

    def _add_state(self, node: EntityNode) -> None:
        row = self.store.instance(self.hub, node.id)
        entity = self.store.entity(row.key) if row is not None else None
        if row is None or entity is None:
            return
        node.last_updated_time, node.locked_by = format_utc(row.updated), entity.locked_by
        if entity.has_state and entity.state is not None:
            node.state, node.is_cut = entity.state[:STATE], len(entity.state) > STATE


def _chosen(calls: Sequence[Call], limit: int) -> Sequence[Call]:
    """Return up to ``limit`` calls in their order."""
    if len(calls) <= limit:
        return calls
    by_outcome = sorted(range(len(calls)), key=lambda index: _FIRST[calls[index].outcome])
    return [calls[index] for index in sorted(by_outcome[:limit])]


def _node(row: InstanceRow) -> InstanceNode:
    failed = row.status == Status.FAILED.value and row.output
    return InstanceNode(
        instance_id=row.id,
        name=row.name,
        runtime_status=row.status,
        created_time=format_utc(row.created),
        last_updated_time=format_utc(row.updated),
        error=row.output.strip().partition("\n")[0][:ERROR] if failed and row.output else None,
    )


def _waits_text(store: StateReader, row: InstanceRow, view: HistoryView) -> str | None:
    status = Status(row.status)
    if status.is_terminal:
        return None
    if status is Status.SUSPENDED:
        return f"a resume since {format_utc(row.updated)}"
    if status is Status.PENDING:
        return f"its first turn since {format_utc(row.created)}"
    return waits_summary(recorded_waits(store, row, view))


def waits_summary(waits: Sequence[Wait]) -> str | None:
    """Return a phrase that counts the sub-orchestrations and lists the other waits."""
    children = sum(wait.kind is WaitKind.SUB_ORCHESTRATION for wait in waits)
    others = [wait for wait in waits if wait.kind is not WaitKind.SUB_ORCHESTRATION]
    parts = [joined(others)] if others else []
    if children:
        parts.append(f"{children} sub-orchestration{'s' if children > 1 else ''}")
    return "; ".join(parts) or None
