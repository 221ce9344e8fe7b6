"""The query for a list of instances, with the index that returns a page fastest.

Lists are in order of id. SQLite cannot estimate how many rows a condition selects, so this module
chooses the index:

- A range of creation times with few rows is read completely and sorted.
- Each status is read in order of id from the index of statuses, until the page is full.
- All other queries read the index of ids until the page is full.
"""

from __future__ import annotations

import sqlite3

from embedded_host.store.connection import SqliteValue
from embedded_host.store.interface import InstanceQuery
from embedded_host.store.query_conditions import (
    Conditions,
    all_conditions,
    creation_conditions,
    hub_condition,
    id_conditions,
    status_condition,
    unindexed_conditions,
    value_conditions,
)

COLUMNS = (
    "key, hub, id, name, status, created, updated, execution_id, generation, parent, continued, "
    "protocol, custom_status, output, tags"
)
FEW = 2000
"""Maximum number of rows for which sorting is faster than reading all rows in order of id."""


def list_query(
    reader: sqlite3.Connection, hub: str, query: InstanceQuery, limit: int
) -> tuple[str, dict[str, SqliteValue]]:
    """Return the SQL that selects ``COLUMNS`` of at most ``limit`` rows, and its parameters."""
    created = creation_conditions(query)
    if created.terms and _are_few(reader, hub_condition(hub) + created):
        conditions = (
            hub_condition(hub)
            + created
            + id_conditions(query, "+")
            + status_condition(query, "+")
            + unindexed_conditions(query)
            + value_conditions(query)
        )
        return _select("instances INDEXED BY instances_by_creation", conditions, limit)
    others = (
        hub_condition(hub)
        + id_conditions(query)
        + creation_conditions(query, "+")
        + unindexed_conditions(query)
        + value_conditions(query)
    )
    if not query.statuses:
        return _select("instances", others, limit)
    selects: list[str] = []
    values = {**others.values, "limit": limit}
    for number, status in enumerate(dict.fromkeys(query.statuses)):
        values[f"status{number}"] = status
        of_status = Conditions((*others.terms, f"status = :status{number}"), {})
        select, _ = _select("instances INDEXED BY instances_by_status", of_status, limit)
        selects.append(f"SELECT * FROM ({select})")
    if len(selects) == 1:
        return selects[0], values
    return f"{' UNION ALL '.join(selects)} ORDER BY id LIMIT :limit", values


def scan_queries(
    hub: str, query: InstanceQuery, rows: int
) -> tuple[str, str, dict[str, SqliteValue]]:
    """Return the two queries for one step of a scan, and the parameters of both.

    A step examines the next ``rows`` ids. The first query selects the matching instances, and the
    second query selects the last examined id.
    """
    examined = hub_condition(hub) + id_conditions(query)
    matching = all_conditions(hub, query)
    next_rows = f"SELECT * FROM instances WHERE {examined.where} ORDER BY id LIMIT :rows"
    select = f"SELECT {COLUMNS} FROM ({next_rows}) WHERE {matching.where}"
    last = f"SELECT id FROM instances WHERE {examined.where} ORDER BY id LIMIT 1 OFFSET :rows - 1"
    return select, last, {**matching.values, "rows": rows}


def _select(source: str, conditions: Conditions, limit: int) -> tuple[str, dict[str, SqliteValue]]:
    select = f"SELECT {COLUMNS} FROM {source} WHERE {conditions.where} ORDER BY id LIMIT :limit"
    return select, {**conditions.values, "limit": limit}


def _are_few(reader: sqlite3.Connection, conditions: Conditions) -> bool:
    rows = f"SELECT 1 FROM instances WHERE {conditions.where} LIMIT {FEW + 1}"
    count: int = reader.execute(f"SELECT count(*) FROM ({rows})", conditions.values).fetchone()[0]
    return count <= FEW
