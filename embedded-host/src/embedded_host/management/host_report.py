"""The report about the running host: its code, workers, queues, functions and warnings.

``GET /admin/host/status``, the page Host of the dashboard and ``functions list`` show it.
"""

from __future__ import annotations

import os
import sys
import time
from collections.abc import Callable, Sequence
from datetime import datetime, timezone
from pathlib import Path
from typing import NamedTuple

from msgspec import Struct

from embedded_host import __version__
from embedded_host.app.definitions import Function, is_built_in
from embedded_host.error_codes import CODE
from embedded_host.store.files import file_size, log_file
from embedded_host.task_hub.hub import TaskHub
from embedded_host.task_hub.workload import QueueLength
from embedded_host.workers.current_app import NOT_LOADED, CurrentApp, FailedReload
from embedded_host.workers.loaded_app import LoadedApp
from embedded_host.workers.worker import ProcessStatus, WorkerStatus


class QueueReport(Struct, rename="camel"):
    """The work of one kind."""

    running: int
    queued: int
    limit: int
    """Maximum number of running jobs."""


class ProcessReport(Struct, rename="camel"):
    """A worker process."""

    pid: int
    state: str
    """``loading``, ``ready`` or ``stopping``."""
    calls: dict[str, int]
    """The number of running calls of each function."""


class FailedReloadReport(Struct, rename="camel"):
    """A reload that has failed."""

    time: datetime
    problems: Sequence[str]
    summary: str
    """The first problem, in one line."""
    text: str
    """A sentence with the times of the reload and of the code in service, and the summary."""


class FunctionReport(Struct, rename="camel"):
    """A function of the app."""

    name: str
    type: str
    """The type of the trigger, or an empty string if it is unknown."""
    durable_name: str
    disabled: bool
    problem: str | None
    """The reason why the function is out of service, or None."""
    route: str | None = None
    """The route of an HTTP function as it is written, with the prefix."""
    methods: Sequence[str] = ()
    schedule: str | None = None
    """The schedule of a timer function as it is written."""


class HostReport(Struct, rename="camel"):
    """The report about the running host."""

    version: str
    """The version of the embedded host."""
    task_hub: str
    folder: str
    """The name of the app folder. Responses contain no absolute paths."""
    mode: str
    """``helpful`` or ``strict`` (``--parity``)."""
    started_time: datetime
    loaded_time: datetime
    """The time at which the code that is in service was loaded."""
    failed_reload: FailedReloadReport | None
    """The latest reload if it has failed, or None."""
    problem: str | None
    """The problem of the whole app, or None."""
    warnings: Sequence[str]
    """The warnings of the start and of the loaded code."""
    worker_processes: Sequence[ProcessReport]
    worker_restarts: int
    reloads: int
    """Number of successful reloads."""
    failed_reloads: int
    turns: QueueReport
    activities: QueueReport
    http_calls: QueueReport
    timers: int
    instances_in_memory: int
    state_bytes: int
    """Size of the state file and its write-ahead log."""
    functions: Sequence[FunctionReport]


class HostDetails(NamedTuple):
    """The parts of the host that a report describes."""

    app: CurrentApp
    hub: TaskHub
    worker_status: Callable[[], WorkerStatus]
    state: Path
    """The path of the state file."""
    warnings: Sequence[str]
    """The warnings of the start."""
    started: float
    """The time of the start in seconds since 1970."""

    def report(self) -> HostReport:
        """Return the report."""
        app, loaded, work = self.app, self.app.loaded, self.hub.workload()
        root = loaded.app.root
        worker = self.worker_status()
        return HostReport(
            version=__version__,
            task_hub=self.hub.name,
            folder=root.name,
            mode="strict" if self.hub.settings.strict else "helpful",
            started_time=datetime.fromtimestamp(self.started, timezone.utc),
            loaded_time=app.loaded_time,
            failed_reload=_failed_reload(app.failed_reload, app.loaded_time, root)
            if app.failed_reload is not None
            else None,
            problem=None if loaded.problem is None else without_root(loaded.problem, root),
            warnings=[without_root(text, root) for text in (*self.warnings, *app.problems)],
            worker_processes=[_process(process) for process in worker.processes],
            worker_restarts=worker.restarts,
            reloads=app.reloads,
            failed_reloads=app.failed_reloads,
            turns=_queue(work.turns),
            activities=_queue(work.activities),
            http_calls=_queue(work.http_calls),
            timers=work.timers,
            instances_in_memory=work.instances_in_memory,
            state_bytes=file_size(self.state) + file_size(log_file(self.state)),
            functions=function_reports(loaded),
        )


def host_errors(app: CurrentApp) -> list[str]:
    """Return the failed reload, the problem of the app, and those of its functions."""
    errors, root = [], app.loaded.app.root
    if app.failed_reload is not None:
        errors.append(_failed_reload(app.failed_reload, app.loaded_time, root).text)
    if app.loaded.problem is not None:
        errors.append(without_root(app.loaded.problem, root))
    return [*errors, *_problems(app.loaded).values()]


def without_root(text: str, root: Path) -> str:
    """Return a text in which the files of the app are relative to its folder.

    An installation command has the path of the host's interpreter, which becomes ``python``.
    """
    text = text.replace(f"{root}{os.sep}", "").replace(str(root), root.name)
    return text.replace(sys.executable, "python")


def _problems(loaded: LoadedApp) -> dict[str, str]:
    """Return the problems of the functions by name."""
    return {name: without_root(text, loaded.app.root) for name, text in loaded.broken.items()}


def function_reports(loaded: LoadedApp) -> list[FunctionReport]:
    """Return the functions in order of name, with those that did not load."""
    problems = _problems(loaded)
    reports = [
        _function(loaded, f, problems.get(f.name))
        for f in loaded.app.functions
        if not f.is_built_in
    ]
    names = {report.name for report in reports}
    reports += [
        FunctionReport(name, "", name, name in loaded.app.disabled, problem)
        for name, problem in problems.items()
        if name not in names and not is_built_in(name)
    ]
    return sorted(reports, key=lambda report: report.name.lower())


def _function(loaded: LoadedApp, function: Function, problem: str | None) -> FunctionReport:
    route = loaded.routes.get(function.name)
    text = route.text if route else loaded.refused.get(function.name)
    schedule = function.trigger.properties.get("schedule")
    return FunctionReport(
        function.name,
        function.trigger.type,
        function.durable_name,
        function.name in loaded.app.disabled,
        problem,
        route=text,
        methods=[str(method).upper() for method in function.trigger.methods or ()],
        schedule=str(schedule) if schedule else None,
    )


def _failed_reload(failed: FailedReload, loaded: datetime, root: Path) -> FailedReloadReport:
    """Return the report about a reload. ``loaded`` is the time of the code in service."""
    problems = [without_root(text, root) for text in failed.problems]
    summary = _summary(problems)
    text = (
        f"The reload at {_local(failed.time)} failed, and the host still runs the code of "
        f"{_local(loaded)}. {summary}"
    )
    return FailedReloadReport(failed.time, problems, summary, text)


def _summary(problems: Sequence[str]) -> str:
    """Return the first problem up to its code, without its traceback, in one line."""
    if not problems:
        return "The code does not load."
    text = problems[0]
    if match := CODE.search(text):
        text = text[: text.find("]", match.end()) + 1]
    return " ".join(text.removeprefix(f"{NOT_LOADED}: ").split())


def _local(instant: datetime) -> str:
    """Return the local time, with the date unless it is today."""
    local = instant.astimezone()
    is_today = local.date() == datetime.fromtimestamp(time.time()).date()
    return local.strftime("%H:%M:%S" if is_today else "%Y-%m-%d %H:%M:%S")


def _process(process: ProcessStatus) -> ProcessReport:
    calls: dict[str, int] = {}
    for function in process.calls:
        calls[function] = calls.get(function, 0) + 1
    return ProcessReport(process.pid, process.state, calls)


def _queue(length: QueueLength) -> QueueReport:
    return QueueReport(length.running, length.queued, length.limit)
