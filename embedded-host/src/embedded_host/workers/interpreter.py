"""Which program a worker process is."""

from __future__ import annotations

import os
import sys


def interpreter() -> tuple[str, dict[str, str]]:
    """This Python's program, and the variables that it needs to run in this one's virtual environment.

    On Windows an environment's ``python.exe`` only launches the interpreter and waits for it: a second process for each
    worker, whose id is not the one that the functions see. ``multiprocessing`` goes round it in the same way.
    """
    base = getattr(sys, "_base_executable", None)
    if os.name != "nt" or not base or os.path.normcase(base) == os.path.normcase(sys.executable):
        return sys.executable, {}
    return base, {"__PYVENV_LAUNCHER__": sys.executable}
