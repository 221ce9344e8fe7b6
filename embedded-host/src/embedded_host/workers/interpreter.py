"""The program that starts a process with an interpreter."""

from __future__ import annotations

import os
import sys
from pathlib import PurePath

from embedded_host.workers.app_interpreter import LAUNCHER_VARIABLE, environment_settings


def interpreter(executable: str | None = None) -> tuple[str, dict[str, str]]:
    """Return a program for ``executable`` and the variables that select its virtual environment.

    ``executable`` is the path of an interpreter, by default of the one that runs this code.

    On Windows, the ``python.exe`` of a virtual environment starts the real interpreter as a child
    process and waits for it. Each worker would then have two processes, and its process id would
    differ from ``os.getpid()`` in the functions. ``multiprocessing`` has the same workaround.
    """
    executable = executable or sys.executable
    if os.name != "nt":
        return executable, {}
    base = (
        getattr(sys, "_base_executable", None)
        if executable == sys.executable
        else base_interpreter(executable)
    )
    if not base or os.path.normcase(base) == os.path.normcase(executable):
        return executable, {}
    return base, {LAUNCHER_VARIABLE: executable}


def base_interpreter(executable: str) -> str | None:
    """Return the interpreter that created the virtual environment of ``executable`` on Windows.

    Return None if it does not belong to a virtual environment, or if that interpreter is gone.
    """
    home = environment_settings(executable).get("home")
    base = os.path.join(home, PurePath(executable).name) if home else ""  # noqa: PTH118
    return base if os.path.isfile(base) else None  # noqa: PTH113
