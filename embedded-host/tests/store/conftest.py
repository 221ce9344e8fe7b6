from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest

from embedded_host.store.overview import Overview
from embedded_host.store.sqlite import SqliteStore
from tests.store.contract_tests import EVERYTHING


@pytest.fixture
def path(tmp_path: Path) -> Path:
    """Return the path of a closed state file with rows of every kind."""
    path = tmp_path / "state.db"
    with closing(SqliteStore(path, fsync=False)) as store:
        store.write(EVERYTHING)
    return path


@pytest.fixture
def store(tmp_path: Path) -> Iterator[SqliteStore]:
    """Yield an open, empty state file."""
    store = SqliteStore(tmp_path / "state.db", fsync=False)
    yield store
    store.close()


@pytest.fixture
def overview(store: SqliteStore) -> Iterator[Overview]:
    """Yield the queries on the state file of ``store``."""
    assert store.path is not None
    overview = Overview(store.path)
    yield overview
    overview.close()
