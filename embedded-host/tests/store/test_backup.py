from __future__ import annotations

from contextlib import closing
from pathlib import Path

import pytest

from embedded_host.store.backup import back_up
from embedded_host.store.connection import connect
from embedded_host.store.interface import StateError
from embedded_host.store.sqlite import SqliteStore
from tests.store.contract_tests import belongings


def test_a_backup_contains_all_data_in_one_file(path: Path, tmp_path: Path) -> None:
    target = tmp_path / "new" / "copy.db"
    with closing(connect(path)) as connection:
        back_up(connection, target)
    assert [file.name for file in target.parent.iterdir()] == ["copy.db"]
    with (
        closing(SqliteStore(path, fsync=False)) as store,
        closing(SqliteStore(target, fsync=False)) as copy,
    ):
        assert belongings(copy) == belongings(store)


def test_an_existing_file_is_not_overwritten(path: Path, tmp_path: Path) -> None:
    target = tmp_path / "copy.db"
    target.write_text("mine")
    with closing(connect(path)) as connection, pytest.raises(StateError, match="already exists"):
        back_up(connection, target)
    assert target.read_text() == "mine"


def test_a_backup_that_fails_leaves_no_file(path: Path, tmp_path: Path) -> None:
    connection = connect(path)
    connection.close()
    with pytest.raises(Exception, match="closed"):
        back_up(connection, tmp_path / "copies" / "copy.db")
    assert list((tmp_path / "copies").iterdir()) == []
