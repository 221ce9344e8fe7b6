"""The interpreter of the worker processes."""

from __future__ import annotations

import os
import sys


def interpreter() -> tuple[str, dict[str, str]]:
    """Return the path of this interpreter and the variables that select this virtual environment.

    On Windows, the ``python.exe`` of a virtual environment starts the real interpreter as a child
    process and waits for it. Each worker would then have two processes, and its process id would
    differ from ``os.getpid()`` in the functions. ``multiprocessing`` has the same workaround.
    """
    base = getattr(sys, "_base_executable", None)
    if os.name != "nt" or not base or os.path.normcase(base) == os.path.normcase(sys.executable):
        return sys.executable, {}
    return base, {"__PYVENV_LAUNCHER__": sys.executable}
