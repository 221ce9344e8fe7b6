"""The outcome of a recovery for each kind of damage, for other files, and after an interruption."""

from __future__ import annotations

import json
import random
import sqlite3
from collections.abc import Callable
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from embedded_host.engine.status import FINISHED
from embedded_host.recovery.decisions import REASON
from embedded_host.store.interface import StateError
from embedded_host.store.sqlite import SqliteStore
from tests.cli.calling import call
from tests.recovery.states import copied, make_state, rows_of
from tests.support.damaged_file import PAGE, change, overwrite_root

pytestmark = [pytest.mark.process, pytest.mark.usefixtures("sqlite_shell")]

Change = Callable[[sqlite3.Connection], object]


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return make_state(tmp_path, 60)


def recover(path: Path) -> dict[str, Any]:
    document: dict[str, Any] = call("recover", "--state", path.parent, "--json").json
    return document


def details(report: dict[str, Any], outcome: str) -> dict[str, str | None]:
    return {one["id"]: one["detail"] for one in report["instances"] if one["outcome"] == outcome}


def incomplete(report: dict[str, Any]) -> dict[str, str]:
    recovered = ("continued", "finished", "entity")
    return {
        one["id"]: one["detail"]
        for one in report["instances"]
        if one["detail"] and one["outcome"] in recovered
    }


def test_a_sound_file_is_not_changed(path: Path) -> None:
    before = path.read_bytes()
    report = recover(path)
    assert (report["damagedFile"], report["problems"]) == (None, [])
    assert path.read_bytes() == before
    count = len(rows_of(path)["instances"])
    assert sum(report["counts"].values()) == count
    assert report["counts"]["failed"] == report["counts"]["lost"] == 0
    assert call("recover", "--state", path.parent).out == (
        f"{path} is not damaged and was not changed. It has {count} instances and entities.\n"
    )


def test_the_log_of_a_killed_host_is_read(tmp_path: Path) -> None:
    path = make_state(tmp_path, 60, with_log=True)
    with copied(path, tmp_path / "copy") as copy:
        count = len(rows_of(copy)["instances"])
    before = {file.name: file.read_bytes() for file in path.parent.glob("state.db*")}
    report = recover(path)
    assert (report["damagedFile"], sum(report["counts"].values())) == (None, count)
    assert {file.name: file.read_bytes() for file in path.parent.glob("state.db*")} == before


@pytest.mark.parametrize(
    "index", ["instances_by_status", "instances_by_creation", "sqlite_autoindex_instances_1"]
)
def test_a_damaged_index_loses_nothing(path: Path, index: str) -> None:
    before = rows_of(path)
    overwrite_root(path, index)
    report = recover(path)
    assert (details(report, "failed"), details(report, "lost"), incomplete(report)) == ({}, {}, {})
    assert rows_of(path) == before


def test_the_result_is_reported_on_the_console_and_in_a_file(path: Path) -> None:
    damaged = path.read_bytes()
    overwrite_root(path, "messages")
    damaged = path.read_bytes()
    called = call("recover", "--state", path.parent)
    assert called.code == 0
    assert "Damage found: SQLite reports: " in called.out
    assert "Set to Failed, because required data is lost (" in called.out
    (kept,) = path.parent.glob("state-damaged-*.db")
    assert f"The damaged file was renamed to {kept}." in called.out
    assert kept.read_bytes() == damaged
    report = json.loads(kept.with_name(f"{kept.name}.json").read_text(encoding="utf-8"))
    counts = report["counts"]
    assert (
        f"Recovered instances: {counts['finished']} finished, {counts['continued']} unfinished. "
        f"Recovered entities: {counts['entity']}. "
        f"Set to Failed: {counts['failed']}. Lost: {counts['lost']}."
    ) in called.out


def test_an_instance_whose_timer_is_lost_fails(path: Path) -> None:
    before = rows_of(path)
    overwrite_root(path, "messages")
    report = recover(path)
    failed = details(report, "failed")
    timers = {row[2] for row in before["instances"].values() if row[2].startswith("timer-")}
    assert timers <= failed.keys()
    after = rows_of(path)
    for row in after["instances"].values():
        if row[2] in failed:
            assert (row[4], row[13]) == ("Failed", f"{REASON}: {failed[row[2]]}.")
            last = max(turn for key, turn in after["history"] if key == row[0])
            assert '"OrchestrationStatus":"Failed"' in after["history"][row[0], last][2]
            assert not [
                key for key in (*after["messages"], *after["activities"]) if key[0] == row[0]
            ]


def test_a_pending_instance_without_its_start_message_fails(path: Path) -> None:
    change(
        path,
        "UPDATE messages SET event = 'x' "
        "WHERE instance IN (SELECT key FROM instances WHERE status = 'Pending')",
    )
    failed = details(recover(path), "failed")
    assert failed
    assert set(failed.values()) == {"the message that starts the instance is lost"}


def test_an_instance_whose_activity_is_lost_fails(path: Path) -> None:
    change(path, "UPDATE activities SET name = x'ff' WHERE task_id = 1")
    failed = details(recover(path), "failed")
    assert failed
    assert set(failed.values()) == {"its activity 'Echo' is lost"}


def test_an_instance_with_a_gap_in_its_history_fails_and_its_parent_receives_the_failure(
    path: Path,
) -> None:
    with closing(sqlite3.connect(path)) as connection:
        (key, id) = connection.execute(
            "SELECT key, id FROM instances WHERE id LIKE 'child-%' LIMIT 1"
        ).fetchone()
        select = "SELECT key FROM instances WHERE id = ?"
        (parent,) = connection.execute(select, (id.replace("child", "parent"),)).fetchone()
    change(path, f"UPDATE history SET events = 'no events' WHERE instance = {key}")
    report = recover(path)
    assert details(report, "failed") == {id: "a part of its history is lost"}
    (message,) = [row for row in rows_of(path)["messages"].values() if row[0] == parent]
    event = json.loads(message[4])
    assert (event["EventType"], event["TaskScheduledId"], message[2]) == (9, 0, "e")
    assert event["Reason"] == f"{REASON}: a part of its history is lost."
    with closing(SqliteStore(path)) as store:
        assert len(store.messages(parent)) == 1


def test_short_inputs_are_restored_from_the_history_and_long_ones_are_lost(path: Path) -> None:
    before = rows_of(path)
    change(path, "UPDATE inputs SET input = x'ff'")
    report = recover(path)
    assert rows_of(path)["inputs"] == {
        key: row for key, row in before["inputs"].items() if len(row[1]) < 1024
    }
    long = {
        before["instances"][key][2] for key, row in before["inputs"].items() if len(row[1]) >= 1024
    }
    assert long
    assert incomplete(report) == dict.fromkeys(long, "its input is lost")
    assert details(report, "failed") == {}


def test_a_live_instance_without_its_long_input_fails(path: Path) -> None:
    with closing(sqlite3.connect(path)) as connection:
        (key, id) = connection.execute(
            "SELECT key, id FROM instances WHERE id LIKE 'timer-%' LIMIT 1"
        ).fetchone()
    change(
        path,
        'UPDATE history SET events = replace(events, \'"Input":"\\"3600\\""\', '
        f'\'"Input":{{"in":"inputs"}}\') WHERE instance = {key}',
        f"UPDATE inputs SET input = x'ff' WHERE instance = {key}",
    )
    assert details(recover(path), "failed") == {id: "its input is lost"}


def test_an_entity_without_its_state_is_lost_and_its_caller_fails(path: Path) -> None:
    with closing(sqlite3.connect(path)) as connection:
        (key, id) = connection.execute(
            "SELECT key, id FROM instances WHERE name = '@counter' LIMIT 1"
        ).fetchone()
    change(path, f"UPDATE entities SET has_state = 'x' WHERE instance = {key}")
    report = recover(path)
    assert details(report, "lost") == {id: "the state of the entity is lost"}
    number = id.rpartition("@")[2]
    assert details(report, "failed") == {
        f"caller-{number}": f"its request 'add' to the entity '{id}', or the response, is lost"
    }


def test_an_instance_whose_sub_orchestration_is_lost_fails(path: Path) -> None:
    with closing(sqlite3.connect(path)) as connection:
        (id,) = connection.execute(
            "SELECT id FROM instances WHERE id LIKE 'child-%' LIMIT 1"
        ).fetchone()
    change(path, f"UPDATE instances SET created = 'never' WHERE id = '{id}'")
    report = recover(path)
    assert details(report, "lost") == {id: "its row is lost"}
    assert details(report, "failed") == {
        id.replace("child", "parent"): f"its sub-orchestration '{id}' is lost"
    }


def test_a_lost_row_is_named_by_the_index(path: Path) -> None:
    change(path, "UPDATE instances SET created = 'never' WHERE id = 'finished-0'")
    report = recover(path)
    (lost,) = [one for one in report["instances"] if one["outcome"] == "lost"]
    assert (lost["hub"], lost["id"], lost["detail"]) == ("Hub", "finished-0", "its row is lost")
    assert "is not damaged" in call("recover", "--state", path.parent).out


def test_rows_below_an_overwritten_root_page_are_found(path: Path) -> None:
    before = rows_of(path)
    overwrite_root(path, "instances")
    report = recover(path)
    after = {row[2] for row in rows_of(path)["instances"].values()}
    assert after >= {row[2] for row in before["instances"].values() if row[4] in FINISHED}
    assert details(report, "lost") == {}


@pytest.mark.parametrize("seed", range(6))
@pytest.mark.parametrize("unit", [1, PAGE])
def test_the_remaining_pages_of_a_truncated_file_are_recovered(
    path: Path, unit: int, seed: int
) -> None:
    """The file ends within a page or at the end of a page."""
    before = rows_of(path)
    size = path.stat().st_size
    length = random.Random(seed).randrange(size // 3, size - PAGE) // unit * unit
    with path.open("r+b") as file:
        file.truncate(length)
    truncated = path.read_bytes()
    report = recover(path)
    assert Path(report["damagedFile"]).read_bytes() == truncated
    after = {row[2] for row in rows_of(path)["instances"].values()}
    assert after
    assert after <= {row[2] for row in before["instances"].values()}
    assert after == {one["id"] for one in report["instances"] if one["outcome"] != "lost"}


def test_the_last_pages_of_a_truncated_file_are_its_only_loss(path: Path) -> None:
    before = rows_of(path)
    with path.open("r+b") as file:
        file.truncate(path.stat().st_size - PAGE)
    recover(path)
    after = rows_of(path)
    lost = sum(len(before[table].keys() - after[table].keys()) for table in before)
    assert lost < 20, lost


def test_a_size_in_the_header_that_cannot_be_true_is_ignored(path: Path) -> None:
    data = bytearray(path.read_bytes())
    data[28:32] = b"\xff" * 4
    path.write_bytes(data)
    called = call("recover", "--state", path.parent)
    assert called.code == 0 or "[EH555]" in called.err or "[EH552]" in called.err
    damaged = next(path.parent.glob("state-damaged-*.db"), path)
    assert damaged.read_bytes() == data


def test_files_without_data_are_rejected_and_not_changed(tmp_path: Path) -> None:
    for content in (b"", b"no database at all" * 1000):
        (tmp_path / "state.db").write_bytes(content)
        called = call("recover", "--state", tmp_path)
        assert called.code == 1
        assert (
            "Nothing can be recovered from" in called.err
            or f"SQLite cannot rebuild {tmp_path / 'state.db'}: " in called.err
        )
        assert "dumped.db" not in called.err
        assert (tmp_path / "state.db").read_bytes() == content
    assert "There is no state file in" in call("recover", "--state", tmp_path / "none").err


def test_a_file_of_another_version_is_rejected_and_not_changed(path: Path) -> None:
    change(path, "PRAGMA user_version = 99")
    before = path.read_bytes()
    called = call("recover", "--state", path.parent)
    assert called.code == 1
    assert (
        "was written by another version of the embedded host (schema 99; this version uses"
        in called.err
    )
    assert path.read_bytes() == before


@pytest.mark.parametrize("moved", range(5))
def test_an_interrupted_recovery_is_finished_by_the_next_one(
    path: Path, monkeypatch: pytest.MonkeyPatch, moved: int
) -> None:
    """The interruption is before each rename. After the first rename no host opens the files."""
    overwrite_root(path, "instances_by_status")
    damaged = path.read_bytes()
    steps = 0
    real = Path.replace

    def interrupted_replace(self: Path, target: Path) -> Path:
        nonlocal steps
        if steps == moved:
            raise KeyboardInterrupt
        steps += 1
        return real(self, target)

    with monkeypatch.context() as patched:
        patched.setattr(Path, "replace", interrupted_replace)
        interrupted = call("recover", "--state", path.parent)
    assert interrupted.code == 130
    if moved:
        with pytest.raises(StateError, match=r"The recovery of .* was interrupted"):
            SqliteStore(path)
    report = recover(path)
    assert Path(report["damagedFile"]).read_bytes() == damaged
    assert (
        json.loads(Path(report["reportFile"]).read_text())["problems"] == report["problems"] != []
    )
    assert {row[2] for row in rows_of(path)["instances"].values()} == {
        one["id"] for one in report["instances"]
    }
    names = {file.name for file in path.parent.iterdir() if "damaged" not in file.name}
    assert names == {"state.db", "lock"}
