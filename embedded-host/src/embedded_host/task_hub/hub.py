"""A task hub.

A change is durable before its effects start. Effects are responses to clients, activities and
entity operations. Orchestrators have no effects of their own, so they may run before the change is
durable.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from functools import partial

from embedded_host.engine.entity import Entity
from embedded_host.engine.events import (
    ExecutionStarted,
    ExecutionTerminated,
    TaskCompleted,
    TaskFailed,
)
from embedded_host.engine.functions import DurableFunctions
from embedded_host.engine.messages import Message
from embedded_host.engine.orchestration import Orchestration
from embedded_host.engine.status import Status
from embedded_host.parity.findings import Findings
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
from embedded_host.task_hub.concurrency_limiter import ConcurrencyLimiter
from embedded_host.task_hub.entity_turns import run_entity
from embedded_host.task_hub.inbox import InboxItem
from embedded_host.task_hub.instance_cache import InstanceCache
from embedded_host.task_hub.instances import LoadedInstance, is_terminal, load, row_of
from embedded_host.task_hub.invoker import Invoker
from embedded_host.task_hub.measurements import HubMeasurements
from embedded_host.task_hub.orchestration_turns import run_orchestration
from embedded_host.task_hub.other_sdk import OtherSdkReporter
from embedded_host.task_hub.replays import Replays
from embedded_host.task_hub.settings import HubSettings
from embedded_host.task_hub.stall_reporter import StallReporter
from embedded_host.task_hub.status_waiters import StatusWaiters
from embedded_host.task_hub.tracer import ActivityRun, Tracer
from embedded_host.task_hub.unit_of_work import (
    ActivityWork,
    RowKeySequences,
    UnitOfWork,
    UnitOfWorkBuilder,
)
from embedded_host.task_hub.workload import QueueLength, Workload

log = logging.getLogger("embedded_host.task_hub")

WATCHED_AT_START = 100
"""Maximum number of waiting instances that the stall reporter watches from the start of the hub."""


@dataclass(frozen=True)
class HubDependencies:
    """The collaborators of a task hub. All hubs of one store share them."""

    store: Store
    commit: Commit
    invoker: Invoker
    clock: Clock = field(default_factory=WallClock)
    on_fatal: Callable[[BaseException], None] | None = None
    """Function that receives the error after which the hub cannot continue."""
    automatic_timers: bool = True
    """False if the caller fires due timers, as with a virtual clock."""
    row_keys: RowKeySequences | None = None
    """The sequences of another hub of the store, or None to create them from the store."""
    findings: Findings = field(default_factory=Findings)
    """The parity findings of the app. By default, this collection ignores all findings."""
    tracer: Tracer | None = None
    """The telemetry, or None without telemetry."""


class TaskHub:
    """Runs the instances of one task hub: their messages, turns, activities and timers."""

    def __init__(
        self,
        name: str,
        settings: HubSettings,
        dependencies: HubDependencies,
        *,
        is_dormant: bool = False,
    ) -> None:
        """Create a hub.

        A dormant hub belongs to another app that uses the same state file. It runs nothing: its
        messages stay in the store for the host of that app.
        """
        self.name, self.settings = name, settings
        self.store, self.invoker, self.clock = (
            dependencies.store,
            dependencies.invoker,
            dependencies.clock,
        )
        self._commit, self._on_fatal = dependencies.commit, dependencies.on_fatal
        self.findings, self.tracer = dependencies.findings, dependencies.tracer
        self.measurements = HubMeasurements()
        self._is_dormant = is_dormant
        row_keys = dependencies.row_keys or RowKeySequences(self.store)
        self._dependencies = replace(dependencies, row_keys=row_keys)
        self.code_version = 0
        """Number of reloads. A turn that started before a reload does not keep its execution."""
        self.replays = Replays(settings)
        self._cache = InstanceCache()
        self._fatal_error: BaseException | None = None
        self._deleting: set[int] = set()
        """Keys of instances whose deletion is not durable yet."""
        self.start_waiters = StatusWaiters(partial(self.store.instance, name))
        """The requests that wait until an instance has started."""
        self.completion_waiters = StatusWaiters(partial(self.store.instance, name))
        """The requests that wait for the end of an instance."""
        automatic = dependencies.automatic_timers
        self.timers = TimerQueue(self.clock, self._timer_fired, automatic=automatic)
        self.units = UnitOfWorkBuilder(name, row_keys, self.find, self.adopt)
        self.stalls = StallReporter(self, automatic=automatic)
        self.other_sdk = OtherSdkReporter(self)
        self._turns = ConcurrencyLimiter(settings.max_orchestrators, self._stop)
        self._activities = Activities(
            self.clock,
            self.invoker,
            lambda: self.settings.functions,
            settings.max_activities,
            is_wanted=self._activity_is_wanted,
            is_polling=self._is_polling,
            on_result=self._activity_completed,
            findings=self.findings,
            is_strict=settings.strict,
            on_error=self._stop,
            start_span=None if self.tracer is None else self._start_span,
            measurements=self.measurements,
        )

    # -- start and stop ----------------------------------------------------------------------------

    def start(self) -> None:
        """Load inboxes, timers, activities and continued executions from the store and run them."""
        now = self.clock.now()
        for row, address in self.store.all_messages(now):
            if self._is_ours(address.hub):
                self._deliver_row(row, address)
        for entry in self.store.due_after(self.name, now):
            self.timers.add(entry.due, (entry.instance, entry.message))
        for activity, address in self.store.all_activities():
            if self._is_ours(address.hub):
                self._activities.start(ActivityWork(activity, address.id), is_resumed=True)
        for address in self.store.continued():
            if self._is_ours(address.hub) and (instance := self.find(address.id)):
                self._wake(instance)
        waiting = InstanceQuery(statuses=(Status.RUNNING.value,), entities=False)
        self.stalls.instances_were_waiting(self.store.list(self.name, waiting, WATCHED_AT_START))
        self.other_sdk.report_all()

    async def close(self, grace: float) -> int:
        """Stop the hub. Cancel the functions that still run after ``grace`` seconds.

        Returns the number of cancelled functions. They run again at the next start.
        """
        self.timers.close()
        await self.stalls.close()
        loop = asyncio.get_running_loop()
        began = loop.time()
        # Turns continue meanwhile, to record the results of activities. Otherwise the activities
        # would run again at the next start.
        cut_off = await self._activities.close(grace)
        return cut_off + await self._turns.close(max(1.0, grace - (loop.time() - began)))

    async def drop(self) -> None:
        """Stop as ``kill -9`` does: cancel running functions without recording their results."""
        self.timers.close()
        await self.stalls.close()
        await self._activities.close(0)
        await self._turns.close(0)

    @property
    def busy(self) -> bool:
        """True while turns or activities run.

        The result of an activity starts a turn at once, so that the value does not become false
        between the activity and the turn.
        """
        return bool(self._turns.busy or self._activities.busy)

    def workload(self) -> Workload:
        """Return the running and queued work."""
        return Workload(
            turns=QueueLength.of(self._turns),
            activities=QueueLength.of(self._activities.activities),
            http_calls=QueueLength.of(self._activities.http_calls),
            timers=len(self.timers),
            instances_in_memory=len(self._cache),
        )

    def sibling(self, name: str) -> TaskHub:
        """Return a dormant hub with another name and the same store."""
        return TaskHub(
            name, self.settings, replace(self._dependencies, on_fatal=None), is_dormant=True
        )

    def reload(self, functions: DurableFunctions) -> None:
        """Continue with the app's changed code. ``functions`` are the functions of this code."""
        self.settings.functions = functions
        self.forget_executions()
        self.other_sdk.report_all()
        for instance in list(self._cache):
            if instance.inbox:  # the instance waited for another version of the SDK
                self._wake(instance)

    def forget_executions(self) -> None:
        """Make the next turn of each instance replay its history, because the code has changed."""
        self.code_version += 1
        self.replays.clear()
        for instance in self._cache:
            if isinstance(instance.state, Orchestration):
                # The execution is not closed, because a turn may be using it.
                instance.state.execution, instance.state.seen = None, 0

    def _is_ours(self, hub: str) -> bool:
        return hub.lower() == self.name.lower()

    def _stop(self, error: BaseException) -> None:
        """Report an error after which the hub cannot continue."""
        # After a failed commit all later commits fail with the same error. Log it once.
        if error is not self._fatal_error:
            log.critical(
                "The task hub stopped [EH406]: %s",
                error,
                exc_info=None if isinstance(error, StateError) else error,
            )
        self._fatal_error = error
        if self._on_fatal:
            self._on_fatal(error)

    # -- instances ---------------------------------------------------------------------------------

    def find(self, instance_id: str) -> LoadedInstance | None:
        """Return the instance from memory or from the store, or None if it does not exist."""
        instance = self._cache.get(instance_id)
        if (
            instance is None
            and (row := self.store.instance(self.name, instance_id))
            and row.key not in self._deleting
        ):
            instance = load(self.store, row)
            if not instance.is_terminal:
                self.adopt(instance)
                self._cache.mark_idle(instance)
        return instance

    def cached(self, instance_id: str) -> LoadedInstance | None:
        """Return the instance if it is in memory, else None."""
        return self._cache.get(instance_id)

    def adopt(self, instance: LoadedInstance) -> None:
        """Add an instance to the cache."""
        self._cache.adopt(instance)

    def forget(self, instance: LoadedInstance) -> None:
        """Remove an instance from memory."""
        self._cache.forget(instance)
        self.stalls.forget(instance.id)

    def finish_turns(self, instance: LoadedInstance) -> None:
        """Mark an instance without messages as idle, or remove it if it has finished."""
        instance.busy = False
        if instance not in self._cache:
            return
        if instance.is_terminal:
            self.forget(instance)
            return
        self.stalls.instance_waits(instance)
        if instance.queue is None:  # otherwise messages wait for a lock, in memory too
            self._cache.mark_idle(instance)

    # -- messages ----------------------------------------------------------------------------------

    async def record(self, unit: UnitOfWork, apply: Callable[[], None] | None = None) -> None:
        """Commit a unit of work, and start its effects once it is durable.

        ``apply`` changes the state in memory before the effects start.
        """
        durable = self._commit.commit(unit.changes)
        self._deliver_early(unit)
        await durable
        if apply is not None:
            apply()
        self._start_effects(unit)

    async def settle(self) -> None:
        """Return once all earlier units of work are durable and applied in memory."""
        await self.record(UnitOfWork())

    async def delete(self, keys: Sequence[int]) -> None:
        """Delete the instances with these keys, and their messages, histories and activities."""
        self._deleting.update(keys)
        try:
            await self.record(UnitOfWork([DeleteInstance(key) for key in keys]))
        finally:
            self._deleting.difference_update(keys)
        self._commit.release_space()

    def _deliver_early(self, unit: UnitOfWork) -> None:
        """Deliver messages to orchestrations before the messages are written to the disk.

        The turns of these orchestrations are committed after ``unit``, so that no effect is
        written before its cause.
        """
        if not self._is_dormant:
            for instance, item in unit.deliveries:
                if _may_deliver_early(instance, item):
                    self._deliver(instance, item)

    def _start_effects(self, unit: UnitOfWork) -> None:
        """Deliver the other messages of a durable unit of work, and start its activities."""
        if self._is_dormant:
            for instance, _ in unit.deliveries:
                self.forget(instance)
            return
        for instance, item in unit.deliveries:
            if not _may_deliver_early(instance, item):
                self._deliver(instance, item)
        for work in unit.activities:
            self._activities.start(work)
        for instance_id in unit.unknown:
            log.warning(
                "A message for the instance '%s' was dropped: the instance does not exist. [EH403]",
                instance_id,
            )
        for instance_id in unit.taken:
            log.warning(
                "An entity did not start the orchestration '%s', because an unfinished instance "
                "has this id. [EH403]",
                instance_id,
            )

    def _deliver(self, instance: LoadedInstance, item: InboxItem) -> None:
        due = item.message.due
        if due is not None and item.message_id is not None and due > self.clock.now():
            # Keep only the key of the message, because thousands of timers would use too much
            # memory. The message is read from the store when it is due.
            self.timers.add(due, (instance.key, item.message_id))
            if instance in self._cache and not instance.busy and not instance.inbox:
                self._cache.mark_idle(instance)
            return
        current = self._cache.get(instance.id) or instance
        if current.key != instance.key or current.is_terminal:
            self._discard(instance.key, item)
            return
        self.adopt(current)
        if isinstance(item.message.event, ExecutionStarted):
            current.inbox.insert(0, item)
        else:
            current.inbox.append(item)
            if _waits_for_start(current, item):
                self._cache.mark_busy(current)  # the inbox is only in memory
                return
        self._wake(current)

    def _deliver_by_key(self, instance_id: str, key: int, item: InboxItem) -> None:
        if (
            (instance := self.find(instance_id))
            and instance.key == key
            and not instance.is_terminal
        ):
            self._deliver(instance, item)
        else:
            self._discard(key, item)

    def _deliver_row(self, row: MessageRow, address: Address) -> None:
        message = Message(row.event, row.execution_id, row.due)
        self._deliver_by_key(address.id, row.instance, InboxItem(message, row.id))

    def _timer_fired(self, entry: tuple[int, int]) -> None:
        message = self.store.message(*entry)
        if message is not None:  # the end of an execution deletes its timers
            self._deliver_row(*message)

    def _discard(self, key: int, item: InboxItem) -> None:
        changes = list(self.units.take(key, [item]))
        if changes:
            self._turns.put(partial(self._commit.commit, changes))

    def _wake(self, instance: LoadedInstance) -> None:
        if not instance.busy:
            instance.busy = True
            self._cache.mark_busy(instance)
            run = run_entity if isinstance(instance.state, Entity) else run_orchestration
            self._turns.put(partial(run, self, instance))

    # -- activities --------------------------------------------------------------------------------

    def running_since(self, instance: int, task_id: int) -> datetime | None:
        """Return the start time of an activity, or None while it is queued."""
        return self._activities.running_since(instance, task_id)

    def _start_span(self, work: ActivityWork) -> ActivityRun | None:
        """Start the span of an activity. Return None if it has no trace."""
        assert self.tracer is not None
        instance = self.find(work.instance_id)
        if instance is None or not isinstance(instance.state, Orchestration):
            return None
        return self.tracer.activity_started(work, instance.state.history.events)

    def _activity_is_wanted(self, work: ActivityWork) -> bool:
        instance = self._cache.get(work.instance_id)
        if instance is not None:
            return instance.key == work.row.instance and not instance.is_terminal
        row = self.store.instance(self.name, work.instance_id)
        return row is not None and row.key == work.row.instance and not is_terminal(row)

    def _is_polling(self, work: ActivityWork) -> bool:
        """Return True if ``call_http`` polls after a response 202, and add a finding."""
        instance = self.find(work.instance_id)
        if instance is not None and isinstance(instance.state, Orchestration):
            # Few apps receive such a response, so the module is imported only now.
            from embedded_host.parity.kinds.events import CALL_HTTP_POLLING

            self.findings.add(CALL_HTTP_POLLING, instance.state.name, instance_id=instance.id)
        return not self.settings.strict

    def _activity_completed(self, work: ActivityWork, event: TaskCompleted | TaskFailed) -> None:
        item = InboxItem(Message(event, work.row.execution_id), activity_id=work.row.id)
        self._deliver_by_key(work.instance_id, work.row.instance, item)

    # -- waits -------------------------------------------------------------------------------------

    async def wait(self, instance_id: str, seconds: float) -> InstanceRow | None:
        """Wait until an instance finishes, for at most ``seconds``, and return its row.

        Returns None if there is no such instance.
        """
        cached = self._cache.get(instance_id)
        if cached is None or cached.is_terminal or isinstance(cached.state, Entity):
            row = self.store.instance(self.name, instance_id)
            if row is None or is_terminal(row) or instance_id.startswith("@"):
                return row
        return await self.completion_waiters.wait(instance_id, seconds)

    def complete_waits(self, instance: LoadedInstance) -> None:
        """Respond to the requests that wait for the status that a turn has set."""
        if self.start_waiters.has(instance.id):
            self.start_waiters.complete(row_of(self.name, instance))
        if instance.is_terminal and self.completion_waiters.has(instance.id):
            self.completion_waiters.complete(row_of(self.name, instance))

    def end_waits(self) -> None:
        """Respond to all requests that wait for an instance, because the host is stopping."""
        self.start_waiters.close()
        self.completion_waiters.close()


def _may_deliver_early(instance: LoadedInstance, item: InboxItem) -> bool:
    """Return True if a message may be delivered before it is written to the disk.

    Return False for an entity operation, because it can have effects outside the host. Return False
    for a message that is due later, because the host reads this message from the store.
    """
    return isinstance(instance.state, Orchestration) and item.message.due is None


def _waits_for_start(instance: LoadedInstance, item: InboxItem) -> bool:
    """Return True if a message must wait for the delayed start of its instance."""
    state = instance.state
    return (
        isinstance(state, Orchestration)
        and not instance.busy
        and not len(state.history)
        and not state.continued
        and not isinstance(item.message.event, ExecutionTerminated)
    )
