"""From what a turn came to, to the store's changes and to what is done once they are durable."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from itertools import count

from embedded_host.engine.entity import Entity, EntityTurnResult
from embedded_host.engine.entity_messages import EntityId, is_operation
from embedded_host.engine.events import ExecutionStarted, encode_events
from embedded_host.engine.execution import Execution
from embedded_host.engine.messages import Deliver, Message, Outgoing, StartActivity, StartOrchestration
from embedded_host.engine.orchestration import TurnResult
from embedded_host.store import interface as c
from embedded_host.store.input_references import referring
from embedded_host.task_hub.instances import Inboxed, Instance, new_orchestration, row_of


@dataclass(frozen=True)
class ActivityWork:
    """An activity to be run; its row is deleted by the turn that takes its result."""

    row: c.ActivityRow
    instance_id: str


@dataclass
class Recording:
    """Changes that belong together, and what they set going once they are durable."""

    changes: list[c.Change] = field(default_factory=list)
    deliveries: list[tuple[Instance, Inboxed]] = field(default_factory=list)
    activities: list[ActivityWork] = field(default_factory=list)
    unknown: list[str] = field(default_factory=list)
    """Ids that messages were for and that are not there."""


def _awaited(execution: Execution | None) -> tuple[tuple[str, str], ...]:
    if execution is None:
        return ()
    events = {("event", name) for name in execution.awaited_events}
    return tuple(sorted(events | {("entity", entity_id) for entity_id in execution.called_entities}))


class Keys:
    """Where the next keys come from: one for all hubs of a state, because its tables are theirs together."""

    def __init__(self, store: c.Store) -> None:
        self.instances, self.messages, self.activities = (count(top + 1) for top in store.highest_keys())


class Recorder:
    """Turns results into recordings. Chooses keys; ``find`` gives an instance by its id, ``adopt`` takes a new one in
    at once, so that the next recording sees it though it is not durable yet: recordings become durable in order."""

    def __init__(
        self,
        hub: str,
        keys: Keys,
        find: Callable[[str], Instance | None],
        adopt: Callable[[Instance], None],
    ) -> None:
        self.hub = hub
        self._keys = keys
        self._find, self._adopt = find, adopt

    def take(self, key: int, items: Iterable[Inboxed]) -> Iterator[c.Change]:
        for item in items:
            if item.message_id is not None:
                yield c.TakeMessage(key, item.message_id)
            if item.activity_id is not None:
                yield c.TakeActivity(key, item.activity_id)

    def orchestration(self, instance: Instance, items: Sequence[Inboxed], result: TurnResult) -> Recording:
        recording = Recording(list(self.take(instance.key, items)))
        changes = recording.changes
        if result.replaces:
            changes.append(c.DeleteHistory(instance.key))
        ends = result.status.is_terminal or result.continued_as is not None
        if ends:
            state = instance.state
            assert not isinstance(state, Entity)
            changes.append(c.DeletePending(instance.key, state.execution_id))
        turn = 0 if result.replaces else instance.turns
        changes.append(c.AppendHistory(instance.key, turn, encode_events(map(referring, result.events))))
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
        # An execution that ends sends itself nothing more: no timer is left ticking for it.
        outgoing = [
            o for o in result.outgoing if not (ends and isinstance(o, Deliver) and o.instance_id == instance.id)
        ]
        self._send(instance, outgoing, recording)
        return recording

    def entity(self, instance: Instance, items: Sequence[Inboxed], result: EntityTurnResult) -> Recording:
        recording = Recording(list(self.take(instance.key, items)))
        recording.changes.append(c.SaveEntity(instance.key, result.exists, result.state))
        recording.changes.append(c.SaveInstance(replace(row_of(self.hub, instance), updated=result.updated_at)))
        self._send(instance, result.outgoing, recording)
        return recording

    def start(self, started: ExecutionStarted, replaced: Instance | None, recording: Recording) -> Instance:
        """A new orchestration, in the place of a finished one with its id if there is one."""
        instance = new_orchestration(next(self._keys.instances), started)
        if replaced is not None:
            recording.changes.append(c.DeleteInstance(replaced.key))
        recording.changes.append(c.SaveInstance(row_of(self.hub, instance)))
        state = instance.state
        assert not isinstance(state, Entity)
        if state.input is not None:
            recording.changes.append(c.SetInput(instance.key, state.input))
        self._adopt(instance)
        self.deliver(instance, Message(started), recording)
        return instance

    def deliver(self, instance: Instance, message: Message, recording: Recording) -> None:
        message_id = next(self._keys.messages)
        recording.changes.append(self._put(instance.key, message, message_id))
        recording.deliveries.append((instance, Inboxed(message, message_id)))

    def entity_instance(self, entity_id: str, message: Message, recording: Recording) -> Instance:
        """The entity, brought into being if it is not there."""
        found = self._find(entity_id)
        if found is not None:
            return found
        at = message.event.occurred_at
        instance = Instance(next(self._keys.instances), entity_id, Entity(EntityId.parse(entity_id), at, at))
        recording.changes.append(c.SaveInstance(row_of(self.hub, instance)))
        recording.changes.append(c.SaveEntity(instance.key, False, None))
        self._adopt(instance)
        return instance

    def _send(self, sender: Instance, outgoing: Sequence[Outgoing], recording: Recording) -> None:
        for sent in outgoing:
            if isinstance(sent, StartActivity):
                row = c.ActivityRow(
                    next(self._keys.activities), sender.key, sent.execution_id, sent.task_id, sent.name, sent.input
                )
                recording.changes.append(c.PutActivity(row))
                recording.activities.append(ActivityWork(row, sender.id))
            elif isinstance(sent, StartOrchestration):
                existing = self._find(sent.instance_id)
                if existing is not None and not existing.is_terminal:
                    self.deliver(sender, sent.if_taken, recording)
                else:
                    self.start(sent.started, existing, recording)
            else:
                self._deliver_to(sender, sent, recording)

    def _deliver_to(self, sender: Instance, sent: Deliver, recording: Recording) -> None:
        if sent.instance_id == sender.id:
            target: Instance | None = sender
        elif sent.instance_id.startswith("@") and is_operation(sent.message.event):
            target = self.entity_instance(sent.instance_id, sent.message, recording)
        else:
            target = self._find(sent.instance_id)
        if target is None:
            recording.unknown.append(sent.instance_id)
        else:
            self.deliver(target, sent.message, recording)

    def _put(self, key: int, message: Message, message_id: int) -> c.PutMessage:
        return c.PutMessage(c.MessageRow(message_id, key, message.execution_id, message.due, message.event))
