"""The interpreter of the worker processes."""

from __future__ import annotations

import os
import sys


def interpreter() -> tuple[str, dict[str, str]]:
    """Return the path of this interpreter, and the variables with which it uses this virtual environment.

    On Windows an environment's ``python.exe`` only launches the interpreter and waits for it: each worker would have a second
    process, and an id that differs from the one that functions see. ``multiprocessing`` avoids it in the same way.
    """
    base = getattr(sys, "_base_executable", None)
    if os.name != "nt" or not base or os.path.normcase(base) == os.path.normcase(sys.executable):
        return sys.executable, {}
    return base, {"__PYVENV_LAUNCHER__": sys.executable}
