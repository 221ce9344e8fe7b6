"""A task hub with a manual clock, and an invoker that runs SDK functions in this process."""

from __future__ import annotations

import asyncio
import json
import weakref
from collections import Counter
from collections.abc import Callable, Mapping
from datetime import datetime, timedelta, timezone
from typing import Any

import azure.durable_functions as df

from embedded_host.engine.failures import UserError
from embedded_host.engine.functions import DurableFunctions
from embedded_host.engine.invocations import (
    EntityInput,
    EntityOutput,
    InvocationFailure,
    OrchestratorInput,
    OrchestratorResult,
)
from embedded_host.parity.findings import Findings
from embedded_host.protocols.v1 import (
    entity_payload,
    entity_result,
    orchestrator_payload,
    orchestrator_result,
)
from embedded_host.store.interface import InstanceRow, Store
from embedded_host.store.sqlite import SqliteStore
from embedded_host.task_hub.client import HubClient
from embedded_host.task_hub.commit import Commit, InlineCommit
from embedded_host.task_hub.hub import HubDependencies, TaskHub
from embedded_host.task_hub.invoker import WorkerLostError
from embedded_host.task_hub.settings import HubSettings
from embedded_host.task_hub.tracer import Tracer

T0 = datetime(2026, 1, 2, 3, 4, 5, tzinfo=timezone.utc)
Orchestrator = Callable[[df.DurableOrchestrationContext], Any]


class ManualClock:
    def __init__(self, at: datetime = T0) -> None:
        self.at = at

    def now(self) -> datetime:
        return self.at

    def advance(self, seconds: float) -> None:
        self.at += timedelta(seconds=seconds)


class InlineInvoker:
    """Runs functions in the caller's task. ``calls`` counts the calls by name."""

    def __init__(
        self,
        orchestrators: Mapping[str, Orchestrator],
        activities: Mapping[str, Callable[[Any], Any]] | None = None,
        entities: Mapping[str, Callable[[Any], None]] | None = None,
    ) -> None:
        self.orchestrators = {
            name: df.Orchestrator.create(fn) for name, fn in orchestrators.items()
        }
        self.activities = dict(activities or {})
        self.entities = {name: df.Entity.create(fn) for name, fn in (entities or {}).items()}
        self.calls: Counter[str] = Counter()
        self.deaths: Counter[str] = Counter()
        """Number of calls, by name, that end the worker."""
        self.gate: asyncio.Event | None = None
        """An event that activities wait for, if it is set."""

    @property
    def functions(self) -> DurableFunctions:
        return DurableFunctions.of(self.orchestrators, self.activities, self.entities)

    async def orchestrator(
        self, name: str, turn: OrchestratorInput, *, alone: bool = False
    ) -> OrchestratorResult:
        return orchestrator_result(
            await self._call(name, self.orchestrators[name], orchestrator_payload(turn))
        )

    async def activity(
        self, name: str, instance_id: str, input: str, task_id: int, *, alone: bool = False
    ) -> str | UserError | None:
        if self.gate is not None:
            await self.gate.wait()
        result = await self._call(name, self.activities[name], json.loads(input))
        return result if isinstance(result, UserError) else json.dumps(result)

    async def entity(
        self, name: str, instance_id: str, batch: EntityInput, *, alone: bool = False
    ) -> EntityOutput | InvocationFailure:
        returned = await self._call(name, self.entities[name], entity_payload(batch))
        return entity_result(returned, len(batch.operations))

    async def http(self, request: str, is_wanted: Callable[[], bool]) -> str | UserError:
        assert is_wanted()
        return json.dumps({"statusCode": 200, "headers": {}, "content": json.loads(request)["uri"]})

    async def _call(self, name: str, function: Callable[[Any], Any], argument: Any) -> Any:
        await asyncio.sleep(0)
        self.calls[name] += 1
        if self.deaths[name] > 0:
            self.deaths[name] -= 1
            raise WorkerLostError("killed by signal 9")
        try:
            return function(argument)
        except Exception as error:
            return UserError(type(error).__name__, str(error))


def store_in_memory() -> SqliteStore:
    """Create a store that is closed by the garbage collector, as several hosts may use it."""
    store = SqliteStore(None)
    weakref.finalize(store, store._writer.close)
    return store


class HubUnderTest:
    """A task hub with its client.

    ``idle`` and ``advance`` return when no turn or activity is left to run at the clock's time.
    """

    def __init__(
        self,
        invoker: InlineInvoker,
        store: Store | None = None,
        clock: ManualClock | None = None,
        commit: Callable[[Store], Commit] = InlineCommit,
        findings: Findings | None = None,
        tracer: Tracer | None = None,
        **settings: Any,
    ) -> None:
        self.invoker = invoker
        self.store = store or store_in_memory()
        self.clock = clock or ManualClock()
        self.fatal: list[BaseException] = []
        self.hub = TaskHub(
            "Hub",
            HubSettings(invoker.functions, **settings),
            HubDependencies(
                self.store,
                commit(self.store),
                invoker,
                self.clock,
                self.fatal.append,
                False,
                findings=findings or Findings(),
                tracer=tracer,
            ),
        )
        self.client = HubClient(self.hub)

    async def idle(self) -> None:
        while self.hub.busy:
            assert not self.fatal, self.fatal
            await asyncio.sleep(0)
        assert not self.fatal, self.fatal

    async def advance(self, seconds: float) -> None:
        self.clock.advance(seconds)
        self.hub.timers.fire_due()
        await self.idle()

    async def start(self, name: str, instance_id: str = "i-1", input: Any = None) -> None:
        """Start an instance as ``start_new`` does: the input is JSON inside a JSON string."""
        await self.client.start(
            name, None if input is None else json.dumps(json.dumps(input)), instance_id
        )
        await self.idle()

    async def raise_event(self, name: str, value: Any = None, instance_id: str = "i-1") -> None:
        await self.client.raise_event(instance_id, name, json.dumps(value))
        await self.idle()

    async def kill(self) -> None:
        """Stop as ``kill -9`` does."""
        await self.hub.drop()

    def row(self, instance_id: str = "i-1") -> InstanceRow:
        row = self.client.status(instance_id)
        assert row is not None
        return row

    def outcome(self, instance_id: str = "i-1") -> tuple[str, Any]:
        row = self.row(instance_id)
        try:
            return row.status, None if row.output is None else json.loads(row.output)
        except ValueError:
            return row.status, row.output

    def left_over(self) -> list[Any]:
        """Return the rows of messages and activities that no turn has consumed."""
        return [*self.store.all_messages(), *self.store.all_activities()]
