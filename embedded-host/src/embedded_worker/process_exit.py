"""Ends a worker process, regardless of threads and streams that user code has changed."""

from __future__ import annotations

import contextlib
import os
import sys
from typing import NoReturn

_exit, _getpid = os._exit, os.getpid  # user code may replace them
_own = _getpid()


def end_process(code: int) -> NoReturn:
    """Flush the streams and end the process at once: threads in user code would keep it alive.

    User code may have closed or replaced the streams."""
    for stream in (sys.stdout, sys.stderr):
        with contextlib.suppress(Exception):
            stream.flush()
    _exit(code)


def end_if_forked(function: str) -> None:
    """End a forked child that returns from its function: it shares the parent's connection to the host and must not use it."""
    if _getpid() != _own:
        with contextlib.suppress(Exception):
            print(
                f"A process that the function '{function}' has forked came back from it and is ended. [EH334]",
                file=sys.stderr,
            )
        end_process(0)
