"""Exits a worker process, even if user code changed its streams or left threads running."""

from __future__ import annotations

import contextlib
import os
import sys
from typing import NoReturn

_exit, _getpid = os._exit, os.getpid  # user code may replace them
_own = _getpid()


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
