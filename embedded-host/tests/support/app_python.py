"""The interpreter of ``--app-python``, in which the hosts and pools of the tests start workers."""

from __future__ import annotations

import json
import os
import subprocess
from functools import cache

from embedded_host.workers.app_interpreter import (
    EXECUTABLE_SETTING,
    AppInterpreter,
    host_interpreter,
)

_VERSIONS = """
import json, sys
from importlib.metadata import version
names = ("azure-functions", "azure-functions-durable")
python = ".".join(map(str, sys.version_info[:3]))
print(json.dumps({"python": python, **{name: version(name) for name in names}}))
"""


def select_app_python(path: str) -> None:
    """Make hosts and pools start their workers in the interpreter ``path``.

    Hosts read the setting from their environment, as they do for users.
    """
    os.environ[EXECUTABLE_SETTING] = os.path.abspath(path)  # noqa: PTH100 - links select a venv


def app_python() -> str | None:
    """Return the interpreter of ``--app-python``, or None if the host's interpreter runs apps."""
    return os.environ.get(EXECUTABLE_SETTING)


def app_interpreter() -> AppInterpreter:
    """Return the interpreter for a worker pool."""
    path = app_python()
    return AppInterpreter(path, "--app-python") if path else host_interpreter()


@cache
def app_versions(path: str) -> dict[str, str]:
    """Return the versions of an interpreter, "python", and of the packages of its SDK."""
    run = subprocess.run([path, "-c", _VERSIONS], capture_output=True, text=True, check=True)
    versions: dict[str, str] = json.loads(run.stdout)
    return versions


def is_older(version: str, than: str) -> bool:
    """Return True if the release ``version``, for example "1.2.8", is older than ``than``."""
    return _numbers(version) < _numbers(than)


def _numbers(version: str) -> tuple[int, ...]:
    return tuple(int(part) for part in version.split(".")[:3] if part.isdigit())
