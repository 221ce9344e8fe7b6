"""The requirement of SQLite's shell, which a recovery runs."""

from __future__ import annotations

import os

import pytest

from embedded_host.recovery.sqlite_program import find_shell
from embedded_host.store.interface import StateError


def require_sqlite_shell() -> None:
    """If no shell with ``.recover`` is installed, fail the test in CI, and skip it elsewhere."""
    try:
        find_shell()
    except StateError as error:
        if os.environ.get("CI"):
            pytest.fail(f"The recovery is not tested: {error}")
        pytest.skip(f"the recovery is not tested: {error}")
