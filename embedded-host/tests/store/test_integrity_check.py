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
from tests.support.damaged_file import PAGE, root_page

COMMITS = 20


@pytest.fixture
def path(tmp_path: Path) -> Path:
    """Return the state file of a killed host, with 20 commits in the log."""
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


def test_all_commits_are_readable_after_a_kill(path: Path) -> None:
    with closing(SqliteStore(path)) as store:
        assert store.was_left_open
    assert ids(path) == COMMITS
    with closing(SqliteStore(path)) as store:
        assert not store.was_left_open


def test_a_commit_that_was_not_written_completely_is_discarded(path: Path) -> None:
    log = log_file(path)
    log.write_bytes(log.read_bytes()[:-100])
    assert ids(path) == COMMITS - 1


def test_damage_is_reported_from_the_thread_of_the_check(path: Path) -> None:
    with closing(SqliteStore(path, fsync=False)) as store:
        store.write(
            [SaveInstance(replace(PLAIN, key=key, id=f"j{key}")) for key in range(100, 500)]
        )
    flip(path, (root_page(path, "instances") - 1) * PAGE + 3)
    reported: list[StateError] = []
    check = IntegrityCheck(path, reported.append)
    check.start()
    check._thread.join()
    assert check.error is not None
    assert reported == [check.error]
    assert "embedded-host recover" in str(check.error)
    check.close()


def test_a_row_that_is_missing_in_an_index_is_reported(path: Path) -> None:
    """Each page is intact, but lists would not contain the instance."""
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
    reported: list[StateError] = []
    check = IntegrityCheck(path, reported.append)
    check.start()
    check._thread.join()
    assert check.finished
    assert check.error is None
    check.close()
    assert reported == []


@pytest.mark.parametrize("starts_late", [False, True])
def test_an_interrupted_check_reports_nothing(path: Path, starts_late: bool) -> None:
    class Slow:
        """A statement that runs until an interrupt.

        As with SQLite, an interrupt before the start of the statement has no effect.
        """

        def __init__(self) -> None:
            self.started, self.interrupted, self.may_start = (
                threading.Event(),
                threading.Event(),
                threading.Event(),
            )
            self.was_interrupted = False

        def execute(self, statement: str) -> None:
            if "integrity_check" in statement:
                self.may_start.wait(30)
                self.interrupted.clear()
                self.started.set()
                self.was_interrupted = self.interrupted.wait(20)
                raise sqlite3.OperationalError("interrupted")

        def interrupt(self) -> None:
            self.interrupted.set()
            self.may_start.set()

        def close(self) -> None:
            """Do nothing: there is no connection."""

    reported: list[StateError] = []
    check = IntegrityCheck(path, reported.append)
    check._connection.close()
    check._connection = slow = Slow()  # type: ignore[assignment]
    check.start()
    if not starts_late:
        slow.may_start.set()
        assert slow.started.wait(30)
    check.close()
    assert slow.was_interrupted
    assert reported == []
    assert check.error is None
