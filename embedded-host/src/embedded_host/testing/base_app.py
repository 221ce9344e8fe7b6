"""What the asynchronous and the synchronous app under test have in common: all that needs no event loop."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from pathlib import Path
from typing import Any

from embedded_host.engine.entity_messages import EntityId
from embedded_host.store.interface import InstanceQuery
from embedded_host.testing.fakes import Failure, Fake, HttpFake, SideEffect
from embedded_host.testing.history_file import RecordedHistory, read_history
from embedded_host.testing.instance_handle import InstanceHandle
from embedded_host.testing.replaying import Replayed, replay_history
from embedded_host.testing.simulation import Simulation
from embedded_host.testing.values import decoded

__tracebackhide__ = True


class BaseDurableApp:
    """State, fakes and replay of the app under test."""

    def __init__(self, simulation: Simulation) -> None:
        self._simulation = simulation

    # -- state -------------------------------------------------------------------------------------

    @property
    def root(self) -> Path:
        """The app's directory."""
        return self._simulation.root

    @property
    def now(self) -> datetime:
        """The app's time in UTC, which orchestrators see as ``context.current_utc_datetime``."""
        return self._simulation.clock.now()

    @property
    def turns(self) -> int:
        """The number of turns of orchestrators and entities since the host last started."""
        return self._simulation.host.turns

    @property
    def activity_runs(self) -> dict[str, int]:
        """The number of runs of each activity, by name. A crash or a killed worker makes an activity run again."""
        return dict(self._simulation.fakes.runs)

    @property
    def instances(self) -> list[InstanceHandle]:
        """All orchestrations, sub-orchestrations included, in the order of their creation."""
        client = self._simulation.client
        rows = client.hub.store.list(client.hub.name, InstanceQuery(entities=False), 2**31)
        return [
            InstanceHandle(self._simulation, row.id)
            for row in sorted(rows, key=lambda row: row.key)
        ]

    def instance(self, instance: InstanceHandle | str) -> InstanceHandle:
        """Return a handle of an existing instance.

        Args:
            instance: Its id, or a handle.

        Raises:
            InstanceNotFoundError: No instance has this id.
        """
        id = instance.id if isinstance(instance, InstanceHandle) else instance
        return InstanceHandle(self._simulation, self._simulation.row(id).id)

    def entity_state(self, name: str, key: str) -> Any:
        """Return an entity's state.

        Args:
            name: The entity function's name.
            key: The entity's key.

        Returns:
            The state, or None if the entity does not exist.

        Raises:
            UnknownFunctionError: The app has no entity of this name.
        """
        entity = EntityId.parse(f"@{self._simulation.durable_name('entity', name)}@{key}")
        found = self._simulation.client.entity_state(entity)
        return None if found is None else decoded(found[1])

    # -- fakes -------------------------------------------------------------------------------------

    def fake(
        self, name: str, *, return_value: Any = None, side_effect: SideEffect | None = None
    ) -> Fake:
        """Replace an activity, sub-orchestrator or entity from now on. A later fake of the same name replaces this one.

        Args:
            name: The function's name.
            return_value: The result of each call.
            side_effect: As in ``unittest.mock``: a function, coroutine function or Mock that is called with the input (an
                entity's with the operation and its input); an exception or its class, to be raised; or an iterable with
                one result or exception for each call.

        Returns:
            The fake, with its ``calls``, ``call_count`` and assertions.

        Raises:
            UnknownFunctionError: The app has no such function.
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
        """Record the calls of an activity, sub-orchestrator or entity, and run the app's own function.

        Args:
            name: The function's name.
            failures: Exceptions (or classes) that the first calls raise, one each, instead of running the function.

        Returns:
            The spy, with its ``calls``, ``call_count`` and assertions.

        Raises:
            UnknownFunctionError: The app has no such function.
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
        body: Any = "",
        headers: Mapping[str, str] | None = None,
        side_effect: Failure | None = None,
    ) -> HttpFake:
        """Answer requests of ``context.call_http``. Without a fake they fail: no request leaves the test.

        Args:
            url: The URL; ``*`` matches any characters. Of several fakes that match, the last one answers.
            method: The method; None for every method.
            status: The response's status.
            body: The response's body. A value other than a str is sent as JSON.
            headers: The response's headers.
            side_effect: An exception (or its class) instead of a response.

        Returns:
            The fake, with the requests in its ``calls``.
        """
        fake = HttpFake(
            url, method=method, status=status, body=body, headers=headers, side_effect=side_effect
        )
        self._simulation.fakes.http.append(fake)
        return fake

    def kill_worker_during(self, name: str, times: int = 1) -> None:
        """Kill the worker each time that it has run a function and before it returns the result; the function runs again.

        Args:
            name: The function's name.
            times: So many times. At the third time the host gives up, and the call fails.

        Raises:
            UnknownFunctionError: The app has no such function.
        """
        durable_name = self._simulation.durable_name(self._simulation.kind(name), name)
        self._simulation.fakes.worker_deaths[durable_name.lower()] = times

    # -- replay ------------------------------------------------------------------------------------

    def replay(self, history: Any, *, name: str | None = None) -> Replayed:
        """Compare a recorded history with the app's current code. Only the orchestrator runs.

        Args:
            history: A file's path or its parsed JSON: an export of the embedded host, ``instance.history.save(...)``, the
                list that ``func durable get-history`` prints, or an instance's status with ``showHistory=true`` and
                ``showHistoryOutput=true``. Or a handle, or its ``history``.
            name: The orchestrator's name, if the history does not have it or the function was renamed.

        Returns:
            The number of compared steps, and the output. Another output than the recorded one is no mismatch.

        Raises:
            HistoryMismatchError: The code takes another step. The error has the first one that differs.
            UnreadableHistoryError: The history is incomplete or no history.
            UnknownFunctionError: The app has no such orchestrator.
            FunctionLoadError: The orchestrator's code does not load.
            OSError: The file cannot be read.
        """
        if isinstance(history, InstanceHandle):
            history = history.history
        recorded: RecordedHistory = read_history(history, name)
        return replay_history(
            self._simulation.orchestrator_code(recorded.name), self._simulation.root, recorded
        )
