"""The worker of the test kit. It runs the app's functions in this process, one at a time."""

from __future__ import annotations

import asyncio
import os
import queue
import sys
import threading
import warnings
from collections.abc import Callable, Mapping
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import replace
from functools import partial
from pathlib import Path

from embedded_host.app.errors import AppError, HostJsonError
from embedded_host.app.folder import read_app
from embedded_host.app.local_settings import effective_environment
from embedded_host.testing.app_imports import app_imports
from embedded_host.testing.errors import AppLoadError
from embedded_host.testing.process_state import ProcessState
from embedded_host.testing.values import decoded, encoded_input
from embedded_host.workers.in_process import InProcessWorker, checked_exit
from embedded_host.workers.loaded_app import LoadedApp, load_request, loaded_app
from embedded_worker.durable_calls import end_client_calls
from embedded_worker.import_path import add_to_path
from embedded_worker.loading import LoadedFunction, LoadError
from embedded_worker.protocol import (
    InvocationRequest,
    InvocationResult,
    LoadRequest,
    LoadResult,
    TurnRequest,
)
from embedded_worker.runner import Runner

__tracebackhide__ = True

with warnings.catch_warnings():
    # The SDK warns only once that its caller passes no types. A test cannot prevent this warning.
    warnings.simplefilter("ignore", DeprecationWarning)
    encoded_input({})
    decoded("{}")


_NO_APP = (
    "Move the tests into the folder of the app, or return this folder from the fixture "
    "durable_app_root. In a test with its own app, write DurableApp(root). To create an app with "
    "tests, run embedded-host init."
)
CLIENT_THREADS = 8
"""Number of threads for synchronous functions with a durable client."""


class OneThread:
    """A thread that runs one function at a time while the event loop waits.

    The order of the functions is therefore the same in every run of a test. The functions run in a
    separate thread because a function may call ``asyncio.run``. This call fails in a thread in
    which an event loop runs.
    """

    def __init__(self) -> None:
        self._jobs: queue.SimpleQueue[Callable[[], None] | None] = queue.SimpleQueue()
        self._thread: threading.Thread | None = None

    def run(self, call: Callable[[], InvocationResult]) -> InvocationResult:
        """Run a call in the thread, and return its result or raise its exception."""
        if self._thread is None:
            self._thread = threading.Thread(target=self._serve, name="durable-app", daemon=True)
            self._thread.start()
        future: Future[InvocationResult] = Future()

        def job() -> None:
            try:
                future.set_result(call())
            except BaseException as error:
                future.set_exception(error)

        self._jobs.put(job)
        return future.result()

    def _serve(self) -> None:
        while (job := self._jobs.get()) is not None:
            job()
            del job

    def close(self) -> None:
        """Stop the thread after its current call."""
        self._jobs.put(None)


class KitRunner(Runner):
    """A runner that reuses the imported app if ``app_imports`` contains the app."""

    def load(
        self, load: LoadRequest, on_import: Callable[[str], None] = lambda name: None
    ) -> LoadResult:
        """Load the app, or reuse the imported app. ``on_import`` is not called."""
        imported = app_imports.find(load)
        if imported is not None:
            app = self._app
            app.root, app.is_strict = Path(load.root), load.strict
            os.chdir(app.root)
            add_to_path(app.root)
            app.functions = dict(imported.functions)
            return imported.loaded
        app_imports.clear()
        before = set(sys.modules)
        loaded = super().load(load)
        app_imports.keep(load, self.functions, loaded, before)
        return loaded


class KitWorker(InProcessWorker):
    """A worker with a loaded app."""

    def __init__(
        self, root: Path, settings: Mapping[str, str], rpc_base: str, *, strict: bool = False
    ) -> None:
        """Load the app. ``strict`` is the mode of ``--parity``.

        Raises AppError if a file of the app is invalid, and AppLoadError if its code cannot be
        imported.
        """
        environ = {**os.environ, **settings}
        try:
            app = read_app(root, environ)
        except HostJsonError as error:
            raise error.with_traceback(None) from None  # the frames are internal
        except AppError as error:  # the folder has no app
            raise AppError(*(replace(p, fix=_NO_APP) for p in error.problems)) from None
        added = {**effective_environment(app.settings, environ, app.root)[0], **settings}
        self._kit_runner = KitRunner()
        self._thread = OneThread()
        self._client_threads = ThreadPoolExecutor(CLIENT_THREADS, "durable-client")
        super().__init__(added, self._kit_runner)
        self._carries = False
        self.is_strict = strict
        self._process = ProcessState(added)
        try:
            self._load_request = load_request(app, os.environ, rpc_base, strict=strict)
            loaded = self._kit_runner.load(self._load_request)
            self.app: LoadedApp = loaded_app(app, loaded, os.environ, strict=strict)
            if self.app.problem is not None:
                raise AppLoadError(
                    f"The app in {root} cannot be loaded: {self.app.problem} [EH310]"
                )
        except BaseException:
            self.restore()
            raise

    def loaded_function(self, name: str) -> LoadedFunction | LoadError | None:
        """Return a function's code, the error from loading it, or None for an unknown name."""
        return self._kit_runner.functions.get(name)

    async def _run(self, request: InvocationRequest | TurnRequest) -> InvocationResult:
        run = partial(self._kit_runner.run, request)
        function = self.loaded_function(request.function)
        if isinstance(function, LoadedFunction) and function.clients:
            # The function may block until the durable client responds, which needs the event loop.
            loop = asyncio.get_running_loop()
            return checked_exit(await loop.run_in_executor(self._client_threads, run))
        return checked_exit(self._thread.run(run))

    def carry_client_calls(self) -> None:
        """Send the requests of durable clients to ``on_client_request``.

        Call this method in the running event loop. Further calls have no effect.
        """
        if not self._carries:
            self._carries = True
            self._kit_runner.carry_client_calls(
                self._send_client_request, self._load_request, in_host=True
            )

    def restore(self) -> None:
        """Stop the thread, and restore the state that the process had before the app was loaded."""
        self._thread.close()
        self._client_threads.shutdown(wait=False, cancel_futures=True)
        if self._carries:
            end_client_calls(self._load_request.grpc_target)
        self._process.restore()
