"""The app under test, with its in-memory state, its virtual clock and the host that runs it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path

from embedded_host.app.definitions import Function
from embedded_host.engine.decisions import NonDeterministicError
from embedded_host.engine.execution import Execution
from embedded_host.engine.functions import FunctionNames
from embedded_host.engine.invocations import (
    Completion,
    InvocationFailure,
    OrchestratorDecisions,
    OrchestratorInput,
    ReplayProgress,
)
from embedded_host.engine.orchestration import ExecutionState, Orchestration
from embedded_host.engine.recorded_execution import RecordedExecution
from embedded_host.engine.sdk_protocols import SDK_1X
from embedded_host.protocols import adapter
from embedded_host.store.interface import InstanceRow
from embedded_host.store.sqlite import SqliteStore
from embedded_host.task_hub.client import HubClient
from embedded_host.task_hub.diagnosis import (
    Diagnosis,
    status_diagnosis,
    waits_diagnosis,
    with_root_cause,
)
from embedded_host.testing.errors import (
    FunctionLoadError,
    InstanceNotFoundError,
    LivelockError,
    ParityError,
    UnknownFunctionError,
)
from embedded_host.testing.fake_invoker import Fakes
from embedded_host.testing.fakes import BUILT_IN_HTTP_ACTIVITY, BUILT_IN_HTTP_ORCHESTRATOR
from embedded_host.testing.host_run import RPC_BASE, HostRun
from embedded_host.testing.http import HttpResponse, send
from embedded_host.testing.loading import KitWorker
from embedded_host.testing.missing_function import missing_reason
from embedded_host.testing.virtual_clock import VirtualClock
from embedded_worker.durable_calls import can_keep, open_session
from embedded_worker.loading import LoadedFunction, LoadError
from embedded_worker.sdk import orchestrator_of
from embedded_worker.session_cache import Session

__tracebackhide__ = True

_KINDS = ("activity", "orchestrator", "entity")
BUILT_IN = (BUILT_IN_HTTP_ACTIVITY, BUILT_IN_HTTP_ORCHESTRATOR)
"""The functions that SDK 2.x adds to each app."""


@dataclass(frozen=True)
class Parity:
    """The treatment of parity findings."""

    is_strict: bool = False
    """True if a finding raises ParityError."""
    ignored: frozenset[str] = frozenset()
    """The codes of findings that do not raise ParityError."""


HELPFUL = Parity()


class Simulation:
    """The app under test, with its host, store and clock.

    A restart replaces ``host``. A reset also replaces the store and ``clock``.
    """

    def __init__(
        self,
        root: Path,
        settings: Mapping[str, str],
        start: datetime,
        limit: int,
        parity: Parity = HELPFUL,
    ) -> None:
        """Load the app.

        ``limit`` is the maximum number of functions and turns that run before the clock moves.
        Raises AppError, AppLoadError or ParityError.
        """
        self._parity = parity
        self._reported: set[tuple[str, str]] = set()
        """The code and function of the findings that ParityError has reported."""
        self._worker = KitWorker(root, settings, RPC_BASE, strict=parity.is_strict)
        self._worker.on_client_request = self._respond_to_client
        self._start, self._limit = start, limit
        self._request_retries = 0
        self.fakes = Fakes()
        self._begin()
        try:
            self.check_parity()
        except ParityError:
            self.close()
            raise

    def _begin(self) -> None:
        self.clock = VirtualClock(self._start)
        self._store = SqliteStore(None)
        self.host = self._new_host()

    def _new_host(self) -> HostRun:
        return HostRun(
            self._worker,
            self._store,
            self.clock,
            self.fakes,
            self._limit,
            self._wait_in_request,
        )

    @property
    def root(self) -> Path:
        """The app folder."""
        return self._worker.app.app.root

    @property
    def client(self) -> HubClient:
        """The task hub's client in the current run of the host."""
        return self.host.client

    # -- the host ----------------------------------------------------------------------------------

    async def run_until_idle(self) -> None:
        """Run until the app is idle, and restart the host if it crashes.

        Raises LivelockError.
        """
        self.host.start()
        while True:
            await self.host.run_until_idle()
            if not self.host.is_killed:
                self.check_parity()
                return
            await self.restart()

    def check_parity(self) -> None:
        """Raise ParityError if the app has new findings and the mode is strict."""
        new = [
            finding
            for finding in self.host.findings
            if (finding.kind.code, finding.function) not in self._reported
            and finding.kind.code not in self._parity.ignored
        ]
        self._reported.update((finding.kind.code, finding.function) for finding in new)
        if new and self._parity.is_strict:
            raise ParityError(new)

    async def restart(self) -> None:
        """Kill the host, and start a new host with the same state."""
        await self.host.close()
        self.host = self._new_host()
        await self.run_until_idle()

    async def reset(self) -> None:
        """Start a new host with an empty state at the initial time, and delete the fakes' calls."""
        await self.host.close()
        self._store.close()
        self.fakes.reset()
        self._begin()

    def close(self) -> None:
        """Kill the host, and restore the state of the process."""
        self.host.kill()
        self._store.close()
        self._worker.restore()

    # -- time --------------------------------------------------------------------------------------

    @property
    def next_due(self) -> datetime | None:
        """The time when the next durable timer or timer function is due, or None."""
        return min(
            (due for due in (self.host.next_timer, self.host.next_timer_function) if due),
            default=None,
        )

    async def advance(self, step: timedelta) -> None:
        """Move the clock by ``step``. On the way, fire the timers that are due."""
        target = self.clock.now() + step
        while (due := self.next_due) is not None and due <= target:
            await self.fire_next(due)
        self.clock.advance_to(target)

    async def _wait_in_request(self, delay: timedelta) -> bool:
        """Wait for the retry of an HTTP function: move the clock, because its caller waits."""
        self._request_retries += 1
        if self._request_retries > self._limit:
            raise LivelockError(
                f"The app has retried HTTP functions {self._limit} times. Check for a retry policy "
                "without a limit (-1). DurableApp(..., limit=...) sets a larger limit. [EH610]"
            )
        await self.advance(delay)
        return True

    async def fire_next(self, due: datetime) -> None:
        """Move the clock to ``due``, fire the due timers, and run until the app is idle."""
        self.clock.advance_to(due)
        self.host.fire_due()
        await self.run_until_idle()

    # -- instances ---------------------------------------------------------------------------------

    def row(self, instance_id: str) -> InstanceRow:
        """Return an instance's row. Raises InstanceNotFoundError."""
        row = self.client.status(instance_id)
        if row is None:
            raise InstanceNotFoundError(instance_id)
        return row

    def diagnosis(self, instance_id: str) -> Diagnosis:
        """Return the diagnosis of an orchestration."""
        hub = self.host.hub
        instance = hub.find(instance_id)
        if instance is None or not isinstance(instance.state, Orchestration):
            return Diagnosis([], "It is not an orchestration.")
        state = instance.state
        diagnosis = status_diagnosis(hub, instance, state) or waits_diagnosis(
            hub, instance, state, state.execution or self._replayed(state)
        )
        return with_root_cause(hub, instance, diagnosis)

    def _replayed(self, state: Orchestration) -> ExecutionState | str:
        """Return the execution of an instance that the current host has not run.

        If the instance cannot be replayed, return a sentence with the reason.
        """
        events = state.history.events
        if not events:
            return "It has not started."
        turn = OrchestratorInput(
            state.instance_id,
            state.execution_id,
            events[:-1],
            events[-1:],
            state.input,
            state.parent_instance_id,
            protocol=self.protocol,
        )
        try:
            session = self.open_session(state.name, turn)
            result = adapter(self.protocol).orchestrator_result(session.run_turn(None), None)
        except (FunctionLoadError, UnknownFunctionError) as error:
            return f"It cannot be replayed: {error}"
        except Exception as error:  # raised by the orchestrator
            return f"Its orchestrator fails when it is replayed: {error}"
        if isinstance(result, InvocationFailure):
            return f"It cannot be replayed: {result.message}"
        if isinstance(result, OrchestratorDecisions):
            if isinstance(result.end, Completion) and result.end.failure is not None:
                failure = f"{result.end.failure.error_type}: {result.end.failure.error_message}"
                return f"Its orchestrator fails when it is replayed: {failure}"
            recorded = RecordedExecution(events)
            recorded.await_events(result.awaited_events, result.undelivered_events)
            return recorded
        execution = Execution(state.instance_id, state.execution_id)
        try:
            execution.replay(result.actions, events, ReplayProgress(session.counts))
        except NonDeterministicError as error:
            return f"It cannot be replayed: {error}"
        return execution

    # -- functions ---------------------------------------------------------------------------------

    def kind(self, name: str) -> str:
        """Return the kind of a function: ``activity``, ``orchestrator`` or ``entity``.

        Raises UnknownFunctionError.
        """
        for kind in _KINDS:
            if name in self._names(kind):
                return kind
        known = [known for kind in _KINDS for known in self._own_names(kind)]
        reason = missing_reason(self._worker.app, name)
        raise UnknownFunctionError("activity, orchestrator or entity", name, known, reason)

    def durable_name(self, kind: str, name: str) -> str:
        """Return a function's name, spelled as in the app. Raises UnknownFunctionError."""
        return self._function(kind, name).durable_name

    def open_session(self, name: str, input: OrchestratorInput) -> Session:
        """Open a session that replays an orchestrator's current code.

        Raises UnknownFunctionError or FunctionLoadError.
        """
        function = self._worker.loaded_function(self._function("orchestrator", name).name)
        if not isinstance(function, LoadedFunction):
            reason = function if isinstance(function, LoadError) else "its code is not loaded"
            raise FunctionLoadError(f"'{name}' cannot be replayed: {reason} [EH611]")
        if orchestrator_of(function.call) is None:
            raise FunctionLoadError(
                f"'{name}' cannot be replayed: it was not created with df.Orchestrator.create. "
                "[EH611]"
            )
        if input.protocol != SDK_1X and not can_keep(function.call):
            raise FunctionLoadError(
                f"'{name}' cannot be replayed: the installed version of durabletask is not "
                "supported. [EH611]"
            )
        payload = adapter(input.protocol).orchestrator_payload(input)
        return open_session(function.call, payload, self.root)

    @property
    def protocol(self) -> int:
        """The version of the SDK's protocol."""
        return self.host.hub.settings.functions.protocol

    def _names(self, kind: str) -> FunctionNames:
        functions = self.host.hub.settings.functions
        names = {
            "activity": functions.activities,
            "orchestrator": functions.orchestrators,
            "entity": functions.entities,
        }
        return names[kind]

    def _own_names(self, kind: str) -> list[str]:
        """Return the names of the app's functions, without the functions of the SDK."""
        return [name for name in self._names(kind).names if name not in BUILT_IN]

    def _function(self, kind: str, name: str) -> Function:
        names = self._names(kind)
        if name not in names:
            reason = missing_reason(self._worker.app, name)
            raise UnknownFunctionError(kind, name, self._own_names(kind), reason)
        registered = names.registered(name)
        return next(
            f
            for f in self._worker.app.enabled
            if (f.durable_kind, f.durable_name) == (kind, registered)
        )

    # -- HTTP --------------------------------------------------------------------------------------

    async def http(
        self, method: str, url: str, body: bytes, headers: Mapping[str, str]
    ) -> HttpResponse:
        """Send a request to the current run of the host."""
        return await send(self.host, method, url, body, headers)

    async def _respond_to_client(self, method: str, path: str, body: bytes) -> tuple[int, bytes]:
        """Respond to a request that a function of the app sends with its durable client."""
        if self.host.is_killed:
            await self.restart()
        return await self.host.client_requests(self._request_management)(method, path, body)

    async def _request_management(self, method: str, path: str, body: bytes) -> tuple[int, bytes]:
        headers = {"content-type": "application/json"} if body else {}
        response = await self.http(method, f"/runtime/webhooks/durabletask/{path}", body, headers)
        return response.status, response.body
