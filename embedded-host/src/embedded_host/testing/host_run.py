"""One life of the host under test: from its start to its end or its crash, over a state that outlives it."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial

from embedded_host.composition import AppRuntime, Dependencies, hub_settings
from embedded_host.errors import EmbeddedHostError
from embedded_host.http.management_urls import ManagementUrls
from embedded_host.store.interface import AppendHistory, Change, SaveEntity, Store, TakeMessage
from embedded_host.task_hub.clock import Clock
from embedded_host.task_hub.commit import InlineCommit
from embedded_host.testing.fake_invoker import Fakes, Invocations
from embedded_host.testing.loading import KitWorker
from embedded_host.workers.current_app import CurrentApp
from embedded_host.workers.invoker import AppInvoker

log = logging.getLogger("embedded_host.testing")
BASE_URL = "http://localhost:7071"
REPLAYED = 300
"""Events: longer histories go on from where they are, or a long orchestration's test would take the square of its turns."""
RPC_BASE = "http://127.0.0.1:7071/durabletask/"


class LivelockError(EmbeddedHostError, AssertionError):
    """The app goes on and on without waiting for anything."""


@dataclass(frozen=True)
class Crash:
    """The host dies at the ``turn``-th turn from now: when that has run and nothing of it is recorded, or (``recorded``) when
    it is on disk and nothing that it asks for has begun."""

    turn: int
    recorded: bool


class TestKitCommit(InlineCommit):
    """Counts turns, and dies at one of them: what is asked for from then on is neither written nor answered."""

    def __init__(self, store: Store, crash: Crash | None, died: Callable[[], None]) -> None:
        super().__init__(store)
        self._crash, self._died = crash, died
        self.turns = 0
        self.dead = False

    def commit(self, changes: Sequence[Change]) -> asyncio.Future[None]:
        if not self.dead and _is_turn(changes):
            self.turns += 1
            if self._crash is not None and self.turns == self._crash.turn:
                if self._crash.recorded:
                    super().commit(changes)
                self.dead = True
                self._died()
        if self.dead:
            return asyncio.get_running_loop().create_future()
        return super().commit(changes)


def _is_turn(changes: Sequence[Change]) -> bool:
    """An orchestrator's, or an entity's: an entity is also written when it is first heard of."""
    kinds = {type(change) for change in changes}
    return AppendHistory in kinds or {SaveEntity, TakeMessage} <= kinds


class Life:
    def __init__(
        self, worker: KitWorker, store: Store, clock: Clock, fakes: Fakes, crash: Crash | None, limit: int
    ) -> None:
        self._worker, self._limit = worker, limit
        self._fatal: BaseException | None = None
        self._begun = False
        app = CurrentApp(worker.app)
        urls = ManagementUrls(worker.app.app.host.hub_name, sdk_url=RPC_BASE)
        self.invocations = Invocations(AppInvoker(worker, app, partial(urls.client_binding, BASE_URL), _no_http), fakes)
        self.commit = TestKitCommit(store, crash, self.die)
        settings = hub_settings(worker.app)
        settings.store_inputs = True  # a history is to say with what an activity was called
        settings.replayed_up_to = REPLAYED
        self._runtime = AppRuntime(
            app,
            settings,
            Dependencies(
                worker,
                self.invocations,
                store,
                self.commit,
                urls,
                clock,
                automatic_timers=False,
                on_fatal=self._stopped,
            ),
        )
        self.hub, self.client, self.timers = self._runtime.hub, self._runtime.client, self._runtime.timers
        self.functions, self.management = self._runtime.functions, self._runtime.management

    @property
    def dead(self) -> bool:
        return self.invocations.dead

    @property
    def turns(self) -> int:
        return self.commit.turns

    def begin(self) -> None:
        """In the running event loop; once."""
        if not self._begun:
            self._begun = True
            self._worker.carry_client_calls()
            self._runtime.start()

    async def settle(self) -> None:
        """Until nothing is left to do at the clock's time, or until it is dead. Raises LivelockError."""
        before = self.invocations.count
        while not self.dead and (self._busy or self._fatal):
            if self._fatal is not None:
                raise self._fatal
            if self.invocations.count - before > self._limit:
                raise LivelockError(
                    f"The app has run {self._limit} functions and turns and still goes on at the same time by its clock. Does an "
                    "orchestrator continue as new without waiting? A larger number can be given: DurableApp(..., limit=...). [EH610]"
                )
            if self.invocations.running:
                await asyncio.wait(set(self.invocations.running), return_when=asyncio.FIRST_COMPLETED)
            else:
                await asyncio.sleep(0)

    def die(self) -> None:
        """Nothing of it runs or writes any more, as after ``kill -9``."""
        self.invocations.dead = self.commit.dead = True

    async def bury(self) -> None:
        """End what the dead host had under way."""
        self.die()
        await self.timers.close(0)
        await self.hub.drop()  # close() would wait for turns to be recorded, whose commit never comes

    @property
    def _busy(self) -> bool:
        return self.hub.busy or bool(self.timers.running)

    def _stopped(self, error: BaseException) -> None:
        self._fatal = self._fatal or error


async def _no_http(request: str, is_wanted: Callable[[], bool]) -> str:
    raise AssertionError("the kit answers itself")
