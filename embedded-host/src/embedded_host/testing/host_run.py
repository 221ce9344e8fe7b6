"""One run of the host under test, from its start to its end or crash.

The stored state remains after the run.
"""

from __future__ import annotations

import asyncio
import sys
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import partial

from embedded_host.composition import AppRuntime, Dependencies, hub_settings
from embedded_host.management.urls import ManagementUrls
from embedded_host.store.interface import AppendHistory, Change, SaveEntity, Store, TakeMessage
from embedded_host.task_hub.clock import Clock
from embedded_host.task_hub.commit import InlineCommit
from embedded_host.testing.errors import LivelockError
from embedded_host.testing.fake_invoker import FakeInvoker, Fakes
from embedded_host.testing.loading import KitWorker
from embedded_host.testing.traceback import user_traceback
from embedded_host.workers.current_app import CurrentApp
from embedded_host.workers.function_retries import FunctionRetries, Wait
from embedded_host.workers.invoker import AppInvoker

__tracebackhide__ = True

BASE_URL = "http://localhost:7071"
REPLAYED_UP_TO = 300
"""The maximum number of events in a history that every turn replays (``task_hub/replays.py``)."""
RPC_BASE = "http://127.0.0.1:7071/durabletask/"


@dataclass(frozen=True)
class Crash:
    """A crash of the host at one of its turns."""

    turn: int
    """The number of the turn, from 1."""
    recorded: bool
    """True if the host is killed after the turn is recorded, False if it is killed before."""


class CrashingCommit(InlineCommit):
    """A commit that counts turns, and kills the host at one of the turns.

    After the kill, no changes are written, and no commit completes.
    """

    def __init__(self, store: Store, kill: Callable[[], None]) -> None:
        super().__init__(store)
        self._kill = kill
        self.crash: Crash | None = None
        self.turns = 0
        self.is_killed = False

    def commit(self, changes: Sequence[Change]) -> asyncio.Future[None]:
        """Write changes. After a kill, write nothing and return a future that never completes."""
        if not self.is_killed and _is_turn(changes):
            self.turns += 1
            if self.crash is not None and self.turns == self.crash.turn:
                if self.crash.recorded:
                    super().commit(changes)
                self._kill()
        if self.is_killed:
            return asyncio.get_running_loop().create_future()
        return super().commit(changes)


def _is_turn(changes: Sequence[Change]) -> bool:
    """Return True for the changes of a turn of an orchestrator or entity.

    The creation of an entity is not a turn.
    """
    kinds = {type(change) for change in changes}
    return AppendHistory in kinds or {SaveEntity, TakeMessage} <= kinds


class HostRun:
    """A host: the app's runtime with a store, fakes, a virtual clock and crashes."""

    def __init__(
        self,
        worker: KitWorker,
        store: Store,
        clock: Clock,
        fakes: Fakes,
        limit: int,
        wait_in_request: Wait,
    ) -> None:
        """Create the host. Call ``start`` to start it.

        ``limit`` is the maximum number of functions and turns that run before the clock moves.
        ``wait_in_request`` moves the clock to the retry of an HTTP function.
        """
        self._worker, self._limit = worker, limit
        self._fatal: BaseException | None = None
        self._is_started = False
        self._retried_activities = 0
        app = CurrentApp(worker.app)
        urls = ManagementUrls(worker.app.app.host.hub_name, sdk_url=RPC_BASE)
        app_invoker = AppInvoker(
            worker,
            app,
            partial(urls.client_binding, BASE_URL),
            _no_http,
            retries=FunctionRetries(self._retry_at_once),
        )
        self._invoker = FakeInvoker(app_invoker, fakes, self._set_fatal)
        self._commit = CrashingCommit(store, self.kill)
        settings = hub_settings(worker.app, strict=worker.is_strict)
        settings.store_inputs = True  # tests assert on the inputs of activities
        settings.replayed_instances = sys.maxsize
        settings.replayed_up_to = REPLAYED_UP_TO
        self._runtime = AppRuntime(
            app,
            settings,
            Dependencies(
                worker,
                self._invoker,
                store,
                self._commit,
                urls,
                clock,
                automatic_timers=False,
                on_fatal=self._set_fatal,
                strict=worker.is_strict,
                wait_in_request=wait_in_request,
            ),
        )
        worker.on_finding = self._runtime.findings.add_reported
        self.findings = self._runtime.findings
        self.hub, self.client = self._runtime.hub, self._runtime.client
        self.functions, self.management = self._runtime.functions, self._runtime.management
        self.client_requests = self._runtime.client_requests
        self._timer_functions = self._runtime.timers

    @property
    def turns(self) -> int:
        """The number of orchestrator and entity turns of this run."""
        return self._commit.turns

    @property
    def next_timer(self) -> datetime | None:
        """The time when the next durable timer is due, or None without a timer."""
        return self.hub.timers.next_due

    @property
    def next_timer_function(self) -> datetime | None:
        """The time when the next run or retry of a timer function is due, or None without one."""
        due = (self._timer_functions.next_due, self._runtime.delays.next_due)
        return min((time for time in due if time is not None), default=None)

    def start(self) -> None:
        """Start in the running event loop. Further calls have no effect."""
        if not self._is_started:
            self._is_started = True
            self._worker.carry_client_calls()
            self._runtime.start()

    def fire_due(self) -> None:
        """Fire all timers and timer functions that are due at the clock's time."""
        self.hub.timers.fire_due()
        self._timer_functions.fire_due()
        self._runtime.delays.fire_due()

    async def run_until_idle(self) -> None:
        """Run until the app is idle or the host is killed.

        Raises LivelockError, or the first error that stops the host.
        """
        before = self._invoker.count
        while not self.is_killed and (self._is_busy or self._fatal):
            if self._fatal is not None:
                raise self._fatal.with_traceback(
                    user_traceback(self._fatal.__traceback__) or self._fatal.__traceback__
                )
            if self._invoker.count - before > self._limit:
                raise LivelockError(
                    f"The app has run {self._limit} functions and turns while its clock did not "
                    "move. Check for an orchestrator that continues as new without waiting. "
                    "DurableApp(..., limit=...) sets a larger limit. [EH610]"
                )
            if self._invoker.running:
                await asyncio.wait(set(self._invoker.running), return_when=asyncio.FIRST_COMPLETED)
            else:
                await asyncio.sleep(0)

    # -- crashes -----------------------------------------------------------------------------------

    def crash_at(self, turn: int, *, recorded: bool) -> None:
        """Kill the host at a later turn. The next turn has the number 1."""
        self._commit.crash = Crash(self.turns + turn, recorded)

    @property
    def is_killed(self) -> bool:
        """True if the host was killed."""
        return self._commit.is_killed

    def kill(self) -> None:
        """Stop all writes and results, as ``kill -9`` does."""
        self._invoker.is_killed = self._commit.is_killed = True

    async def close(self) -> None:
        """Kill the host and cancel its tasks."""
        self.kill()
        await self._timer_functions.close(0)
        await self.hub.drop()  # close() would wait for turns whose commit never completes

    @property
    def _is_busy(self) -> bool:
        running = self._timer_functions.running - self._runtime.delays.waiting
        return self.hub.busy or running > 0

    async def _retry_at_once(self, delay: timedelta) -> bool:
        """Let an activity run again without a delay, because the clock moves only between calls.

        Return False if the app has retried activities too often.
        """
        self._retried_activities += 1
        return self._retried_activities < self._limit

    def _set_fatal(self, error: BaseException) -> None:
        self._fatal = self._fatal or error


async def _no_http(request: str, is_wanted: Callable[[], bool]) -> str:
    raise AssertionError("FakeInvoker handles all HTTP calls")
