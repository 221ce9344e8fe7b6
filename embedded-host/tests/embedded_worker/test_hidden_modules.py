"""Modules of the app that the standard library or an installed package hides."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

from embedded_worker.hidden_modules import hidden_modules, import_findings, worker_problem
from embedded_worker.import_path import prepare_imports
from tests.support.app_folder import AppFolder


def names(app: AppFolder) -> list[str]:
    prepare_imports(app.root)
    return [module.name for module in hidden_modules(app.root)]


def test_a_module_of_the_standard_library_hides_a_module_of_the_app(app: AppFolder) -> None:
    app.write("colorsys.py", "")
    app.write("Hello/__init__.py", "import os\nimport colorsys\n")
    prepare_imports(app.root)
    [finding] = import_findings(app.root)
    assert (finding.code, finding.function) == ("EH830", "colorsys.py")
    assert (finding.file, finding.line) == ("Hello/__init__.py", 2)
    assert finding.detail == "'colorsys' is the module of the standard library here too."


def test_an_installed_package_hides_a_package_of_the_app(app: AppFolder, tmp_path: Path) -> None:
    installed = tmp_path / "site-packages"
    (installed / "my_words").mkdir(parents=True)
    (installed / "my_words" / "__init__.py").touch()
    sys.path.insert(0, str(installed))
    app.write("my_words/__init__.py", "")
    app.write("function_app.py", "from my_words import x\n")
    prepare_imports(app.root)
    [module] = hidden_modules(app.root)
    assert (module.path, module.file, module.line) == ("my_words", "function_app.py", 1)
    assert module.winner == str(installed / "my_words" / "__init__.py")


@pytest.mark.parametrize(
    "line",
    [
        "import colorsys",
        "import colorsys as c",
        "from colorsys import rgb_to_hsv",
        "import importlib; importlib.import_module('colorsys')",
        "def f():\n    import colorsys",
    ],
)
def test_imports_are_found(app: AppFolder, line: str) -> None:
    app.write("colorsys.py", "")
    app.write("own.py", line)
    assert names(app) == ["colorsys"]


@pytest.mark.parametrize(
    "line", ["import os", "from . import colorsys", "from ..colorsys import x", "import = 1"]
)
def test_other_code_is_no_finding(app: AppFolder, line: str) -> None:
    app.write("colorsys.py", "")
    app.write("own.py", line)
    assert names(app) == []


def test_own_modules_and_namespace_packages_are_not_hidden(app: AppFolder) -> None:
    app.write("shared/words.py", "")
    app.write("own_words.py", "")
    app.write("data.csv", "")
    app.write("own.py", "import shared.words, own_words, data")
    assert names(app) == []


def test_code_of_an_environment_in_the_app_folder_is_ignored(app: AppFolder) -> None:
    app.write("colorsys.py", "")
    app.write("env/pyvenv.cfg", "")
    app.write("env/lib/x.py", "import colorsys")
    app.write(".python_packages/lib/site-packages/x.py", "import colorsys")
    assert names(app) == []


def test_a_function_folder_is_hidden_only_for_its_own_modules(app: AppFolder) -> None:
    app.write("colorsys/function.json", "{}")
    app.write("colorsys/helper.py", "")
    app.write("colorsys/__init__.py", "import colorsys\n")
    assert names(app) == []
    app.write("other.py", "from colorsys.helper import x\n")
    assert names(app) == ["colorsys"]


def test_a_package_that_hides_a_package_of_the_worker_is_a_finding(app: AppFolder) -> None:
    app.write("azure/words.py", "")
    assert worker_problem(app.root) == ""
    app.write("azure/__init__.py", "")
    prepare_imports(app.root)
    assert [(f.code, f.function, f.file) for f in import_findings(app.root)] == [
        ("EH831", "azure", "azure/__init__.py")
    ]
    assert "Rename the folder." in worker_problem(app.root)
