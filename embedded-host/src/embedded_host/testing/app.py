"""The app under test: ``DurableApp`` for coroutines, ``SyncDurableApp`` for ordinary tests."""

from __future__ import annotations

import json
from collections.abc import Coroutine, Mapping
from datetime import datetime, timedelta
from pathlib import Path
from types import TracebackType
from typing import Any, TypeVar

from azure.durable_functions import DurableOrchestrationClient

from embedded_host.engine.entity_messages import EntityId
from embedded_host.task_hub.client import InstanceExistsError
from embedded_host.task_hub.client import InstanceStatusError as HubStatusError
from embedded_host.testing.base_app import BaseDurableApp
from embedded_host.testing.errors import InstanceStatusError, NotFinishedError
from embedded_host.testing.http import HttpResponse, request_body
from embedded_host.testing.instance_handle import InstanceHandle
from embedded_host.testing.simulation import Simulation
from embedded_host.testing.sync import EventLoop, Synchronous
from embedded_host.testing.virtual_clock import START, YEAR

__tracebackhide__ = True

T = TypeVar("T")


class DurableApp(BaseDurableApp):
    """A v1 or v2 app in the test's process, with an in-memory state and a virtual clock.

    Time passes in ``advance``, ``run`` and ``finish`` only. Each method returns when the app has nothing left to do at the
    clock's time, and restarts a host that crashed meanwhile. Use an app in one event loop.

    While it is open, the working directory, ``sys.path`` and the environment are those of the app; ``close``, or the end of a
    ``with`` block, restores them. The app's modules stay imported for the next test.
    """

    def __init__(
        self,
        root: str | Path = ".",
        *,
        settings: Mapping[str, str] | None = None,
        now: datetime = START,
        limit: int = 10_000,
    ) -> None:
        """Load an app.

        Args:
            root: The app's directory.
            settings: App settings. They override the environment and local.settings.json.
            now: The clock's initial time; without a zone it is UTC.
            limit: The number of functions and turns that may run without the clock moving.

        Raises:
            AppError: A file of the app is invalid or missing. The error lists all problems.
            AppLoadError: The app's code cannot be imported.
        """
        super().__init__(Simulation(Path(root).absolute(), settings or {}, now, limit))
        self._sync: SyncDurableApp | None = None

    def __enter__(self) -> DurableApp:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self.close()

    def close(self) -> None:
        """Stop the app and restore the process. Functions that still run are abandoned."""
        if self._sync is not None:
            self._sync.close()
        self._simulation.close()

    @property
    def sync(self) -> SyncDurableApp:
        """The same app with ordinary methods, for tests that are no coroutines."""
        if self._sync is None:
            self._sync = SyncDurableApp(self, self._simulation)
        return self._sync

    # -- time --------------------------------------------------------------------------------------

    async def advance(
        self,
        delta: timedelta | None = None,
        *,
        weeks: float = 0,
        days: float = 0,
        hours: float = 0,
        minutes: float = 0,
        seconds: float = 0,
        milliseconds: float = 0,
    ) -> None:
        """Move the clock forward. Timers and timer functions that become due run in order, each at its time.

        Args:
            delta: The time to add to that of the other arguments.
            weeks: A part of the time. The other parts are also those of ``timedelta``.
            days: A part of the time.
            hours: A part of the time.
            minutes: A part of the time.
            seconds: A part of the time.
            milliseconds: A part of the time.

        Raises:
            TypeError: ``delta`` is no timedelta.
            ValueError: The time is negative.
            LivelockError: The app runs without end at one time.
        """
        if not isinstance(delta, timedelta | None):
            raise TypeError(
                f"advance() takes a timedelta, or parts as in advance(hours=3), but not {delta!r} [EH609]"
            )
        step = timedelta(
            weeks=weeks,
            days=days,
            hours=hours,
            minutes=minutes,
            seconds=seconds,
            milliseconds=milliseconds,
        )
        step += delta or timedelta()
        if step < timedelta():
            raise ValueError(f"time goes forward only, not by {step} [EH609]")
        simulation, target = self._simulation, self.now + step
        await simulation.run_until_idle()
        while (due := simulation.next_due) is not None and due <= target:
            await simulation.fire_next(due)
        simulation.clock.advance_to(target)

    async def run_until_idle(self) -> None:
        """Run all that is due now. The other methods do this themselves; it is of use after changing the app's data.

        Raises:
            LivelockError: The app runs without end at one time.
        """
        await self._simulation.run_until_idle()

    # -- orchestrations ----------------------------------------------------------------------------

    async def run(
        self,
        name: str,
        input: Any = None,
        *,
        instance_id: str | None = None,
        timeout: timedelta = YEAR,
    ) -> InstanceHandle:
        """Start an orchestration and let time pass until it finishes.

        Args:
            name: The orchestrator's name.
            input: Its input: a JSON value, or an object whose class has ``to_json``.
            instance_id: The instance's id. By default a new one.
            timeout: The longest time by the app's clock.

        Returns:
            The finished instance: completed, failed or terminated.

        Raises:
            UnknownFunctionError: The app has no orchestrator of this name.
            InstanceStatusError: An instance with this id is running.
            NotFinishedError: The instance waits for an event or the like. ``start`` it, raise the event, then ``finish`` it.
            LivelockError: The app runs without end at one time.
        """
        return await self.finish(
            await self.start(name, input, instance_id=instance_id), timeout=timeout
        )

    async def start(
        self, name: str, input: Any = None, *, instance_id: str | None = None
    ) -> InstanceHandle:
        """Start an orchestration and run it as far as it gets at the present time.

        Args and errors are those of ``run``, except NotFinishedError.
        """
        durable_name = self._simulation.durable_name("orchestrator", name)
        text = DurableOrchestrationClient._get_json_input(input)
        await self._simulation.run_until_idle()
        encoded = (
            None if text is None else json.dumps(text)
        )  # the SDK's client encodes an input twice
        start = self._simulation.client.start(durable_name, encoded, instance_id)
        started = await self._convert_errors(start, instance_id or "", "be started again")
        await self._simulation.run_until_idle()
        return InstanceHandle(self._simulation, started)

    async def finish(
        self, instance: InstanceHandle | str, *, timeout: timedelta = YEAR
    ) -> InstanceHandle:
        """Let time pass, from one timer to the next, until an instance finishes.

        Args:
            instance: A handle, or an id.
            timeout: The longest time by the app's clock.

        Returns:
            The finished instance.

        Raises:
            InstanceNotFoundError: No instance has this id.
            NotFinishedError: No timer is left, or the next one is due after ``timeout``.
            LivelockError: The app runs without end at one time.
        """
        instance, simulation = self.instance(instance), self._simulation
        deadline = self.now + timeout
        await simulation.run_until_idle()
        while not instance.is_finished:
            due = simulation.next_due
            # Timer functions recur for ever. Without a durable timer no instance continues.
            if due is None or simulation.host.next_timer is None:
                raise NotFinishedError(
                    f"{instance.name} '{instance.id}' does not finish by itself. {instance.waiting_for} [EH601]"
                )
            if due > deadline:
                raise NotFinishedError(
                    f"{instance.name} '{instance.id}' did not finish within {timeout}. {instance.waiting_for} [EH601]"
                )
            await simulation.fire_next(due)
        return instance

    async def raise_event(
        self, instance: InstanceHandle | str, name: str, value: Any = None
    ) -> None:
        """Raise an external event.

        Args:
            instance: A handle, or an id.
            name: The event's name.
            value: The event's value, a JSON value.

        Raises:
            InstanceNotFoundError: No instance has this id.
            InstanceStatusError: The instance has finished.
        """
        id = self._unfinished(instance, f"take the event '{name}'")
        await self._simulation.client.raise_event(id, name, json.dumps(value))
        await self._simulation.run_until_idle()

    async def terminate(self, instance: InstanceHandle | str, reason: str | None = None) -> None:
        """Terminate an instance. Its output becomes ``reason``. Raises as ``raise_event`` does."""
        await self._simulation.client.terminate(self._unfinished(instance, "be terminated"), reason)
        await self._simulation.run_until_idle()

    async def suspend(self, instance: InstanceHandle | str, reason: str | None = None) -> None:
        """Suspend an instance.

        Raises:
            InstanceNotFoundError: No instance has this id.
            InstanceStatusError: The instance has finished, or is suspended.
        """
        id = self._unfinished(instance, "be suspended")
        await self._convert_errors(self._simulation.client.suspend(id, reason), id, "be suspended")
        await self._simulation.run_until_idle()

    async def resume(self, instance: InstanceHandle | str, reason: str | None = None) -> None:
        """Resume an instance.

        Raises:
            InstanceNotFoundError: No instance has this id.
            InstanceStatusError: The instance is not suspended.
        """
        id = self._unfinished(instance, "be resumed")
        await self._convert_errors(self._simulation.client.resume(id, reason), id, "be resumed")
        await self._simulation.run_until_idle()

    async def rewind(self, instance: InstanceHandle | str, reason: str | None = None) -> None:
        """Run the failed steps of a failed instance again.

        Raises:
            InstanceNotFoundError: No instance has this id.
            InstanceStatusError: The instance has not failed.
        """
        id = self.instance(instance).id
        await self._convert_errors(self._simulation.client.rewind(id, reason), id, "be rewound")
        await self._simulation.run_until_idle()

    async def purge(self, instance: InstanceHandle | str) -> None:
        """Delete a finished instance and its history.

        Raises:
            InstanceNotFoundError: No instance has this id.
            InstanceStatusError: The instance has not finished.
        """
        id = self.instance(instance).id
        await self._convert_errors(self._simulation.client.purge(id), id, "be purged")
        await self._simulation.run_until_idle()

    async def signal_entity(self, name: str, key: str, operation: str, input: Any = None) -> None:
        """Send an operation to an entity.

        Args:
            name: The entity function's name.
            key: The entity's key.
            operation: The operation's name.
            input: The operation's input, a JSON value.

        Raises:
            UnknownFunctionError: The app has no entity of this name.
        """
        entity = EntityId.parse(f"@{self._simulation.durable_name('entity', name)}@{key}")
        await self._simulation.run_until_idle()
        encoded = (
            None if input is None else json.dumps(json.dumps(input))
        )  # the SDK's client encodes an input twice
        await self._simulation.client.signal_entity(entity, operation, encoded)
        await self._simulation.run_until_idle()

    # -- HTTP --------------------------------------------------------------------------------------

    async def http(
        self, method: str, url: str, body: Any = None, *, headers: Mapping[str, str] | None = None
    ) -> HttpResponse:
        """Send a request to an HTTP function or the management API, without a socket.

        Args:
            method: The method, for example ``POST``.
            url: A path such as ``/api/start/Order``, or a URL such as ``statusQueryGetUri``.
            body: Bytes or a str, sent unchanged, or a value that is sent as JSON.
            headers: The request's headers.

        Returns:
            The response.
        """
        await self._simulation.run_until_idle()
        response = await self._simulation.http(method, url, *request_body(body, headers))
        await self._simulation.run_until_idle()
        return response

    # -- crashes -----------------------------------------------------------------------------------

    async def restart(self) -> None:
        """Kill the host and start it again over the same state. What was not recorded is lost and runs again."""
        await self._simulation.restart()

    async def crash_at(self, turn: int, *, recorded: bool = False) -> None:
        """Kill the host at a later turn of an orchestrator or entity, and start it again.

        Args:
            turn: The number of the turn, counted from 1 for the next one.
            recorded: Kill the host after the turn is recorded and before its effects begin. By default it is killed before,
                so that the turn and the activity or event that led to it happen again.

        Raises:
            ValueError: ``turn`` is less than 1.
        """
        if turn < 1:
            raise ValueError("turns are counted from 1 [EH609]")
        await self._simulation.run_until_idle()
        self._simulation.host.crash_at(turn, recorded=recorded)

    async def reset(self) -> None:
        """Start over: an empty state, the initial time, and the same fakes without their calls."""
        await self._simulation.reset()

    # -- errors ------------------------------------------------------------------------------------

    def _unfinished(self, instance: InstanceHandle | str, operation: str) -> str:
        """Return the id of an instance that has not finished. Raises InstanceNotFoundError or InstanceStatusError."""
        handle = self.instance(instance)
        if handle.is_finished:
            raise self._status_error(handle, operation)
        return handle.id

    async def _convert_errors(
        self, operation: Coroutine[Any, Any, T], instance_id: str, name: str
    ) -> T:
        """Await an operation, and convert the task hub's errors into InstanceStatusError."""
        try:
            return await operation
        except (HubStatusError, InstanceExistsError):
            raise self._status_error(self.instance(instance_id), name) from None

    def _status_error(self, instance: InstanceHandle, operation: str) -> InstanceStatusError:
        more = f": {instance.output!r}" if instance.is_finished else f". {instance.waiting_for}"
        return InstanceStatusError(
            f"{instance.name} '{instance.id}' is {instance.status} and cannot {operation}{more} [EH604]",
            instance.status,
        )


class SyncDurableApp(BaseDurableApp):
    """``DurableApp`` with ordinary methods, for tests that are no coroutines. Get it from ``DurableApp.sync``.

    It has an event loop of its own, in which nothing runs between calls. In an async test each method raises RuntimeError.
    """

    def __init__(self, asynchronous: DurableApp, simulation: Simulation) -> None:
        super().__init__(simulation)
        self._asynchronous = asynchronous
        self._loop = EventLoop()

    @property
    def asynchronous(self) -> DurableApp:
        """The same app with coroutine methods."""
        return self._asynchronous

    def run_async(self, coroutine: Coroutine[Any, Any, T]) -> T:
        """Run a coroutine that uses ``asynchronous``, and return its result.

        Args:
            coroutine: For example the call of an async function of your own.

        Raises:
            RuntimeError: The caller runs in an event loop.
        """
        return self._loop.run(coroutine)

    def close(self) -> None:
        """Close the event loop. ``DurableApp.close`` does this."""
        if self._loop.is_open:
            try:
                self._loop.run(self._simulation.host.close())
            finally:
                self._loop.close()

    advance = Synchronous(DurableApp.advance)
    run_until_idle = Synchronous(DurableApp.run_until_idle)
    run = Synchronous(DurableApp.run)
    start = Synchronous(DurableApp.start)
    finish = Synchronous(DurableApp.finish)
    raise_event = Synchronous(DurableApp.raise_event)
    terminate = Synchronous(DurableApp.terminate)
    suspend = Synchronous(DurableApp.suspend)
    resume = Synchronous(DurableApp.resume)
    rewind = Synchronous(DurableApp.rewind)
    purge = Synchronous(DurableApp.purge)
    signal_entity = Synchronous(DurableApp.signal_entity)
    http = Synchronous(DurableApp.http)
    restart = Synchronous(DurableApp.restart)
    crash_at = Synchronous(DurableApp.crash_at)
    reset = Synchronous(DurableApp.reset)
