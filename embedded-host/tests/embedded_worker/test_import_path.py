"""The position of the app folder on ``sys.path``, and the package ``__app__``."""

from __future__ import annotations

import importlib
import os
import sys
from pathlib import Path

import pytest

from embedded_worker.import_path import add_function_folders, add_to_path, prepare_imports

pytestmark = pytest.mark.usefixtures("isolated_imports")


def test_the_app_folder_is_last(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    before = [entry for entry in sys.path if entry]
    sys.path[:] = ["", str(tmp_path), *before, f"{tmp_path}{os.sep}"]
    add_to_path(tmp_path)
    assert sys.path == [*before, str(tmp_path)]


def test_an_installed_module_precedes_a_module_of_the_app(tmp_path: Path) -> None:
    (tmp_path / "colorsys.py").touch()
    (tmp_path / "own_module.py").touch()
    prepare_imports(tmp_path)
    assert Path(importlib.import_module("colorsys").__file__ or "").parent != tmp_path
    assert Path(importlib.import_module("own_module").__file__ or "").parent == tmp_path


def test_the_package_is_empty_without_function_folders(tmp_path: Path) -> None:
    (tmp_path / "shared.py").touch()
    prepare_imports(tmp_path)
    with pytest.raises(ModuleNotFoundError, match=r"__app__\.shared"):
        importlib.import_module("__app__.shared")
    add_function_folders(tmp_path)
    add_function_folders(tmp_path)
    assert list(sys.modules["__app__"].__path__) == [str(tmp_path)]
    importlib.import_module("__app__.shared")
