"""The operations on the app under test that need no event loop: state, fakes and replay."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from functools import partial
from pathlib import Path
from typing import Any

from embedded_host.engine.entity_messages import EntityId
from embedded_host.store.interface import InstanceQuery
from embedded_host.testing.fakes import Failure, Fake, HttpFake, SideEffect
from embedded_host.testing.history_file import read_history
from embedded_host.testing.instance_handle import InstanceHandle
from embedded_host.testing.parity_finding import ParityFinding, parity_finding
from embedded_host.testing.replaying import Replayed, replay_history
from embedded_host.testing.simulation import Simulation
from embedded_host.testing.values import decoded

__tracebackhide__ = True


class BaseDurableApp:
    """The part of ``DurableApp`` and ``SyncDurableApp`` that needs no event loop."""

    def __init__(self, simulation: Simulation) -> None:
        self._simulation = simulation

    # -- state -------------------------------------------------------------------------------------

    @property
    def root(self) -> Path:
        """The app folder."""
        return self._simulation.root

    @property
    def now(self) -> datetime:
        """The virtual clock's time in UTC.

        An orchestrator reads this time from ``context.current_utc_datetime``.
        """
        return self._simulation.clock.now()

    @property
    def turns(self) -> int:
        """The number of turns of orchestrators and entities since the last start of the host."""
        return self._simulation.host.turns

    @property
    def activity_runs(self) -> dict[str, int]:
        """The number of runs of each activity, by name.

        After a crash or a killed worker, an activity can run more than once for the same call.
        """
        return dict(self._simulation.fakes.runs)

    @property
    def instances(self) -> list[InstanceHandle]:
        """Orchestration instances, including sub-orchestrations, in the order of creation."""
        client = self._simulation.client
        rows = client.hub.store.list(client.hub.name, InstanceQuery(entities=False), 2**31)
        return [
            InstanceHandle(self._simulation, row.id)
            for row in sorted(rows, key=lambda row: row.key)
        ]

    @property
    def parity_findings(self) -> list[ParityFinding]:
        """The parts of the app that would fail on the Azure Functions host, as far as detected.

        The last restart or reset of the app has removed the findings of earlier runs.
        """
        return [parity_finding(finding) for finding in self._simulation.host.findings]

    def instance(self, instance: InstanceHandle | str) -> InstanceHandle:
        """Return a handle of an existing instance.

        Args:
            instance: The instance's id, or a handle.

        Returns:
            A handle of the instance.

        Raises:
            InstanceNotFoundError: No instance has this id.
        """
        id = instance.id if isinstance(instance, InstanceHandle) else instance
        return InstanceHandle(self._simulation, self._simulation.row(id).id)

    def entity_state(self, name: str, key: str) -> Any:
        """Return the state of an entity.

        Args:
            name: The entity function's name.
            key: The entity's key.

        Returns:
            The state, or None if the entity does not exist.

        Raises:
            UnknownFunctionError: The app has no entity of this name.
        """
        entity = EntityId.parse(f"@{self._simulation.durable_name('entity', name)}@{key}")
        stored = self._simulation.client.entity_state(entity)
        return None if stored is None else decoded(stored[1])

    # -- fakes -------------------------------------------------------------------------------------

    def fake(
        self, name: str, *, return_value: object = None, side_effect: SideEffect | None = None
    ) -> Fake:
        """Replace an activity, a sub-orchestrator or an entity.

        A later fake or spy of the same function replaces this fake.

        Args:
            name: The function's name.
            return_value: The result of each call.
            side_effect: A function, an exception, an exception class or an iterable, as in
                ``unittest.mock``. A function, coroutine function or Mock is called with the input.
                For an entity, it is called with the operation's name and the operation's input. An
                exception is raised. An iterable has one result or exception for each call.

        Returns:
            The fake, with its ``calls``, ``call_count`` and assertions.

        Raises:
            UnknownFunctionError: The app has no such function.

        Example:
            ```python
            durable_app.fake("ChargeCard", return_value="paid")
            durable_app.fake("Ship", side_effect=[TimeoutError("slow"), "shipped"])
            ```
        """
        return self._set_fake(
            Fake(
                name,
                self._simulation.kind(name),
                return_value=return_value,
                side_effect=side_effect,
            )
        )

    def spy(self, name: str, *, failures: Sequence[Failure] = ()) -> Fake:
        """Record the calls of an activity, a sub-orchestrator or an entity, and run its code.

        Args:
            name: The function's name.
            failures: Exceptions or exception classes. Each of the first calls raises one of them,
                in order, and does not run the function.

        Returns:
            The spy, with its ``calls``, ``call_count`` and assertions.

        Raises:
            UnknownFunctionError: The app has no such function.

        Example:
            ```python
            charge = durable_app.spy("ChargeCard", failures=[TimeoutError("slow")])
            await durable_app.run("OrderFlow", {"item": "book"})
            assert charge.call_count == 2  # the orchestrator retries the call
            ```
        """
        return self._set_fake(
            Fake(name, self._simulation.kind(name), failures=failures, is_spy=True)
        )

    def _set_fake(self, fake: Fake) -> Fake:
        name = self._simulation.durable_name(fake.kind, fake.name)
        self._simulation.fakes.functions[fake.kind, name.lower()] = fake
        return fake

    def fake_http(
        self,
        url: str,
        *,
        method: str | None = None,
        status: int = 200,
        body: object = "",
        headers: Mapping[str, str] | None = None,
        side_effect: Failure | None = None,
    ) -> HttpFake:
        """Set the response to requests of ``context.call_http``.

        If no fake matches, the request fails, and nothing is sent over the network. If several
        fakes match, the last one is used.

        Args:
            url: The URL, in which ``*`` matches any characters.
            method: The HTTP method, or None for every method.
            status: The response's status code.
            body: The response body. A value that is not a str is sent as JSON.
            headers: The response's headers.
            side_effect: An exception or exception class. The request fails with this exception.

        Returns:
            The fake. Its ``calls`` contain the requests.

        Example:
            ```python
            stock = durable_app.fake_http("https://api.example.com/stock/*", body={"left": 3})
            await durable_app.run("OrderFlow", {"item": "book"})
            assert stock.calls[0].method == "GET"
            ```
        """
        fake = HttpFake(
            url, method=method, status=status, body=body, headers=headers, side_effect=side_effect
        )
        self._simulation.fakes.http.append(fake)
        return fake

    def kill_worker_during(self, name: str, times: int = 1) -> None:
        """Kill the worker during the next calls of a function, before the result is returned.

        As on the Azure Functions host, an activity fails, and so does an orchestrator of SDK 1.x or
        an entity of SDK 2.x. An orchestrator of SDK 2.x or an entity of SDK 1.x runs again on
        another worker. After three killed workers, it fails, as in the host.

        Args:
            name: The function's name.
            times: The number of workers to kill.

        Raises:
            UnknownFunctionError: The app has no such function.
        """
        durable_name = self._simulation.durable_name(self._simulation.kind(name), name)
        self._simulation.fakes.worker_deaths[durable_name.lower()] = times

    # -- replay ------------------------------------------------------------------------------------

    def replay(self, history: object, *, name: str | None = None) -> Replayed:
        """Compare a recorded history with the app's current code.

        Only the orchestrator runs. Inputs and outputs are not compared.

        Args:
            history: An instance's handle, an ``InstanceHistory``, the path of a file, or the parsed
                JSON of the file. The file contains an export of the embedded host, a history that
                ``InstanceHistory.save`` wrote, the list that ``func durable get-history`` prints,
                or an instance's status with ``showHistory=true`` and ``showHistoryOutput=true``.
            name: The orchestrator's current name. It is required if the history contains no name or
                the function was renamed.

        Returns:
            The number of compared steps, and the output of the current code.

        Raises:
            HistoryMismatchError: A step of the code differs from the history. The error contains
                the first step that differs.
            UnreadableHistoryError: The history is incomplete, or the argument is not a history.
            UnknownFunctionError: The app has no such orchestrator.
            FunctionLoadError: The orchestrator's code does not load.
            OSError: The file cannot be read.

        Example:
            ```python
            def test_running_orders_survive_the_change(durable_app: DurableApp):
                durable_app.replay("tests/histories/order-7.json")
            ```
        """
        if isinstance(history, InstanceHandle):
            history = history.history
        recorded = read_history(history, name)
        open_session = partial(self._simulation.open_session, recorded.name)
        return replay_history(open_session, recorded, self._simulation.protocol)
