"""What recover knows of the tables is what the schema has."""

from __future__ import annotations

import sqlite3
from pathlib import Path

import embedded_host.store
from embedded_host.recovery.rows import TABLES

SCHEMA = Path(embedded_host.store.__file__).with_name("schema.sql").read_text(encoding="utf-8")


def test_every_table_with_its_columns() -> None:
    """A change of the schema is a change of ``recovery/rows.py``, too."""
    state = sqlite3.connect(":memory:")
    state.executescript(SCHEMA)
    names = [row[0] for row in state.execute("SELECT name FROM sqlite_master WHERE type = 'table'")]
    schema = {name: tuple(row[1] for row in state.execute(f"PRAGMA table_info({name})")) for name in names}
    state.close()
    assert {name: table.columns for name, table in TABLES.items()} == schema
