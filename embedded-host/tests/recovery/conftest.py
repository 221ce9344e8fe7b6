from __future__ import annotations

import pytest

from tests.support.sqlite_shell import require_sqlite_shell


@pytest.fixture(scope="session")
def sqlite_shell() -> None:
    require_sqlite_shell()
