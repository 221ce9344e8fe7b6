"""Finds modules of the app that the standard library or an installed package hides.

The app folder is last on ``sys.path``, here and on the Azure Functions host. If a module of the app
has the name of another module, an import of this name finds the other module.
"""

from __future__ import annotations

import ast
import os
import sys
from collections.abc import Iterator
from importlib.machinery import ModuleSpec
from importlib.util import find_spec
from pathlib import Path
from typing import NamedTuple

from embedded_worker.app_files import is_app_file
from embedded_worker.protocol import FindingData

HIDES_WORKER = ("azure", "google")
"""Namespace packages that the worker of the Azure Functions host imports.

A regular package of the app with one of these names replaces the namespace package.
"""
_HIDDEN_MODULE = "EH830"
_HIDES_WORKER = "EH831"
"""The kinds of the parity findings of this module."""
_OF_HOST = ("embedded_host", "embedded_worker")
_DATA_FOLDERS = (".", "__pycache__", "node_modules")
"""The beginnings of the names of folders that have no code of the app."""


class HiddenModule(NamedTuple):
    """A module of the app that is hidden, and the first import of its name in the app."""

    name: str
    path: str
    """The file or folder of the module, relative to the app folder."""
    winner: str
    """The file of the module that is imported instead, or ``the standard library``."""
    file: str
    """The file with the import, relative to the app folder."""
    line: int


def hidden_modules(root: Path) -> list[HiddenModule]:
    """Return the hidden modules of the app in ``root`` that the app imports by their names.

    The app folder must be last on ``sys.path`` (``import_path.prepare_imports``).
    """
    winners = dict(_winners(root))
    if not winners:
        return []
    found: dict[str, HiddenModule] = {}
    for file in _code_files(root):
        for name, line in _imports(file):
            top = name.partition(".")[0]
            if top not in winners or top in found:
                continue
            path, winner = winners[top]
            if (path / "function.json").is_file() and not _is_of_app(path, name):
                continue  # a function folder is not imported by its name, but by its path
            found[top] = HiddenModule(
                top,
                path.relative_to(root).as_posix(),
                winner,
                file.relative_to(root).as_posix(),
                line,
            )
    return list(found.values())


def import_findings(root: Path) -> list[FindingData]:
    """Return the parity findings of the modules of the app in ``root``."""
    hidden = [
        FindingData(
            _HIDDEN_MODULE,
            module.path,
            f"'{module.name}' is the module of {module.winner} here too.",
            module.file,
            module.line,
        )
        for module in hidden_modules(root)
    ]
    return hidden + [
        FindingData(_HIDES_WORKER, name, file=f"{name}/__init__.py", line=1)
        for name in _packages_that_hide_the_worker(root)
    ]


def worker_problem(root: Path) -> str:
    """Return the reason why the Azure Functions host's worker cannot start, or an empty string."""
    return " ".join(
        f"The folder '{name}' of the app has an __init__.py, so it replaces the package '{name}' "
        "that the worker of the Azure Functions host imports. That worker cannot start. Rename the "
        "folder."
        for name in _packages_that_hide_the_worker(root)
    )


def _packages_that_hide_the_worker(root: Path) -> list[str]:
    return [name for name in HIDES_WORKER if _hides_namespace(root, name)]


def _hides_namespace(root: Path, name: str) -> bool:
    if not (root / name / "__init__.py").is_file():
        return False
    installed = sys.modules.get(name)
    file = getattr(installed, "__file__", None)
    return file is None or is_app_file(file, root)


def _winners(root: Path) -> Iterator[tuple[str, tuple[Path, str]]]:
    """Yield each hidden module of the app with its path and the module that is found instead."""
    for entry in sorted(os.scandir(root), key=lambda entry: entry.name):
        name, ending = os.path.splitext(entry.name)  # noqa: PTH122
        is_folder = entry.is_dir()
        if is_folder == (ending == ".py") or not name.isidentifier() or name in _OF_HOST:
            continue
        if is_folder and (ending or name == "__pycache__"):
            continue
        try:
            spec = find_spec(name)
        except (ImportError, ValueError, AttributeError):  # a module without a spec, as __main__
            continue
        winner = _winner(root, spec)
        if winner:
            yield name, (Path(entry.path), winner)


def _winner(root: Path, spec: ModuleSpec | None) -> str:
    """Return the file of a module that is not of the app, else an empty string."""
    if spec is None or (spec.origin is None and spec.name not in sys.builtin_module_names):
        return ""  # a namespace package also has the folder of the app
    origin = spec.origin or ""
    if origin.startswith(f"{root}{os.sep}") and is_app_file(origin, root):
        return ""
    if origin in ("", "built-in", "frozen") or spec.name in _standard_library():
        return "the standard library"
    return origin


def _standard_library() -> frozenset[str]:
    """Return the names of the standard library. Python 3.9 does not have the list."""
    return getattr(sys, "stdlib_module_names", frozenset())


def _is_of_app(folder: Path, name: str) -> bool:
    """Return True if ``name`` is a module in ``folder``, for example ``FOLDER.helper``."""
    parts = name.split(".")[1:]
    if not parts:
        return False
    path = folder.joinpath(*parts)
    return path.is_dir() or path.with_suffix(".py").is_file()


def _code_files(root: Path) -> Iterator[Path]:
    """Yield the Python files of the app. Environments and libraries are omitted."""
    for folder, folders, files in os.walk(root):
        folders[:] = sorted(
            name
            for name in folders
            if not name.startswith(_DATA_FOLDERS)
            and name != "site-packages"
            and not Path(folder, name, "pyvenv.cfg").is_file()
        )
        yield from (Path(folder, name) for name in sorted(files) if name.endswith(".py"))


def _imports(file: Path) -> Iterator[tuple[str, int]]:
    """Yield the names and the lines of the absolute imports in a file."""
    try:
        tree = ast.parse(file.read_bytes())
    except (OSError, SyntaxError, ValueError, RecursionError):  # the import reports the error
        return
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from ((alias.name, node.lineno) for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.level == 0 and node.module:
            yield node.module, node.lineno
            yield from ((f"{node.module}.{alias.name}", node.lineno) for alias in node.names)
        elif (
            isinstance(node, ast.Call)
            and getattr(node.func, "attr", getattr(node.func, "id", "")) == "import_module"
            and node.args
            and isinstance(node.args[0], ast.Constant)
            and isinstance(node.args[0].value, str)
            and not node.args[0].value.startswith(".")
        ):
            yield node.args[0].value, node.lineno
