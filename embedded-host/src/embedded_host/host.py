"""The host process: start, main loop and shutdown."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import os
import platform
import sys
import time
from collections.abc import Callable
from contextlib import AsyncExitStack
from dataclasses import dataclass, field, replace
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from embedded_host.app.command_line import AppOptions
from embedded_host.app.definitions import App, LocalSettings
from embedded_host.app.errors import AppError, HostJsonError
from embedded_host.app.folder import read_app
from embedded_host.app.local_settings import effective_environment, read_local_settings
from embedded_host.error_codes import CODE, with_code
from embedded_host.host_process import (
    HostStartError,
    install_signal_handlers,
    raise_file_limit,
    run_event_loop,
    tune_garbage_collector,
)
from embedded_host.hot_reload import HotReload
from embedded_host.store.files import STATE_FOLDER
from embedded_host.store.interface import StateError
from embedded_host.store.lock import StateLock
from embedded_host.task_hub.invoker import WorkerLostError
from embedded_host.task_hub.settings import REPLAYED_INSTANCES
from embedded_host.workers.app_interpreter import (
    AppInterpreter,
    AppInterpreterError,
    find_app_interpreter,
    host_interpreter,
)
from embedded_host.workers.factory import make_worker
from embedded_host.workers.sdk2_environment import app_packages_command
from embedded_host.workers.shared_environment import PackageConflictError, check_packages
from embedded_host.workers.worker import Worker
from embedded_worker.log_output import console_handler
from embedded_worker.protocol import SDK_2_REQUIREMENTS, ConsoleFormat, Hello
from embedded_worker.transport import own_hello

if TYPE_CHECKING:
    from embedded_host.app_server import AppServer

log = logging.getLogger("embedded_host")
LOG_LIMIT = 64
"""Default maximum size of the stored log lines in MB."""
GRACE = 5.0
"""Seconds until running functions are cancelled at shutdown."""
WITHOUT_FSYNC = (
    "--fsync off: the operating system writes acknowledged changes to the disk later. The "
    "changes survive a crash of the host. A power loss or a crash of the operating system can lose "
    "the changes of the last seconds or damage the state file. [EH209]"
)


@dataclass(frozen=True)
class HostOptions:
    """The options of ``embedded-host start``."""

    root: Path
    """The app folder."""
    port: int | None = None
    address: str | None = None
    allow_anonymous_network: bool = False
    """True if the host may listen on the network without access keys."""
    auth: bool = False
    """True if requests require access keys."""
    names: tuple[str, ...] = ()
    """Additional host names that the Host header may have (--allow-host)."""
    state: Path | None = None
    """The state folder, or None for the default in the app folder."""
    in_process: bool = False
    python: str | None = None
    """The interpreter of the app, or None to find it."""
    reload: bool = True
    """True if the host reloads the app after a file has changed."""
    verbose: bool = False
    fsync: bool = True
    strict: bool = False
    """True if functions fail as on the Azure Functions host (``--parity strict``)."""
    console: ConsoleFormat = "default"
    """The format of the lines of functions."""
    install_telemetry: Callable[[], str] = str
    """Returns the command that installs the packages of the extra ``otel``."""
    log_limit: int = LOG_LIMIT
    """Maximum size of the stored log lines in MB, or 0 to store no lines."""
    app: AppOptions = field(default_factory=AppOptions)
    """The options that change the settings of the app."""
    replayed_instances: int = REPLAYED_INSTANCES
    """Number of instances of each orchestrator that every turn replays."""


def run_host(options: HostOptions) -> int:
    """Run the host until Ctrl+C or SIGTERM, and return the exit code."""
    _configure_logging(options.verbose, as_json=options.console == "json")
    raise_file_limit()
    host = Host(options)
    try:
        run_event_loop(host.serve())
    except (
        HostStartError,
        StateError,
        AppError,
        AppInterpreterError,
        PackageConflictError,
    ) as error:
        print(_with_explain(error), file=sys.stderr, flush=True)
        return 1
    except KeyboardInterrupt:
        if not host.is_stopping:
            return 130
    # With --in-process, threads of user code must not delay the exit of the process.
    sys.stdout.flush()
    sys.stderr.flush()
    os._exit(0)


class Host:
    """Starts the app server and the file watcher, and stops them on a signal or a fatal error."""

    def __init__(self, options: HostOptions) -> None:
        self.options = options
        self._environ = {**os.environ, **options.app.settings}
        self._stopping = asyncio.Event()
        self._fatal: BaseException | None = None
        self._started = False
        self._interrupted = False
        """True after the first signal."""
        self._server: AppServer | None = None
        self._warnings: list[str] = []
        """The warnings of the start, for the report about the host."""
        self._app_python = platform.python_version()
        """The version of the app's interpreter. With --in-process it is the host's."""

    async def serve(self) -> None:
        """Run until the host is stopped. Raises HostStartError, StateError or AppError."""
        began = time.perf_counter()
        install_signal_handlers(self._interrupt)
        async with AsyncExitStack() as stack:
            if await self._start_unless_stopped(stack):
                await self._serve_until_stopped(began)
            else:
                print("\nStopped while the app was loading.", flush=True)
        if self._fatal is not None:
            raise HostStartError(
                with_code(f"The host stopped: {self._fatal}", "EH205")
            ) from self._fatal

    async def _serve_until_stopped(self, began: float) -> None:
        assert self._server is not None
        server = self._server
        hot_reload = HotReload(
            self.options.root, self._parse_app, server.reload, server.reload_failed, server.warn
        )
        watching = asyncio.ensure_future(hot_reload.run()) if self.options.reload else None
        await asyncio.sleep(0)  # start the watcher, so that it detects each change after "Ready"
        tune_garbage_collector()
        self._server.announce(time.perf_counter() - began)
        await self._stopping.wait()
        if watching is not None:
            watching.cancel()
        print(
            f"\nStopping: running functions have {GRACE:.0f} s to finish. "
            "Press Ctrl+C again to stop at once.",
            flush=True,
        )

    def stop(self, error: BaseException | None = None) -> None:
        """Start the shutdown. ``error`` is the fatal error that caused it."""
        self._fatal = self._fatal or error
        self._stopping.set()

    @property
    def is_stopping(self) -> bool:
        """True after the start of the shutdown."""
        return self._interrupted or self._stopping.is_set()

    def _interrupt(self, loop: asyncio.AbstractEventLoop) -> None:
        """Stop the host from a signal handler.

        With --in-process, the import of the app blocks the event loop. Only KeyboardInterrupt can
        stop the import.
        """
        self._interrupted = True
        if self.options.in_process and not self._started:
            raise KeyboardInterrupt
        loop.call_soon_threadsafe(self.stop)

    async def _start_unless_stopped(self, stack: AsyncExitStack) -> bool:
        """Start the host. Return False if the host was stopped before the start had finished."""
        starting = asyncio.ensure_future(self._start(stack))
        stopping = asyncio.ensure_future(self._stopping.wait())
        try:
            await asyncio.wait([starting, stopping], return_when=asyncio.FIRST_COMPLETED)
        finally:
            stopping.cancel()
            starting.cancel()  # has no effect on a finished start
        with contextlib.suppress(asyncio.CancelledError):
            await starting
            self._started = True
        if isinstance(self._fatal, StateError) and not self._started:
            raise self._fatal
        return self._started

    async def _start(self, stack: AsyncExitStack) -> None:
        try:
            app, environ = self._read_app()
        except HostJsonError as error:
            app, environ = await self._corrected_app(error)
        address = self._address(app.settings)
        state = self.options.state or app.root / STATE_FOLDER
        stack.enter_context(StateLock(state))
        if not self.options.fsync:
            self._warn(WITHOUT_FSYNC)
        from embedded_host.http.public_socket import open_public_socket

        port = self.options.port if self.options.port is not None else app.settings.port or 7071
        public = open_public_socket(address, port)
        stack.callback(public.sock.close)
        environ.setdefault("WEBSITE_HOSTNAME", public.name)
        interpreter = self._find_interpreter(app, environ)
        worker = self._make_worker(app, environ, interpreter)
        stack.push_async_callback(worker.close, 2.0)
        try:
            await worker.start()
        except WorkerLostError as lost:
            raise HostStartError(f"The host cannot start: {lost}. [EH203]") from lost
        # Import these modules here, so that they load while the worker imports the SDK.
        from embedded_host.app_server import AppServer, ServerOptions

        options = ServerOptions(
            state,
            address,
            self.options.names,
            self.options.auth,
            self.options.fsync,
            partial(self._install_command, interpreter),
            self.options.strict,
            self.options.console,
            self.options.replayed_instances,
            self.options.install_telemetry,
            self._warnings,
            GRACE,
            self.options.log_limit,
        )
        self._server = AppServer(options, public, environ, worker, self.stop)
        await self._server.start(stack, app)

    async def _corrected_app(self, error: HostJsonError) -> tuple[App, dict[str, str]]:
        """Serve as a host in error until host.json is valid, and return the app.

        Raises AppError for another error of the app. Without hot reload, wait until the host stops.
        """
        from embedded_host.http.error_server import ErrorServer
        from embedded_host.http.public_listener import PublicAddress
        from embedded_host.reload import changes, needs_restart

        print(_with_explain(error), file=sys.stderr, flush=True)
        root = self.options.root
        settings, _ = read_local_settings(root)
        added, _ = effective_environment(settings, self._environ, root)
        port = self.options.port if self.options.port is not None else settings.port or 7071
        address = PublicAddress(self._address(settings), port, self.options.names)
        async with AsyncExitStack() as stack:
            state = self.options.state or root / STATE_FOLDER
            stack.enter_context(StateLock(state))
            server = ErrorServer(
                address, {**self._environ, **added}, state if self.options.auth else None
            )
            await server.start(stack, error.host_errors, settings)
            # The served app has the same port.
            self.options = replace(self.options, port=server.port)
            print(
                f"The host is in error at {server.url}. Each function responds with 503. "
                + (
                    "Correct host.json."
                    if self.options.reload
                    else "Correct host.json and restart."
                ),
                flush=True,
            )
            if not self.options.reload:
                await asyncio.Event().wait()
            async for files in changes(root):
                if not any(needs_restart(file, root) for file in files):
                    continue
                try:
                    return self._read_app()
                except HostJsonError as still:
                    print(_with_explain(still), file=sys.stderr, flush=True)
                    server.set_errors(still.host_errors)
        raise AssertionError  # ``changes`` does not end

    def _parse_app(self) -> App:
        return self.options.app.apply_to(read_app(self.options.root, self._environ))

    def _read_app(self) -> tuple[App, dict[str, str]]:
        app = self._parse_app()
        added, notes = effective_environment(app.settings, self._environ, app.root)
        # ``problems_text`` prints the problems of functions, if the app uses the function folders.
        for problem in (*app.problems, *notes):
            if problem.function is None:
                self._warn(str(problem))
        if self.options.verbose:
            for problem in app.host.ignored:
                self._warn(str(problem))
        elif app.host.ignored:
            keys = ", ".join(problem.fault.partition(" ")[0] for problem in app.host.ignored)
            self._warn(f"host.json: keys without effect (--verbose prints the reasons): {keys}")
        if self.options.in_process and "functionTimeout" in app.host.document:
            self._warn(
                "host.json: functionTimeout has no effect with --in-process, because there is no "
                "worker process that the host can stop. [EH328]"
            )
        return app, {**self._environ, **added}

    def _address(self, settings: LocalSettings) -> str:
        """Return the address to listen on. Raises HostStartError."""
        option, setting = self.options.address, settings.address
        if option is None and setting is None:
            return "127.0.0.1"
        from embedded_host.http.listen_address import listen_address

        return listen_address(
            option,
            setting,
            auth=self.options.auth,
            allow_anonymous_network=self.options.allow_anonymous_network,
            warn=self._warn,
        )

    def _warn(self, text: str) -> None:
        """Print a warning, and add it to the report about the host."""
        print(text, file=sys.stderr, flush=True)
        self._warnings.append(text)

    def _find_interpreter(self, app: App, environ: dict[str, str]) -> AppInterpreter:
        """Return the interpreter of the app. With --in-process it is the host's.

        Raises AppInterpreterError, and PackageConflictError for --in-process.
        """
        interpreter = find_app_interpreter(app.root, environ, option=self.options.python)
        if not self.options.in_process:
            return interpreter
        if not interpreter.is_host:
            self._warn(interpreter.unused("--in-process"))
        check_packages("--in-process")
        _print_interpreter(host_interpreter(), own_hello())
        return host_interpreter()

    def _make_worker(
        self, app: App, environ: dict[str, str], interpreter: AppInterpreter
    ) -> Worker:
        try:
            return make_worker(
                environ,
                in_process=self.options.in_process,
                console=self.options.console,
                timeout=app.host.function_timeout,
                interpreter=interpreter,
                on_connected=partial(self._connected, interpreter),
                is_stopping=lambda: self.is_stopping,
            )
        except ValueError as error:
            raise HostStartError(str(error)) from error

    def _connected(self, interpreter: AppInterpreter, hello: Hello) -> None:
        self._app_python = hello.python
        _print_interpreter(interpreter, hello)

    def _install_command(self, interpreter: AppInterpreter, problem: str) -> str:
        """Return the command that installs the app's packages. ``problem`` is a text of EH310."""
        return app_packages_command(
            interpreter, self._app_python, needs_sdk_2=SDK_2_REQUIREMENTS[-1] in problem
        )


def _with_explain(error: Exception) -> str:
    """Return the message of an error, and the commands that explain its codes."""
    more = "".join(
        f"For details run: embedded-host explain {code}\n"
        for code in dict.fromkeys(CODE.findall(str(error)))
    )
    return f"\n{error}\n\n{more}"


def _print_interpreter(interpreter: AppInterpreter, hello: Hello) -> None:
    print(
        f"Python {hello.python}, azure-functions {hello.azure_functions or 'not found'}, "
        f"azure-functions-durable {hello.azure_functions_durable or 'not found'}: "
        f"{interpreter}",
        flush=True,
    )


def _configure_logging(verbose: bool, *, as_json: bool) -> None:
    handler = console_handler("%(message)s", as_json=as_json)
    logging.basicConfig(level=logging.WARNING, handlers=[handler])
    log.setLevel(logging.DEBUG if verbose else logging.INFO)
