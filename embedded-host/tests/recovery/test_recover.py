"""What ``recover`` makes of each kind of damage, of a file that is none, and of a recovery that was interrupted."""

from __future__ import annotations

import json
import sqlite3
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from embedded_host.engine.orchestration import Status
from embedded_host.recovery.instances import FINAL
from embedded_host.store.interface import StateError
from embedded_host.store.sqlite import SqliteStore
from tests.cli.calling import Called, call
from tests.recovery.states import PAGE, copied, make_state, rows_of


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return make_state(tmp_path, 60)


def spoil(path: Path, table: str) -> None:
    """The root page of a table."""
    with closing(sqlite3.connect(path)) as connection:
        (page,) = connection.execute("SELECT rootpage FROM sqlite_master WHERE name = ?", (table,)).fetchone()
    data = bytearray(path.read_bytes())
    data[(page - 1) * PAGE : page * PAGE] = b"\xaa" * PAGE
    path.write_bytes(data)


def recover(path: Path) -> dict[str, Any]:
    called: Called = call("recover", "--state", path.parent, "--json")
    document: dict[str, Any] = called.json
    return document


def told(report: dict[str, Any], kind: str) -> dict[str, str]:
    return {one["id"]: one["what"] for one in report[kind]}


def test_a_sound_file_is_left_alone(path: Path) -> None:
    before = path.read_bytes()
    report = recover(path)
    assert report["damagedFile"] is None
    assert (report["failed"], report["incomplete"], report["left_out"], report["problems"]) == ([], [], [], [])
    assert path.read_bytes() == before
    count = len(rows_of(path)["instances"])
    assert report["kept"] == count
    assert call("recover", "--state", path.parent).out == (
        f"{path} is sound: {count} instances and entities in it, and nothing was changed.\n"
    )


@pytest.mark.parametrize("table", ["instances_by_status", "sqlite_autoindex_instances_1", "awaited", "timers"])
def test_what_can_be_made_again_loses_nothing(path: Path, table: str) -> None:
    before = rows_of(path)
    spoil(path, table)
    report = recover(path)
    assert (report["failed"], report["incomplete"], report["left_out"]) == ([], [], [])
    for name, rows in rows_of(path).items():
        if name != table:
            assert rows == before[name]


def test_short_inputs_stand_in_histories_too(path: Path) -> None:
    before = rows_of(path)
    with closing(sqlite3.connect(path)) as connection, connection:
        connection.execute("UPDATE inputs SET input = x'ff'")
    report = recover(path)
    after = rows_of(path)
    assert after["inputs"] == {key: row for key, row in before["inputs"].items() if len(row[1]) < 1024}
    long = {key for key, row in before["inputs"].items() if len(row[1]) >= 1024}
    assert long
    assert set(told(report, "incomplete")) == {before["instances"][key][2] for key in long}
    assert set(told(report, "incomplete").values()) == {"its input, if it had one, is lost"}
    assert report["failed"] == []


def test_without_the_tables_root_its_rows_are_found(path: Path) -> None:
    """The pages below it are there."""
    before = rows_of(path)
    spoil(path, "instances")
    report = recover(path)
    after = rows_of(path)
    assert after["instances"].keys() >= before["instances"].keys()
    assert {row[2] for row in after["instances"].values() if row[4] in FINAL} >= {
        row[2] for row in before["instances"].values() if row[4] in FINAL
    }
    assert report["left_out"] == []


def test_who_waits_for_a_lost_message_fails_and_its_parent_is_told(path: Path) -> None:
    before = rows_of(path)
    data = path.read_bytes()
    spoil(path, "messages")
    report = recover(path)
    after = rows_of(path)
    failed = told(report, "failed")
    live = {row[2] for row in before["instances"].values() if row[4] not in FINAL and not row[2].startswith("@")}
    assert failed.keys() <= live
    for row in after["instances"].values():
        if row[2] in failed:
            assert row[4] == "Failed"
            assert (
                row[12]
                == f"The state file was damaged, and what this instance needs to go on was lost with it: {failed[row[2]]}."
            )
            last = max(turn for key, turn in after["history"] if key == row[0])
            assert '"OrchestrationStatus":"Failed"' in after["history"][row[0], last][2]
            assert not [k for k in (*after["messages"], *after["activities"]) if k[0] == row[0]]
    assert Path(report["damagedFile"]).read_bytes() != data
    assert json.loads(Path(report["reportFile"]).read_text())["failed"] == report["failed"]


def test_a_page_that_hides_a_row_is_noticed(tmp_path: Path) -> None:
    """The count of rows on a page is one too low: nothing else is wrong with it."""
    path = make_state(tmp_path, 20)
    before = rows_of(path)
    with closing(sqlite3.connect(path)) as connection:
        (page,) = connection.execute("SELECT rootpage FROM sqlite_master WHERE name = 'messages'").fetchone()
    data = bytearray(path.read_bytes())
    at = (page - 1) * PAGE
    assert data[at] == 10, "a leaf"
    data[at + 4] -= 1
    path.write_bytes(data)
    report = recover(path)
    hidden = before["instances"][(max(before["messages"])[0],)][2]
    assert hidden in {**told(report, "failed"), **told(report, "incomplete")}


def test_without_its_inbox_nothing_that_is_live_goes_on(tmp_path: Path) -> None:
    path = make_state(tmp_path, 20)
    before = rows_of(path)
    spoil(path, "messages")
    failed = told(recover(path), "failed")
    live = {row[2] for row in before["instances"].values() if row[4] not in FINAL and not row[2].startswith("@")}
    assert failed == dict.fromkeys(live, "messages for it (events, timers, answers) may be lost")


def test_a_parent_is_told_of_a_child_that_could_not_go_on(path: Path) -> None:
    with closing(sqlite3.connect(path)) as connection, connection:
        (key, id) = connection.execute("SELECT key, id FROM instances WHERE id LIKE 'child-%' LIMIT 1").fetchone()
        connection.execute("UPDATE history SET events = 'no events' WHERE instance = ?", (key,))
        (parent,) = connection.execute(
            "SELECT key FROM instances WHERE id = ?", (id.replace("child", "parent"),)
        ).fetchone()
    report = recover(path)
    assert told(report, "failed") == {id: "a part of its history is lost"}
    (message,) = [row for row in rows_of(path)["messages"].values() if row[0] == parent]
    event = json.loads(message[4])
    assert (event["EventType"], event["TaskScheduledId"], message[2]) == (9, 0, "e")
    assert "a part of its history is lost" in event["Reason"]
    with closing(SqliteStore(path)) as store:
        assert len(store.messages(parent)) == 1


def test_an_entity_without_its_state_is_left_out_and_who_called_it_fails(path: Path) -> None:
    with closing(sqlite3.connect(path)) as connection, connection:
        (key, id) = connection.execute("SELECT key, id FROM instances WHERE name = '@counter' LIMIT 1").fetchone()
        connection.execute("UPDATE entities SET has_state = 'x' WHERE instance = ?", (key,))
    report = recover(path)
    assert told(report, "left_out") == {id: "an entity whose state is lost"}
    number = id.rpartition("@")[2]
    assert told(report, "failed") == {
        f"caller-{number}": f"the operation 'add' that it called of the entity '{id}' may be lost"
    }


def test_a_row_that_is_lost_is_named_by_the_index(path: Path) -> None:
    with closing(sqlite3.connect(path)) as connection, connection:
        connection.execute("UPDATE instances SET created = 'never' WHERE id = 'finished-0'")
        connection.execute("DELETE FROM history WHERE instance = (SELECT key FROM instances WHERE id = 'finished-0')")
    report = recover(path)
    (lost,) = report["left_out"]
    assert (lost["id"], lost["hub"]) == ("finished-0", "Hub")
    said = call("recover", "--state", path.parent).out
    assert "is sound" in said


def test_a_row_that_is_lost_is_put_together_from_its_history(path: Path) -> None:
    before = rows_of(path)
    with closing(sqlite3.connect(path)) as connection, connection:
        connection.execute("UPDATE instances SET created = 'never' WHERE id IN ('finished-0', 'event-5')")
    report = recover(path)
    after = {row[2]: row for row in rows_of(path)["instances"].values()}
    (was,) = (row for row in before["instances"].values() if row[2] == "finished-0")
    assert after["finished-0"][4:5] + after["finished-0"][12:] == was[4:5] + was[12:]
    assert told(report, "incomplete").keys() == {"finished-0"}
    assert told(report, "failed") == {"event-5": "its row is lost"}
    assert after["event-5"][4] == Status.FAILED.value


def test_the_log_is_read(tmp_path: Path) -> None:
    path = make_state(tmp_path, 60, with_log=True)
    with copied(path, tmp_path / "copy") as copy:
        before = rows_of(copy)
    spoil_index = bytearray(path.read_bytes())
    spoil_index[40] ^= 1  # the schema's cookie: SQLite does not mind
    path.write_bytes(spoil_index)
    report = recover(path)
    assert report["damagedFile"] is None
    with copied(path, tmp_path / "copy") as copy:
        assert rows_of(copy) == before


def test_what_was_begun_in_lost_commits_is_named(tmp_path: Path) -> None:
    path = make_state(tmp_path, 60, with_log=True)
    with copied(path, tmp_path / "copy") as copy:
        all_of_them = {row[2] for row in rows_of(copy)["instances"].values()}
    log = path.with_name("state.db-wal")
    data = bytearray(log.read_bytes())
    data[len(data) * 2 // 3] ^= 1
    log.write_bytes(data)
    report = recover(path)
    there = {row[2] for row in rows_of(path)["instances"].values()}
    assert 0 < len(there) < len(all_of_them)
    assert all_of_them - there == set(told(report, "left_out"))
    assert "stand in the log behind the place where it is damaged" in report["problems"][0]


def test_what_cannot_be_recovered(tmp_path: Path) -> None:
    for text in (b"", b"no database at all" * 1000):
        (tmp_path / "state.db").write_bytes(text)
        called = call("recover", "--state", tmp_path)
        assert called.code == 1
        assert f"Nothing can be got out of {tmp_path / 'state.db'}, and nothing was changed" in called.err
        assert (tmp_path / "state.db").read_bytes() == text
    assert "There is no state in" in call("recover", "--state", tmp_path / "none").err


def test_a_newer_file_is_left_alone(path: Path) -> None:
    with closing(sqlite3.connect(path)) as connection, connection:
        connection.execute("CREATE TABLE more (a)")
        connection.execute("PRAGMA user_version = 99")
    before = path.read_bytes()
    called = call("recover", "--state", path.parent)
    assert called.code == 1
    assert "is from a newer version of the embedded host: nothing was changed" in called.err
    assert path.read_bytes() == before


@pytest.mark.parametrize("moved", range(5))
def test_a_recovery_that_is_interrupted_goes_on(path: Path, monkeypatch: pytest.MonkeyPatch, moved: int) -> None:
    """Cut off before each of the files gets its new name, as by a power loss: no host starts on what is there from the first one
    on, and the next run ends it."""
    spoil(path, "instances_by_status")
    damaged = path.read_bytes()
    before = rows_of_damaged(path)
    steps = 0
    real = Path.replace

    def cut_off(self: Path, target: Path) -> Path:
        nonlocal steps
        if steps == moved:
            raise KeyboardInterrupt
        steps += 1
        return real(self, target)

    with monkeypatch.context() as patched:
        patched.setattr(Path, "replace", cut_off)
        interrupted = call("recover", "--state", path.parent)
    assert interrupted.code == 130
    if moved:
        with pytest.raises(StateError, match=r"A recovery of .* was interrupted"):
            SqliteStore(path)
    report = recover(path)
    assert Path(report["damagedFile"]).read_bytes() == damaged
    assert json.loads(Path(report["reportFile"]).read_text())["problems"] == report["problems"] != []
    assert {row[2] for row in rows_of(path)["instances"].values()} == before
    names = {file.name for file in path.parent.iterdir() if "damaged" not in file.name}
    assert names == {"state.db", "lock"}


def rows_of_damaged(path: Path) -> set[str]:
    with closing(sqlite3.connect(path)) as connection:
        return {id for (id,) in connection.execute("SELECT id FROM instances NOT INDEXED")}
