from __future__ import annotations

import sys
from pathlib import Path
from types import ModuleType

import pytest

from embedded_host.testing.app_imports import AppImports
from embedded_worker.protocol import LoadRequest, LoadResult


def request(root: Path) -> LoadRequest:
    return LoadRequest(str(root), [])


@pytest.fixture
def module(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> str:
    module = ModuleType("module_of_the_app")
    module.__file__ = str(tmp_path / "app" / "module_of_the_app.py")
    monkeypatch.setitem(sys.modules, "module_of_the_app", module)
    return "module_of_the_app"


def test_an_app_is_found_by_its_root_and_functions(tmp_path: Path, module: str) -> None:
    imports, load = AppImports(), request(tmp_path / "app")
    assert imports.find(load) is None
    imports.keep(load, {}, LoadResult([], []), set(sys.modules) - {module})
    kept = imports.find(load)
    assert kept is not None
    assert kept.modules == (module,)
    assert imports.find(request(tmp_path / "other")) is None


def test_clear_removes_the_apps_modules_only(tmp_path: Path, module: str) -> None:
    imports, load = AppImports(), request(tmp_path / "app")
    imports.keep(load, {}, LoadResult([], []), set(sys.modules) - {module, "json"})
    imports.clear()
    assert (module in sys.modules, "json" in sys.modules) == (False, True)
    assert imports.find(load) is None
