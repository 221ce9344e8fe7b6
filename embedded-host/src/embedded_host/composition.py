"""The composition root. It builds the task hub, the timer functions and the HTTP API of an app.

The host and the test kit use this module. The module opens no files or sockets and starts no
processes. The caller passes the store, the worker and the clock. Therefore the test kit can pass an
in-memory store, fakes and a virtual clock.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING

from embedded_host.app.definitions import Function
from embedded_host.http.authorization import Authorization
from embedded_host.http.functions import HttpFunctions
from embedded_host.http.management import ManagementApi
from embedded_host.http.throttle import Throttle
from embedded_host.management.urls import ManagementUrls
from embedded_host.parity.findings import Findings
from embedded_host.store.interface import Store
from embedded_host.task_hub.client import HubClient
from embedded_host.task_hub.clock import Clock
from embedded_host.task_hub.commit import Commit
from embedded_host.task_hub.delays import Delays
from embedded_host.task_hub.hub import HubDependencies, TaskHub
from embedded_host.task_hub.invoker import WorkerLostError
from embedded_host.task_hub.settings import HubSettings, default_concurrency
from embedded_host.task_hub.timer_functions import TimerFunctions
from embedded_host.task_hub.tracer import Tracer
from embedded_host.workers.current_app import CurrentApp
from embedded_host.workers.direct_runs import direct_run_problem
from embedded_host.workers.failed_runs import log_failed_run
from embedded_host.workers.function_retries import FunctionRetries, Wait, log_unsupported_retries
from embedded_host.workers.invocation_log import called_by_admin
from embedded_host.workers.invoker import FunctionInvoker, durable_functions
from embedded_host.workers.load_findings import add_load_findings
from embedded_host.workers.loaded_app import LoadedApp
from embedded_host.workers.worker import ClientRequestHandler, Worker
from embedded_worker.protocol import RPC_METHOD

if TYPE_CHECKING:
    from embedded_host.sidecar.service import TaskHubSidecarService

log = logging.getLogger("embedded_host")


def hub_settings(loaded: LoadedApp, *, strict: bool = False) -> HubSettings:
    """Return the settings of host.json for a task hub with the app's durable functions.

    ``strict`` is the mode of ``--parity``.
    """
    host = loaded.app.host
    return HubSettings(
        functions=durable_functions(loaded.enabled),
        max_activities=host.max_concurrent_activities or default_concurrency(),
        max_orchestrators=host.max_concurrent_orchestrators or default_concurrency(),
        max_entity_batch=host.max_entity_batch,
        store_inputs=host.store_inputs_in_history,
        http_sleep_ms=host.http_sleep_ms,
        any_state_is_overridable=host.overridable_existing_states.lower() == "anystate",
        default_version=host.default_version,
        version_match_strategy=host.version_match_strategy,
        uses_azure_storage=host.uses_azure_storage,
        strict=strict,
    )


@dataclass(frozen=True)
class Dependencies:
    """The objects that the caller of ``AppRuntime`` creates."""

    worker: Worker
    """The worker of HTTP functions."""
    invoker: FunctionInvoker
    """The invoker of all other functions."""
    store: Store
    commit: Commit
    urls: ManagementUrls
    clock: Clock
    automatic_timers: bool = True
    """False if the caller fires due timers, as the test kit does."""
    authorization: Authorization | None = None
    """The check of access keys, or None without keys."""
    on_fatal: Callable[[BaseException], None] | None = None
    """The callback for an error after which the task hub or the timers cannot continue."""
    strict: bool = False
    """True if functions fail as on the Azure Functions host (``--parity strict``)."""
    delays: Delays | None = None
    """The delays before retries. By default, they follow ``clock``."""
    wait_in_request: Wait | None = None
    """Waits for the retry of an HTTP function. The default is ``delays.wait``."""
    tracer: Tracer | None = None
    """The telemetry of the task hub, or None without telemetry."""


class AppRuntime:
    """The task hub, timer functions and HTTP API of an app. A reload of the app updates them."""

    def __init__(self, app: CurrentApp, settings: HubSettings, dependencies: Dependencies) -> None:
        """Create the parts. ``start`` starts them."""
        d, host = dependencies, app.loaded.app.host
        self._app, self._invoker = app, d.invoker
        self.findings = Findings(host, is_strict=d.strict)
        self.hub = TaskHub(
            host.hub_name,
            settings,
            HubDependencies(
                d.store,
                d.commit,
                d.invoker,
                d.clock,
                d.on_fatal,
                d.automatic_timers,
                findings=self.findings,
                tracer=d.tracer,
            ),
        )
        self.client = HubClient(self.hub)
        self.delays = d.delays or Delays(d.clock, automatic=d.automatic_timers)
        """The delays before retries."""
        self._retries = FunctionRetries(self.delays.wait)
        self.timers = TimerFunctions(
            host.hub_name,
            d.store,
            d.commit,
            self._run_timer,
            d.clock,
            automatic=d.automatic_timers,
            on_fatal=d.on_fatal,
        )
        self.management = ManagementApi(self.client, d.urls)
        self._sidecar: TaskHubSidecarService | None = None
        throttle = Throttle(host.max_outstanding_requests, host.max_concurrent_requests)
        self.functions = HttpFunctions(
            app,
            d.worker,
            d.urls.client_binding,
            throttle,
            d.authorization,
            FunctionRetries(d.wait_in_request or self.delays.wait),
            self.findings,
        )
        self._running: set[asyncio.Task[None]] = set()
        self._is_started = False
        self._use(app.loaded)
        app.subscribe(self._reload)

    def client_requests(self, to_management: ClientRequestHandler) -> ClientRequestHandler:
        """Return the handler of the durable clients' requests.

        The handler passes RPCs of SDK 2.x to the sidecar. It passes all other requests to
        ``to_management``.
        """

        async def handle(method: str, path: str, body: bytes) -> tuple[int, bytes]:
            if method != RPC_METHOD:
                return await to_management(method, path, body)
            if self._sidecar is None:
                # An app of SDK 1.x does not load the package.
                from embedded_host.sidecar.service import TaskHubSidecarService

                self._sidecar = TaskHubSidecarService(self.client)
            return await self._sidecar.call(path, body)

        return handle

    def start(self) -> None:
        """Resume the stored instances and start the timer functions.

        An event loop must be running.
        """
        self._is_started = True
        self.hub.start()
        self.timers.start(self._app.loaded.timers.values())

    def start_function(self, function: Function, input: str | None) -> None:
        """Start a function for ``POST /admin/functions/{name}``.

        A timer function receives its own timer request instead of ``input``, as on the Azure
        Functions host. If the input does not fit the trigger, the function does not run, and the
        reason is logged.
        """
        kind = function.trigger.type.lower()
        if problem := direct_run_problem(function, input):
            log.error("Function '%s' failed: %s [EH341]", function.name, problem)
            return
        trigger = self.timers.request_for(function) if kind == "timertrigger" else input
        task = asyncio.ensure_future(self._run_for_admin(function, trigger or ""))
        self._running.add(task)
        task.add_done_callback(self._running.discard)

    async def _run_for_admin(self, function: Function, input: str) -> None:
        called_by_admin.set(True)
        await self._run_function(function, input)

    async def _run_timer(self, function: Function, input: str) -> None:
        """Run a timer function with its retries, which share an id on the Azure Functions host."""
        await self._run_function(function, input, keeps_id=True)

    async def _run_function(
        self, function: Function, input: str, *, keeps_id: bool = False
    ) -> None:
        """Run a function that has no HTTP trigger, with its retries. Log the failures."""
        with contextlib.suppress(WorkerLostError):
            await self._retries.run(
                function,
                partial(self._invoker.function, function, input),
                partial(log_failed_run, log, self._app.loaded, function.name),
                keeps_id=keeps_id,
            )

    async def drain(self, grace: float) -> None:
        """Wait up to ``grace`` seconds for the functions started by ``start_function``."""
        if self._running:
            await asyncio.wait(self._running, timeout=grace)

    def _use(self, loaded: LoadedApp) -> None:
        """Log the parity findings and the retry policies of the loaded code."""
        add_load_findings(self.findings, loaded)
        log_unsupported_retries(loaded.enabled)

    def _reload(self, loaded: LoadedApp) -> None:
        """Use the new code. The next turn of each instance replays the instance's whole history."""
        self._use(loaded)
        self.delays.cancel()  # the Azure Functions host ends the retries too when it restarts
        self.hub.reload(durable_functions(loaded.enabled))
        if self._is_started:
            self.timers.reload(loaded.timers.values())
