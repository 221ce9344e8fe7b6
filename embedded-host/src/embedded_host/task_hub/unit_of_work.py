"""Units of work: the changes of a turn or of a client's request, and their effects.

The effects start once the changes are durable.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from itertools import count

from embedded_host.engine.entity import Entity, EntityTurnResult
from embedded_host.engine.entity_messages import EntityId, is_operation, is_release
from embedded_host.engine.events import ExecutionStarted
from embedded_host.engine.messages import (
    Deliver,
    Message,
    Outgoing,
    StartActivity,
    StartOrchestration,
)
from embedded_host.engine.orchestration import ExecutionState, TurnResult
from embedded_host.store import interface as c
from embedded_host.task_hub.inbox import InboxItem
from embedded_host.task_hub.instances import LoadedInstance, new_orchestration, row_of


@dataclass(frozen=True)
class ActivityWork:
    """A scheduled activity. The turn that consumes the activity's result deletes the row."""

    row: c.ActivityRow
    instance_id: str
    trace_context: object = None
    """The trace context of the call, or None without telemetry and after a restart."""


@dataclass
class UnitOfWork:
    """The changes of one transaction, and the effects that start once they are durable."""

    changes: list[c.Change] = field(default_factory=list)
    deliveries: list[tuple[LoadedInstance, InboxItem]] = field(default_factory=list)
    """Messages to put into inboxes."""
    activities: list[ActivityWork] = field(default_factory=list)
    unknown: list[str] = field(default_factory=list)
    """Ids of recipients that do not exist. Their messages are dropped."""
    taken: list[str] = field(default_factory=list)
    """Ids that an entity used to start an instance, although an unfinished instance has them."""
    taken_children: list[str] = field(default_factory=list)
    """Ids of sub-orchestrations that did not start, because an unfinished instance has them."""


def _awaited(execution: ExecutionState | None) -> tuple[tuple[str, str], ...]:
    if execution is None:
        return ()
    rows = {("event", name) for name in execution.awaited_events}
    rows |= {("entity", entity_id) for entity_id in execution.called_entities}
    rows |= {("undelivered", name) for name in execution.undelivered_names}
    return tuple(sorted(rows))


class RowKeySequences:
    """The keys of new rows. All hubs of a store share them, because they use the same tables."""

    def __init__(self, store: c.Store) -> None:
        self.instances, self.messages, self.activities = (
            count(top + 1) for top in store.highest_keys()
        )


class UnitOfWorkBuilder:
    """Builds units of work from the results of turns.

    ``find`` returns an instance by its id. ``adopt`` puts a new instance into the cache at once.
    The next unit of work therefore finds the instance before its creation is durable. This is safe,
    because units of work become durable in order.
    """

    def __init__(
        self,
        hub: str,
        row_keys: RowKeySequences,
        find: Callable[[str], LoadedInstance | None],
        adopt: Callable[[LoadedInstance], None],
    ) -> None:
        self.hub = hub
        self._row_keys = row_keys
        self._find, self._adopt = find, adopt

    def take(self, key: int, items: Iterable[InboxItem]) -> Iterator[c.Change]:
        """Yield the changes that delete the consumed rows of the inbox."""
        for item in items:
            if item.message_id is not None:
                yield c.TakeMessage(key, item.message_id)
            if item.activity_id is not None:
                yield c.TakeActivity(key, item.activity_id)

    def orchestration(
        self, instance: LoadedInstance, items: Sequence[InboxItem], result: TurnResult
    ) -> UnitOfWork:
        """Build the unit of work of an orchestration's turn that consumed ``items``."""
        unit = UnitOfWork(list(self.take(instance.key, items)))
        changes = unit.changes
        if result.replaces:
            changes.append(c.DeleteHistory(instance.key))
        ends = result.status.is_terminal or result.continued_as is not None
        if ends:
            state = instance.state
            assert not isinstance(state, Entity)
            changes.append(c.DeletePending(instance.key, state.execution_id))
        turn = 0 if result.replaces else instance.turns
        changes.append(c.AppendHistory(instance.key, turn, tuple(result.events)))
        row = row_of(self.hub, instance)
        if result.continued_as:
            started = result.continued_as
            changes.append(c.SetInput(instance.key, started.input))
            row = replace(
                row,
                execution_id=started.orchestration_instance.execution_id,
                generation=None,
                created=started.occurred_at,
            )
        row = replace(
            row,
            status=result.status.value,
            updated=result.updated_at,
            continued=result.continued_as is not None,
            custom_status=result.custom_status,
            output=result.output,
        )
        changes.append(c.SaveInstance(row))
        awaited = () if ends else _awaited(result.execution)
        if awaited != instance.awaited:
            instance.awaited = awaited
            changes.append(c.SetAwaited(instance.key, awaited))
        # If the execution ends, drop its messages to itself, so that none of its timers remains.
        outgoing = [
            o
            for o in result.outgoing
            if not (ends and isinstance(o, Deliver) and o.instance_id == instance.id)
        ]
        self._send(instance, outgoing, unit)
        return unit

    def entity(
        self, instance: LoadedInstance, items: Sequence[InboxItem], result: EntityTurnResult
    ) -> UnitOfWork:
        """Build the unit of work of an entity's turn that consumed ``items``."""
        unit = UnitOfWork(list(self.take(instance.key, items)))
        unit.changes.append(
            c.SaveEntity(instance.key, result.exists, result.state, result.locked_by)
        )
        unit.changes.append(
            c.SaveInstance(replace(row_of(self.hub, instance), updated=result.updated_at))
        )
        self._send(instance, result.outgoing, unit)
        return unit

    def start(
        self,
        started: ExecutionStarted,
        replaced: LoadedInstance | None,
        unit: UnitOfWork,
        due: datetime | None = None,
    ) -> LoadedInstance:
        """Add the start of an orchestration to ``unit`` and return its instance.

        ``replaced`` is the existing instance with the same id, which is deleted. ``due`` is the
        earliest time of the first turn.
        """
        instance = new_orchestration(next(self._row_keys.instances), started)
        if replaced is not None:
            unit.changes.append(c.DeleteInstance(replaced.key))
        unit.changes.append(c.SaveInstance(row_of(self.hub, instance)))
        state = instance.state
        assert not isinstance(state, Entity)
        if state.input is not None:
            unit.changes.append(c.SetInput(instance.key, state.input))
        self._adopt(instance)
        self.deliver(instance, Message(started, due=due), unit)
        return instance

    def deliver(self, instance: LoadedInstance, message: Message, unit: UnitOfWork) -> None:
        """Add a message for an instance to ``unit``."""
        message_id = next(self._row_keys.messages)
        unit.changes.append(self._put(instance.key, message, message_id))
        unit.deliveries.append((instance, InboxItem(message, message_id)))

    def entity_instance(self, entity_id: str, message: Message, unit: UnitOfWork) -> LoadedInstance:
        """Return the entity. Add its creation to ``unit`` if it does not exist."""
        existing = self._find(entity_id)
        if existing is not None:
            return existing
        at = message.event.occurred_at
        instance = LoadedInstance(
            next(self._row_keys.instances), entity_id, Entity(EntityId.parse(entity_id), at, at)
        )
        unit.changes.append(c.SaveInstance(row_of(self.hub, instance)))
        unit.changes.append(c.SaveEntity(instance.key, False, None))
        self._adopt(instance)
        return instance

    def _send(self, sender: LoadedInstance, outgoing: Sequence[Outgoing], unit: UnitOfWork) -> None:
        for sent in outgoing:
            if isinstance(sent, StartActivity):
                row = c.ActivityRow(
                    next(self._row_keys.activities),
                    sender.key,
                    sent.execution_id,
                    sent.task_id,
                    sent.name,
                    sent.input,
                )
                unit.changes.append(c.PutActivity(row))
                unit.activities.append(ActivityWork(row, sender.id, sent.trace_context))
            elif isinstance(sent, StartOrchestration):
                existing = self._find(sent.instance_id)
                if existing is None or existing.is_terminal:
                    self.start(sent.started, existing, unit, sent.due)
                elif sent.if_taken is not None:
                    unit.taken_children.append(sent.instance_id)
                    self.deliver(sender, sent.if_taken, unit)
                else:
                    unit.taken.append(sent.instance_id)
            else:
                self._deliver_to(sender, sent, unit)

    def _deliver_to(self, sender: LoadedInstance, sent: Deliver, unit: UnitOfWork) -> None:
        if sent.instance_id == sender.id:
            target: LoadedInstance | None = sender
        elif EntityId.is_valid(sent.instance_id) and is_operation(sent.message.event):
            target = self.entity_instance(sent.instance_id, sent.message, unit)
        else:
            target = self._find(sent.instance_id)
        if target is None and not is_release(sent.message.event):
            unit.unknown.append(sent.instance_id)
        elif target is None:
            pass  # the entity was purged, or the lock request had not reached it
        else:
            self.deliver(target, sent.message, unit)

    def _put(self, key: int, message: Message, message_id: int) -> c.PutMessage:
        return c.PutMessage(
            c.MessageRow(message_id, key, message.execution_id, message.due, message.event)
        )
