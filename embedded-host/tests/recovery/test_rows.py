from __future__ import annotations

import sqlite3
from contextlib import closing

import pytest

from embedded_host.engine import history as h
from embedded_host.engine.events import encode_events
from embedded_host.recovery.rows import TABLES, Row, events_of
from embedded_host.store.schema import create_schema
from tests.recovery.states import BEGAN


def test_the_tables_have_the_columns_of_the_schema() -> None:
    with closing(sqlite3.connect(":memory:", isolation_level=None)) as state:
        create_schema(state)
        names = [
            name for (name,) in state.execute("SELECT name FROM sqlite_master WHERE type = 'table'")
        ]
        columns = {
            name: [row[1] for row in state.execute(f"PRAGMA table_info({name})")] for name in names
        }
    assert {name: list(table.columns) for name, table in TABLES.items()} == columns


INSTANCE: Row = (1, "Hub", "a", "Main", "Running", 0, 0, "e", 0, None, 0, None, None)
EVENT = encode_events([h.event_raised(BEGAN, "Go", None)])


@pytest.mark.parametrize(
    ("table", "row"),
    [
        ("instances", INSTANCE),
        ("inputs", (1, '"x"')),
        ("history", (1, 0, EVENT)),
        ("messages", (1, 1, None, None, EVENT[1:-1])),
        ("activities", (1, 1, "e", 0, "Echo", "1")),
        ("awaited", (1, "event", "Go")),
        ("entities", (1, 1, "5")),
        ("timers", ("Hub", "Tick", None, None, 0)),
    ],
)
def test_a_record_without_a_table_is_valid_in_one_table_only(table: str, row: Row) -> None:
    record = (None, *row[1:]) if TABLES[table].has_rowid else row
    rowid = row[0] if TABLES[table].has_rowid else None
    found = {
        name: made
        for name, one in TABLES.items()
        if (made := one.row_of_record(rowid, record)) is not None
    }
    assert found == {table: row}


@pytest.mark.parametrize(
    ("column", "value"),
    [
        ("status", "Runing"),
        ("created", "now"),
        ("updated", 2**63 - 1),
        ("hub", b"\xff"),
        ("parent", "{"),
        ("continued", 2),
    ],
)
def test_an_instance_with_an_invalid_value_is_invalid(column: str, value: object) -> None:
    table = TABLES["instances"]
    row = list(INSTANCE)
    row[table.columns.index(column)] = value
    assert table.is_valid(INSTANCE)
    assert not table.is_valid(tuple(row))


@pytest.mark.parametrize(
    "text", ["", "{}", "[1]", '[{"EventType": 99}]', EVENT.replace("Name", "Nam"), "[" * 100_000]
)
def test_text_that_is_no_list_of_events_is_invalid(text: str) -> None:
    assert events_of(text) is None
