from __future__ import annotations

import sqlite3
import threading
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest

from embedded_host.engine import history as h
from embedded_host.store.epoch import micros
from embedded_host.store.interface import (
    DeleteInstance,
    SaveInstance,
    SetInput,
    StateBusyError,
    StateError,
    Store,
)
from embedded_host.store.schema import SCHEMA_VERSION
from embedded_host.store.sqlite import SqliteStore
from tests.store.contract_tests import EVERYTHING, FULL, PLAIN, T0, StoreContract, belongings


class TestFile(StoreContract):
    @pytest.fixture
    def store(self, tmp_path: Path) -> Iterator[Store]:
        store = SqliteStore(tmp_path / "state.db")
        yield store
        store.close()


class TestMemory(StoreContract):
    @pytest.fixture
    def store(self) -> Iterator[Store]:
        store = SqliteStore(None)
        yield store
        store.close()


def test_everything_survives_reopening(tmp_path: Path) -> None:
    path = tmp_path / "new" / "folder" / "state.db"
    store = SqliteStore(path)
    store.write([*EVERYTHING, SaveInstance(FULL)])
    before = belongings(store)
    store.close()
    store = SqliteStore(path)
    assert belongings(store) == before
    assert [store.instance("Hub", row.id) for row in (PLAIN, FULL)] == [PLAIN, FULL]
    assert store.highest_keys() == (2, 1, 1)
    store.close()


def test_writes_survive_without_a_close(tmp_path: Path) -> None:
    store = SqliteStore(tmp_path / "state.db")
    store.write(EVERYTHING)
    another = SqliteStore(tmp_path / "state.db")
    assert belongings(another) == belongings(store)
    another.close()
    store.close()


def test_a_reader_does_not_see_a_part_of_a_write(tmp_path: Path) -> None:
    store = SqliteStore(tmp_path / "state.db")
    store._writer.execute("BEGIN IMMEDIATE")
    for change in EVERYTHING:
        store._apply(store._writer.execute, change)
    assert store.instance("Hub", "a") is None
    store._writer.execute("COMMIT")
    assert store.instance("Hub", "a") == PLAIN
    store.close()


def test_one_thread_writes_and_another_reads(tmp_path: Path) -> None:
    store = SqliteStore(tmp_path / "state.db")
    writer = threading.Thread(target=store.write, args=(EVERYTHING,))
    writer.start()
    while writer.is_alive():
        assert belongings(store)[1] in ([], [[h.orchestrator_started(T0)]])
    writer.join()
    assert store.instance("Hub", "a") == PLAIN
    store.close()


def test_a_commit_is_synchronous(tmp_path: Path) -> None:
    for fsync, level in ((True, 2), (False, 0)):
        store = SqliteStore(tmp_path / "state.db", fsync=fsync)
        assert store._writer.execute("PRAGMA synchronous").fetchone() == (level,)
        assert store._writer.execute("PRAGMA journal_mode").fetchone() == ("wal",)
        store.close()


@pytest.mark.parametrize("version", [0, SCHEMA_VERSION + 1])
def test_a_file_of_another_version_is_rejected_and_not_changed(
    tmp_path: Path, version: int
) -> None:
    path = tmp_path / "state.db"
    SqliteStore(path).close()
    with closing(sqlite3.connect(path)) as other:
        other.execute(f"PRAGMA user_version = {version}")
    before = path.read_bytes()
    with pytest.raises(StateError) as caught:
        SqliteStore(path)
    assert str(caught.value) == (
        f"The state file {path} was written by another version of the embedded host (schema "
        f"{version}; this version uses {SCHEMA_VERSION}). Use the version of "
        "azure-functions-embedded-host that wrote it, or another folder with --state. [EH214]"
    )
    assert path.read_bytes() == before


def test_a_file_that_is_not_a_database_is_rejected_and_not_changed(tmp_path: Path) -> None:
    path = tmp_path / "state.db"
    path.write_text("this is not a database, and longer than a header of one hundred bytes " * 9)
    before = path.read_bytes()
    with pytest.raises(
        StateError,
        match=r"is damaged: file is not a database\. If another .*embedded-host recover",
    ) as caught:
        SqliteStore(path)
    assert str(path) in str(caught.value)
    assert path.read_bytes() == before


def test_a_database_of_another_program_is_rejected_and_not_changed(tmp_path: Path) -> None:
    path = tmp_path / "state.db"
    other = sqlite3.connect(path)
    other.execute("CREATE TABLE instances (name TEXT)")
    other.close()
    with pytest.raises(StateError, match=r"is not a state file of the embedded host"):
        SqliteStore(path)
    other = sqlite3.connect(path)
    assert other.execute("SELECT name FROM sqlite_master").fetchall() == [("instances",)]
    other.close()


def test_a_folder_with_the_name_of_the_state_file_is_rejected(tmp_path: Path) -> None:
    (tmp_path / "state.db").mkdir()
    with pytest.raises(StateError, match=r"is a folder\. Use another folder with --state"):
        SqliteStore(tmp_path / "state.db")


def test_a_file_with_the_name_of_the_state_folder_is_rejected(tmp_path: Path) -> None:
    (tmp_path / "folder").write_text("")
    with pytest.raises(StateError, match=r"File exists.*use another folder with --state"):
        SqliteStore(tmp_path / "folder" / "state.db")


def test_a_failed_write_raises_a_state_error(tmp_path: Path) -> None:
    store = SqliteStore(tmp_path / "state.db")
    store._writer.execute("PRAGMA max_page_count = 1")
    with pytest.raises(StateError, match=r"state\.db cannot be written: database or disk is full"):
        store.write([SaveInstance(PLAIN), SetInput(1, "x" * 10**6)])
    assert store.instance("Hub", "a") is None
    store.close()


def test_a_write_that_raises_an_exception_is_rolled_back(tmp_path: Path) -> None:
    store = SqliteStore(tmp_path / "state.db")
    with pytest.raises(AttributeError):
        store.write([*EVERYTHING, SaveInstance(None)])  # type: ignore[arg-type]
    assert store.instance("Hub", "a") is None
    store.write(EVERYTHING)
    assert store.instance("Hub", "a") == PLAIN
    store.close()


def test_times_are_whole_microseconds() -> None:
    assert micros(T0) == 1767323045678901


def test_a_lock_of_another_program_blocks_the_event_loop_for_milliseconds_only(
    tmp_path: Path,
) -> None:
    with closing(SqliteStore(tmp_path / "state.db")) as store:
        for connection in (store._writer, store._reader):
            assert connection.execute("PRAGMA busy_timeout").fetchone() == (20,)
        with closing(sqlite3.connect(tmp_path / "state.db", isolation_level=None)) as other:
            other.execute("BEGIN IMMEDIATE")
            with pytest.raises(StateBusyError, match="Another program has locked"):
                store.stage(EVERYTHING)
            assert store.instance("Hub", "a") is None, "a reader does not wait for a writer"
        store.write(EVERYTHING)
        assert store.instance("Hub", "a") == PLAIN


def test_unused_pages_are_released_in_steps_until_all_are_released(tmp_path: Path) -> None:
    path = tmp_path / "state.db"
    with closing(SqliteStore(path, fsync=False)) as store:
        assert store.release_pages(10) == 0
        store.write([SaveInstance(PLAIN), SetInput(1, "x" * 8_000_000)])
        full = path.stat().st_size
        assert full > 8_000_000
        store.write([DeleteInstance(1)])
        steps = [store.release_pages(500)]
        while steps[-1]:
            steps.append(store.release_pages(500))
        assert steps == sorted(steps, reverse=True)
        assert 4 <= len(steps) <= 6
        assert path.stat().st_size < full / 10


def test_a_file_without_auto_vacuum_has_no_pages_to_release(tmp_path: Path) -> None:
    path = tmp_path / "state.db"
    SqliteStore(path).close()
    with closing(sqlite3.connect(path, isolation_level=None)) as connection:
        connection.execute("PRAGMA journal_mode = DELETE")
        connection.execute("PRAGMA auto_vacuum = NONE")
        connection.execute("VACUUM")
    with closing(SqliteStore(path)) as store:
        store.write([SaveInstance(PLAIN), SetInput(1, "x" * 100_000)])
        store.write([DeleteInstance(1)])
        assert store.release_pages(10) == 0
