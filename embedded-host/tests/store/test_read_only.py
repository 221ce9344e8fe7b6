from __future__ import annotations

import shutil
import sqlite3
from contextlib import closing
from pathlib import Path

import pytest

from embedded_host.store.interface import StateError
from embedded_host.store.read_only import open_read_only, read_state
from embedded_host.store.sqlite import SqliteStore
from tests.store.contract_tests import EVERYTHING, belongings


def files(folder: Path) -> dict[str, bytes]:
    return {file.name: file.read_bytes() for file in folder.iterdir()}


@pytest.fixture
def store(tmp_path: Path) -> SqliteStore:
    (tmp_path / "live").mkdir()
    store = SqliteStore(tmp_path / "live" / "state.db", fsync=False)
    store.write(EVERYTHING)
    return store


def test_a_closed_state_is_read_without_a_new_file(store: SqliteStore, tmp_path: Path) -> None:
    store.close()
    before = files(tmp_path / "live")
    with read_state(tmp_path / "live" / "state.db") as reader:
        assert belongings(reader)[0] is not None
    assert files(tmp_path / "live") == before


def test_a_live_state_is_read_with_its_log(store: SqliteStore, tmp_path: Path) -> None:
    with read_state(tmp_path / "live" / "state.db") as reader:
        assert belongings(reader) == belongings(store)
    store.close()


def test_a_copied_log_without_its_index_is_read_and_not_changed(
    store: SqliteStore, tmp_path: Path
) -> None:
    copy = tmp_path / "copy"
    copy.mkdir()
    for name in ("state.db", "state.db-wal"):
        shutil.copyfile(tmp_path / "live" / name, copy / name)
    expected = belongings(store)
    store.close()
    before = files(copy)
    with read_state(copy / "state.db") as reader:
        assert belongings(reader) == expected
    assert files(copy) == before


def test_a_read_only_connection_cannot_write(store: SqliteStore, tmp_path: Path) -> None:
    store.close()
    with (
        pytest.raises(StateError, match="readonly"),
        open_read_only(tmp_path / "live" / "state.db") as connection,
    ):
        connection.execute("DELETE FROM instances")


def test_a_file_of_another_program_is_rejected(tmp_path: Path) -> None:
    with closing(sqlite3.connect(tmp_path / "other.db")) as connection:
        connection.execute("CREATE TABLE t (x)")
    with pytest.raises(StateError, match="EH213"), read_state(tmp_path / "other.db"):
        pass
