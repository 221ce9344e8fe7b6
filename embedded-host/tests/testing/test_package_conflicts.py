"""The test kit in an environment whose packages do not match."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from importlib import metadata

import pytest

import embedded_host.testing
from embedded_host.testing import DurableApp, PackageConflictError
from embedded_host.workers import shared_environment
from tests.support.app_folder import AppFolder


@pytest.fixture(autouse=True)
def conflict(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    monkeypatch.setattr(metadata, "requires", lambda name: ["aiohttp>=99"])
    shared_environment._conflicts.cache_clear()
    yield
    shared_environment._conflicts.cache_clear()


def test_an_app_is_not_opened(app: AppFolder) -> None:
    with pytest.raises(PackageConflictError, match=r"The test kit needs aiohttp>=99, .*\[EH233\]"):
        DurableApp(app.root)


def test_a_failed_import_of_the_test_kit_is_explained(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "embedded_host.testing.crashes", None)
    with pytest.raises(PackageConflictError, match="The test kit needs aiohttp>=99"):
        _ = embedded_host.testing.crash_everywhere
