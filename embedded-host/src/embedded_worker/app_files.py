"""Files and lines of the app's own code, for messages about it."""

from __future__ import annotations

import os
from pathlib import Path

_PACKAGES = str(Path(__file__).parents[1]) + os.sep
"""The directory of embedded_worker and embedded_host."""
_LIBRARIES = {"site-packages", ".venv", "venv"}


def is_app_file(filename: str, root: Path) -> bool:
    """Return True for a file of the app below ``root``, False for one of a library in it or of the embedded host."""
    prefix = f"{root}{os.sep}"
    return (
        filename.startswith(prefix)
        and not filename.startswith(_PACKAGES)
        and _LIBRARIES.isdisjoint(Path(filename[len(prefix) :]).parts)
    )


def relative_name(filename: str, root: Path) -> str:
    """Return ``filename`` relative to ``root`` with forward slashes; unchanged if it lies elsewhere."""
    try:
        return Path(filename).relative_to(root).as_posix()
    except ValueError:
        return filename
