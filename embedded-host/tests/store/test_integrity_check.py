"""A file that was left open is looked through, and its log is not thrown away unread."""

from __future__ import annotations

import logging
import shutil
import sqlite3
import threading
from contextlib import closing
from pathlib import Path

import pytest

from embedded_host.store.integrity_check import IntegrityCheck, was_left_open
from embedded_host.store.interface import StateError
from embedded_host.store.log_format import FRAME_HEAD, HEAD, frames, log_of, read_head, size_of, summed
from embedded_host.store.sqlite import SqliteStore
from tests.store.contract_tests import PLAIN, SaveInstance, replace

FRAME = FRAME_HEAD + 4096
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


def commit_frames(path: Path) -> list[int]:
    with log_of(path).open("rb") as file:
        head = read_head(file)
        assert head is not None
        found = list(frames(file, head, size_of(log_of(path))))
    return [number for number, frame in enumerate(found) if frame.ends_a_commit and frame.salts == head.salts]


def flip(path: Path, offset: int) -> None:
    data = bytearray(path.read_bytes())
    data[offset] ^= 0x40
    path.write_bytes(data)


def ids(path: Path) -> int:
    with closing(SqliteStore(path)) as store:
        return sum(store.instance("Hub", f"i{key}") is not None for key in range(1, COMMITS + 1))


def test_sums_are_sqlites(path: Path) -> None:
    data = log_of(path).read_bytes()
    with log_of(path).open("rb") as file:
        head = read_head(file)
        assert head is not None
        before = head.sum
        for number, frame in enumerate(frames(file, head, len(data))):
            page = data[HEAD + number * FRAME + FRAME_HEAD : HEAD + (number + 1) * FRAME]
            before = summed(frame.first + page, head.order, before)
            assert before == frame.sum
    assert number > 2 * COMMITS


def test_after_a_kill_everything_is_there(path: Path, caplog: pytest.LogCaptureFixture) -> None:
    assert was_left_open(path)
    assert ids(path) == COMMITS
    assert not was_left_open(path)
    assert caplog.messages == []


def test_a_commit_that_was_not_written_to_its_end_is_not_missed(path: Path, caplog: pytest.LogCaptureFixture) -> None:
    log = log_of(path)
    last, before = commit_frames(path)[-1], commit_frames(path)[-2]
    log.write_bytes(log.read_bytes()[: HEAD + last * FRAME + 100])
    assert last > before + 1
    assert ids(path) == COMMITS - 1
    assert caplog.messages == [], "the commit's end never reached the file"


def test_one_commit_behind_is_a_power_loss_and_is_said(path: Path, caplog: pytest.LogCaptureFixture) -> None:
    flip(log_of(path), HEAD + (commit_frames(path)[-2] + 1) * FRAME + 1000)
    with caplog.at_level(logging.WARNING):
        assert ids(path) == COMMITS - 1
    assert "ends in a commit that is not whole" in caplog.text


def test_power_losses_one_after_the_other_are_no_damage(path: Path, tmp_path: Path) -> None:
    """What one leaves at the end of the log is not there any more when the next one comes."""
    flip(log_of(path), HEAD + (commit_frames(path)[-2] + 1) * FRAME + 1000)
    store = SqliteStore(path)
    assert size_of(log_of(path)) == 0
    store.write([SaveInstance(replace(PLAIN, key=100, id="later"))])
    store.write([SaveInstance(replace(PLAIN, key=101, id="last"))])
    (tmp_path / "again").mkdir()
    again = tmp_path / "again" / "state.db"
    for suffix in ("", "-wal"):
        shutil.copyfile(f"{path}{suffix}", f"{again}{suffix}")
    store.close()
    flip(log_of(again), HEAD + commit_frames(again)[-1] * FRAME + 1000)
    with closing(SqliteStore(again)) as store:
        assert store.instance("Hub", "later") is not None
        assert store.instance("Hub", "last") is None


@pytest.mark.parametrize("commit", [0, 5, COMMITS - 3])
def test_more_commits_behind_were_acknowledged(path: Path, commit: int) -> None:
    flip(log_of(path), HEAD + commit_frames(path)[commit] * FRAME + FRAME_HEAD + 9)
    before = {file.name: file.read_bytes() for file in path.parent.glob("state.db*")}
    with pytest.raises(StateError) as caught:
        SqliteStore(path)
    assert f"its log state.db-wal is damaged: {COMMITS - commit} commits behind" in str(caught.value)
    assert "embedded-host recover" in str(caught.value)
    for name, data in before.items():
        assert (path.parent / name).read_bytes() == data, "nothing is thrown away"


@pytest.mark.parametrize("offset", [0, 9, 17, 21, 28])
def test_a_log_without_a_head(path: Path, offset: int) -> None:
    flip(log_of(path), offset)
    with pytest.raises(StateError, match=r"log state\.db-wal is damaged: its head would be lost"):
        SqliteStore(path)
    assert size_of(log_of(path)) > 2 * COMMITS * FRAME


def test_damage_is_found_beside_the_host(path: Path) -> None:
    with closing(SqliteStore(path, fsync=False)) as store:
        store.write([SaveInstance(replace(PLAIN, key=key, id=f"j{key}")) for key in range(100, 500)])
    with closing(sqlite3.connect(path)) as connection:
        (root,) = connection.execute("SELECT rootpage FROM sqlite_master WHERE name = 'instances'").fetchone()
    flip(path, (root - 1) * 4096 + 3)
    told: list[StateError] = []
    check = IntegrityCheck(path, told.append)
    check.begin()
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
    check.begin()
    check._thread.join()
    check.close()
    assert "instances_by_status" in str(check.error)


def test_a_sound_file_passes(path: Path) -> None:
    told: list[StateError] = []
    check = IntegrityCheck(path, told.append)
    check.begin()
    check._thread.join()
    assert check.is_over
    assert check.error is None
    check.close()
    assert told == []


@pytest.mark.parametrize("begins_late", [False, True])
def test_a_check_that_is_broken_off_says_nothing(path: Path, begins_late: bool) -> None:
    class Slow:
        """Goes on until it is interrupted. What comes before it has begun, it does not hear: SQLite does not, either."""

        def __init__(self) -> None:
            self.begun, self.interrupted, self.go = threading.Event(), threading.Event(), threading.Event()
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
    check.begin()
    if not begins_late:
        slow.go.set()
        assert slow.begun.wait(30)
    check.close()
    assert slow.heard
    assert told == []
    assert check.error is None
