from __future__ import annotations

import sqlite3
from contextlib import closing

import pytest

from embedded_host.engine import history as h
from embedded_host.engine.events import encode_events
from embedded_host.recovery.rows import (
    INPUT_REFERENCE,
    INSTANCES,
    TABLES,
    Rows,
    parse_event,
    parse_turn,
)
from embedded_host.store.input_references import LONG, encode_stored_turn
from embedded_host.store.schema import create_schema
from tests.recovery.states import BEGAN

INSTANCE = (
    1,
    "Hub",
    "a",
    "Main",
    "Running",
    0,
    0,
    "e",
    0,
    None,
    0,
    1,
    None,
    None,
    None,
    1,
    None,
    None,
)
RAISED = h.event_raised(BEGAN, "Go", None)
TURN = encode_events([RAISED])
VALID: list[tuple[str, tuple[object, ...]]] = [
    ("instances", INSTANCE),
    ("inputs", (1, '"x"')),
    ("history", (1, 0, TURN)),
    ("messages", (1, 1, None, None, TURN[1:-1])),
    ("activities", (1, 1, "e", 0, "Echo", "1")),
    ("awaited", (1, "event", "Go")),
    ("awaited", (1, "undelivered", "Goo")),
    ("entities", (1, 1, "5", "i-1")),
    ("timers", ("Hub", "Tick", None, None, 0)),
]


def rows_by_table(rows: Rows) -> dict[str, list[tuple[object, ...]]]:
    return {name: [tuple(row) for row in table.rows(rows)] for name, table in TABLES.items()}


def test_the_tables_and_their_rows_have_the_columns_of_the_schema() -> None:
    with closing(sqlite3.connect(":memory:", isolation_level=None)) as state:
        create_schema(state)
        names = [
            name for (name,) in state.execute("SELECT name FROM sqlite_master WHERE type = 'table'")
        ]
        columns = {
            name: tuple(row[1] for row in state.execute(f"PRAGMA table_info({name})"))
            for name in names
        }
    assert {name: table.columns for name, table in TABLES.items()} == columns
    for name, values in VALID:
        rows = Rows()
        assert TABLES[name].add(rows, values)
        [row] = TABLES[name].rows(rows)
        assert row._fields == columns[name]
        assert row == values


@pytest.mark.parametrize(("table", "values"), VALID)
def test_a_record_without_a_table_is_valid_in_one_table_only(
    table: str, values: tuple[object, ...]
) -> None:
    has_rowid = TABLES[table].has_rowid
    record, rowid = ((None, *values[1:]), values[0]) if has_rowid else (values, None)
    rows = Rows()
    accepted = [name for name, other in TABLES.items() if other.add_loose(rows, rowid, record)]
    assert accepted == [table]
    assert rows_by_table(rows) == {**rows_by_table(Rows()), table: [values]}


def test_a_record_with_a_stored_first_column_does_not_belong_to_a_table_with_a_rowid() -> None:
    assert not INSTANCES.add_loose(Rows(), 1, INSTANCE)
    assert not INSTANCES.add_loose(Rows(), 1, ())


@pytest.mark.parametrize(
    ("column", "value"),
    [
        ("status", "Runing"),
        ("status", ["Running"]),
        ("created", "now"),
        ("updated", 2**63 - 1),
        ("hub", b"\xff"),
        ("parent", "{"),
        ("parent", 1),
        ("continued", 2),
    ],
)
def test_an_instance_with_an_invalid_value_is_rejected(column: str, value: object) -> None:
    row = list(INSTANCE)
    row[INSTANCES.columns.index(column)] = value  # type: ignore[call-overload]
    rows = Rows()
    assert not INSTANCES.add(rows, row)
    assert not INSTANCES.add(rows, INSTANCE[:-1])
    assert rows.instances == []


@pytest.mark.parametrize(
    "json", ["", "{}", "[1]", '[{"EventType": 99}]', TURN.replace("Name", "Nam"), "[" * 100_000]
)
def test_a_string_that_is_not_the_json_of_a_turn_is_invalid(json: str) -> None:
    assert parse_turn(json) is None


@pytest.mark.parametrize("json", ["", "1", f"{TURN[1:-1]},{TURN[1:-1]}"])
def test_a_message_holds_exactly_one_event(json: str) -> None:
    assert parse_event(json) is None
    assert parse_event(TURN[1:-1]) == RAISED


def test_a_reference_to_an_input_is_kept_as_a_marker() -> None:
    started = h.execution_started(
        BEGAN, instance_id="a", execution_id="e", name="Main", input="x" * LONG
    )
    [event] = parse_turn(encode_stored_turn([started])) or []
    assert getattr(event, "input", None) == INPUT_REFERENCE
