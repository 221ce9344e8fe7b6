"""The imports of the worker, which runs in the app's interpreter."""

from __future__ import annotations

import ast
import subprocess
import sys
from pathlib import Path

import pytest

import embedded_worker

PACKAGE = Path(embedded_worker.__file__).parent
MODULES = sorted(PACKAGE.rglob("*.py"))


def imported(module: Path) -> set[str]:
    """Return the top-level packages that a module imports at any level of its code."""
    names: set[str] = set()
    for node in ast.walk(ast.parse(module.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            names |= {alias.name.partition(".")[0] for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{module.name} has a relative import"
            names.add(str(node.module).partition(".")[0])
    return names


@pytest.mark.parametrize("module", MODULES, ids=lambda module: module.name)
def test_a_module_imports_the_standard_library_and_the_sdk_only(module: Path) -> None:
    packages = {"durabletask", "google", "grpc"} if module.parent.name == "sdk2" else set()
    if module.name == "response_cookies.py":  # SDK 1.x installs it, and it is optional
        packages = {"dateutil"}
    assert imported(module) <= {*sys.stdlib_module_names, "azure", "embedded_worker", *packages}


IMPORT_ALL = """
import importlib, pkgutil, sys

class Blocker:
    def find_spec(self, name, path=None, target=None):
        if name.partition(".")[0] in (
            "embedded_host", "msgspec", "click", "rich", "watchfiles", "uvloop"
        ):
            raise ImportError(name + " is not installed in the app's environment")

sys.meta_path.insert(0, Blocker())
import embedded_worker
for module in pkgutil.walk_packages(embedded_worker.__path__, "embedded_worker."):
    if not module.name.startswith("embedded_worker.sdk2."):  # needs SDK 2.x
        importlib.import_module(module.name)
        print(module.name)
"""


@pytest.mark.process
def test_every_module_can_be_imported_without_the_hosts_packages() -> None:
    done = subprocess.run(
        [sys.executable, "-c", IMPORT_ALL],
        capture_output=True,
        text=True,
        check=False,
        cwd=PACKAGE.parent,
    )
    assert done.returncode == 0, done.stderr
    others = [module for module in MODULES if module.parent.name != "sdk2"]
    assert len(done.stdout.split()) == len(others)
