"""The log records of functions: which of them are visible, and in which category.

As on the Azure Functions host, a record belongs to a running invocation: to that of its task, or to
that of ``thread_local_storage`` in its thread. Its category is ``Function.NAME.User``.
A record without a running invocation is lost there. Source: functions-host.md#logging, and
``dispatcher.py`` of the Python worker.
"""

from __future__ import annotations

import asyncio
import logging
import os
import threading
from collections.abc import Mapping
from contextvars import ContextVar
from pathlib import Path
from typing import Callable, Protocol, TextIO

from embedded_worker.app_files import is_app_file
from embedded_worker.function_context import thread_local_storage
from embedded_worker.log_levels import LogLevels, level_of_record
from embedded_worker.log_output import ConsoleOutput, now, without_keys
from embedded_worker.protocol import FindingData, LoadRequest, LogLine

THREAD_RECORD, IMPORT_RECORD = "EH855", "EH856"
"""The codes of the parity findings (``embedded_host/parity/kinds/logs.py``)."""
_SYSTEM_LOGGERS = ("azure_functions_worker", "azure.functions")
"""The Azure Functions host does not print records of loggers whose names begin with these."""
_TRUE = ("1", "true", "t", "yes", "y")
_running: dict[str, RunningFunction] = {}
"""The running invocations by their ids."""
_of_task: ContextVar[RunningFunction | None] = ContextVar("running function", default=None)


class ReplayState(Protocol):
    """The execution of an orchestrator."""

    @property
    def is_replaying(self) -> bool:
        """True while the execution runs code that an earlier turn has already run."""


class RunningFunction:
    """An invocation while it runs. It is a context manager."""

    __slots__ = (
        "_is_coroutine",
        "_thread",
        "function",
        "id",
        "instance_id",
        "is_silent",
        "session",
    )

    def __init__(
        self,
        function: str,
        id: str,
        instance_id: str = "",
        *,
        is_coroutine: bool = False,
        is_silent: bool = False,
    ) -> None:
        """Prepare an invocation with the id ``id``.

        ``instance_id`` is the instance of an orchestrator, an activity or an entity.
        If ``is_coroutine`` is True, the records of the current task and of the tasks that it starts
        belong to the invocation. Otherwise the records of the current thread belong to it.
        If ``is_silent`` is True, its records and its printed lines are discarded.
        """
        self.function, self.id, self._is_coroutine = function, id, is_coroutine
        self.instance_id, self.is_silent = instance_id, is_silent
        self.session: ReplayState | None = None
        """The execution of an orchestrator in a turn."""
        self._thread = threading.get_ident()

    def __enter__(self) -> RunningFunction:
        """Start the invocation."""
        _running[self.id] = self
        thread_local_storage.invocation_id = self.id
        if self._is_coroutine:
            _of_task.set(self)
        return self

    def __exit__(self, *error: object) -> None:
        """End the invocation.

        As in the Python worker, the thread of the event loop keeps the id of the last invocation.
        Until that invocation ends, the records of callbacks belong to it.
        """
        _running.pop(self.id, None)
        if not self._is_coroutine:
            thread_local_storage.invocation_id = None

    @property
    def is_replaying(self) -> bool:
        """True if an orchestrator runs code that an earlier turn has already run."""
        return self.session is not None and self.session.is_replaying

    def line(self, category: str, level: int, text: str) -> LogLine:
        """Return a log line of this invocation, written now."""
        return LogLine(now(), level, category, text, self.function, self.id, self.instance_id)

    def owns_current_task(self) -> bool:
        """Return True if the current code is a task of this invocation's event loop."""
        if self._thread != threading.get_ident():
            return False  # asyncio.to_thread copies the context
        try:
            return asyncio.current_task() is not None
        except RuntimeError:
            return False


def current_invocation() -> RunningFunction | None:
    """Return the invocation of a record that is written now, or None without an invocation."""
    task = _of_task.get()
    if task is not None and task.owns_current_task():
        return _running.get(task.id)
    id = getattr(thread_local_storage, "invocation_id", None)
    return _running.get(id) if isinstance(id, str) else None


class FunctionLogHandler(logging.Handler):
    """The handler of the root logger in a process that runs functions."""

    def __init__(
        self,
        levels: LogLevels,
        output: ConsoleOutput,
        host_handler: logging.Handler,
        *,
        is_strict: bool,
        report: Callable[[FindingData], None],
        store: Callable[[LogLine], None] | None = None,
    ) -> None:
        """Write the records of functions to ``output``.

        ``host_handler`` handles the records of the host's own loggers. ``report`` sends a parity
        finding to the host. ``store`` stores a visible line, unless an orchestrator writes it in a
        replay.
        """
        super().__init__()
        self.levels, self.output, self._host_handler = levels, output, host_handler
        self._is_strict, self._report, self._store = is_strict, report, store
        self.stores_host_records = False
        """True in a worker process, whose own records the host cannot store."""
        self._root = Path()
        self._importing: int | None = None
        """The thread that imports the app, or None."""
        self._at_import: list[FindingData] = []
        self._reported: set[tuple[str, int]] = set()

    def begin_import(self, root: Path) -> None:
        """Discard the records of the current thread until ``end_import``."""
        self._root, self._importing = root, threading.get_ident()

    def end_import(self) -> list[FindingData]:
        """Return the findings of the records that the app has written during its import."""
        self._importing = None
        findings, self._at_import = self._at_import, []
        return findings

    def handle(self, record: logging.LogRecord) -> bool:
        """Write the record without the lock of the handler: ``output`` has a lock."""
        if self.filter(record):
            self.emit(record)
            return True
        return False

    def emit(self, record: logging.LogRecord) -> None:
        """Write the record if it is visible."""
        if record.name.startswith("embedded_host"):
            self._host_handler.handle(record)
            if self.stores_host_records and self._store is not None:
                self._store(self._host_line(record))
            return
        if record.name.startswith(_SYSTEM_LOGGERS):
            return
        level = level_of_record(record.levelno)
        running = current_invocation()
        if running is not None and running.is_silent:
            return
        category = f"Function.{running.function}.User" if running is not None else "Function"
        if not self.levels.is_enabled(category, level):
            return
        try:
            if running is None:
                if not self._shows_lost(record):
                    return
                task = _of_task.get()
                line = LogLine(now(), level, category, without_keys(self.format(record)))
                if task is not None:  # the invocation has ended, or the code runs in a thread
                    line = line._replace(function=task.function, instance_id=task.instance_id)
                is_replay = False
            else:
                line = running.line(category, level, without_keys(self.format(record)))
                is_replay = running.is_replaying
            self.output.write(line, is_replay=is_replay)
            if self._store is not None and not is_replay:
                self._store(line)
        except Exception:
            self.handleError(record)

    def _host_line(self, record: logging.LogRecord) -> LogLine:
        running = current_invocation()
        level, text = level_of_record(record.levelno), without_keys(self.format(record))
        if running is None:
            return LogLine(now(), level, record.name, text)
        return running.line(record.name, level, text)

    def _shows_lost(self, record: logging.LogRecord) -> bool:
        """Add a finding for a record that is lost on the Azure Functions host.

        Return True if the record is visible here.
        """
        if self._importing == threading.get_ident():
            finding = self._finding(IMPORT_RECORD, record)
            if finding.file and not self._at_import:
                self._at_import.append(finding)
            return False
        position = (record.pathname, record.lineno)
        if position not in self._reported:
            self._reported.add(position)
            self._report(self._finding(THREAD_RECORD, record))
        return not self._is_strict

    def _finding(self, code: str, record: logging.LogRecord) -> FindingData:
        file = ""
        if is_app_file(record.pathname, self._root):
            file = Path(record.pathname).relative_to(self._root).as_posix()
        task = _of_task.get()
        function = task.function if task is not None else file or record.name
        detail = "" if file else f"The name of the logger is '{record.name}'."
        if code == THREAD_RECORD and self._is_strict:
            detail += f"{' ' if detail else ''}The record is lost here too (--parity strict)."
        return FindingData(code, function, detail, file, record.lineno if file else 0)


def function_log_handler(
    request: LoadRequest,
    report: Callable[[FindingData], None],
    host_handler: logging.Handler,
    stream: TextIO | None = None,
    store: Callable[[LogLine], None] | None = None,
) -> FunctionLogHandler:
    """Return the handler for the app in ``request``, whose import begins now in this thread.

    The handler writes to ``stream``, or to stderr. See ``FunctionLogHandler``.
    """
    levels, console_levels, format, keeps = request.logs
    handler = FunctionLogHandler(
        LogLevels(levels, console_levels),
        ConsoleOutput(format, stream),
        host_handler,
        is_strict=request.strict,
        report=report,
        store=store if keeps else None,
    )
    handler.begin_import(Path(request.root))
    return handler


def install(handler: FunctionLogHandler, environ: Mapping[str, str] = os.environ) -> None:
    """Make ``handler`` the only handler of the root logger, and set the level of this logger."""
    root = logging.getLogger()
    root.handlers[:] = [handler]
    is_debug = environ.get("PYTHON_ENABLE_DEBUG_LOGGING", "").strip().lower() in _TRUE
    root.setLevel(logging.DEBUG if is_debug else logging.INFO)
