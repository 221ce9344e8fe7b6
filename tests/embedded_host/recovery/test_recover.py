"""Hundreds of damaged states: none makes ``recover`` fall over, and none loses anything of which it does not say so.

EMBEDDED_HOST_DAMAGED says how many more than in an ordinary run.
"""

from __future__ import annotations

import json
import os
import random
import shutil
import sqlite3
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from embedded_host.engine.orchestration import Status
from embedded_host.store.contract import InstanceFilter
from embedded_host.store.sqlite import SqliteStore
from embedded_host.task_hub.instances import load
from tests.embedded_host.cli.calling import Called, call
from tests.embedded_host.recovery.states import (
    DAMAGES,
    DAMAGES_OF_A_LOG,
    Damage,
    Rows,
    copied,
    is_sound,
    make_state,
    readable_instances,
    rows_of,
)

EACH = 6 * int(os.environ.get("EMBEDDED_HOST_DAMAGED", "1"))
"""Seeds of each kind of damage to each kind of state."""
STATES = {"small": (20, False), "large": (180, False), "with a log": (60, True)}
FINAL = ("Completed", "Failed", "Terminated", "Canceled")


@pytest.fixture(scope="module")
def states(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    folder = tmp_path_factory.mktemp("states")
    made = {}
    for name, (count, with_log) in STATES.items():
        (folder / name).mkdir()
        made[name] = make_state(folder / name, count, with_log=with_log)
    return made


def damaged_copy(original: Path, folder: Path, damage: Damage, of_log: bool, chance: random.Random) -> Path:
    folder.mkdir()
    for file in original.parent.iterdir():
        shutil.copyfile(file, folder / file.name)
    target = folder / ("state.db-wal" if of_log else "state.db")
    data = bytearray(target.read_bytes())
    damage(data, chance)
    target.write_bytes(data)
    return folder / "state.db"


CASES = [
    *((name, damage, False) for name in STATES for damage in DAMAGES),
    *(("with a log", damage, True) for damage in DAMAGES_OF_A_LOG),
]


@pytest.mark.parametrize(
    ("name", "damage", "of_log"), CASES, ids=[f"{n}-{d.__name__}{'-of-log' if of else ''}" for n, d, of in CASES]
)
def test_damage(states: dict[str, Path], tmp_path: Path, name: str, damage: Damage, of_log: bool) -> None:
    with copied(states[name], tmp_path / "original") as sound:
        original = rows_of(sound)
    for seed in range(EACH):
        path = damaged_copy(states[name], tmp_path / str(seed), damage, of_log, random.Random(f"{name} {seed}"))
        try:
            check(path, original, tmp_path)
        except AssertionError as error:
            raise AssertionError(f"seed {seed}: {error}") from error
        shutil.rmtree(path.parent)


def check(path: Path, original: Rows, folder: Path) -> None:
    before = {file.name: file.read_bytes() for file in path.parent.iterdir()}
    with copied(path, folder / "looked-at") as look:
        sound = is_sound(look)
        seen = rows_of(look) if sound else None
    with copied(path, folder / "looked-at") as look:
        readable = readable_instances(look)
    called = call("recover", "--state", path.parent, "--json")
    if called.code == 1:
        assert "Nothing can be got out of" in called.err, called
        assert not readable, f"SQLite reads {len(readable)} instances"
        assert {n: (path.parent / n).read_bytes() for n in before} == before
        return
    report = called.json
    if report["damagedFile"] is None:
        assert sound
        assert {n: (path.parent / n).read_bytes() for n in before} == before
    else:
        kept = Path(report["damagedFile"])
        for file, data in before.items():
            if not file.endswith("-shm"):
                assert kept.with_name(kept.name + file.removeprefix("state.db")).read_bytes() == data
    if sound and seen is not None and "log" in " ".join(report["problems"]):
        original = seen  # the log was cut off: it is a state as of an earlier commit
    recovered_is_usable(path)
    nothing_is_lost_in_silence(rows_of(path), original, readable, report)


def recovered_is_usable(path: Path) -> None:
    assert is_sound(path)
    with closing(SqliteStore(path, fsync=False)) as store:
        for row in store.list("Hub", InstanceFilter(), 10_000):
            load(store, row)
        list(store.all_messages())
        list(store.all_activities())
        store.highest_keys()


def nothing_is_lost_in_silence(
    found: Rows, original: Rows, readable: dict[str, tuple[Any, ...]], report: dict[str, Any]
) -> None:
    told = {one["id"] for kind in ("failed", "incomplete", "left_out") for one in report[kind]}
    there = {row[2]: row for row in found["instances"].values()}
    # An id that was damaged in a way that nobody can see is another id.
    others_may_be_lost = None in told or any("there may have been others" in problem for problem in report["problems"])
    for row in original["instances"].values():
        id = row[2]
        # An index in which its id is damaged names it by that one.
        by_key = any(f"(its key was {row[0]})" in one["what"] for one in report["left_out"])
        if id in there or id in told or by_key or others_may_be_lost:
            continue
        assert id in readable or not report["damagedFile"] or is_renamed(row, found, report), f"{id} is lost in silence"
        assert id not in readable, f"{id} is readable and lost in silence"
    for id, row in readable.items():
        if row[4] in FINAL and id in there and id not in told:
            assert there[id] == row, f"{id} is not as SQLite reads it"
    for key, row in found["instances"].items():
        if row[2] in told or row[4] in FINAL or key not in original["instances"]:
            continue
        for table in ("history", "messages", "activities", "inputs", "entities"):
            wanted = {k for k in original[table] if k[0] == key[0]}
            there_is = {k for k in found[table] if k[0] == key[0]}
            if table == "messages":  # a parent is told of a child that failed
                there_is -= {k for k in there_is if "The state file was damaged" in found[table][k][4]}
            assert there_is == wanted, f"{row[2]} goes on without all of its {table}"
    for key, row in found["instances"].items():
        if row[4] in FINAL and row[2] not in told and key in original["instances"]:
            wanted = {k for k in original["history"] if k[0] == key[0]}
            assert {k for k in found["history"] if k[0] == key[0]} == wanted, f"{row[2]} lacks history"


def is_renamed(row: tuple[Any, ...], found: Rows, report: dict[str, Any]) -> bool:
    """Its id was changed into another one: the row is there, and the index is told to differ."""
    return row[:1] in found["instances"]


# -- one by one ----------------------------------------------------------------------------------------


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return make_state(tmp_path, 60)


def spoil(path: Path, table: str) -> None:
    """The root page of a table."""
    with closing(sqlite3.connect(path)) as connection:
        (page,) = connection.execute("SELECT rootpage FROM sqlite_master WHERE name = ?", (table,)).fetchone()
    data = bytearray(path.read_bytes())
    data[(page - 1) * 4096 : page * 4096] = b"\xaa" * 4096
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
    assert after["instances"].keys() >= before["instances"].keys() - {None}
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
    at = (page - 1) * 4096
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


@pytest.mark.parametrize("moved", [0, 1, 2, 3])
def test_a_recovery_that_is_interrupted_goes_on(path: Path, monkeypatch: pytest.MonkeyPatch, moved: int) -> None:
    """Cut off at each of its last steps, as by a power loss: no host starts on what is there, and the next run ends it."""
    spoil(path, "instances_by_status")
    damaged = path.read_bytes()
    before = rows_of_damaged(path)
    steps = 0
    real = Path.replace

    def cut_off(self: Path, target: Path) -> Path:
        nonlocal steps
        if "backups" not in str(self) and steps == moved:
            raise KeyboardInterrupt
        steps += 1
        return real(self, target)

    with monkeypatch.context() as patched:
        patched.setattr(Path, "replace", cut_off)
        interrupted = call("recover", "--state", path.parent)
    assert interrupted.code == 130
    again = recover(path) if (path.parent / "state.db.recovered").exists() or path.read_bytes() == damaged else None
    if again is not None and again["damagedFile"]:
        assert Path(again["damagedFile"]).read_bytes() == damaged
    assert {row[2] for row in rows_of(path)["instances"].values()} == before
    names = {file.name for file in path.parent.iterdir() if "damaged" not in file.name and ".json" not in file.name}
    assert names == {"state.db", "lock"}


def rows_of_damaged(path: Path) -> set[str]:
    with closing(sqlite3.connect(path)) as connection:
        return {id for (id,) in connection.execute("SELECT id FROM instances NOT INDEXED")}
