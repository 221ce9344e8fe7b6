"""The query for a list of instances, by the index that finds a page fastest.

SQLite has no statistics of how many rows a condition selects, and lists are in order of id. The index is therefore chosen here:
a range of creation times with few rows is read completely and sorted; statuses are read one by one, each in order of id from
its own index; everything else is read in order of id until the page is full.
"""

from __future__ import annotations

import sqlite3
from typing import Any

from embedded_host.store.interface import InstanceQuery
from embedded_host.store.query_conditions import (
    Conditions,
    all_conditions,
    of_creation,
    of_hub,
    of_id,
    of_status,
    of_the_rest,
)

COLUMNS = "key, hub, id, name, status, created, updated, execution_id, generation, parent, continued, custom_status, output"
FEW = 2000
"""Rows: sorting this many takes less time than searching a page among a hundred thousand."""


def listing(
    reader: sqlite3.Connection, hub: str, query: InstanceQuery, limit: int
) -> tuple[str, dict[str, Any]]:
    """Return the SQL text and its named values; the rows are ``COLUMNS``."""
    created = of_creation(query)
    if created.texts and _are_few(reader, of_hub(hub) + created):
        found = (
            of_hub(hub) + created + of_id(query, "+") + of_status(query, "+") + of_the_rest(query)
        )
        return _select("instances INDEXED BY instances_by_creation", found, limit)
    others = of_hub(hub) + of_id(query) + of_creation(query, "+") + of_the_rest(query)
    if not query.statuses:
        return _select("instances", others, limit)
    texts: list[str] = []
    values = {**others.values, "limit": limit}
    for number, status in enumerate(dict.fromkeys(query.statuses)):
        values[f"status{number}"] = status
        one = Conditions((*others.texts, f"status = :status{number}"), {})
        texts.append(
            f"SELECT * FROM ({_select('instances INDEXED BY instances_by_status', one, limit)[0]})"
        )
    if len(texts) == 1:
        return texts[0], values
    return f"{' UNION ALL '.join(texts)} ORDER BY id LIMIT :limit", values


def scanning(hub: str, query: InstanceQuery, rows: int) -> tuple[str, str, dict[str, Any]]:
    """Return the SQL text for the matches among the next ``rows`` ids, that for the last of these ids, and the values of both."""
    every = of_hub(hub) + of_id(query)
    next_rows = f"SELECT * FROM instances WHERE {every.where} ORDER BY id LIMIT :rows"
    found = all_conditions(hub, query)
    text = f"SELECT {COLUMNS} FROM ({next_rows}) WHERE {found.where}"
    last = f"SELECT id FROM instances WHERE {every.where} ORDER BY id LIMIT 1 OFFSET :rows - 1"
    return text, last, {**found.values, "rows": rows}


def _select(source: str, conditions: Conditions, limit: int) -> tuple[str, dict[str, Any]]:
    text = f"SELECT {COLUMNS} FROM {source} WHERE {conditions.where} ORDER BY id LIMIT :limit"
    return text, {**conditions.values, "limit": limit}


def _are_few(reader: sqlite3.Connection, conditions: Conditions) -> bool:
    text = (
        f"SELECT count(*) FROM (SELECT 1 FROM instances WHERE {conditions.where} LIMIT {FEW + 1})"
    )
    count: int = reader.execute(text, conditions.values).fetchone()[0]
    return count <= FEW
