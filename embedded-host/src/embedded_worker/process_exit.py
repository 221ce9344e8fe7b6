"""Exits a worker process, even if user code changed its streams or left threads running."""

from __future__ import annotations

import contextlib
import os
import sys
import threading
from collections.abc import Callable
from contextvars import ContextVar
from typing import NoReturn

_exit, _getpid = os._exit, os.getpid  # user code may replace them
_own = _getpid()
INTERRUPTED = 130
"""The exit code of a process that KeyboardInterrupt has ended."""
ExitReporter = Callable[[int], None]
"""Sends the exit code of this process to the host, for the call that ends the process."""


class _ThreadCall(threading.local):
    report: ExitReporter | None = None


_of_thread = _ThreadCall()
_of_task: ContextVar[ExitReporter | None] = ContextVar("_of_task", default=None)


def report_exit_of_thread(report: ExitReporter | None) -> None:
    """Report with ``report`` if the call that this thread runs ends the process."""
    _of_thread.report = report


def report_exit_of_task(report: ExitReporter) -> None:
    """Report with ``report`` if the call that this task of the event loop runs ends the process."""
    _of_task.set(report)


def report_os_exit() -> None:
    """Make ``os._exit`` report the call that ends the process."""
    os._exit = _reporting_exit


def _reporting_exit(status: int) -> NoReturn:
    if _getpid() == _own:
        with contextlib.suppress(BaseException):
            report = _of_thread.report or _of_task.get()
            if report is not None:
                report(status)
    _exit(status)


def exit_code_of(error: BaseException) -> int | None:
    """Return the exit code of a process that ``error`` ends, or None if it ends no process.

    If ``sys.exit`` had a text as its argument, this function prints the text, as Python does.
    """
    if isinstance(error, KeyboardInterrupt):
        return INTERRUPTED
    if not isinstance(error, SystemExit):
        return None
    if error.code is None:
        return 0
    if isinstance(error.code, int):
        return error.code & 0xFF if os.name == "posix" else error.code
    with contextlib.suppress(Exception):
        print(error.code, file=sys.stderr)
    return 1


def end_process(code: int) -> NoReturn:
    """Flush the streams and exit at once, because threads of user code would delay a normal exit.

    User code may have closed or replaced the streams.
    """
    for stream in (sys.stdout, sys.stderr):
        with contextlib.suppress(Exception):
            stream.flush()
    _exit(code)


def end_if_forked(function: str) -> None:
    """Exit if this process is a forked child that has returned from its function.

    The child shares the parent's connection to the host and must not use it.
    """
    if _getpid() != _own:
        with contextlib.suppress(Exception):
            print(
                f"The function '{function}' called os.fork(), and the child process returned from "
                "the function. The child process is stopped. [EH334]",
                file=sys.stderr,
            )
        end_process(0)
