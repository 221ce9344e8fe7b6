"""The state of the process that changes when an app is loaded.

The state is the working directory, ``sys.path``, the environment and the SDK's HTTP client. In a
worker process, this state changes only once, for its only app. In the process of a test, the state
must be restored when the app is closed.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Mapping
from pathlib import Path

from azure.durable_functions import DurableOrchestrationClient

from embedded_worker.lazy_http_client import FUNCTIONS


class ProcessState:
    """A snapshot of the process's state."""

    def __init__(self, environ: Mapping[str, str]) -> None:
        """Take the snapshot, then set the environment variables of ``environ``."""
        self._directory, self._path = Path.cwd(), list(sys.path)
        self._environ = dict(environ)
        self._environ_before = {name: os.environ.get(name) for name in environ}
        self._client_module = sys.modules[DurableOrchestrationClient.__module__]
        self._client_functions = {
            name: getattr(self._client_module, name, None) for name in FUNCTIONS
        }
        os.environ.update(environ)

    def restore(self) -> None:
        """Restore the snapshot, except for environment variables that the test has changed."""
        os.chdir(self._directory)
        sys.path[:] = self._path
        for name, value in self._environ_before.items():
            if os.environ.get(name) != self._environ[name]:
                continue
            if value is None:
                del os.environ[name]
            else:
                os.environ[name] = value
        for name, function in self._client_functions.items():
            if function is not None:
                setattr(self._client_module, name, function)
