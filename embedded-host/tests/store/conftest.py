from __future__ import annotations

from contextlib import closing
from pathlib import Path

import pytest

from embedded_host.store.sqlite import SqliteStore
from tests.store.contract_tests import EVERYTHING


@pytest.fixture
def path(tmp_path: Path) -> Path:
    """Return the path of a closed state file with rows of every kind."""
    path = tmp_path / "state.db"
    with closing(SqliteStore(path, fsync=False)) as store:
        store.write(EVERYTHING)
    return path
