"""An app's functions in this process: imported once for all tests of a run, and run one after another."""

from __future__ import annotations

import os
import queue
import sys
import threading
import warnings
from asyncio import Future, get_running_loop
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from azure.durable_functions import DurableOrchestrationClient
from azure.functions import meta

from embedded_host.app.definitions import App
from embedded_host.app.folder import read_app
from embedded_host.app.local_settings import effective_environment
from embedded_host.app.suggestion import did_you_mean
from embedded_host.errors import EmbeddedHostError
from embedded_host.workers.in_process import InProcessWorker
from embedded_host.workers.loaded_app import LoadedApp, load_request, loaded_app
from embedded_worker.converters import converter_for
from embedded_worker.deferred_http import FUNCTIONS
from embedded_worker.loading import LoadedFunction, LoadError
from embedded_worker.protocol import LoadRequest, LoadResult
from embedded_worker.runner import Runner
from embedded_worker.threads import Threads

with warnings.catch_warnings():
    # The SDK tells once that the host gives it no types, which is nothing that a user's test could change.
    warnings.simplefilter("ignore", DeprecationWarning)
    DurableOrchestrationClient._get_json_input({})
    converter_for("activityTrigger").decode(meta.Datum("{}", "string"), trigger_metadata={})


class UnknownFunctionError(EmbeddedHostError, LookupError):
    """The app has no function of that name; the text names the nearest, or all."""

    def __init__(self, kind: str, name: str, known: Iterable[str]) -> None:
        known = sorted(known)
        hint = did_you_mean(name, known) or f"There are: {', '.join(known) or 'none'}."
        super().__init__(f"The app has no {kind} '{name}'. {hint} [EH605]")


class OneThread(Threads):
    """Runs one function at a time, and has the event loop wait for it: what happens in which order is the same in each run.

    It is a thread because a function may call ``asyncio.run``, which no thread with a running loop allows."""

    def __init__(self) -> None:
        super().__init__(1, "durable-app")
        self._work_to_do: queue.SimpleQueue[Callable[[], None] | None] = queue.SimpleQueue()
        self._thread: threading.Thread | None = None

    def run(self, call: Callable[..., Any], *arguments: Any) -> Future[Any]:
        future: Future[Any] = get_running_loop().create_future()
        if self._thread is None:
            self._thread = threading.Thread(target=self._serve, name="durable-app", daemon=True)
            self._thread.start()
        over = threading.Event()
        outcome: list[tuple[Any, BaseException | None]] = []

        def job() -> None:
            try:
                outcome.append((call(*arguments), None))
            except BaseException as error:
                outcome.append((None, error))
            over.set()

        self._work_to_do.put(job)
        over.wait()
        value, error = outcome[0]
        if error is None:
            future.set_result(value)
        else:
            future.set_exception(error)
        return future

    def _serve(self) -> None:
        while (job := self._work_to_do.get()) is not None:
            job()
            del job

    def close(self) -> None:
        self._work_to_do.put(None)


@dataclass(frozen=True)
class _Imported:
    load: LoadRequest
    functions: Mapping[str, LoadedFunction | LoadError]
    loaded: LoadResult
    modules: tuple[str, ...]
    """Names of the modules that came with it, below its root."""


_imported: _Imported | None = None
"""The app that was imported last. Its modules stay, as those of any package do; another app's would be in its way."""


class KitRunner(Runner):
    def __init__(self) -> None:
        self.thread = OneThread()
        super().__init__(self.thread)

    def load(self, load: LoadRequest, tell: Callable[[str], None] = lambda name: None) -> LoadResult:
        global _imported
        if _imported is not None and _imported.load == load:
            self.root = Path(load.root)
            os.chdir(self.root)
            sys.path.insert(0, load.root)
            self.functions = dict(_imported.functions)
            return _imported.loaded
        if _imported is not None:
            for name in _imported.modules:
                sys.modules.pop(name, None)
        _imported = None
        before = set(sys.modules)
        loaded = super().load(load)
        modules = tuple(name for name in set(sys.modules) - before if _is_within(Path(load.root), sys.modules[name]))
        _imported = _Imported(load, dict(self.functions), loaded, modules)
        return loaded


def _is_within(root: Path, module: Any) -> bool:
    file = getattr(module, "__file__", None)
    if not file or "site-packages" in file:
        return False
    try:
        Path(file).relative_to(root)
    except ValueError:
        return False
    return True


class KitWorker(InProcessWorker):
    """An app, loaded. ``close`` puts back what loading it has changed in this process: directory, path and environment."""

    def __init__(self, root: Path, settings: Mapping[str, str], rpc_base: str) -> None:
        """Raises AppError for what no host can start with, ImportError for a v2 app that does not import."""
        environ = {**os.environ, **settings}
        app: App = read_app(root, environ)
        added = {**effective_environment(app.settings, environ, app.root)[0], **settings}
        self.runner = KitRunner()
        super().__init__(added, self.runner)
        self._directory, self._path = Path.cwd(), list(sys.path)
        self._before = {name: os.environ.get(name) for name in added}
        self._added = added
        self._client_module = sys.modules[DurableOrchestrationClient.__module__]
        self._client_calls = {name: getattr(self._client_module, name, None) for name in FUNCTIONS}
        self._rpc_base, self._carries = rpc_base, False
        os.environ.update(added)
        try:
            load = load_request(app, os.environ, rpc_base)
            self.app: LoadedApp = loaded_app(app, self.runner.load(load), os.environ)
            if self.app.problem is not None:
                raise ImportError(f"The app in {root} cannot be loaded: {self.app.problem} [EH310]")
        except BaseException:
            self.put_back()
            raise

    def carry_client_calls(self) -> None:
        """Let durable clients ask the test's host; in the running event loop."""
        if not self._carries:
            self._carries = True
            self.runner.carry_client_calls(self._ask, self._rpc_base)

    def put_back(self) -> None:
        self.runner.thread.close()
        os.chdir(self._directory)
        sys.path[:] = self._path
        for name, value in self._before.items():
            if os.environ.get(name) != self._added[name]:
                continue  # the test has changed it since
            if value is None:
                del os.environ[name]
            else:
                os.environ[name] = value
        for name, call in self._client_calls.items():
            if call is not None:
                setattr(self._client_module, name, call)
