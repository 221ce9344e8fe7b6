"""The recovery tests run SQLite's shell. Without one that has ``.recover`` they fail in CI, and are skipped elsewhere."""

from __future__ import annotations

import os

import pytest

from embedded_host.recovery.sqlite_program import find_shell
from embedded_host.store.interface import StateError


@pytest.fixture(scope="session")
def sqlite_shell() -> None:
    try:
        find_shell()
    except StateError as error:
        if os.environ.get("CI"):
            pytest.fail(f"The recovery is not tested: {error}")
        pytest.skip(f"the recovery is not tested: {error}")
