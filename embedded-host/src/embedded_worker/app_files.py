"""The files of an app: which files belong to it, and their names relative to the app folder."""

from __future__ import annotations

import os
import re
from functools import lru_cache
from pathlib import Path

_PACKAGES = str(Path(__file__).parents[1]) + os.sep
"""The folder of embedded_worker and embedded_host."""
_SCRIPT_NAME = re.compile(r"[a-zA-Z0-9_][a-zA-Z0-9_-]*\.py", re.ASCII)
_LIBRARIES = {"site-packages", ".venv", "venv"}


@lru_cache(maxsize=1024)  # each call in a replayed history has a position
def is_app_file(filename: str, root: Path) -> bool:
    """Return True if the file belongs to the app in the folder ``root``.

    Files of libraries below ``root`` and files of the embedded host do not belong to the app.
    """
    prefix = f"{root}{os.sep}"
    return (
        filename.startswith(prefix)
        and not filename.startswith(_PACKAGES)
        and _LIBRARIES.isdisjoint(Path(filename[len(prefix) :]).parts)
    )


@lru_cache(maxsize=1024)
def relative_name(filename: str, root: Path) -> str:
    """Return ``filename`` relative to ``root`` with forward slashes.

    A file outside ``root`` keeps its name.
    """
    try:
        return Path(filename).relative_to(root).as_posix()
    except ValueError:
        return filename


def is_script_name(name: str) -> bool:
    """Return True for a valid value of the setting PYTHON_SCRIPT_FILE_NAME."""
    return _SCRIPT_NAME.fullmatch(name) is not None
