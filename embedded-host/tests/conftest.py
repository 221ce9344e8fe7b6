from __future__ import annotations

import asyncio
import errno
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.support.app_folder import AppFolder

_USER_MODULES = ("__app__", "shared")


def _is_users(name: str) -> bool:
    return name.split(".")[0] in _USER_MODULES


@pytest.fixture
def isolated_imports() -> Iterator[None]:
    """``sys.path`` and the modules of an app are as before once the test is done."""
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
    """So many times the system will refuse to start a process."""

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
