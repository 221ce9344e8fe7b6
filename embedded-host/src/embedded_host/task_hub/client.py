"""Operations on instances, for the management API and the SDK's durable client."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Collection
from dataclasses import replace
from datetime import datetime
from uuid import uuid4

from embedded_host.engine import history as h
from embedded_host.engine.entity import Entity
from embedded_host.engine.entity_messages import OPERATION, EntityId, request_message
from embedded_host.engine.events import HistoryEvent
from embedded_host.engine.functions import FunctionNames
from embedded_host.engine.json_codec import compact_text
from embedded_host.engine.messages import Message
from embedded_host.engine.orchestration import Orchestration
from embedded_host.engine.status import FINISHED, STATUSES, Status
from embedded_host.errors import EmbeddedHostError
from embedded_host.store.interface import InstanceQuery, InstanceRow
from embedded_host.task_hub import purging
from embedded_host.task_hub.diagnosis import Diagnosis, diagnose
from embedded_host.task_hub.hub import TaskHub
from embedded_host.task_hub.instances import is_terminal, row_of
from embedded_host.task_hub.orphaned_locks import release_orphaned_locks
from embedded_host.task_hub.rewinding import rewind
from embedded_host.task_hub.unit_of_work import UnitOfWork

PAGE = 200
"""Number of instances that ``list`` reads before it yields to the event loop."""


class InstanceExistsError(EmbeddedHostError):
    """An unfinished instance has this id."""

    def __init__(self, status: str) -> None:
        super().__init__(f"An Orchestration instance with the status {status} already exists.")
        self.status = status


class InstanceNotFoundError(EmbeddedHostError):
    """There is no instance with this id."""


class InstanceFinishedError(EmbeddedHostError):
    """The instance has finished."""


class NotAnEntityError(EmbeddedHostError):
    """An orchestration has the id that was passed as the id of an entity."""


class InstanceStatusError(EmbeddedHostError):
    """The runtime status of the instance, ``status``, does not allow the operation."""

    def __init__(self, status: str) -> None:
        super().__init__(status)
        self.status = status


class HubClient:
    """The operations on the instances of one task hub.

    A method that changes an instance returns once the change is durable.
    """

    def __init__(self, hub: TaskHub) -> None:
        self.hub = hub
        self._store = hub.store

    @property
    def entities(self) -> FunctionNames:
        """Names of the entities of the loaded app."""
        return self.hub.settings.functions.entities

    def of_hub(self, name: str) -> HubClient:
        """Return the client of another task hub in the same store."""
        return HubClient(self.hub.sibling(name))

    # -- orchestrations ----------------------------------------------------------------------------

    async def start(
        self,
        name: str,
        input: str | None = None,
        instance_id: str | None = None,
        version: str | None = None,
        *,
        tags: dict[str, str] | None = None,
        trace_context: object = None,
        start_at: datetime | None = None,
        replaceable: Collection[str] | None = None,
    ) -> str:
        """Start an orchestration and return its id. ``input`` is JSON.

        The instance is Pending until ``start_at``. An existing instance with the same id is
        replaced if its status is in ``replaceable``. By default, host.json determines these
        statuses.

        An unknown name is accepted, as on the Azure Functions host
        (functions-host.md#start-an-instance). Raises InstanceExistsError.
        """
        hub = self.hub
        if replaceable is None:
            replaceable = STATUSES if hub.settings.any_state_is_overridable else FINISHED
        existing = hub.find(instance_id) if instance_id else None
        instance_id = instance_id or uuid4().hex
        generation: int | None = 0
        while existing is not None and row_of(hub.name, existing).status not in replaceable:
            # The instance in memory may be newer than the store, but a response must depend on
            # durable state only.
            key = existing.key
            await hub.settle()
            existing = hub.find(instance_id)
            if existing is not None and existing.key == key:
                status = row_of(hub.name, existing).status
                if status not in replaceable:
                    raise InstanceExistsError(status)
        if existing is not None:
            if isinstance(existing.state, Orchestration):
                generation = (existing.state.generation or 0) + 1
            hub.forget(existing)
        started = h.execution_started(
            hub.clock.now(),
            instance_id=instance_id,
            execution_id=str(uuid4()),
            name=name,
            input=input,
            generation=generation,
            version=hub.settings.default_version if version is None else version,
            tags=tags or None,
            trace_context=trace_context,
            start_at=start_at,
        )
        if hub.tracer is not None:
            started = hub.tracer.orchestration_created(started)
        unit = UnitOfWork()
        hub.units.start(started, existing, unit, start_at)
        await hub.record(unit)
        return instance_id

    async def raise_event(self, instance_id: str, name: str, input: str | None) -> None:
        """Raise an external event. ``input`` is JSON.

        Raises InstanceNotFoundError or InstanceFinishedError.
        """
        row = self.live(instance_id)
        if self.hub.tracer is not None:
            self.hub.tracer.event_raised(instance_id, name)
        await self._send(row, h.event_raised(self.hub.clock.now(), name, input))

    async def terminate(
        self, instance_id: str, reason: str | None, *, recursive: bool = False
    ) -> None:
        """Terminate an instance. If ``recursive`` is True, terminate its sub-orchestrations too.

        Raises InstanceNotFoundError or InstanceFinishedError.
        """
        row = self.live(instance_id)
        now = self.hub.clock.now()
        await self._send(row, h.execution_terminated(now, reason, recurse=recursive))

    async def suspend(self, instance_id: str, reason: str | None) -> None:
        """Suspend an instance.

        Raises InstanceNotFoundError or InstanceFinishedError. Raises InstanceStatusError if the
        instance is already suspended.
        """
        row = self.live(instance_id)
        if row.status == Status.SUSPENDED.value:
            raise InstanceStatusError(row.status)
        await self._send(row, h.execution_suspended(self.hub.clock.now(), reason))

    async def resume(self, instance_id: str, reason: str | None) -> None:
        """Resume an instance.

        Raises InstanceNotFoundError or InstanceFinishedError. Raises InstanceStatusError if the
        instance is not suspended.
        """
        row = self.live(instance_id)
        if row.status != Status.SUSPENDED.value:
            raise InstanceStatusError(row.status)
        await self._send(row, h.execution_resumed(self.hub.clock.now(), reason))

    async def restart(self, instance_id: str, new_instance_id: bool) -> str:
        """Start the orchestrator of an instance again with the same input.

        Returns the id of the started instance. Raises InstanceNotFoundError or InstanceExistsError.
        """
        row = self.known(instance_id)
        input = self._store.input(row.key)
        if input is not None:
            with contextlib.suppress(ValueError):
                input = compact_text(input)
        return await self.start(row.name, input, None if new_instance_id else instance_id)

    async def rewind(self, instance_id: str, reason: str | None) -> None:
        """Rewind a failed instance and its failed sub-orchestrations.

        Raises InstanceNotFoundError, or InstanceStatusError if the instance has not failed.
        """
        row = self.known(instance_id)
        if row.status != Status.FAILED.value:
            raise InstanceStatusError(row.status)
        await rewind(self.hub, instance_id, reason)

    async def purge(self, instance_id: str, *, recursive: bool = False) -> int:
        """Delete a finished orchestration or an entity. Returns the number of deleted instances.

        If ``recursive`` is True, the finished sub-orchestrations are deleted too. Raises
        InstanceNotFoundError, or InstanceStatusError if the orchestration has not finished.
        """
        row = self.known(instance_id)
        if not is_terminal(row) and self._store.entity(row.key) is None:
            raise InstanceStatusError(row.status)
        return await purging.purge(self.hub, [row], recursive=recursive)

    async def purge_many(self, query: InstanceQuery) -> int:
        """Delete the finished orchestrations that match ``query``, and return their number."""
        return (await purging.purge_many(self.hub, query)).count

    def report_purge(self, query: InstanceQuery) -> None:
        """Add findings for the instances that the Azure Functions host would delete."""
        purging.report_purge(self.hub, query)

    # -- entities ----------------------------------------------------------------------------------

    async def signal_entity(
        self,
        entity: EntityId,
        operation: str,
        input: str | None,
        *,
        request_id: str | None = None,
        due: datetime | None = None,
    ) -> None:
        """Send a signal to an entity. ``input`` is JSON. Raises NotAnEntityError.

        ``due`` is the time of a delayed delivery.
        """
        now = self.hub.clock.now()
        text = request_message(
            request_id=request_id or str(uuid4()),
            operation=operation,
            input=input,
            signal=True,
            now=now,
        )
        unit = UnitOfWork()
        tracer = self.hub.tracer
        context = None if tracer is None else tracer.entity_signalled(str(entity), operation)
        message = Message(h.event_raised(now, OPERATION, text, context), due=due)
        target = self.hub.units.entity_instance(str(entity), message, unit)
        if not isinstance(target.state, Entity):
            raise NotAnEntityError(f"'{entity}' is the id of an orchestration")
        self.hub.units.deliver(target, message, unit)
        await self.hub.record(unit)

    async def release_orphaned_locks(self) -> int:
        """Release the locks of entities whose owners have finished or do not exist.

        Returns the number of entities whose lock is released.
        """
        return await release_orphaned_locks(self.hub)

    def entity_state(self, entity: EntityId) -> tuple[InstanceRow, str] | None:
        """Return the row of an entity and its state as JSON, or None if it has no state."""
        row = self._store.instance(self.hub.name, str(entity))
        kept = self._store.entity(row.key) if row else None
        if row is None or kept is None or kept[1] is None:
            return None
        return row, kept[1]

    # -- reading -----------------------------------------------------------------------------------

    def known(self, instance_id: str) -> InstanceRow:
        """Return the row of an instance. Raises InstanceNotFoundError."""
        row = self._store.instance(self.hub.name, instance_id)
        if row is None:
            raise InstanceNotFoundError(instance_id)
        return row

    def live(self, instance_id: str) -> InstanceRow:
        """Return the row of an unfinished instance.

        Raises InstanceNotFoundError or InstanceFinishedError.
        """
        row = self.known(instance_id)
        if is_terminal(row):
            raise InstanceFinishedError(instance_id)
        return row

    def status(self, instance_id: str) -> InstanceRow | None:
        """Return the row of an instance, or None if it does not exist."""
        return self._store.instance(self.hub.name, instance_id)

    async def wait(self, instance_id: str, seconds: float) -> InstanceRow | None:
        """Wait until an instance finishes, for at most ``seconds``, and return its row.

        Returns None if there is no such instance.
        """
        return await self.hub.wait(instance_id, seconds)

    async def wait_for_start(self, instance_id: str, seconds: float) -> InstanceRow | None:
        """Wait until an instance exists and has started, or until ``seconds`` have passed.

        Returns the row of the instance, or None if the instance does not exist.
        """
        row = self.status(instance_id)
        if row is not None and row.status != Status.PENDING.value:
            return row
        return await self.hub.start_waiters.wait(instance_id, seconds)

    async def wait_for_completion(self, instance_id: str, seconds: float) -> InstanceRow | None:
        """Wait until an instance exists and has finished, or until ``seconds`` have passed.

        Returns the row of the instance, or None if the instance does not exist.
        """
        row = self.status(instance_id)
        if row is not None and is_terminal(row):
            return row
        return await self.hub.completion_waiters.wait(instance_id, seconds)

    async def diagnosis(self, instance_id: str) -> Diagnosis | None:
        """Return the diagnosis of an orchestration, or None if the orchestration does not exist."""
        return await diagnose(self.hub, instance_id)

    def input(self, row: InstanceRow) -> str | None:
        """Return the input of an instance as JSON."""
        return self._store.input(row.key)

    def history(self, row: InstanceRow) -> list[HistoryEvent]:
        """Return the history of an instance."""
        return [event for turn in self._store.history(row.key) for event in turn]

    async def list(self, query: InstanceQuery, limit: int) -> list[InstanceRow]:
        """Return at most ``limit`` instances that match ``query``, in the order of their ids.

        The event loop runs other work after each ``PAGE`` instances.
        """
        rows: list[InstanceRow] = []
        while True:
            count = min(PAGE, limit - len(rows))
            page = self._store.list(self.hub.name, query, count)
            rows += page
            if len(page) < count or len(rows) >= limit:
                return rows
            query = replace(query, after_id=page[-1].id)
            await asyncio.sleep(0)

    async def _send(self, row: InstanceRow, event: HistoryEvent) -> None:
        unit = UnitOfWork()
        instance = self.hub.find(row.id)
        if instance is None or instance.key != row.key:
            raise InstanceNotFoundError(row.id)
        self.hub.units.deliver(instance, Message(event), unit)
        await self.hub.record(unit)
