from __future__ import annotations

import sqlite3
from contextlib import closing
from pathlib import Path

import pytest

from embedded_host.recovery.recovered_rows import (
    Damage,
    IndexedInstance,
    RecoveredRows,
    examine,
    read_index,
    read_rows,
)
from embedded_host.recovery.rows import TABLES
from embedded_host.store.schema import create_schema
from tests.recovery.states import make_state, rows_of
from tests.support.damaged_file import change, overwrite_root

SOUND = Damage(set(), False, None)


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return make_state(tmp_path, 30)


def test_a_sound_file_has_no_damage(path: Path) -> None:
    assert examine(path) == SOUND
    recovered = read_rows(path, SOUND)
    assert recovered.is_sound
    assert recovered.damaged == set()
    for name, rows in rows_of(path).items():
        assert sorted(TABLES[name].rows(recovered.rows), key=str) == sorted(rows.values(), key=str)


def test_the_damaged_tables_are_determined(path: Path) -> None:
    overwrite_root(path, "messages")
    damage = examine(path)
    assert damage.tables == {"messages"}
    assert damage.message is not None


def test_a_file_that_sqlite_cannot_open_is_damaged_in_all_tables(tmp_path: Path) -> None:
    file = tmp_path / "state.db"
    file.write_bytes(b"not a database" * 1000)
    damage = examine(file)
    assert (damage.tables, damage.free_list) == (set(TABLES), True)
    assert damage.message == "file is not a database"


def test_invalid_rows_are_left_out_and_counted(path: Path) -> None:
    change(path, "UPDATE inputs SET input = x'ff'", "UPDATE timers SET updated = 'never'")
    recovered = read_rows(path, SOUND)
    assert (recovered.rows.inputs, recovered.rows.timers) == ([], [])
    assert recovered.damaged == {"inputs", "timers"}
    inputs, timers = recovered.problems
    assert inputs.startswith("the table inputs has ")
    assert inputs.endswith(" invalid rows")
    assert timers == "the table timers has 1 invalid row"


def test_a_string_with_invalid_utf_8_makes_the_row_invalid(path: Path) -> None:
    change(path, "UPDATE timers SET function = CAST(x'ff' AS TEXT)")
    assert read_rows(path, SOUND).damaged == {"timers"}


def test_a_missing_table_is_damaged(path: Path) -> None:
    change(path, "DROP TABLE awaited")
    recovered = read_rows(path, SOUND)
    assert recovered.damaged == {"awaited"}


def add_loose(path: Path) -> None:
    """Move the instances and activities into the table in which SQLite collects loose records."""
    columns = ", ".join(f"c{n}" for n in range(18))
    change(
        path,
        f"CREATE TABLE lost_and_found (rootpgno, pgno, nfield, id, {columns})",
        "INSERT INTO lost_and_found SELECT 1, 2, 18, key, NULL, hub, id, name, status, created, "
        "updated, execution_id, generation, parent, continued, protocol, custom_status, output, "
        "tags, executions, first_created, parent_id FROM instances",
        "INSERT INTO lost_and_found (rootpgno, pgno, nfield, id, c0, c1, c2, c3, c4, c5) "
        "SELECT 1, 3, 6, NULL, instance, id, execution_id, task_id, name, input FROM activities",
        "INSERT INTO lost_and_found (rootpgno, pgno, nfield) VALUES (1, 4, 'x')",
        "DELETE FROM instances",
        "DELETE FROM activities",
    )


def test_loose_records_of_damaged_tables_are_added(path: Path) -> None:
    before = rows_of(path)
    add_loose(path)
    recovered = read_rows(path, Damage({"instances", "activities"}, False, "damage"))
    assert sorted(recovered.rows.instances) == sorted(before["instances"].values())
    assert sorted(recovered.rows.activities) == sorted(before["activities"].values())
    assert recovered.found_loose == set()
    assert read_rows(path, Damage({"inputs"}, False, "damage")).rows.instances == []


def test_loose_records_may_be_out_of_date_if_the_free_list_is_damaged(path: Path) -> None:
    before = rows_of(path)
    add_loose(path)
    recovered = read_rows(path, Damage({"instances", "activities"}, True, "damage"))
    assert recovered.rows.activities == []
    assert recovered.found_loose == {key for (key,) in before["instances"]}


def test_the_index_contains_the_instances_whose_rows_are_lost(path: Path) -> None:
    expected = {
        row[0]: IndexedInstance(row[1], row[2], row[4])
        for row in rows_of(path)["instances"].values()
    }
    overwrite_root(path, "instances")
    recovered = RecoveredRows()
    read_index(path, recovered)
    assert (recovered.index, recovered.index_is_complete) == (expected, True)


def test_a_damaged_index_is_not_complete(path: Path) -> None:
    overwrite_root(path, "instances_by_status")
    recovered = RecoveredRows()
    read_index(path, recovered)
    assert (recovered.index, recovered.index_is_complete) == ({}, False)


def test_an_index_entry_with_an_invalid_value_is_left_out(tmp_path: Path) -> None:
    file = tmp_path / "state.db"
    with closing(sqlite3.connect(file, isolation_level=None)) as connection:
        create_schema(connection)
        connection.execute(
            "INSERT INTO instances VALUES "
            "(1, 'Hub', x'ff', 'Main', 'Running', 0, 0, 'e', 0, NULL, 0, 1, NULL, NULL, NULL, "
            "1, NULL, NULL)"
        )
    recovered = RecoveredRows()
    read_index(file, recovered)
    assert (recovered.index, recovered.index_is_complete) == ({}, True)
