"""The check of a file that the previous host did not close."""

from __future__ import annotations

import shutil
import sqlite3
import threading
from contextlib import closing
from dataclasses import replace
from pathlib import Path

import pytest

from embedded_host.store.files import log_file
from embedded_host.store.integrity_check import IntegrityCheck
from embedded_host.store.interface import SaveInstance, StateError
from embedded_host.store.sqlite import SqliteStore
from tests.store.contract_tests import PLAIN

COMMITS = 20


@pytest.fixture
def path(tmp_path: Path) -> Path:
    """As a host that was killed leaves it: 20 commits in the log."""
    live = tmp_path / "live" / "state.db"
    path = tmp_path / "state.db"
    with closing(SqliteStore(live, fsync=False)) as store:
        for key in range(1, COMMITS + 1):
            store.write([SaveInstance(replace(PLAIN, key=key, id=f"i{key}"))])
        for suffix in ("", "-wal"):
            shutil.copyfile(f"{live}{suffix}", f"{path}{suffix}")
    return path


def flip(path: Path, offset: int) -> None:
    data = bytearray(path.read_bytes())
    data[offset] ^= 0x40
    path.write_bytes(data)


def ids(path: Path) -> int:
    with closing(SqliteStore(path)) as store:
        return sum(store.instance("Hub", f"i{key}") is not None for key in range(1, COMMITS + 1))


def test_after_a_kill_everything_is_there(path: Path) -> None:
    with closing(SqliteStore(path)) as store:
        assert store.was_left_open
    assert ids(path) == COMMITS
    with closing(SqliteStore(path)) as store:
        assert not store.was_left_open


def test_a_commit_that_was_not_written_completely_is_discarded(path: Path) -> None:
    log = log_file(path)
    log.write_bytes(log.read_bytes()[:-100])
    assert ids(path) == COMMITS - 1


def test_damage_is_found_beside_the_host(path: Path) -> None:
    with closing(SqliteStore(path, fsync=False)) as store:
        store.write(
            [SaveInstance(replace(PLAIN, key=key, id=f"j{key}")) for key in range(100, 500)]
        )
    with closing(sqlite3.connect(path)) as connection:
        (root,) = connection.execute(
            "SELECT rootpage FROM sqlite_master WHERE name = 'instances'"
        ).fetchone()
    flip(path, (root - 1) * 4096 + 3)
    told: list[StateError] = []
    check = IntegrityCheck(path, told.append)
    check.start()
    check._thread.join()
    assert check.error is not None
    assert told == [check.error]
    assert "embedded-host recover" in str(check.error)
    check.close()


def test_a_row_that_its_index_lacks_is_found(path: Path) -> None:
    """Each page is whole then, and lists would miss the instance."""
    SqliteStore(path, fsync=False).close()
    index = "FROM sqlite_master WHERE name = 'instances_by_status'"

    def change(*statements: str, values: tuple[object, ...] = ()) -> None:
        with closing(sqlite3.connect(path)) as connection:
            connection.execute("PRAGMA writable_schema = ON")
            for statement in statements:
                connection.execute(statement, values)
            connection.commit()

    with closing(sqlite3.connect(path)) as connection:
        row = connection.execute(f"SELECT * {index}").fetchone()
    change(f"DELETE {index}")
    change("UPDATE instances SET status = 'Other' WHERE id = 'i3'")
    change("INSERT INTO sqlite_master VALUES (?, ?, ?, ?, ?)", values=row)
    check = IntegrityCheck(path, lambda error: None)
    check.start()
    check._thread.join()
    check.close()
    assert "instances_by_status" in str(check.error)


def test_a_sound_file_passes(path: Path) -> None:
    told: list[StateError] = []
    check = IntegrityCheck(path, told.append)
    check.start()
    check._thread.join()
    assert check.finished
    assert check.error is None
    check.close()
    assert told == []


@pytest.mark.parametrize("begins_late", [False, True])
def test_an_interrupted_check_reports_nothing(path: Path, begins_late: bool) -> None:
    class Slow:
        """Goes on until it is interrupted. What comes before it has begun, it does not hear: SQLite does not, either."""

        def __init__(self) -> None:
            self.begun, self.interrupted, self.go = (
                threading.Event(),
                threading.Event(),
                threading.Event(),
            )
            self.heard = False

        def execute(self, statement: str) -> None:
            if "integrity_check" in statement:
                self.go.wait(30)
                self.interrupted.clear()
                self.begun.set()
                self.heard = self.interrupted.wait(5)
                raise sqlite3.OperationalError("interrupted")

        def interrupt(self) -> None:
            self.interrupted.set()
            self.go.set()

        def close(self) -> None:
            """There is nothing to close."""

    told: list[StateError] = []
    check = IntegrityCheck(path, told.append)
    check._connection.close()
    check._connection = slow = Slow()  # type: ignore[assignment]
    check.start()
    if not begins_late:
        slow.go.set()
        assert slow.begun.wait(30)
    check.close()
    assert slow.heard
    assert told == []
    assert check.error is None
