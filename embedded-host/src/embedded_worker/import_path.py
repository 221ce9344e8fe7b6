"""The import path of an app, and the package ``__app__`` of its function folders.

The Azure Functions host's Python worker has the same path.
"""

from __future__ import annotations

import importlib
import importlib.util
import os
import sys
import types
from pathlib import Path

APP_PACKAGE = "__app__"
"""The package of the function folders.

It makes ``from ..shared import x`` and ``from __app__.shared import x`` work.
"""


def prepare_imports(root: Path) -> None:
    """Put the app folder ``root`` last on ``sys.path``, and create the empty package ``__app__``.

    The standard library and the installed packages precede the modules of the app.
    """
    add_to_path(root)
    for name in [n for n in sys.modules if n == APP_PACKAGE or n.startswith(f"{APP_PACKAGE}.")]:
        del sys.modules[name]  # from another app in the same process
    package = types.ModuleType(APP_PACKAGE)
    folders: list[str] = []
    package.__path__ = folders
    # Python 3.15 reads it to format a ModuleNotFoundError of a module in the package.
    spec = importlib.util.spec_from_file_location(
        APP_PACKAGE, root / "__init__.py", submodule_search_locations=[str(root)]
    )
    assert spec is not None
    spec.submodule_search_locations = folders
    package.__spec__ = spec
    sys.modules[APP_PACKAGE] = package
    importlib.invalidate_caches()


def add_function_folders(root: Path) -> None:
    """Make the folders in ``root`` the modules of the package ``__app__``.

    The package remains empty if the app has no function folders (v2 model).
    """
    folders = sys.modules[APP_PACKAGE].__path__
    if str(root) not in folders:
        folders.append(str(root))


def add_to_path(root: Path) -> None:
    """Put the app folder ``root`` last on ``sys.path``, and remove it from other positions.

    It has another position if ``PYTHONPATH`` contains it, or if it was the working directory of
    ``python -m``. An empty entry is the current working directory.
    """
    folder = _real(str(root))
    sys.path[:] = [entry for entry in sys.path if _real(entry or os.curdir) != folder]
    sys.path.append(str(root))


def _real(path: str) -> str:
    return os.path.normcase(os.path.realpath(path))
