"""Imports an app and holds its functions."""

from __future__ import annotations

import logging
import os
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path

from embedded_worker.app_files import is_app_file
from embedded_worker.client_lint import client_problems
from embedded_worker.extensions import Extensions
from embedded_worker.hidden_modules import import_findings, worker_problem
from embedded_worker.import_path import prepare_imports
from embedded_worker.indexing import index_app
from embedded_worker.loading import EXIT_AT_IMPORT, LoadedFunction, LoadError, load_function
from embedded_worker.protocol import (
    FindingData,
    LoadProblem,
    LoadRequest,
    LoadResult,
    Placement,
)
from embedded_worker.replay_lint import suspicious_calls
from embedded_worker.sdk import orchestrator_of
from embedded_worker.sdk_host_json import UNREADABLE_HOST_JSON, without_sdk
from embedded_worker.user_function import UserFunction

log = logging.getLogger("embedded_host.workers")
DURABLE_TRIGGERS = ("orchestrationtrigger", "entitytrigger")
"""The triggers of orchestrators and entities, in lower case."""


def ignore_finding(finding: FindingData) -> None:
    """Do nothing. An app calls it before the host has set ``ImportedApp.report``."""


class ImportedApp:
    """The app of a worker: its folder, its functions and its mode."""

    def __init__(self, *, in_own_process: bool) -> None:
        """Prepare the import. ``in_own_process`` is True in a worker process."""
        self.in_own_process = in_own_process
        self.functions: dict[str, LoadedFunction | LoadError] = {}
        self.extensions = Extensions({})
        self.root = Path()
        """The app folder."""
        self.is_strict = False
        """True if functions fail as on the Azure Functions host (``--parity strict``)."""
        self.report: Callable[[FindingData], None] = ignore_finding
        """Sends a parity finding to the host. Any thread may call it."""
        self._warned: set[str] = set()

    def load(
        self, load: LoadRequest, on_import: Callable[[str], None] = lambda name: None
    ) -> LoadResult:
        """Import the app and return its problems.

        ``on_import`` receives each function's name before the import, which may end the process.
        """
        root = self.root = Path(load.root)
        self.is_strict = load.strict
        os.chdir(root)
        prepare_imports(root)
        findings = import_findings(root)
        if self.is_strict and (problem := worker_problem(root)):
            return LoadResult([LoadProblem(None, problem)], findings=findings)
        self.extensions = Extensions(os.environ)
        if load.v2_script:
            on_import(load.v2_script)
            indexed = index_app(root, load.v2_script)
            findings += indexed.findings
            if refused := self._without_sdk(indexed.loaded):
                finding = FindingData(UNREADABLE_HOST_JSON, "host.json")
                error = next(iter(refused.values()))
                return LoadResult([LoadProblem(None, str(error))], findings=[*findings, finding])
            if indexed.functions or indexed.problems:
                self.functions.update(indexed.loaded)
                self._after_load(str(root))
                return LoadResult(
                    indexed.problems,
                    indexed.functions,
                    self._placements(),
                    [*findings, *self._findings()],
                )
        problems: list[LoadProblem] = []
        for spec in load.functions:
            on_import(spec.name)
            try:
                self.functions[spec.name] = load_function(root, spec)
            except LoadError as error:
                self.functions[spec.name] = error
                function: str | None = spec.name
                if self.is_strict and error.code == EXIT_AT_IMPORT:
                    function = None  # the worker process exits, and no function runs
                problems.append(LoadProblem(function, str(error), error.stack))
        refused = self._without_sdk(self.functions)
        self.functions.update(refused)
        problems += [LoadProblem(name, str(error)) for name, error in refused.items()]
        self._after_load()
        return LoadResult(
            problems, placements=self._placements(), findings=[*findings, *self._findings()]
        )

    def _without_sdk(
        self, functions: Mapping[str, LoadedFunction | LoadError]
    ) -> dict[str, LoadError]:
        """Return the functions whose import of the SDK fails in strict mode.

        The check of the SDK does not run under pytest.
        """
        if not (self.is_strict and self.in_own_process):
            return {}
        return without_sdk(self.root, functions)

    def _after_load(self, directory: str = "") -> None:
        """Call the extensions' hooks, and log orchestrators that block or are not deterministic.

        The hooks receive ``directory``, or by default the folder of each function.
        """
        for function in self.functions.values():
            if isinstance(function, LoadedFunction):
                self.extensions.loaded(function.spec.name, directory or function.spec.directory)
                orchestrator = orchestrator_of(function.call)
                if orchestrator is not None and self._is_of_app(orchestrator):
                    self.warn(suspicious_calls(orchestrator, self.root))
                self.warn(client_problems(function, self.root), "EH343")

    def _is_of_app(self, function: UserFunction) -> bool:
        """Return False for an orchestrator of the SDK, such as that of ``call_http``."""
        code = getattr(function, "__code__", None)
        return code is None or is_app_file(code.co_filename, self.root)

    def _findings(self) -> list[FindingData]:
        """Return the parity findings of the signatures of the app's functions."""
        found: list[FindingData] = []
        for function in self.functions.values():
            if isinstance(function, LoadedFunction):
                found += function.findings
            elif function.finding is not None:
                found.append(function.finding)
        return found

    def _placements(self) -> dict[str, Placement]:
        return {name: self.placement(name) for name in self.functions}

    def placement(self, name: str) -> Placement:
        """Return the placement of the function ``name``."""
        function = self.functions.get(name)
        if not isinstance(function, LoadedFunction):
            return "function_threads"
        if function.trigger.type.lower() in DURABLE_TRIGGERS:
            return "durable_threads"
        return "event_loop" if function.is_async else "function_threads"

    def warn(self, warnings: Iterable[str], code: str = "EH409") -> None:
        """Log each warning, once per process."""
        for warning in warnings:
            if warning not in self._warned:
                self._warned.add(warning)
                log.warning("%s [%s]", warning, code)

    def warn_once(self, function: LoadedFunction, warning: str, code: str) -> None:
        """Log a warning, once for each function and code."""
        key = f"{code} {function.spec.name}"
        if key not in self._warned:
            self._warned.add(key)
            log.warning("%s [%s]", warning, code)
