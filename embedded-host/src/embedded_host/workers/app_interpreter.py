"""Finds the Python interpreter that runs the app.

The app keeps its own environment. Its interpreter may differ from the host's in version and
packages. The functions read the file system, but start no process.
"""

from __future__ import annotations

import itertools
import os
import shutil
import sys
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from embedded_host.app.setting import setting
from embedded_host.errors import EmbeddedHostError

WINDOWS = os.name == "nt"
EXECUTABLE_SETTING = "languageWorkers__python__defaultExecutablePath"
"""The setting of the Azure Functions host for the interpreter of the worker."""
LAUNCHER_VARIABLE = "__PYVENV_LAUNCHER__"
"""The environment variable by which Python selects a virtual environment on Windows."""
ENVIRONMENT_FOLDERS = (".venv", "venv", "env")
"""The names of virtual environments in the app folder, in this order."""
_CONFIGURATION = "pyvenv.cfg"
HOST_REASON = "the host's own interpreter"
PACKAGES = Path(".python_packages", "lib", "site-packages")
"""The folder in the app folder where a deployment to Azure installs the app's packages."""


class AppInterpreterError(EmbeddedHostError):
    """The app's interpreter does not exist, or cannot run the worker."""


@dataclass(frozen=True)
class AppInterpreter:
    """The interpreter that runs the app, and the reason why it was selected."""

    executable: str
    """The path of the interpreter. It is not resolved, because a link selects the environment."""
    reason: str
    is_host: bool = False
    """True if it is the interpreter of the host, with the host's environment."""
    packages: str | None = None
    """A folder with packages for ``sys.path``, before those of the interpreter's environment."""
    unusable: tuple[str, ...] = ()
    """Descriptions of environments that have no interpreter."""
    root: Path = field(default=Path(), compare=False)
    """The app folder."""

    def environment(self, environ: Mapping[str, str], windows: bool = WINDOWS) -> dict[str, str]:
        """Return the environment of a process with this interpreter, from that of the functions.

        It is the same as in a shell with the app's environment activated. The host's environment
        may be the active one: its programs and variables are not for the app.
        """
        # The variable selects a virtual environment on Windows: the host's, if it is inherited.
        changed = {key: value for key, value in environ.items() if key != LAUNCHER_VARIABLE}
        if self.packages:
            # As on Azure, these packages precede those of the interpreter, also in the processes
            # that the app starts (functions-host.md#worker-environment).
            path = environ.get("PYTHONPATH")
            changed["PYTHONPATH"] = os.pathsep.join([self.packages, *([path] if path else [])])
        if not self.is_host:
            changed.pop("PYTHONHOME", None)  # the standard library of another Python
            _activate(self.executable, changed, windows)
        return changed

    def unused(self, user: str) -> str:
        """Return the message that ``user`` runs the app in the host's interpreter instead."""
        return (
            f"{user}: the app runs in the host's interpreter, {sys.executable}. "
            f"{self.executable} ({self.reason}) is not used. [EH225]"
        )

    def __str__(self) -> str:
        """Return the path, the reason and the unusable environments on one line."""
        return f"{self.executable} ({'; '.join((self.reason, *self.unusable))})"


def host_interpreter() -> AppInterpreter:
    """Return the interpreter of the host."""
    return AppInterpreter(sys.executable, HOST_REASON, is_host=True)


def find_app_interpreter(
    root: Path,
    environ: Mapping[str, str],
    *,
    option: str | None = None,
    host: str | None = None,
    windows: bool = WINDOWS,
) -> AppInterpreter:
    """Return the interpreter of the app in the folder ``root``.

    ``environ`` has the environment variables and app settings, ``option`` is the value of
    ``--python``, and ``host`` is the path of the host's interpreter, by default
    ``sys.executable``. The first of these that exists is selected:

    1. ``option``
    2. the setting ``languageWorkers__python__defaultExecutablePath``
    3. the active virtual environment (``VIRTUAL_ENV``) or conda environment (``CONDA_PREFIX``)
    4. ``.venv``, ``venv`` or ``env`` in the app folder
    5. the base environment of conda, if it is active: many shells activate it at their start
    6. the host's interpreter, with the packages in ``.python_packages`` of the app folder
    7. the host's interpreter

    The host's own environment is not a candidate for steps 3 and 5, even if it is active.

    Raises AppInterpreterError if the option or the setting selects an interpreter that does not
    exist.
    """
    host = host or sys.executable
    path = environ.get("PATH")
    if option:
        return _selected(_named(option, "--python", Path.cwd(), path), "--python", host, root)
    if configured := setting(EXECUTABLE_SETTING, environ):
        executable = _named(configured, EXECUTABLE_SETTING, root, path)
        return _selected(executable, EXECUTABLE_SETTING, host, root)
    unusable: list[str] = []
    for environment in _environments(root, environ, host, windows):
        if found := environment.executable(windows):
            return _selected(found, environment.reason, host, root, tuple(unusable))
        if environment.is_expected:
            unusable.append(f"{environment.folder} has no interpreter")
    if (packages := root / PACKAGES).is_dir():
        reason = "the host's own interpreter, with the packages in .python_packages"
        return AppInterpreter(host, reason, True, str(packages), tuple(unusable), root)
    return AppInterpreter(host, HOST_REASON, True, None, tuple(unusable), root)


def install_command(
    interpreter: AppInterpreter, root: Path, *requirements: str, windows: bool = WINDOWS
) -> str:
    """Return the command that installs packages for the app, to be run in the app folder ``root``.

    The packages are ``requirements``, by default those of the app's requirements.txt.
    """
    executable = interpreter.executable
    python = f'"{executable}"' if " " in executable else executable
    if requirements:
        packages = " ".join(f'"{requirement}"' for requirement in requirements)
    elif (root / "requirements.txt").is_file():
        packages = "-r requirements.txt"
    else:
        packages = 'azure-functions "azure-functions-durable<2"'
    settings = environment_settings(executable)
    if interpreter.packages:
        packages = f"--target {PACKAGES.as_posix()} --upgrade {packages}"
    elif interpreter.reason == HOST_REASON and settings:
        # The host has an environment of its own (pipx, uv tool), which is not for the app.
        own = r".venv\Scripts\python.exe" if windows else ".venv/bin/python"
        return f"{python} -m venv .venv && {own} -m pip install {packages}"
    if "uv" in settings:  # uv creates environments without pip
        return f"uv pip install --python {python} {packages}"
    return f"{python} -m pip install {packages}"


def environment_settings(executable: str) -> dict[str, str]:
    """Return the values of ``pyvenv.cfg`` of an interpreter's virtual environment.

    They are empty if the interpreter does not belong to a virtual environment.
    """
    folder = _environment_folder(executable)
    if folder is None:
        return {}
    text = (folder / _CONFIGURATION).read_text(encoding="utf-8", errors="replace")
    pairs = (line.partition("=") for line in text.splitlines() if "=" in line)
    return {key.strip().lower(): value.strip() for key, _, value in pairs}


def _environment_folder(executable: str) -> Path | None:
    """Return the folder of an interpreter's virtual environment, or None without one."""
    # A slice of ``parents`` needs Python 3.10.
    folders = itertools.islice(Path(executable).parents, 2)
    return next((folder for folder in folders if (folder / _CONFIGURATION).is_file()), None)


def _activate(executable: str, environ: dict[str, str], windows: bool) -> None:
    """Change the variables that the ``activate`` script of an environment changes."""
    scripts = "Scripts" if windows else "bin"
    folder = _environment_folder(executable)
    active = environ.pop("VIRTUAL_ENV", None)
    paths = [path for path in environ.get("PATH", "").split(os.pathsep) if path]
    if active and (folder is None or _real(active) != _real(str(folder))):
        paths = [path for path in paths if _real(path) != _real(os.path.join(active, scripts))]  # noqa: PTH118
    if folder is not None:
        environ["VIRTUAL_ENV"] = str(folder)
        first = str(folder / scripts)
        paths = paths if paths[:1] == [first] else [first, *paths]
    if paths:
        environ["PATH"] = os.pathsep.join(paths)


@dataclass(frozen=True)
class _Environment:
    """A virtual environment or conda environment that may exist."""

    folder: Path
    reason: str
    is_expected: bool = True
    """True if the reason of the choice mentions that the environment has no interpreter."""

    def executable(self, windows: bool) -> str | None:
        """Return the path of its interpreter, or None if there is none."""
        # conda has its interpreter directly in the environment's folder on Windows.
        names = ("Scripts/python.exe", "python.exe") if windows else ("bin/python",)
        files = (self.folder / name for name in names)
        return next((str(file) for file in files if file.is_file()), None)


def _environments(
    root: Path, environ: Mapping[str, str], host: str, windows: bool
) -> Iterator[_Environment]:
    """Yield the environments that may be the app's, in order of preference."""
    active: dict[str, _Environment] = {}
    for name in ("VIRTUAL_ENV", "CONDA_PREFIX"):
        if folder := environ.get(name):
            environment = _Environment(Path(folder), f"the active environment, {name}")
            if not _is_same(environment.executable(windows), host):
                active[name] = environment
    is_base = environ.get("CONDA_DEFAULT_ENV") == "base"
    base = active.pop("CONDA_PREFIX", None) if is_base else None
    yield from active.values()
    for name in ENVIRONMENT_FOLDERS:
        folder_in_app = root / name
        # Without pyvenv.cfg it is a folder of the app that has this name.
        is_expected = (folder_in_app / _CONFIGURATION).is_file()
        yield _Environment(folder_in_app, f"{name} in the app folder", is_expected)
    if base is not None:
        yield base


def _named(value: str, source: str, folder: Path, path: str | None) -> str:
    """Return the path of the interpreter that ``source`` selects.

    A value without a separator is a command in ``path``. A relative path starts in ``folder``.
    Raises AppInterpreterError.
    """
    fix = "Correct it, or omit it: the host then finds the app's interpreter. [EH216]"
    if os.sep not in value and (os.altsep or os.sep) not in value:
        if found := shutil.which(value, path=path):
            return os.path.abspath(found)  # noqa: PTH100
        raise AppInterpreterError(f"{source} is '{value}', which is not a command. {fix}")
    # Path.resolve() would follow the links that select a virtual environment.
    file = os.path.abspath(folder / Path(value).expanduser())  # noqa: PTH100
    if shutil.which(file) is None:
        raise AppInterpreterError(f"{source} is '{file}', which {_fault(Path(file))}. {fix}")
    return file


def _fault(file: Path) -> str:
    """Return the reason why ``file`` is not a program."""
    if file.is_dir():
        python = _Environment(file, "").executable(os.name == "nt")
        return f"is a folder. Its interpreter is {python}" if python else "is a folder"
    if file.is_symlink() and not file.exists():
        return f"is a link to {file.readlink()}, which does not exist"
    return "is not executable" if file.exists() else "does not exist"


def _selected(
    executable: str, reason: str, host: str, root: Path, unusable: tuple[str, ...] = ()
) -> AppInterpreter:
    is_host = _is_same(executable, host)
    return AppInterpreter(host if is_host else executable, reason, is_host, None, unusable, root)


def _is_same(executable: str | None, host: str) -> bool:
    """Return True if both paths are the same interpreter in the same environment.

    All environments link to the interpreter that created them, so the folders are compared too.
    """
    if executable is None:
        return False
    return _real(executable) == _real(host) and (
        _real(os.path.dirname(executable)) == _real(os.path.dirname(host))  # noqa: PTH120
    )


def _real(path: str) -> str:
    return os.path.normcase(os.path.realpath(path))
