"""Fixtures for all tests, and the default marker of each test, which depends on its folder."""

from __future__ import annotations

import asyncio
import compileall
import errno
import os
import subprocess
import sys
from collections.abc import Generator, Iterator
from pathlib import Path
from typing import Any, NoReturn

import pytest

import embedded_host
import embedded_worker
from tests.support.app_folder import AppFolder
from tests.support.app_python import app_python, app_versions, is_older, select_app_python
from tests.support.sdk2 import durable_version, uses_sdk_2

TESTS = Path(__file__).parent
PROCESS_FOLDERS = (
    "benchmarks",
    "conformance",
    "crash",
    "docs",
    "e2e",
    "functions_host",
    "fuzz",
    "load",
    "requirements",
)
MARKERS = {"unit", "process", "browser", "container", "manual"}


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption(
        "--app-python",
        metavar="PATH",
        help="start worker processes in this interpreter, for example of another environment",
    )


def pytest_configure(config: pytest.Config) -> None:
    if path := config.getoption("--app-python"):
        select_app_python(path)
    if not hasattr(config, "workerinput") and config.option.markexpr != "unit":
        _compile()


def _compile() -> None:
    """Write the bytecode files of the host and the worker, unless Python may write none.

    Otherwise each process of a test would compile their modules, because ``no_bytecode_of_apps``
    applies to it.
    """
    if not sys.dont_write_bytecode:
        for path in (*embedded_host.__path__, *embedded_worker.__path__):
            compileall.compile_dir(path, quiet=2)


@pytest.fixture(scope="session", autouse=True)
def no_bytecode_of_apps() -> Iterator[None]:
    """Let the processes of the tests write no bytecode files.

    A test may change a module within a second and keep its size. Python would then run the old
    bytecode, because it compares seconds and sizes.
    """
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("PYTHONDONTWRITEBYTECODE", "1")
        yield


def pytest_report_header() -> str | None:
    path = app_python()
    return f"app: {path}, {app_versions(path)}" if path else None


def pytest_runtest_setup(item: pytest.Item) -> None:
    """Skip a test whose app does not run with the SDK of ``--app-python``, or of the host.

    A test that starts processes has an app for SDK 1.x, unless it needs 2.x or has the marker
    ``any_sdk``.
    """
    marker = item.get_closest_marker("needs_durable")
    needed, reason = marker.args if marker else ("1", "")
    version = durable_version()
    if is_older(version, than=needed):
        pytest.skip(f"needs azure-functions-durable {needed}, not {version}: {reason}")
    is_for_1x = is_older(needed, than="2") and not item.get_closest_marker("any_sdk")
    if is_for_1x and not item.get_closest_marker("unit") and uses_sdk_2():
        pytest.skip(f"its app is written for azure-functions-durable 1.x, not {version}")


def _folder(path: Path) -> str:
    return path.relative_to(TESTS).parts[0] if TESTS in path.parents else ""


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Add the marker of its folder to each test. Deselect manual tests without ``-m manual``."""
    if "manual" not in config.option.markexpr:
        manual = [item for item in items if item.get_closest_marker("manual")]
        items[:] = [item for item in items if item not in manual]
        config.hook.pytest_deselected(items=manual)
    for item in items:
        if not any(marker.name in MARKERS for marker in item.iter_markers()):
            folder = _folder(item.path)
            name = (
                "browser"
                if folder == "browser"
                else "process"
                if folder in PROCESS_FOLDERS
                else "unit"
            )
            item.add_marker(name)


def pytest_ignore_collect(collection_path: Path, config: pytest.Config) -> bool | None:
    """With ``-m unit``, ignore the folders without unit tests, so that they are not imported."""
    other = (*PROCESS_FOLDERS, "browser")
    return True if config.option.markexpr == "unit" and _folder(collection_path) in other else None


def _refuse(*_: object, **__: object) -> NoReturn:
    raise AssertionError("A unit test starts a process. Mark it: pytest.mark.process")


@pytest.hookimpl(wrapper=True, tryfirst=True)
def pytest_runtest_protocol(item: pytest.Item) -> Generator[None, object, object]:
    """Raise AssertionError if a unit test or one of its fixtures starts a process."""
    start = subprocess.Popen.__init__
    if item.get_closest_marker("unit"):
        subprocess.Popen.__init__ = _refuse  # type: ignore[method-assign]
    try:
        return (yield)
    finally:
        subprocess.Popen.__init__ = start  # type: ignore[method-assign]


@pytest.fixture(autouse=True)
def unchanged_directory() -> Iterator[None]:
    """Restore the working folder after the test. The load of an app changes it."""
    directory = Path.cwd()
    yield
    os.chdir(directory)


_USER_MODULES = ("__app__", "function_app", "shared")


def _is_users(name: str) -> bool:
    return name.split(".")[0] in _USER_MODULES


@pytest.fixture
def isolated_imports() -> Iterator[None]:
    """Restore ``sys.path`` and the modules after the test."""
    path = list(sys.path)
    kept = {name: module for name, module in sys.modules.items() if _is_users(name)}
    for name in kept:
        del sys.modules[name]
    yield
    for name in [name for name in sys.modules if _is_users(name)]:
        del sys.modules[name]
    sys.modules.update(kept)
    sys.path[:] = path


@pytest.fixture
def app(tmp_path: Path, isolated_imports: None) -> AppFolder:
    return AppFolder(tmp_path / "app")


class RefusedProcesses:
    """A replacement for ``create_subprocess_exec`` that fails in its next ``left`` calls."""

    left = 0

    def __init__(self) -> None:
        self._start = asyncio.create_subprocess_exec

    async def start(self, *arguments: Any, **options: Any) -> asyncio.subprocess.Process:
        if self.left:
            self.left -= 1
            raise OSError(errno.EAGAIN, "Resource temporarily unavailable")
        return await self._start(*arguments, **options)


@pytest.fixture
def refused_processes(monkeypatch: pytest.MonkeyPatch) -> RefusedProcesses:
    refused = RefusedProcesses()
    monkeypatch.setattr(asyncio, "create_subprocess_exec", refused.start)
    return refused
