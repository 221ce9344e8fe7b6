"""The imported code of the app under test. It is imported once for all tests of a run, as any package is."""

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
    loaded: LoadResult
    modules: tuple[str, ...]
    """Names in ``sys.modules`` of the modules below the app's root that loading imported."""


class AppImports:
    """Keeps the app that was imported last. Another app replaces it: both may have modules of the same names."""

    def __init__(self) -> None:
        self._app: ImportedApp | None = None

    def find(self, load: LoadRequest) -> ImportedApp | None:
        """Return the app if it is imported, with the same root and functions."""
        return self._app if self._app is not None and self._app.load == load else None

    def keep(
        self,
        load: LoadRequest,
        functions: Mapping[str, LoadedFunction | LoadError],
        loaded: LoadResult,
        before: set[str],
    ) -> None:
        """Keep an app. ``before`` has the names in ``sys.modules`` from before it was loaded."""
        root = Path(load.root)
        files = {
            name: str(getattr(sys.modules[name], "__file__", None))
            for name in set(sys.modules) - before
        }
        modules = tuple(name for name, file in files.items() if is_app_file(file, root))
        self._app = ImportedApp(load, dict(functions), loaded, modules)

    def clear(self) -> None:
        """Remove the app's modules from ``sys.modules``."""
        if self._app is not None:
            for name in self._app.modules:
                sys.modules.pop(name, None)
        self._app = None


app_imports = AppImports()
"""The imports of this process."""
