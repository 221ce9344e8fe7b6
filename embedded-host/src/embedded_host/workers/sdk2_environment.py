"""The environment of an app for SDK 2.x, whose Python can be newer than the host's."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
from collections.abc import Iterator
from functools import cache
from pathlib import Path

from embedded_host.workers.app_interpreter import (
    ENVIRONMENT_FOLDERS,
    EXECUTABLE_SETTING,
    WINDOWS,
    AppInterpreter,
    install_command,
)
from embedded_host.workers.sdk_versions import (
    NEWEST_PYTHON,
    PYTHON_FOR_SDK_2,
    SDK_1,
    is_python_for_sdk_2,
)
from embedded_worker.protocol import SDK_2_REQUIREMENTS

REQUIREMENTS = "requirements.txt"
_DURABLE = re.compile(r"azure[-_.]functions[-_.]durable(?![-\w.])", re.IGNORECASE)
_OPTIONS = re.compile(r"\s(?:#|--?[a-z]).*$")
"""A comment, or the options of a requirement such as ``--hash``."""
_TIMEOUT = 5.0
"""Seconds until an interpreter has printed its path."""


def requires_sdk_2(root: Path, python: str) -> bool:
    """Return True if the app needs SDK 2.x, but ``python`` is a version that cannot install it.

    The result depends on the lines of requirements.txt in the app folder ``root``. A line for
    azure-functions-durable that permits 1.x installs 1.x, unless its marker excludes ``python``.
    """
    if is_python_for_sdk_2(python):
        return False
    try:
        text = (root / REQUIREMENTS).read_text(encoding="utf-8-sig")
    except (OSError, UnicodeError):
        return False
    if _DURABLE.search(text) is None:
        return False
    # The start of the host does not need these modules.
    from packaging.requirements import InvalidRequirement, Requirement
    from packaging.specifiers import SpecifierSet

    from embedded_host.workers.version_sets import have_common_version

    versions_1 = SpecifierSet(SDK_1.specifier)
    needs_2 = False
    markers = {
        "python_version": ".".join(python.split(".")[:2]),
        "python_full_version": python,
        "extra": "",
    }
    for line in text.splitlines():
        if _DURABLE.match(line.strip()) is None:
            continue
        try:
            requirement = Requirement(_OPTIONS.sub("", line.strip()))
        except InvalidRequirement:
            continue
        if not have_common_version(requirement.specifier, versions_1):
            needs_2 = True
        elif requirement.marker is None or requirement.marker.evaluate(markers):
            return False
    return needs_2


def new_environment(interpreter: AppInterpreter, *, windows: bool = WINDOWS) -> str:
    """Return the instruction that creates the app's environment for SDK 2.x.

    The text continues a sentence, and ends without a period. It names an interpreter of this
    machine, or reports that there is none.
    """
    python = find_python(windows=windows)
    oldest = ".".join(map(str, PYTHON_FOR_SDK_2))
    command = environment_command(interpreter.root, python or _name_of_python(), windows=windows)
    missing = (
        "" if python else f"install Python {oldest}, which was not found on this machine, and "
    )
    reason = interpreter.reason
    # These select another interpreter than that of the new environment.
    other = (
        f", and remove {reason}"
        if reason in ("--python", EXECUTABLE_SETTING)
        else ", and deactivate the active environment"
        if reason.startswith("the active environment")
        else ""
    )
    return f"{missing}run `{command}` in the app folder{other}"


def app_packages_command(interpreter: AppInterpreter, python: str, *, needs_sdk_2: bool) -> str:
    """Return the command that installs the app's packages, to be run in the app folder.

    ``python`` is the version of the interpreter. ``needs_sdk_2`` is True if the app's code needs
    SDK 2.x.
    """
    root = interpreter.root
    if requires_sdk_2(root, python) or (needs_sdk_2 and not is_python_for_sdk_2(python)):
        return environment_command(root, find_python() or _name_of_python())
    return install_command(interpreter, root)


def environment_command(root: Path, python: str, *, windows: bool = WINDOWS) -> str:
    """Return the command that creates ``.venv`` in the app folder ``root`` with ``python``."""
    folder = ENVIRONMENT_FOLDERS[0]
    own = "\\".join((folder, "Scripts", "python.exe")) if windows else f"{folder}/bin/python"
    packages = (
        f"-r {REQUIREMENTS}"
        if (root / REQUIREMENTS).is_file()
        else " ".join(f'"{requirement}"' for requirement in SDK_2_REQUIREMENTS)
    )
    clear = "--clear " if (root / folder).exists() else ""
    program = f'"{python}"' if " " in python else python
    return f"{program} -m venv {clear}{folder} && {own} -m pip install {packages}"


@cache
def find_python(*, windows: bool = WINDOWS) -> str | None:
    """Return the path of an interpreter on this machine with which SDK 2.x can be installed.

    Returns None if there is none. A candidate runs once, because pyenv has commands for versions
    that it does not have, and Debian has ``ensurepip`` in another package.
    """
    for minor in range(PYTHON_FOR_SDK_2[1], NEWEST_PYTHON[1] + 1):
        version = f"{PYTHON_FOR_SDK_2[0]}.{minor}"
        for command in _candidates(version, windows):
            if path := _path_of(command, version):
                return path
    return None


def _name_of_python() -> str:
    """Return the command that most systems have for the oldest Python of SDK 2.x."""
    return "python{}.{}".format(*PYTHON_FOR_SDK_2)


def _candidates(version: str, windows: bool) -> Iterator[list[str]]:
    """Yield the commands that may run the version of Python, the preferred one first."""
    if found := shutil.which(f"python{version}"):
        yield [found]
    if windows and (launcher := shutil.which("py")):
        yield [launcher, f"-{version}"]
    pyenv = Path(os.environ.get("PYENV_ROOT") or Path.home() / ".pyenv")
    for file in sorted(pyenv.glob(f"versions/{version}.*/bin/python")):
        yield [str(file)]


def _path_of(command: list[str], version: str) -> str | None:
    """Return the path of the interpreter that ``command`` runs, or None if it does not run."""
    probe = (
        "import ensurepip, sys; "
        f"assert '%d.%d' % sys.version_info[:2] == '{version}'; print(sys.executable)"
    )
    try:
        finished = subprocess.run(
            [*command, "-I", "-c", probe],
            stdin=subprocess.DEVNULL,
            capture_output=True,
            timeout=_TIMEOUT,
        )
    except (OSError, subprocess.TimeoutExpired):
        return None
    path = os.fsdecode(finished.stdout).strip()
    return path if finished.returncode == 0 and path else None
