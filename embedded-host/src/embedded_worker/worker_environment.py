"""The environment variables that the Azure Functions host sets for its worker.

Source: functions-host.md#worker-environment.
"""

from __future__ import annotations

import sys
from collections.abc import MutableMapping
from pathlib import Path

THREAD_COUNT = "PYTHON_THREADPOOL_THREAD_COUNT"


def add_worker_variables(environ: MutableMapping[str, str]) -> None:
    """Add the variables whose values depend on the worker's interpreter. Set values are kept."""
    environ.setdefault("FUNCTIONS_WORKER_RUNTIME_VERSION", "{}.{}".format(*sys.version_info))
    environ.setdefault("FUNCTIONS_WORKER_DIRECTORY", str(Path(__file__).parents[1]))
    if not environ.get(THREAD_COUNT):
        environ[THREAD_COUNT] = "1000"
