"""Coroutine methods of the app under test for existing instances and entities."""

from __future__ import annotations

from collections.abc import Awaitable
from typing import TypeVar

from embedded_host.engine.entity_messages import EntityId
from embedded_host.task_hub.client import InstanceExistsError
from embedded_host.task_hub.client import InstanceStatusError as HubStatusError
from embedded_host.testing.base_app import BaseDurableApp
from embedded_host.testing.errors import InstanceStatusError
from embedded_host.testing.instance_handle import InstanceHandle
from embedded_host.testing.values import encoded_event, encoded_reason, encoded_signal

__tracebackhide__ = True

T = TypeVar("T")


class InstanceOperations(BaseDurableApp):
    """The part of ``DurableApp`` that sends messages to existing instances and to entities.

    Each method returns when the app is idle: nothing is left to run before the clock moves.
    """

    async def raise_event(
        self, instance: InstanceHandle | str, name: str, value: object = None
    ) -> None:
        """Raise an external event.

        Args:
            instance: The instance's handle or id.
            name: The event's name.
            value: The event's value, a JSON value.

        Raises:
            InstanceNotFoundError: No instance has this id.
            InstanceStatusError: The instance has finished.
            LivelockError: The app exceeds its limit of functions and turns (see ``DurableApp``).

        Example:
            ```python
            order = await durable_app.start("OrderFlow", {"item": "book"})
            await durable_app.raise_event(order, "Approval", {"by": "me"})
            ```
        """
        id = self._unfinished(instance, f"receive the event '{name}'")
        await self._simulation.client.raise_event(id, name, encoded_event(value))
        await self._simulation.run_until_idle()

    async def terminate(self, instance: InstanceHandle | str, reason: str | None = None) -> None:
        """Terminate an instance.

        Args:
            instance: The instance's handle or id.
            reason: The reason of the termination, which becomes the instance's output.

        Raises:
            InstanceNotFoundError: No instance has this id.
            InstanceStatusError: The instance has finished.
            LivelockError: The app exceeds its limit of functions and turns (see ``DurableApp``).
        """
        id = self._unfinished(instance, "be terminated")
        await self._simulation.client.terminate(id, encoded_reason(reason))
        await self._simulation.run_until_idle()

    async def suspend(self, instance: InstanceHandle | str, reason: str | None = None) -> None:
        """Suspend an instance.

        Args:
            instance: The instance's handle or id.
            reason: A string that the history records.

        Raises:
            InstanceNotFoundError: No instance has this id.
            InstanceStatusError: The instance has finished or is already suspended.
            LivelockError: The app exceeds its limit of functions and turns (see ``DurableApp``).
        """
        id = self._unfinished(instance, "be suspended")
        await self._convert_errors(self._simulation.client.suspend(id, reason), id, "be suspended")
        await self._simulation.run_until_idle()

    async def resume(self, instance: InstanceHandle | str, reason: str | None = None) -> None:
        """Resume a suspended instance.

        Args:
            instance: The instance's handle or id.
            reason: A string that the history records.

        Raises:
            InstanceNotFoundError: No instance has this id.
            InstanceStatusError: The instance is not suspended.
            LivelockError: The app exceeds its limit of functions and turns (see ``DurableApp``).
        """
        id = self._unfinished(instance, "be resumed")
        await self._convert_errors(self._simulation.client.resume(id, reason), id, "be resumed")
        await self._simulation.run_until_idle()

    async def rewind(self, instance: InstanceHandle | str, reason: str | None = None) -> None:
        """Rewind a failed instance: run its failed activities and sub-orchestrations again.

        Args:
            instance: The instance's handle or id.
            reason: A string that the history records.

        Raises:
            InstanceNotFoundError: No instance has this id.
            InstanceStatusError: The instance has not failed.
            LivelockError: The app exceeds its limit of functions and turns (see ``DurableApp``).
        """
        id = self.instance(instance).id
        await self._convert_errors(self._simulation.client.rewind(id, reason), id, "be rewound")
        await self._simulation.run_until_idle()

    async def purge(self, instance: InstanceHandle | str) -> None:
        """Delete a finished instance and its history.

        Args:
            instance: The instance's handle or id.

        Raises:
            InstanceNotFoundError: No instance has this id.
            InstanceStatusError: The instance has not finished.
        """
        id = self.instance(instance).id
        await self._convert_errors(self._simulation.client.purge(id), id, "be purged")
        await self._simulation.run_until_idle()

    async def signal_entity(
        self, name: str, key: str, operation: str, input: object = None
    ) -> None:
        """Signal an entity: send an operation that has no response.

        Args:
            name: The entity function's name.
            key: The entity's key.
            operation: The operation's name.
            input: The operation's input, a JSON value.

        Raises:
            UnknownFunctionError: The app has no entity of this name.
            LivelockError: The app exceeds its limit of functions and turns (see ``DurableApp``).
        """
        entity = EntityId.parse(f"@{self._simulation.durable_name('entity', name)}@{key}")
        await self._simulation.run_until_idle()
        await self._simulation.client.signal_entity(entity, operation, encoded_signal(input))
        await self._simulation.run_until_idle()

    def _unfinished(self, instance: InstanceHandle | str, operation: str) -> str:
        """Return the id of an instance that has not finished.

        Raises InstanceNotFoundError or InstanceStatusError.
        """
        handle = self.instance(instance)
        if handle.is_finished:
            raise self._status_error(handle, operation)
        return handle.id

    async def _convert_errors(
        self, operation: Awaitable[T], instance_id: str, description: str
    ) -> T:
        """Await an operation, and convert the task hub's errors to InstanceStatusError."""
        try:
            return await operation
        except (HubStatusError, InstanceExistsError):
            raise self._status_error(self.instance(instance_id), description) from None

    def _status_error(self, instance: InstanceHandle, operation: str) -> InstanceStatusError:
        detail = f": {instance.output!r}" if instance.is_finished else f". {instance.waiting_for}"
        return InstanceStatusError(
            f"{instance.name} '{instance.id}' is {instance.status} and cannot {operation}{detail} "
            "[EH604]",
            instance.status,
        )
