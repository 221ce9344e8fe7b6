"""From every older schema to today's, and never a half of a step."""

from __future__ import annotations

import logging
import re
import sqlite3
from collections.abc import Callable
from contextlib import closing
from functools import partial
from pathlib import Path

import pytest

from embedded_host.store import migration
from embedded_host.store.connection import open_state
from embedded_host.store.interface import (
    PutActivity,
    PutMessage,
    SaveInstance,
    SetAwaited,
    StateError,
    TakeActivity,
    TakeMessage,
)
from embedded_host.store.migration import SCHEMA_VERSION, Step, create, create_as_of, read_steps, sql_step, steps
from embedded_host.store.sqlite import SqliteStore
from tests.cli.calling import call
from tests.store.contract_tests import EVERYTHING, FULL, activity, belongings, message

Schema = list[tuple[str, ...]]
NEXT = SCHEMA_VERSION + 1
COPY = f"state-schema-{SCHEMA_VERSION}.db"

ADDS_A_COLUMN = Step(
    NEXT,
    sql_step(
        """-- a comment; with a semicolon
        ALTER TABLE instances ADD COLUMN tags TEXT;
        CREATE TABLE notes (text TEXT DEFAULT ';');
        INSERT INTO notes VALUES ('it''s; here');
        UPDATE instances SET tags = 'old' WHERE status = 'Pending';"""
    ),
)


def fails(connection: sqlite3.Connection) -> None:
    connection.execute("DELETE FROM instances")
    connection.execute("ALTER TABLE inputs ADD COLUMN more TEXT")
    connection.execute("INSERT INTO no_such_table VALUES (1)")


FAILS = Step(NEXT + 1, fails)


def schema(connection: sqlite3.Connection) -> Schema:
    """Without comments and spaces, which say nothing to SQLite."""
    rows = connection.execute(
        "SELECT type, name, tbl_name, coalesce(sql, '') FROM sqlite_master ORDER BY name"
    ).fetchall()
    return [(*row[:3], re.sub(r"--[^\n]*|\s", "", row[3])) for row in rows]


def migrated(path: Path, *more: Step) -> None:
    writer, reader = open_state(path, fsync=False, steps=[*steps(), *more])
    reader.close()
    writer.close()


def state(path: Path) -> list[object]:
    """Everything that stands in a file."""
    with closing(sqlite3.connect(path)) as connection:
        names = [name for kind, name, *_ in schema(connection) if kind == "table"]
        rows = [connection.execute(f"SELECT * FROM {name}").fetchall() for name in names]
        return [schema(connection), connection.execute("PRAGMA user_version").fetchone(), names, rows]


@pytest.fixture
def path(tmp_path: Path) -> Path:
    """A state file with something of everything."""
    path = tmp_path / "state.db"
    with closing(SqliteStore(path, fsync=False)) as store:
        store.write([*EVERYTHING, SaveInstance(FULL)])
    return path


def test_the_steps_lead_to_what_a_new_file_has() -> None:
    with closing(sqlite3.connect(":memory:")) as new, closing(sqlite3.connect(":memory:")) as stepped:
        create(new)
        create_as_of(stepped, SCHEMA_VERSION)
        assert schema(new) == schema(stepped)
        assert {name for _, name, *_ in schema(new)} >= {"instances", "history", "messages", "instances_by_status"}
        for connection in (new, stepped):
            assert connection.execute("PRAGMA user_version").fetchone() == (SCHEMA_VERSION,)


def test_there_is_a_step_to_each_version() -> None:
    assert [step.version for step in steps()] == list(range(1, SCHEMA_VERSION + 1))


def test_a_file_of_the_newest_version_is_left_alone(path: Path) -> None:
    before = path.read_bytes()
    SqliteStore(path).close()
    assert path.read_bytes() == before
    assert [file.name for file in path.parent.iterdir()] == ["state.db"]


def test_a_step_keeps_what_is_there_and_a_copy_of_what_was(path: Path, caplog: pytest.LogCaptureFixture) -> None:
    before = state(path)
    with caplog.at_level(logging.WARNING):
        migrated(path, ADDS_A_COLUMN)
    copy = path.with_name(COPY)
    assert state(copy) == before
    assert (
        f"The state file {path} is brought from schema {SCHEMA_VERSION} to {NEXT}. As it was, it is kept in {copy}."
        in caplog.text
    )
    with closing(sqlite3.connect(path)) as connection:
        assert connection.execute("PRAGMA user_version").fetchone() == (NEXT,)
        assert connection.execute("SELECT text FROM notes").fetchall() == [("it's; here",)]
        assert connection.execute("SELECT id, tags FROM instances ORDER BY key").fetchall() == [
            ("a", "old"),
            (FULL.id, None),
        ]
        assert connection.execute("SELECT events FROM history").fetchall() == [("[1]",)]
    migrated(path, ADDS_A_COLUMN)
    assert {file.name for file in path.parent.iterdir()} == {"state.db", copy.name}, "once is enough"


def test_the_copy_is_the_way_back(path: Path) -> None:
    with closing(SqliteStore(path)) as store:
        before = belongings(store)
    migrated(path, ADDS_A_COLUMN)
    with pytest.raises(StateError, match=f"newer version .*schema {NEXT}, this one knows {SCHEMA_VERSION}"):
        SqliteStore(path)
    path.with_name(COPY).replace(path)
    with closing(SqliteStore(path)) as store:
        assert belongings(store) == before
        assert store.instance("Hub", FULL.id) == FULL


def test_an_earlier_copy_is_not_overwritten(path: Path) -> None:
    path.with_name(COPY).write_text("an earlier one")
    migrated(path, ADDS_A_COLUMN)
    assert path.with_name(COPY).read_text() == "an earlier one"
    assert path.with_name(f"state-schema-{SCHEMA_VERSION}-2.db").exists()


def test_a_step_that_fails_leaves_the_file_as_it_was(path: Path) -> None:
    before = state(path)
    first_fails = Step(NEXT, fails)
    with pytest.raises(StateError) as caught:
        migrated(path, first_fails)
    assert state(path) == before
    text = str(caught.value)
    assert f"could not be brought from schema {SCHEMA_VERSION} to {NEXT}: no such table: no_such_table." in text
    assert f"It stays at {SCHEMA_VERSION}." in text
    assert f"The copy {path.with_name(COPY)} is as it was before" in text
    SqliteStore(path).close()


def test_after_a_step_that_failed_the_connection_is_as_before() -> None:
    with closing(sqlite3.connect(":memory:", isolation_level=None)) as connection:
        create(connection)
        with pytest.raises(StateError, match="no_such_table"):
            migration.migrate(connection, None, lambda _: None, [*steps(), Step(NEXT, fails)])
        assert not connection.in_transaction
        assert "more" not in {row[1] for row in connection.execute("PRAGMA table_info(inputs)")}


def test_steps_before_one_that_fails_stand(path: Path) -> None:
    with pytest.raises(
        StateError, match=rf"could not be brought from schema {NEXT} to {NEXT + 1}: .* It stays at {NEXT}\."
    ):
        migrated(path, ADDS_A_COLUMN, FAILS)
    with closing(sqlite3.connect(path)) as connection:
        assert connection.execute("PRAGMA user_version").fetchone() == (NEXT,)
        assert connection.execute("SELECT tags FROM instances WHERE id = 'a'").fetchall() == [("old",)]
        assert connection.execute("SELECT text FROM notes").fetchall() == [("it's; here",)]
    assert state(path.with_name(COPY))[1] == (SCHEMA_VERSION,)


def test_without_room_for_the_copy_nothing_is_done(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def no_room(*_: object) -> None:
        raise StateError("The copy cannot be made: disk full.")

    monkeypatch.setattr("embedded_host.store.backup.back_up", no_room)
    before = state(path)
    with pytest.raises(StateError, match="disk full"):
        migrated(path, ADDS_A_COLUMN)
    assert state(path) == before


def test_steps_are_read_from_files(tmp_path: Path) -> None:
    (tmp_path / "0003_in_python.py").write_text("def apply(c):\n    c.execute('INSERT INTO a VALUES (3)')\n")
    (tmp_path / "0002_first.sql").write_text("CREATE TABLE a (b);\n-- the end\n")
    (tmp_path / "README.md").write_text("no step")
    with closing(sqlite3.connect(":memory:", isolation_level=None)) as connection:
        migration.migrate(connection, None, lambda _: None, read_steps(tmp_path))
        assert connection.execute("SELECT b FROM a").fetchall() == [(3,)]
        assert connection.execute("PRAGMA user_version").fetchone() == (3,)


OLD_FILES = {
    "as it was in development": lambda connection: connection.executescript(
        Path(__file__).with_name("version_1_in_development.sql").read_text() + "PRAGMA user_version = 1;"
    ),
    **{f"version {n}": partial(create_as_of, version=n) for n in range(1, SCHEMA_VERSION)},
}


@pytest.mark.parametrize("make", OLD_FILES.values(), ids=OLD_FILES)
def test_an_old_file_is_taken_up(tmp_path: Path, make: Callable[[sqlite3.Connection], object]) -> None:
    """Of version 1 there was another layout in development: inboxes and activities with an index each."""
    path = tmp_path / "state.db"
    with closing(sqlite3.connect(path, isolation_level=None)) as connection:
        make(connection)
        (version,) = connection.execute("PRAGMA user_version").fetchone()
        connection.execute(
            "INSERT INTO instances VALUES (1, 'Hub', 'a', 'Main', 'Pending', 0, 0, 'e-1', 0, NULL, 0, NULL, NULL)"
        )
        connection.execute("INSERT INTO history VALUES (1, 0, '[1]')")
    read = call("get-instances", "--state", tmp_path, "--json").json["instances"]
    assert [one["instanceId"] for one in read] == ["a"], "a command that reads leaves it as it is"
    with closing(sqlite3.connect(path)) as connection:
        assert connection.execute("PRAGMA user_version").fetchone() == (version,)
    with closing(SqliteStore(path)) as store:
        assert path.with_name(f"state-schema-{version}.db").exists()
        more = [PutMessage(message(1)), PutMessage(message(2)), PutActivity(activity(1)), PutActivity(activity(2))]
        store.write([*more, SetAwaited(1, [("event", "E")]), TakeMessage(1, 2), TakeActivity(1, 2)])
        assert store.history(1) == ["[1]"]
        assert (store.messages(1), [row for row, _ in store.all_activities()]) == ([message(1)], [activity(1)])
        assert store.awaited(1) == [("event", "E")]
        assert store.highest_keys() == (1, 1, 1)
