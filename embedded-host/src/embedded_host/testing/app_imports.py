"""The imported code of the app under test, which all tests of a pytest run share."""

from __future__ import annotations

import sys
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from embedded_worker.app_files import is_app_file
from embedded_worker.loading import LoadedFunction, LoadError
from embedded_worker.protocol import LoadRequest, LoadResult


@dataclass(frozen=True)
class ImportedApp:
    """The result of loading an app."""

    load: LoadRequest
    functions: Mapping[str, LoadedFunction | LoadError]
    """The functions by name, each with its code or the error that prevents its use."""
    loaded: LoadResult
    modules: tuple[str, ...]
    """The modules of the app folder that were imported, by their names in ``sys.modules``."""


class AppImports:
    """A cache that contains one app.

    Another app replaces the cached app, because both apps may have modules with the same names.
    """

    def __init__(self) -> None:
        self._app: ImportedApp | None = None

    def find(self, load: LoadRequest) -> ImportedApp | None:
        """Return the app if it was loaded with the same request. Otherwise, return None."""
        return self._app if self._app is not None and self._app.load == load else None

    def keep(
        self,
        load: LoadRequest,
        functions: Mapping[str, LoadedFunction | LoadError],
        loaded: LoadResult,
        before: set[str],
    ) -> None:
        """Keep a loaded app. ``before`` contains the keys of ``sys.modules`` before the load."""
        root = Path(load.root)
        files = {
            name: str(getattr(sys.modules[name], "__file__", None))
            for name in set(sys.modules) - before
        }
        modules = tuple(name for name, file in files.items() if is_app_file(file, root))
        self._app = ImportedApp(load, dict(functions), loaded, modules)

    def clear(self) -> None:
        """Remove the app from the cache, and remove its modules from ``sys.modules``."""
        if self._app is not None:
            for name in self._app.modules:
                sys.modules.pop(name, None)
        self._app = None


app_imports = AppImports()
"""The cache of this process."""
