"""The app under test, with coroutine methods (DurableApp) or ordinary methods (SyncDurableApp)."""

from __future__ import annotations

from collections.abc import Collection, Coroutine, Mapping
from datetime import datetime, timedelta
from pathlib import Path
from types import TracebackType
from typing import TypeVar

from embedded_host.testing.base_app import BaseDurableApp
from embedded_host.testing.errors import NotFinishedError
from embedded_host.testing.http import HttpResponse, request_body
from embedded_host.testing.instance_handle import InstanceHandle
from embedded_host.testing.instance_operations import InstanceOperations
from embedded_host.testing.simulation import Parity, Simulation
from embedded_host.testing.sync import EventLoop, Synchronous
from embedded_host.testing.values import encoded_input
from embedded_host.testing.virtual_clock import START, YEAR
from embedded_host.workers.shared_environment import check_packages

__tracebackhide__ = True

T = TypeVar("T")


class DurableApp(InstanceOperations):
    """A v1 or v2 app in the test's process, with an in-memory state and a virtual clock.

    The clock moves only in ``advance``, ``run`` and ``finish``. Each method returns when the app is
    idle: nothing is left to run before the clock moves. If ``crash_at`` kills the host during a
    method, the method starts a new host. All methods of an app must run in the same event loop.

    An open app changes the working directory, ``sys.path`` and the environment of the process.
    ``close``, or the end of a ``with`` block, restores them. The app's modules remain imported for
    the next test.

    Example:
        ```python
        with DurableApp("path/to/app") as app:
            order = app.sync.run("OrderFlow", {"item": "book"})
            assert order.output == "shipped"
        ```
    """

    def __init__(
        self,
        root: str | Path = ".",
        *,
        settings: Mapping[str, str] | None = None,
        now: datetime = START,
        limit: int = 10_000,
        strict: bool = False,
        ignored_findings: Collection[str] = (),
    ) -> None:
        """Load an app.

        Args:
            root: The app folder.
            settings: App settings. They override the environment and local.settings.json.
            now: The clock's initial time. If it has no time zone, the time zone is UTC.
            limit: The maximum number of functions and turns that run before the clock moves. If
                the app exceeds the limit, LivelockError is raised.
            strict: True to fail as on the Azure Functions host, and to raise ParityError for each
                part of the app that works only on the embedded host.
            ignored_findings: The codes of findings that do not raise ParityError, for example
                ``{"EH805"}``.

        Raises:
            ParityError: ``strict`` is true, and the app's code would fail on the Azure Functions
                host. The other methods raise it for code that has run.
            AppError: A file of the app is invalid or missing. The error lists all problems.
            AppLoadError: The app's code cannot be imported.
            PackageConflictError: The installed version of a package does not match the test kit.
        """
        check_packages("the test kit")
        parity = Parity(strict, frozenset(ignored_findings))
        super().__init__(Simulation(Path(root).absolute(), settings or {}, now, limit, parity))
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
        """Stop the app, and restore the state of the process.

        The results of running functions are lost.
        """
        if self._sync is not None:
            self._sync.close()
        self._simulation.close()

    @property
    def sync(self) -> SyncDurableApp:
        """The same app with ordinary methods, for tests that are not coroutines."""
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
        """Move the clock forward.

        The clock moves by the sum of all arguments. On the way, timers fire and timer functions
        run, each at its due time.

        Args:
            delta: A duration.
            weeks: A number of weeks.
            days: A number of days.
            hours: A number of hours.
            minutes: A number of minutes.
            seconds: A number of seconds.
            milliseconds: A number of milliseconds.

        Raises:
            TypeError: ``delta`` is not a timedelta.
            ValueError: The sum is negative.
            LivelockError: The app exceeds its limit of functions and turns (see ``DurableApp``).

        Example:
            ```python
            order = await durable_app.start("OrderFlow", {"item": "book"})
            await durable_app.advance(days=3)
            assert order.output == "not approved"
            ```
        """
        if not isinstance(delta, timedelta | None):
            raise TypeError(
                f"advance() requires a timedelta or keyword arguments, for example "
                f"advance(hours=3), not {delta!r}. [EH609]"
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
            raise ValueError(f"advance() moves the clock forward only, not by {step}. [EH609]")
        await self._simulation.run_until_idle()
        await self._simulation.advance(step)

    async def run_until_idle(self) -> None:
        """Run until the app is idle: nothing is left to run before the clock moves.

        The other methods already do this. Call this method only after a test has started work in
        another way, for example in a thread.

        Raises:
            LivelockError: The app exceeds its limit of functions and turns (see ``DurableApp``).
        """
        await self._simulation.run_until_idle()

    # -- orchestrations ----------------------------------------------------------------------------

    async def run(
        self,
        name: str,
        input: object = None,
        *,
        instance_id: str | None = None,
        timeout: timedelta = YEAR,
    ) -> InstanceHandle:
        """Start an orchestration, and move the clock until the orchestration finishes.

        Args:
            name: The orchestrator's name.
            input: The input: a JSON value, or an object whose class has ``to_json``.
            instance_id: The instance's id. By default, the host generates an id.
            timeout: The maximum duration, measured by the virtual clock.

        Returns:
            The finished instance. Its status is ``Completed``, ``Failed`` or ``Terminated``.

        Raises:
            UnknownFunctionError: The app has no orchestrator of this name.
            InstanceStatusError: An instance with this id exists and has not finished.
            NotFinishedError: No timer is left, or the next timer is due after ``timeout``. If the
                instance waits for an event, use ``start``, ``raise_event`` and ``finish``.
            LivelockError: The app exceeds its limit of functions and turns (see ``DurableApp``).

        Example:
            ```python
            order = await durable_app.run("OrderFlow", {"item": "book"})
            assert order.output == "shipped"
            ```
        """
        return await self.finish(
            await self.start(name, input, instance_id=instance_id), timeout=timeout
        )

    async def start(
        self, name: str, input: object = None, *, instance_id: str | None = None
    ) -> InstanceHandle:
        """Start an orchestration, and run the app until it is idle.

        The instance has then finished, or it waits, for example for a timer or an event.

        Args:
            name: The orchestrator's name.
            input: The input: a JSON value, or an object whose class has ``to_json``.
            instance_id: The instance's id. By default, the host generates an id.

        Returns:
            The instance.

        Raises:
            UnknownFunctionError: The app has no orchestrator of this name.
            InstanceStatusError: An instance with this id exists and has not finished.
            LivelockError: The app exceeds its limit of functions and turns (see ``DurableApp``).

        Example:
            ```python
            order = await durable_app.start("OrderFlow", {"item": "book"})
            assert order.status == "Running"
            ```
        """
        durable_name = self._simulation.durable_name("orchestrator", name)
        encoded = encoded_input(input)
        await self._simulation.run_until_idle()
        start = self._simulation.client.start(durable_name, encoded, instance_id)
        started = await self._convert_errors(start, instance_id or "", "be started again")
        await self._simulation.run_until_idle()
        return InstanceHandle(self._simulation, started)

    async def finish(
        self, instance: InstanceHandle | str, *, timeout: timedelta = YEAR
    ) -> InstanceHandle:
        """Move the clock from one timer to the next until an instance finishes.

        Args:
            instance: The instance's handle or id.
            timeout: The maximum duration, measured by the virtual clock.

        Returns:
            The finished instance.

        Raises:
            InstanceNotFoundError: No instance has this id.
            NotFinishedError: No timer is left, or the next timer is due after ``timeout``.
            LivelockError: The app exceeds its limit of functions and turns (see ``DurableApp``).
        """
        instance, simulation = self.instance(instance), self._simulation
        deadline = self.now + timeout
        await simulation.run_until_idle()
        while not instance.is_finished:
            due = simulation.next_due
            # Timer functions recur forever. Without a durable timer, no instance continues.
            if due is None or simulation.host.next_timer is None:
                raise NotFinishedError(
                    f"{instance.name} '{instance.id}' has not finished, and no durable timer is "
                    f"left. {instance.waiting_for} [EH601]"
                )
            if due > deadline:
                raise NotFinishedError(
                    f"{instance.name} '{instance.id}' did not finish within {timeout}. "
                    f"{instance.waiting_for} [EH601]"
                )
            await simulation.fire_next(due)
        return instance

    # -- HTTP --------------------------------------------------------------------------------------

    async def http(
        self,
        method: str,
        url: str,
        body: object = None,
        *,
        headers: Mapping[str, str] | None = None,
    ) -> HttpResponse:
        """Send a request to an HTTP function or to the management API, without a socket.

        Args:
            method: The HTTP method, for example ``POST``.
            url: A path such as ``/api/start/OrderFlow``, or a URL such as ``statusQueryGetUri``.
            body: The request body. Bytes and strings are sent unchanged. Other values are sent as
                JSON.
            headers: The request's headers.

        Returns:
            The response. An error status does not raise an exception.

        Raises:
            LivelockError: The app exceeds its limit of functions and turns (see ``DurableApp``).

        Example:
            ```python
            started = await durable_app.http("POST", "/api/start/OrderFlow", {"item": "book"})
            assert started.status == 202
            assert durable_app.instance(started.json()["id"]).output == "shipped"
            ```
        """
        await self._simulation.run_until_idle()
        response = await self._simulation.http(method, url, *request_body(body, headers))
        await self._simulation.run_until_idle()
        return response

    # -- crashes -----------------------------------------------------------------------------------

    async def restart(self) -> None:
        """Kill the host, and start a new host with the same state.

        Turns and results that were not recorded are lost. Their functions run again.
        """
        await self._simulation.restart()

    async def crash_at(self, turn: int, *, recorded: bool = False) -> None:
        """Kill the host at a later turn of an orchestrator or entity, and start a new host.

        Args:
            turn: The number of the turn. The next turn has the number 1.
            recorded: If True, kill the host after the turn is recorded, but before the turn has
                any effect. If False, kill the host before the turn is recorded. The turn then runs
                again, and also the activity whose result the turn received.

        Raises:
            ValueError: ``turn`` is less than 1.

        Example:
            ```python
            await durable_app.crash_at(2)
            await durable_app.run("OrderFlow", {"item": "book"})
            assert durable_app.activity_runs["ChargeCard"] == 2
            ```
        """
        if turn < 1:
            raise ValueError(f"crash_at() requires a turn number from 1, not {turn}. [EH609]")
        await self._simulation.run_until_idle()
        self._simulation.host.crash_at(turn, recorded=recorded)

    async def reset(self) -> None:
        """Delete the state and the recorded calls of fakes, and return to the initial time."""
        await self._simulation.reset()


class SyncDurableApp(BaseDurableApp):
    """``DurableApp`` with ordinary methods, for tests that are not coroutines.

    ``DurableApp.sync`` returns an object of this class. The methods have the same arguments,
    results and errors as the methods of ``DurableApp``. They run in a separate event loop, in which
    no task runs between two calls. In an async test, these methods raise RuntimeError.

    Example:
        ```python
        def test_order(durable_app: DurableApp):
            order = durable_app.sync.run("OrderFlow", {"item": "book"})
            assert order.output == "shipped"
        ```
    """

    def __init__(self, asynchronous: DurableApp, simulation: Simulation) -> None:
        super().__init__(simulation)
        self._asynchronous = asynchronous
        self._loop = EventLoop()

    @property
    def asynchronous(self) -> DurableApp:
        """The same app with coroutine methods."""
        return self._asynchronous

    def run_async(self, coroutine: Coroutine[None, None, T]) -> T:
        """Run a coroutine of the test that uses ``asynchronous``.

        Args:
            coroutine: A coroutine, which is the result of a call of an async function.

        Returns:
            The coroutine's result.

        Raises:
            RuntimeError: The caller runs in an event loop.
        """
        return self._loop.run(coroutine)

    def close(self) -> None:
        """Close the event loop. ``DurableApp.close`` calls this method."""
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
