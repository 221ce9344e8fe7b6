"""The server of one app. It opens the state, loads the app in the workers, listens and reloads."""

from __future__ import annotations

import asyncio
import logging
import sys
import time
from collections.abc import Callable, Mapping
from contextlib import AsyncExitStack
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from embedded_host.access_keys.access import Access
from embedded_host.access_keys.key_file import KeyFile, dashboard_link
from embedded_host.access_keys.running_host import publish_address, url_of
from embedded_host.app.definitions import App
from embedded_host.app_loader import AppLoader
from embedded_host.composition import AppRuntime, Dependencies, hub_settings
from embedded_host.dashboard.dashboard import Dashboard
from embedded_host.http.admin import Admin
from embedded_host.http.authorization import Authorization
from embedded_host.http.call_http import CallHttpClient
from embedded_host.http.cors import Cors
from embedded_host.http.cross_site import CrossSite
from embedded_host.http.home_page import home_page
from embedded_host.http.metrics import Metrics
from embedded_host.http.public_listener import PublicAddress
from embedded_host.http.public_socket import PublicSocket
from embedded_host.http.router import DASHBOARD, Router
from embedded_host.http.sdk_endpoint import SdkEndpoint, sdk_path
from embedded_host.http.server import Listener
from embedded_host.http.sockets import bind_rpc
from embedded_host.management.host_report import HostDetails
from embedded_host.management.urls import ManagementUrls
from embedded_host.startup_output import functions_text
from embedded_host.store.files import STATE_FILE
from embedded_host.store.integrity_check import IntegrityCheck
from embedded_host.store.log_lines import LOG_LINES
from embedded_host.store.log_store import LogStore
from embedded_host.store.sqlite import SqliteStore
from embedded_host.task_hub.clock import WallClock
from embedded_host.task_hub.commit import GroupCommit
from embedded_host.task_hub.delays import Delays
from embedded_host.task_hub.settings import REPLAYED_INSTANCES
from embedded_host.workers.current_app import CurrentApp
from embedded_host.workers.function_retries import FunctionRetries
from embedded_host.workers.host_records import HostRecords
from embedded_host.workers.invoker import AppInvoker
from embedded_host.workers.loaded_app import load_request
from embedded_host.workers.worker import Worker
from embedded_worker.protocol import ConsoleFormat, LoadRequest

if TYPE_CHECKING:
    from embedded_host.telemetry.host_telemetry import HostTelemetry
    from embedded_host.workers.worker import LogHandler
    from embedded_worker.protocol import LogReport

log = logging.getLogger("embedded_host")


@dataclass(frozen=True)
class ServerOptions:
    """The settings of an ``AppServer``."""

    state: Path
    """The folder of the state file and the access keys."""
    address: str
    allowed_hosts: tuple[str, ...] = ()
    """Additional host names that the Host header may have (``http/host_names.py``)."""
    auth: bool = False
    """True if requests require access keys."""
    fsync: bool = True
    install: Callable[[str], str] = str
    """Returns the command that installs the app's packages, for the text of a problem.

    The startup output prints the command.
    """
    strict: bool = False
    """True if functions fail as on the Azure Functions host (``--parity strict``)."""
    console: ConsoleFormat = "default"
    """The format of the lines of functions."""
    replayed_instances: int = REPLAYED_INSTANCES
    """Number of instances of each orchestrator that every turn replays."""
    install_telemetry: Callable[[], str] = str
    """Returns the command that installs the packages of the extra ``otel``."""
    warnings: list[str] = field(default_factory=list)
    """The warnings that the host has printed before it loads the app."""
    grace: float = 5.0
    """Seconds until running requests and functions are cancelled at shutdown."""
    log_limit: int = 0
    """Maximum size of the stored log lines in MB, or 0 to store no lines."""


class AppServer:
    """The server of one app.

    Call ``start`` once, and ``reload`` after each change of the app's files.
    """

    def __init__(
        self,
        options: ServerOptions,
        public: PublicSocket,
        environ: Mapping[str, str],
        worker: Worker,
        on_fatal: Callable[[BaseException], None],
    ) -> None:
        """Create a server. ``start`` starts it.

        ``public`` is the socket of all requests from outside.
        ``environ`` is the environment of the functions. ``on_fatal`` receives an error after which
        the host must stop.
        """
        self._options = options
        self._environ = environ
        self._worker = worker
        self._on_fatal = on_fatal
        self._keys = KeyFile(options.state) if options.auth else None
        self._access = Access(self._keys)
        self._authorization = Authorization(self._access)
        self._public = public
        self.public_url = public.url
        self._sdk_url = ""
        self._started = time.time()
        self._loader = AppLoader(
            worker, environ, self._load_request, options.install, strict=options.strict
        )
        self._app: CurrentApp | None = None
        self._router: Router | None = None

    async def start(self, stack: AsyncExitStack, app: App) -> None:
        """Start to serve ``app``. Raises StateError.

        In strict mode, an invalid route puts the host in error. The instances and timer functions
        then wait for a reload with valid routes.

        ``stack`` receives the callbacks that stop the server. They close the public listener first,
        so that no new request arrives. Then they wait for the running functions, and close the task
        hub and the state.
        """
        options, public_socket = self._options, self._public.sock
        port = public_socket.getsockname()[1]
        address = PublicAddress(options.address, port, options.allowed_hosts)
        sdk_socket = bind_rpc()
        path = sdk_path()
        self._sdk_url = f"http://127.0.0.1:{sdk_socket.getsockname()[1]}{path}"
        store, check = self._open_state(stack)
        self._open_logs(stack, app.host.hub_name)
        commit = GroupCommit(store, self._on_fatal)
        stack.push_async_callback(commit.close)
        call_http = CallHttpClient(app.host.http_sleep_ms)
        stack.push_async_callback(call_http.close)

        telemetry, current = await asyncio.gather(
            self._open_telemetry(stack, app), self._loader.load(app)
        )
        self._app = current
        if check is not None and check.error is not None:
            raise check.error

        urls = ManagementUrls(app.host.hub_name, self._access.durable_key, self._sdk_url)
        client_binding = partial(urls.client_binding, self.public_url)
        clock = WallClock()
        delays = Delays(clock)
        invoker = AppInvoker(
            self._worker,
            current,
            client_binding,
            call_http.call,
            app.root,
            FunctionRetries(delays.wait),
        )
        dependencies = Dependencies(
            self._worker,
            invoker,
            store,
            commit,
            urls,
            clock,
            delays=delays,
            authorization=self._authorization,
            on_fatal=self._on_fatal,
            strict=self._options.strict,
            tracer=None if telemetry is None else telemetry.tracer,
        )
        settings = hub_settings(current.loaded, strict=self._options.strict)
        settings.replayed_instances = self._options.replayed_instances
        runtime = AppRuntime(current, settings, dependencies)
        cors = Cors(app.settings.cors, app.settings.cors_credentials)
        router = self._router = self._make_router(stack, current, runtime, cors, commit)
        self._worker.on_finding = runtime.findings.add_reported
        on_client_request = runtime.client_requests(partial(router.client_request, self.public_url))
        public = router.public
        if telemetry is not None:
            self._worker.on_logs = partial(_export_logs, telemetry, self._worker.on_logs)
            tracing = telemetry.http(runtime.findings)
            on_client_request = tracing.client_requests(on_client_request)
            public = partial(tracing.public, handle=router.public)
        self._worker.on_client_request = on_client_request

        grace = self._options.grace
        sdk_endpoint = SdkEndpoint(
            path,
            partial(router.private, public_url=self.public_url),
            self._worker.on_client_request,
        )
        sdk_listener = Listener(sdk_socket, sdk_endpoint.handle, max_body=None)
        stack.push_async_callback(sdk_listener.close)
        stack.push_async_callback(runtime.hub.close, grace)
        stack.push_async_callback(runtime.timers.close, grace)
        stack.push_async_callback(runtime.drain, grace)
        cross_site = CrossSite(cors, runtime.functions.starts_instances)
        public_listener = address.listener(public_socket, self._environ, cross_site, public, grace)
        stack.push_async_callback(public_listener.close)
        stack.callback(runtime.hub.end_waits)
        stack.callback(runtime.delays.close)
        await sdk_listener.start()
        await public_listener.start()
        stack.enter_context(publish_address(options.state, url_of(options.address, port)))
        if self._loader.host_errors():
            current.subscribe(lambda _: None if self._loader.host_errors() else runtime.start())
        else:
            runtime.start()

    async def reload(self, app: App) -> bool:
        """Load the changed app and serve it (see AppLoader)."""
        return await self._loader.reload(app)

    def reload_failed(self, problem: str) -> None:
        """Record that the changed files are not a valid app."""
        self._loader.reload_failed(problem)

    def warn(self, text: str) -> None:
        """Add a warning to the report about the host, which the caller has printed."""
        # Each further change of the same file repeats its warning.
        if text not in self._options.warnings:
            self._options.warnings.append(text)

    def announce(self, seconds: float) -> None:
        """Print the functions, the dashboard's link and the address."""
        assert self._app is not None
        assert self._router is not None
        print(functions_text(self._app.loaded, self.public_url), flush=True)
        if self._router.has_dashboard:
            print(f"Dashboard: {self._dashboard_link()}\n", flush=True)
        print(f"Ready at {self.public_url} in {seconds:.2f} s. Ctrl+C stops the host.", flush=True)

    # -- parts -------------------------------------------------------------------------------------

    def _load_request(self, app: App) -> LoadRequest:
        return load_request(
            app,
            self._environ,
            self._sdk_url,
            strict=self._options.strict,
            console=self._options.console,
            keeps_logs=self._options.log_limit > 0 or app.host.exports_telemetry,
        )

    def _open_state(self, stack: AsyncExitStack) -> tuple[SqliteStore, IntegrityCheck | None]:
        """Open the state file and the access keys.

        If the previous host did not close the state file, an integrity check of the file runs in
        the background. The check stops the host if the file is damaged.
        """
        file = self._options.state / STATE_FILE
        store = SqliteStore(file, fsync=self._options.fsync)
        stack.callback(store.close)
        check: IntegrityCheck | None = None
        if store.was_left_open:
            loop = asyncio.get_running_loop()
            check = IntegrityCheck(
                file, lambda error: loop.call_soon_threadsafe(self._on_fatal, error)
            )
            stack.callback(check.close)
            check.start()
        if self._keys is not None:
            self._keys.begin()
        return store, check

    async def _open_telemetry(self, stack: AsyncExitStack, app: App) -> HostTelemetry | None:
        """Start to export traces and logs if host.json requires it."""
        if not app.host.exports_telemetry:
            return None
        from embedded_host.telemetry.start import start_telemetry

        telemetry = await start_telemetry(self._environ, self._options.install_telemetry)
        if telemetry is not None:
            stack.push_async_callback(telemetry.close)
        return telemetry

    def _open_logs(self, stack: AsyncExitStack, hub: str) -> None:
        """Store the log lines of the functions and of the host until the host stops."""
        if not self._options.log_limit:
            return
        path = self._options.state / LOG_LINES
        logs = LogStore(path, hub, self._options.log_limit * 1_000_000)
        stack.callback(logs.close)
        self._worker.on_logs = lambda report: logs.add(report.lines, report.dropped)
        handler = HostRecords(logs.add)
        log.addHandler(handler)
        stack.callback(log.removeHandler, handler)

    def _make_router(
        self,
        stack: AsyncExitStack,
        app: CurrentApp,
        runtime: AppRuntime,
        cors: Cors,
        commit: GroupCommit,
    ) -> Router:
        details = HostDetails(
            app,
            runtime.hub,
            self._worker.status,
            self._options.state / STATE_FILE,
            self._options.warnings,
            self._started,
        )
        metrics = Metrics(details, commit.measurements)
        stack.callback(metrics.close)
        dashboard = Dashboard(details.state, runtime.hub, app, details.report)
        stack.callback(dashboard.close)
        admin = Admin(
            app,
            runtime.start_function,
            self._authorization,
            self._keys,
            runtime.findings,
            host_errors=self._loader.host_errors,
            report=details.report,
            metrics=metrics.text,
        )
        return Router(
            runtime.functions,
            runtime.management,
            admin,
            self._home,
            cors,
            dashboard,
            self._authorization,
            custom_headers=app.loaded.app.host.custom_headers,
            in_error=lambda: bool(self._loader.host_errors()),
        )

    def _dashboard_link(self) -> str:
        """Return the link to the dashboard.

        If the output is a terminal, the fragment of the link contains the key. Browsers do not
        send the fragment. In other outputs (files, log collectors) the link has no key.
        """
        link = f"{self.public_url}{DASHBOARD}"
        if self._keys is None:
            return link
        if sys.stdout.isatty():
            return dashboard_link(link, self._access.durable_key())
        return f"{link} (run `embedded-host keys list` for the keys and a link with a key)"

    def _home(self) -> str | None:
        """Return the home page, or None if AzureWebJobsDisableHomepage is true.

        With --auth the page does not list the functions.
        """
        if self._environ.get("AzureWebJobsDisableHomepage", "").lower() == "true":
            return None
        assert self._app is not None
        functions = functions_text(self._app.loaded, self.public_url) if self._keys is None else ""
        return home_page(
            functions, has_dashboard=self._router is not None and self._router.has_dashboard
        )


def _export_logs(telemetry: HostTelemetry, keep: LogHandler, report: LogReport) -> None:
    """Export the log lines of functions, and pass them on to ``keep``."""
    keep(report)
    telemetry.logs.lines(report.lines)
