"""The app settings that an app reads: in its bindings and in its code."""

from __future__ import annotations

import ast
import os
import re
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import NamedTuple

from embedded_host.app.definitions import App

_REFERENCE = re.compile(r"%([^%]+)%")
_READS = re.compile(rb"environ|getenv")
_SKIPPED = frozenset({"__pycache__", "node_modules", "site-packages", "venv", "env", "tests"})
"""Folders, besides hidden ones, whose code is not the app's."""
_PROJECT = ("pyproject.toml", "setup.py", ".git")
"""Files whose folder, below the app folder, is a project of its own."""
MAX_FILES = 500
"""Maximum number of Python files that are searched."""
MAX_SIZE = 1_000_000
"""Maximum bytes of a searched file."""


class SettingUse(NamedTuple):
    """The first use of a setting."""

    name: str
    reader: str
    """A sentence that describes the use."""
    file: str = ""
    """The path of the code relative to the app folder, or an empty string."""
    line: int = 0


def setting_uses(app: App) -> Iterator[SettingUse]:
    """Yield the first use of each setting that the app reads."""
    seen: set[str] = set()
    for use in (*_binding_uses(app), *_code_uses(app.root)):
        if use.name not in seen:
            seen.add(use.name)
            yield use


def _binding_uses(app: App) -> Iterator[SettingUse]:
    for function in app.functions:
        bindings = function.config.get("bindings")
        for binding in bindings if isinstance(bindings, list) else ():
            if not isinstance(binding, Mapping):
                continue
            for key, value in binding.items():
                if not isinstance(value, str):
                    continue
                names = _REFERENCE.findall(value)
                if str(key).lower() in ("connection", "connectionname"):
                    names.append(value)
                for name in names:
                    text = f"The function '{function.name}' reads it in '{key}' of a binding."
                    yield SettingUse(name, text, function.code_file, function.line)


def _code_uses(root: Path) -> Iterator[SettingUse]:
    for file in _python_files(root):
        try:
            content = file.read_bytes() if file.stat().st_size <= MAX_SIZE else b""
            tree = ast.parse(content) if _READS.search(content) else None
        except (OSError, SyntaxError, ValueError, RecursionError, MemoryError):
            continue
        for node in ast.walk(tree) if tree is not None else ():
            name = _read_name(node)
            if name is not None:
                path = file.relative_to(root).as_posix()
                line = getattr(node, "lineno", 0)
                yield SettingUse(name, f"{path} reads it in line {line}.", path, line)


def _python_files(root: Path) -> Iterator[Path]:
    count = 0
    for folder, folders, files in os.walk(root):
        folders[:] = sorted(f for f in folders if _is_of_app(folder, f))
        for name in sorted(files):
            if name.endswith(".py"):
                count += 1
                if count > MAX_FILES:
                    return
                yield Path(folder, name)


def _is_of_app(parent: str, name: str) -> bool:
    """Return True if a folder can have code of the app. A project of its own has none."""
    if name in _SKIPPED or name.startswith("."):
        return False
    return not any(Path(parent, name, file).exists() for file in _PROJECT)


def _read_name(node: ast.AST) -> str | None:
    """Return the name in ``os.environ["NAME"]``, ``os.environ.get("NAME")`` or ``os.getenv``."""
    argument: ast.expr | None = None
    if isinstance(node, ast.Subscript) and isinstance(node.ctx, ast.Load):
        argument = node.slice if _is_named(node.value, "environ") else None
    elif isinstance(node, ast.Call) and node.args:
        function = node.func
        reads = _is_named(function, "getenv") or (
            isinstance(function, ast.Attribute)
            and function.attr == "get"
            and _is_named(function.value, "environ")
        )
        argument = node.args[0] if reads else None
    if isinstance(argument, ast.Constant) and isinstance(argument.value, str):
        return argument.value
    return None


def _is_named(node: ast.expr, name: str) -> bool:
    """Return True for ``os.NAME`` and ``NAME``."""
    if isinstance(node, ast.Attribute):
        return node.attr == name and isinstance(node.value, ast.Name) and node.value.id == "os"
    return isinstance(node, ast.Name) and node.id == name
