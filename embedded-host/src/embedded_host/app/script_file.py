"""Finds the script file of a function folder, by the rules of the Azure Functions host.

Source: ``HostFunctionMetadataProvider.DeterminePrimaryScriptFile`` and the recorded apps
(functions-host.md#function-indexing).
"""

from __future__ import annotations

import os
from pathlib import Path

from embedded_host.app.suggestion import closest
from embedded_host.errors import EmbeddedHostError

DEFAULT_SCRIPTS = ("run.py", "__init__.py", "__main__.py")
"""The script files of a folder without ``scriptFile`` and with several files, in this order."""


class ScriptFileError(EmbeddedHostError):
    """A function folder has no script file. ``fault`` has the words of the Azure Functions host."""

    def __init__(self, fault: str, fix: str = "") -> None:
        super().__init__(f"{fault} {fix}".strip())
        self.fault = fault
        self.fix = fix


def find_script(directory: Path, name: object) -> Path:
    """Return the script file of the function folder ``directory``. Raises ScriptFileError.

    ``name`` is the property ``scriptFile`` of function.json. Without it, the script file is the
    only file in the folder except function.json, or else the first of ``DEFAULT_SCRIPTS``. The
    worker refuses a file outside the app folder.
    """
    if name is not None and not isinstance(name, str):
        raise ScriptFileError("scriptFile must be the name of a Python file.")
    path = _named(directory, name) if name else _default(directory)
    if path.suffix.lower() != ".py":
        raise ScriptFileError(f"The script file {path.name} is not a Python file (.py).")
    return path


def _named(directory: Path, name: str) -> Path:
    path = Path(os.path.normpath(directory / name.replace("\\", "/")))
    if _is_file(path):
        return path
    close = closest(name, _scripts(directory))
    raise ScriptFileError(
        "Invalid script file name configuration. The 'scriptFile' property is set to a file that "
        f"does not exist. The file is {path}.",
        f"Did you mean '{close}'?" if close else _hint(directory),
    )


def _default(directory: Path) -> Path:
    files = [
        file
        for file in directory.iterdir()
        if file.is_file() and file.name.lower() != "function.json"
    ]
    if len(files) == 1:
        return files[0]
    names = {file.name.lower(): file for file in files}
    path = next((names[name] for name in DEFAULT_SCRIPTS if name in names), None)
    if path is None:
        raise ScriptFileError(
            "Unable to determine the primary function script. Make sure at least one script file "
            "is present. Try renaming your entry point script to 'run' or alternatively you can "
            "specify the name of the entry point script explicitly by adding a 'scriptFile' "
            "property to your function metadata.",
            _hint(directory),
        )
    return path


def _scripts(directory: Path) -> list[str]:
    return sorted(file.name for file in directory.glob("*.py"))


def _hint(directory: Path) -> str:
    scripts = _scripts(directory)
    if not scripts:
        return "The folder has no Python file."
    return f"The folder has the Python files {', '.join(scripts)}."


def _is_file(path: Path) -> bool:
    try:
        return path.is_file()
    except OSError:  # the name is too long for the file system
        return False
