"""A task hub: it delivers messages, runs turns and activities, and makes what they come to durable before anyone sees it."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Iterable, Iterator, Sequence
from datetime import datetime
from functools import partial

from embedded_host.engine.entity import Entity
from embedded_host.engine.entity_messages import OperationRequest, is_operation
from embedded_host.engine.events import ExecutionTerminated, TaskCompleted, TaskFailed
from embedded_host.engine.functions import DurableFunctions
from embedded_host.engine.messages import Message
from embedded_host.engine.orchestration import Orchestration, deliverable
from embedded_host.engine.status import Status
from embedded_host.store.interface import (
    Address,
    DeleteInstance,
    InstanceQuery,
    InstanceRow,
    MessageRow,
    StateError,
    Store,
)
from embedded_host.task_hub.activities import Activities
from embedded_host.task_hub.clock import Clock, TimerQueue, WallClock
from embedded_host.task_hub.commit import Commit
from embedded_host.task_hub.completion_waiters import CompletionWaiters
from embedded_host.task_hub.concurrency_limiter import ConcurrencyLimiter
from embedded_host.task_hub.diagnosis import running_children
from embedded_host.task_hub.instance_cache import InstanceCache
from embedded_host.task_hub.instances import Inboxed, Instance, load, row_of
from embedded_host.task_hub.invoker import Invoker
from embedded_host.task_hub.settings import HubSettings
from embedded_host.task_hub.stall_reporter import StallReporter
from embedded_host.task_hub.turns import entity_batch, orchestrator_turn
from embedded_host.task_hub.unit_of_work import ActivityWork, Keys, Recorder, Recording

log = logging.getLogger("embedded_host.task_hub")

TOLD_AT_START = 100
"""Instances that an earlier host left waiting: of so many, in order of id, the console may speak."""


class TaskHub:
    """Made once for each process and hub; ``start`` takes up what an earlier process left."""

    def __init__(
        self,
        name: str,
        store: Store,
        commit: Commit,
        invoker: Invoker,
        settings: HubSettings,
        clock: Clock | None = None,
        *,
        on_fatal: Callable[[BaseException], None] | None = None,
        automatic_timers: bool = True,
        keys: Keys | None = None,
        dormant: bool = False,
    ) -> None:
        """``dormant``: another app's hub in the same state. What is sent there is kept for the host that serves it."""
        self.name, self.store, self.settings = name, store, settings
        self.clock = clock or WallClock()
        self._commit, self.invoker = commit, invoker
        self._on_fatal, self._dormant, self._automatic_timers = on_fatal, dormant, automatic_timers
        self._code = 0
        """Counts changes of the code: what a turn kept of older code is dropped."""
        self._residents = InstanceCache()
        self._crash: BaseException | None = None
        self._deleting: set[int] = set()
        """Keys of instances whose deletion is on its way to the disk: they are there no more."""
        self.waiters = CompletionWaiters(partial(store.instance, name))
        self.timers = TimerQueue(self.clock, self._timer_fired, automatic=automatic_timers)
        self.keys = keys or Keys(store)
        self.recorder = Recorder(name, self.keys, self.find, self.adopt)
        self.stalls = StallReporter(self, automatic=automatic_timers)
        self._turns = ConcurrencyLimiter(settings.max_orchestrators, self._crashed)
        self._activities = Activities(
            self.clock,
            invoker,
            lambda: self.settings.functions.activities,
            settings.max_activities,
            wanted=self._activity_is_wanted,
            over=self._activity_is_over,
            on_error=self._crashed,
        )

    # -- life --------------------------------------------------------------------------------------

    def start(self) -> None:
        """Take up inboxes, timers, activities and continued executions as the state has them."""
        now = self.clock.now()
        for row, address in self.store.all_messages(now):
            if self._is_ours(address.hub):
                self._deliver_row(row, address)
        for entry in self.store.due_after(self.name, now):
            self.timers.add(entry.due, (entry.instance, entry.message))
        for activity, address in self.store.all_activities():
            if self._is_ours(address.hub):
                self._activities.start(ActivityWork(activity, address.id))
        for address in self.store.continued():
            if self._is_ours(address.hub) and (instance := self.find(address.id)):
                self._wake(instance)
        waiting = InstanceQuery(statuses=(Status.RUNNING.value,), entities=False)
        self.stalls.instances_were_waiting(self.store.list(self.name, waiting, TOLD_AT_START))

    async def close(self, grace: float) -> int:
        """Let what runs finish for ``grace`` seconds; how many functions were cut off (they run again next time)."""
        self.timers.close()
        await self.stalls.close()
        loop = asyncio.get_running_loop()
        began = loop.time()
        # Turns go on meanwhile: what the activities come to has to be recorded, or they would run again.
        cut_off = await self._activities.close(grace)
        return cut_off + await self._turns.close(max(1.0, grace - (loop.time() - began)))

    async def drop(self) -> None:
        """As ``kill -9`` would: what runs is cut off, and nothing that it comes to is recorded."""
        self.timers.close()
        await self.stalls.close()
        await self._activities.close(0)
        await self._turns.close(0)

    @property
    def busy(self) -> bool:
        """Whether turns or activities run. One takes up what the other has left, so that nothing is between them."""
        return bool(self._turns.busy or self._activities.busy)

    def sibling(self, name: str) -> TaskHub:
        """Return the dormant hub of another name over the same state, for requests that name it."""
        return TaskHub(
            name,
            self.store,
            self._commit,
            self.invoker,
            self.settings,
            self.clock,
            automatic_timers=self._automatic_timers,
            keys=self.keys,
            dormant=True,
        )

    def reload(self, functions: DurableFunctions) -> None:
        """Continue with the app's changed code; ``functions`` are those that it has now."""
        self.settings.functions = functions
        self.forget_executions()

    def forget_executions(self) -> None:
        """The code has changed: replay every instance from its history."""
        self._code += 1
        for instance in self._residents:
            if isinstance(instance.state, Orchestration):
                # Not closed: a turn may be at work on it.
                instance.state.execution, instance.state.seen = None, 0

    def _is_ours(self, hub: str) -> bool:
        return hub.lower() == self.name.lower()

    def _crashed(self, error: BaseException) -> None:
        if error is not self._crash:  # a commit that failed fails all that follow, with the same error
            log.critical(
                "The task hub stops [EH406]: %s", error, exc_info=None if isinstance(error, StateError) else error
            )
        self._crash = error
        if self._on_fatal:
            self._on_fatal(error)

    # -- instances ---------------------------------------------------------------------------------

    def find(self, instance_id: str) -> Instance | None:
        """The instance, from memory or from the store."""
        instance = self._residents.get(instance_id)
        if instance is None and (row := self.store.instance(self.name, instance_id)) and row.key not in self._deleting:
            instance = load(self.store, row)
            if not instance.is_terminal:
                self.adopt(instance)
                self._residents.waits(instance)
        return instance

    def resident(self, instance_id: str) -> Instance | None:
        """The instance if it is in memory."""
        return self._residents.get(instance_id)

    def adopt(self, instance: Instance) -> None:
        self._residents.adopt(instance)

    def forget(self, instance: Instance) -> None:
        self._residents.forget(instance)
        self.stalls.forget(instance.id)

    def _rest(self, instance: Instance) -> None:
        """There is nothing to do for it."""
        instance.busy = False
        if instance not in self._residents:
            return
        if instance.is_terminal:
            self.forget(instance)
            return
        self.stalls.instance_waits(instance)
        self._residents.waits(instance)

    # -- messages ----------------------------------------------------------------------------------

    async def record(self, recording: Recording) -> None:
        """Make a recording durable, then set going what it sets going."""
        durable = self._commit.commit(recording.changes)
        self._begin(recording)
        await durable
        self._release(recording)

    async def settle(self) -> None:
        """Returns once all that has been recorded so far is durable, and in memory too."""
        await self.record(Recording())

    async def delete(self, keys: Sequence[int]) -> None:
        """Delete instances and everything that belongs to them."""
        self._deleting.update(keys)
        try:
            await self.record(Recording([DeleteInstance(key) for key in keys]))
        finally:
            self._deleting.difference_update(keys)
        self._commit.release_space()

    def _begin(self, recording: Recording) -> None:
        """Orchestrators may have what a recording has for them before it is durable: all that their turns come to is recorded
        behind it, and leaves no sooner than that is durable."""
        if not self._dormant:
            for instance, item in recording.deliveries:
                if _may_begin(instance, item):
                    self._deliver(instance, item)

    def _release(self, recording: Recording) -> None:
        if self._dormant:
            for instance, _ in recording.deliveries:
                self.forget(instance)
            return
        for instance, item in recording.deliveries:
            if not _may_begin(instance, item):
                self._deliver(instance, item)
        for work in recording.activities:
            self._activities.start(work)
        for instance_id in recording.unknown:
            log.warning("A message for '%s' was dropped: there is no such instance. [EH403]", instance_id)

    def _deliver(self, instance: Instance, item: Inboxed) -> None:
        due = item.message.due
        if due is not None and item.message_id is not None and due > self.clock.now():
            # The message is on disk, and is read when its time has come: thousands of timers take no room meanwhile.
            self.timers.add(due, (instance.key, item.message_id))
            return
        current = self._residents.get(instance.id) or instance
        if current.key != instance.key or current.is_terminal:
            self._discard(instance.key, item)
            return
        self.adopt(current)
        current.inbox.append(item)
        self._wake(current)

    def _deliver_by_key(self, instance_id: str, key: int, item: Inboxed) -> None:
        if (instance := self.find(instance_id)) and instance.key == key and not instance.is_terminal:
            self._deliver(instance, item)
        else:
            self._discard(key, item)

    def _deliver_row(self, row: MessageRow, address: Address) -> None:
        message = Message(row.event, row.execution_id, row.due)
        self._deliver_by_key(address.id, row.instance, Inboxed(message, row.id))

    def _timer_fired(self, entry: tuple[int, int]) -> None:
        found = self.store.message(*entry)
        if found is not None:  # else its execution has ended, and its timers with it
            self._deliver_row(*found)

    def _discard(self, key: int, item: Inboxed) -> None:
        changes = list(self.recorder.take(key, [item]))
        if changes:
            self._turns.put(partial(self._commit.commit, changes))

    def _wake(self, instance: Instance) -> None:
        if not instance.busy:
            instance.busy = True
            self._residents.works(instance)
            run = self._run_entity if isinstance(instance.state, Entity) else self._run_orchestration
            self._turns.put(partial(run, instance))

    # -- turns -------------------------------------------------------------------------------------

    async def _run_orchestration(self, instance: Instance) -> None:
        state = instance.state
        assert isinstance(state, Orchestration)
        while instance.inbox or state.continued:
            items = self._take_inbox(instance, state)
            messages = deliverable(state, [item.message for item in items])
            if state.status.is_terminal or not (messages or state.continued):
                await self._commit.commit(list(self.recorder.take(instance.key, items)))
                if state.status.is_terminal:
                    break
                continue
            code = self._code
            if len(state.history) <= self.settings.replayed_up_to:
                state.drop_execution()
            result = await orchestrator_turn(state, messages, self.invoker, self.settings, self.clock)
            if result.host_error:
                log.error(
                    "Instance '%s' failed of a mistake of the host's [EH410]:\n%s", instance.id, result.host_error
                )
            if instance not in self._residents:
                return  # replaced or purged meanwhile: what this turn came to is nobody's
            recording = self.recorder.orchestration(instance, items, result)
            durable = self._commit.commit(recording.changes)
            self._begin(recording)
            await durable
            result.apply(state)
            if code != self._code:
                state.drop_execution()
            instance.turns = 1 if result.replaces else instance.turns + 1
            self._release(recording)
            if result.status.is_terminal and self.waiters.has(instance.id):
                self.waiters.tell(row_of(self.name, instance))
            if result.status is Status.TERMINATED and (children := running_children(self, state)):
                log.warning(
                    "Instance '%s' was terminated; its sub-orchestrations go on: %s. [EH404]",
                    instance.id,
                    ", ".join(str(child.instance_id) for child in children),
                )
        self._rest(instance)

    def _take_inbox(self, instance: Instance, state: Orchestration) -> list[Inboxed]:
        items, instance.inbox = instance.inbox, []
        if state.continued and not state.status.is_terminal:
            # The new execution's first turn delivers nothing (contract, 3.4), except an end.
            ends = [i for i in items if isinstance(i.message.event, ExecutionTerminated)]
            instance.inbox = [i for i in items if i not in ends]
            return ends
        return items

    async def _run_entity(self, instance: Instance) -> None:
        entity = instance.state
        assert isinstance(entity, Entity)
        while instance.inbox:
            limit = self.settings.max_entity_batch
            items, instance.inbox = instance.inbox[:limit], instance.inbox[limit:]
            batch = list(_operations(items))
            if not batch:  # an external event: an entity has no use for one
                await self._commit.commit(list(self.recorder.take(instance.key, items)))
                continue
            result = await entity_batch(instance.id, entity, batch, self.invoker, self.settings, self.clock)
            if instance not in self._residents:
                return  # purged meanwhile
            recording = self.recorder.entity(instance, items, result)
            durable = self._commit.commit(recording.changes)
            self._begin(recording)
            await durable
            result.apply(entity)
            for sentence in result.lost:
                log.error("%s [EH405]", sentence)
            self._release(recording)
        self._rest(instance)

    # -- activities --------------------------------------------------------------------------------

    def running_since(self, instance: int, task_id: int) -> datetime | None:
        """Since when a worker has had an activity; None while it is queued."""
        return self._activities.running_since(instance, task_id)

    def _activity_is_wanted(self, work: ActivityWork) -> bool:
        instance = self._residents.get(work.instance_id)
        if instance is not None:
            return instance.key == work.row.instance and not instance.is_terminal
        row = self.store.instance(self.name, work.instance_id)
        return row is not None and row.key == work.row.instance and not is_terminal(row)

    def _activity_is_over(self, work: ActivityWork, event: TaskCompleted | TaskFailed) -> None:
        item = Inboxed(Message(event, work.row.execution_id), activity_id=work.row.id)
        self._deliver_by_key(work.instance_id, work.row.instance, item)

    # -- waiting for the end -----------------------------------------------------------------------

    async def wait(self, instance_id: str, seconds: float) -> InstanceRow | None:
        """The instance's row once it is finished, or as it is after ``seconds``; None if it is unknown."""
        resident = self._residents.get(instance_id)
        if resident is None or resident.is_terminal or isinstance(resident.state, Entity):
            row = self.store.instance(self.name, instance_id)
            if row is None or is_terminal(row) or instance_id.startswith("@"):
                return row
        return await self.waiters.wait(instance_id, seconds)


def _may_begin(instance: Instance, item: Inboxed) -> bool:
    """Entities' operations may have effects; and what is due later is read from the disk then."""
    return isinstance(instance.state, Orchestration) and item.message.due is None


def _operations(items: Iterable[Inboxed]) -> Iterator[OperationRequest]:
    for item in items:
        event = item.message.event
        if is_operation(event):
            try:
                yield OperationRequest.parse(event.input)
            except ValueError as error:
                log.warning("An event for an entity was dropped: %s [EH403]", error)


def is_terminal(row: InstanceRow) -> bool:
    return Status(row.status).is_terminal
