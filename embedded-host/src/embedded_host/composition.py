"""Puts an app, its workers, a task hub and the servers together."""

from __future__ import annotations

import asyncio
import html
import logging
import os
import socket
import sys
from collections.abc import Callable, Mapping
from contextlib import AsyncExitStack
from dataclasses import dataclass
from pathlib import Path

from embedded_host.access_keys.access import Access
from embedded_host.access_keys.key_file import KeyFile, dashboard_link
from embedded_host.access_keys.running_host import listening as shown_where
from embedded_host.app.definitions import App, Function
from embedded_host.dashboard.dashboard import Dashboard
from embedded_host.http.admin import Admin
from embedded_host.http.call_http import CallHttpClient
from embedded_host.http.cors import Cors
from embedded_host.http.cross_site import CrossSite
from embedded_host.http.functions import HttpFunctions
from embedded_host.http.host_names import HostNames, host_name
from embedded_host.http.management import Management
from embedded_host.http.management_urls import ManagementUrls
from embedded_host.http.middleware import Gate
from embedded_host.http.router import DASHBOARD, RPC, Site
from embedded_host.http.sdk_endpoint import SdkEndpoint, private_request
from embedded_host.http.server import Listener, body_limit
from embedded_host.http.sockets import PortInUseError, bind_public, bind_rpc, is_loopback
from embedded_host.http.throttle import Throttle
from embedded_host.startup_output import functions_text, problems_text
from embedded_host.store.integrity_check import IntegrityCheck
from embedded_host.store.interface import StateError
from embedded_host.store.sqlite import SqliteStore
from embedded_host.task_hub.client import HubClient
from embedded_host.task_hub.commit import GroupCommit
from embedded_host.task_hub.hub import TaskHub
from embedded_host.task_hub.invoker import WorkerLostError
from embedded_host.task_hub.settings import HubSettings
from embedded_host.task_hub.timer_functions import TimerFunctions
from embedded_host.web.request import Request
from embedded_host.web.response import Response
from embedded_host.workers import Worker
from embedded_host.workers.invoker import AppInvoker, durable_functions
from embedded_host.workers.loaded_app import LoadedApp, load_request, loaded_app
from embedded_worker.protocol import LoadResult

log = logging.getLogger("embedded_host")
STATE_FILE = "state.db"


@dataclass(frozen=True)
class Serving:
    """Where the host is served, and to whom."""

    address: str
    port: int
    names: tuple[str, ...] = ()
    """By which it may be asked, besides those of this machine (``http/host_names.py``)."""
    auth: bool = False
    """Ask for keys."""


class Assembly:
    """``start`` once; ``take_up`` again whenever the app has changed."""

    def __init__(
        self, app: App, environ: Mapping[str, str], worker: Worker, on_fatal: Callable[[BaseException], None]
    ) -> None:
        self._environ, self._worker, self._on_fatal = environ, worker, on_fatal
        self.current = LoadedApp(app)
        self.public_url = ""
        self._rpc_url = ""
        self._hub: TaskHub | None = None
        self._timers: TimerFunctions | None = None
        self._site: Site | None = None
        self._access = Access()
        self._invoker: AppInvoker | None = None
        self._invoked: set[asyncio.Task[None]] = set()

    async def start(
        self, stack: AsyncExitStack, state: Path, serving: Serving, grace: float, *, fsync: bool = True
    ) -> None:
        """Serve; ``stack`` takes what has to be closed. Raises StateError."""
        app = self.current.app
        listening = self._bind(serving.address, serving.port)
        rpc_socket = bind_rpc()
        endpoint = SdkEndpoint(rpc_socket.getsockname()[1], self._on_sdk)
        self._rpc_url = endpoint.url
        store = SqliteStore(state / STATE_FILE, fsync=fsync)
        stack.callback(store.close)
        check = self._check(stack, state / STATE_FILE) if store.was_left_open else None
        commit = GroupCommit(store, self._on_fatal)
        stack.push_async_callback(commit.close)
        outgoing = CallHttpClient(app.host.http_sleep_ms)
        stack.push_async_callback(outgoing.close)
        access = self._access = Access(KeyFile(state) if serving.auth else None)
        if access.keys is not None:
            access.keys.begin()
        urls = ManagementUrls(app.host.hub_name, access.durable_key)

        def binding(base_url: str) -> str:
            return urls.client_binding(base_url, self._rpc_url)

        await self._load(app)
        if check is not None and check.error is not None:
            raise check.error
        invoker = self._invoker = AppInvoker(
            self._worker, lambda: self.current.enabled, lambda: binding(self.public_url), outgoing.call, app.root
        )
        hub = self._hub = TaskHub(
            app.host.hub_name, store, commit, invoker, hub_settings(self.current), on_fatal=self._on_fatal
        )
        timers = self._timers = TimerFunctions(
            app.host.hub_name, store, commit, self._run, hub.clock, on_fatal=self._on_fatal
        )

        def other_hub(name: str) -> HubClient:
            return HubClient(TaskHub(name, store, commit, invoker, hub.settings, keys=hub.keys, dormant=True))

        management = Management(HubClient(hub), urls, lambda: hub.settings.functions.entities, other_hub)
        throttle = Throttle(app.host.max_outstanding_requests, app.host.max_concurrent_requests)
        functions = HttpFunctions(lambda: self.current, self._worker, binding, throttle, access)
        cors = Cors(app.settings.cors, app.settings.cors_credentials)
        dashboard = Dashboard(state / STATE_FILE, hub, lambda: self.current)
        stack.callback(dashboard.close)
        admin = Admin(lambda: self.current, self._invoke, access)
        site = self._site = Site(functions, management, admin, self._home, cors, dashboard, access)

        async def on_client_request(method: str, path: str, body: bytes) -> tuple[int, bytes]:
            answer = await site.private(
                private_request(method, f"{RPC}/{path}", body, self.public_url), self.public_url
            )
            return answer.status, answer.body

        self._worker.on_client_request = on_client_request
        rpc = Listener(rpc_socket, endpoint.handle, max_body=None)
        stack.push_async_callback(rpc.close)
        stack.push_async_callback(hub.close, grace)
        stack.push_async_callback(timers.close, grace)
        stack.push_async_callback(self._drain_invoked, grace)
        limit = body_limit(self._environ.get("FUNCTIONS_REQUEST_BODY_SIZE_LIMIT"))
        names = HostNames(self._names(serving), network=not is_loopback(serving.address))
        gate = Gate(names, CrossSite(cors, functions.starts_instances), site.public)
        public = Listener(listening, gate.handle, grace, max_body=limit)
        stack.push_async_callback(public.close)
        stack.callback(hub.waiters.close)
        await rpc.start()
        await public.start()
        if serving.auth:
            stack.enter_context(shown_where(state, listening.getsockname()[1]))
        hub.start()
        timers.start(self.current.timers.values())

    async def take_up(self, app: App) -> bool:
        """Serve ``app`` as it is now, if it loads; else go on as before. Whether it was taken up.

        Running instances carry on with the new code: they are replayed from their histories."""
        before = self.current

        def accept(loaded: LoadResult) -> bool:
            worse = [p for p in loaded.problems if p.function is None or p.function not in before.broken]
            return not worse

        try:
            loaded = await self._worker.reload(load_request(app, self._environ, self._rpc_url), accept)
        except WorkerLostError as lost:
            log.error("The changed code was not taken up: the worker that loaded it ended (%s). [EH301]", lost)
            return False
        current = loaded_app(app, loaded, self._environ)
        if text := problems_text(current, loaded):
            print(text, flush=True)
        if not accept(loaded):
            log.error("The changed code was not taken up; the code before it goes on serving. [EH302]")
            return False
        self.current = current
        assert self._hub is not None
        assert self._invoker is not None
        self._invoker.refresh()
        self._hub.settings = hub_settings(current)
        self._hub.forget_executions()
        if self._timers is not None:
            self._timers.take_up(current.timers.values())
        return True

    def announce(self, seconds: float) -> None:
        print(functions_text(self.current, self.public_url), flush=True)
        if self._site is not None and self._site.has_dashboard:
            print(f"Dashboard: {self._dashboard_link()}\n", flush=True)
        print(f"Ready at {self.public_url} in {seconds:.2f} s. Ctrl+C stops the host.", flush=True)

    def _dashboard_link(self) -> str:
        """On a terminal with the key, in the fragment, which browsers send to nobody. What goes to a file or a collector of logs
        has no key."""
        link = f"{self.public_url}{DASHBOARD}"
        if self._access.keys is None:
            return link
        if sys.stdout.isatty():
            return dashboard_link(link, self._access.durable_key())
        return f"{link} (embedded-host keys list shows the keys, and a link with one)"

    async def _on_sdk(self, request: Request) -> Response:
        assert self._site is not None
        return await self._site.private(request, self.public_url)

    # -- parts -------------------------------------------------------------------------------------

    def _check(self, stack: AsyncExitStack, path: Path) -> IntegrityCheck:
        """It looks while the app loads. What takes longer goes on beside the host, which it stops if it finds something."""
        loop = asyncio.get_running_loop()
        check = IntegrityCheck(path, lambda error: loop.call_soon_threadsafe(self._on_fatal, error))
        stack.callback(check.close)
        check.begin()
        return check

    def _names(self, serving: Serving) -> list[str]:
        """By which the host may be asked: besides those that were given, the one that it listens on, and the real host's setting
        for the name by which it is known."""
        known = self._environ.get("WEBSITE_HOSTNAME", "")
        return [*serving.names, *(name for text in (serving.address, known) if (name := host_name(text)))]

    def _bind(self, address: str, port: int) -> socket.socket:
        try:
            listening = bind_public(address, port)
        except PortInUseError:
            raise StateError(
                f"Port {port} is in use by another process. Stop that one, or choose another port with --port. [EH201]"
            ) from None
        except OSError as error:
            raise StateError(f"The host cannot listen on {address}:{port}: {error}. [EH202]") from error
        named = "localhost" if address in ("127.0.0.1", "0.0.0.0", "::1", "::") else address
        self.public_url = f"http://{named}:{listening.getsockname()[1]}"
        return listening

    async def _load(self, app: App) -> None:
        try:
            loaded = await self._worker.load(load_request(app, self._environ, self._rpc_url))
        except WorkerLostError as lost:
            raise StateError(
                f"The worker process ended before it had loaded the app: {lost}. What it printed stands above. [EH203]"
            ) from lost
        self.current = loaded_app(app, loaded, self._environ)
        if text := problems_text(self.current, loaded):
            print(text, flush=True)

    def _invoke(self, function: Function, input: str) -> None:
        """For ``POST /admin/functions/{name}``: run it, and log what becomes of it."""
        if self._timers is not None and function.trigger.type.lower() == "timertrigger":
            input = self._timers.request_text(function)  # whatever was sent, as on the real host
        task = asyncio.ensure_future(self._run(function, input))
        self._invoked.add(task)
        task.add_done_callback(self._invoked.discard)

    async def _drain_invoked(self, grace: float) -> None:
        """Wait up to ``grace`` seconds for the functions that ``POST /admin/functions/{name}`` started."""
        if self._invoked:
            await asyncio.wait(self._invoked, timeout=grace)

    async def _run(self, function: Function, input: str) -> None:
        assert self._invoker is not None
        try:
            result = await self._invoker.function(function, input)
        except WorkerLostError as lost:
            log.error("Function '%s': %s [EH325]", function.name, lost)
            return
        if error := result.error:
            log.error("Function '%s' failed: %s: %s [EH320]\n%s", function.name, error.type, error.message, error.stack)

    def _home(self) -> str | None:
        if self._environ.get("AzureWebJobsDisableHomepage", "").lower() == "true":
            return None
        # Where keys are asked for, what functions there are is for those who have one.
        shown = html.escape(functions_text(self.current, self.public_url).strip()) if self._access.keys is None else ""
        has_dashboard = self._site is not None and self._site.has_dashboard
        link = f'<p><a href="{DASHBOARD}">Dashboard</a></p>' if has_dashboard else ""
        return (
            '<!doctype html><html lang="en"><meta charset="utf-8"><title>Embedded host</title>'
            f"<body><h1>Your Azure Function App is up and running.</h1>{link}<pre>{shown}</pre></body></html>"
        )


def hub_settings(loaded: LoadedApp) -> HubSettings:
    host = loaded.app.host
    ten_a_core = 10 * (os.cpu_count() or 1)
    return HubSettings(
        functions=durable_functions(loaded.enabled),
        max_activities=host.max_concurrent_activities or ten_a_core,
        max_orchestrators=host.max_concurrent_orchestrators or ten_a_core,
        max_entity_batch=host.max_entity_batch,
        store_inputs=host.store_inputs_in_history,
        http_sleep_ms=host.http_sleep_ms,
        any_state_is_overridable=host.overridable_existing_states.lower() == "anystate",
        default_version=host.default_version,
    )
