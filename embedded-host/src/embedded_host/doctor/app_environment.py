"""The Python version and the installed packages of the app's interpreter."""

from __future__ import annotations

import re
import subprocess
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import msgspec
from packaging.utils import canonicalize_name

from embedded_host.errors import EmbeddedHostError
from embedded_host.workers.app_interpreter import AppInterpreter
from embedded_host.workers.interpreter import interpreter as program_of

_TIMEOUT = 20.0
"""Seconds until the interpreter has printed its packages."""
_MAX_REASON = 200
"""Characters of the line that contains the reason of a failure."""
_PROGRAM = """\
import sys
sys.path.pop(0)
if sys.version_info < (3, 6):
    sys.exit("it is Python %d.%d" % sys.version_info[:2])
import json, os, platform
def version(info):
    text = "%d.%d.%d" % info[:3]
    return text if info[3] == "final" else text + info[3][0] + str(info[4])
packages = []
try:
    from importlib.metadata import distributions
except ImportError:
    distributions = lambda: ()
for package in distributions():
    name = package.metadata["Name"]
    if name:
        packages.append([name, package.version or "", package.requires or []])
print("\\n" + json.dumps({
    "version": list(sys.version_info[:3]),
    "free_threaded": getattr(sys, "_is_gil_enabled", None) is not None
        and bool(__import__("sysconfig").get_config_var("Py_GIL_DISABLED")),
    "markers": {
        "implementation_name": sys.implementation.name,
        "implementation_version": version(sys.implementation.version),
        "os_name": os.name,
        "platform_machine": platform.machine(),
        "platform_python_implementation": platform.python_implementation(),
        "platform_release": platform.release(),
        "platform_system": platform.system(),
        "platform_version": platform.version(),
        "python_full_version": platform.python_version(),
        "python_version": "%d.%d" % sys.version_info[:2],
        "sys_platform": sys.platform,
    },
    "packages": packages,
}))
"""
"""Prints the environment as one line of JSON. It runs on Python 3.6 too."""


class AppEnvironmentError(EmbeddedHostError):
    """The interpreter does not run, or does not print its environment."""


@dataclass(frozen=True)
class Package:
    """An installed package."""

    name: str
    """The name as the package spells it."""
    version: str
    requires: Sequence[str] = ()
    """Its requirements, in the format of its metadata."""


@dataclass(frozen=True)
class AppEnvironment:
    """The environment of the app's interpreter."""

    version: tuple[int, int, int]
    packages: Mapping[str, Package] = field(default_factory=dict)
    """The packages by their normalized name."""
    markers: dict[str, str] = field(default_factory=dict)
    """The values of environment markers, such as ``python_version``."""
    is_free_threaded: bool = False

    @property
    def python(self) -> str:
        """The version of Python, such as ``3.11.7``."""
        return ".".join(map(str, self.version))

    @property
    def minor(self) -> tuple[int, int]:
        """The version of Python without the patch number."""
        return self.version[:2]

    def installed(self, name: str) -> str | None:
        """Return the installed version of a package, or None."""
        package = self.packages.get(name)
        return package.version if package else None


class _Printed(msgspec.Struct):
    version: tuple[int, int, int]
    free_threaded: bool
    markers: dict[str, str]
    packages: list[tuple[str, str, list[str]]]


def read_environment(
    interpreter: AppInterpreter, environ: Mapping[str, str], root: Path
) -> AppEnvironment:
    """Start the app's interpreter and return its environment. Raises AppEnvironmentError."""
    program, variables = program_of(interpreter.executable)
    try:
        finished = subprocess.run(
            [program, "-c", _PROGRAM],
            stdin=subprocess.DEVNULL,
            capture_output=True,
            cwd=root,
            env={**interpreter.environment(environ), **variables, "PYTHONIOENCODING": "utf-8"},
            timeout=_TIMEOUT,
        )
    except subprocess.TimeoutExpired as error:
        raise AppEnvironmentError(f"it did not exit within {_TIMEOUT:.0f} s") from error
    except OSError as error:
        raise AppEnvironmentError(str(error)) from error
    if finished.returncode:
        raise AppEnvironmentError(
            _reason(finished.stderr.decode("utf-8", "replace"))
            or f"it exited with code {finished.returncode}"
        )
    return parse_environment(finished.stdout)


def _reason(stderr: str) -> str:
    """Return the line of an error output that has the reason, or an empty string."""
    lines = [line.strip() for line in stderr.split("\n") if line.strip()]
    errors = [line for line in lines if re.match(r"\w*Error: ", line)]
    return next(iter(errors[-1:] or lines), "")[:_MAX_REASON].rstrip(".")


def parse_environment(output: bytes) -> AppEnvironment:
    """Return the environment that the program printed on the last line of its output.

    The lines before it are those of a ``sitecustomize`` module. Raises AppEnvironmentError.
    """
    last = output.strip().rpartition(b"\n")[2]
    try:
        printed = msgspec.json.decode(last, type=_Printed)
    except msgspec.MsgspecError as error:
        raise AppEnvironmentError(
            "it did not print its packages, so it is not a Python interpreter"
        ) from error
    packages: dict[str, Package] = {}
    for name, version, requires in printed.packages:
        # The first folder of sys.path is the one that Python imports from.
        packages.setdefault(canonicalize_name(name), Package(name, version, requires))
    return AppEnvironment(printed.version, packages, printed.markers, printed.free_threaded)
