"""The query behind a list of instances: the index that leads to a page soonest.

SQLite does not know how many rows a condition leaves, and lists are in order of id. So the choice is made here:
a range of creation times that holds few rows is read whole and sorted; statuses are read one by one, each in order of id from
its own index; and anything else is read in order of id until the page is full.
"""

from __future__ import annotations

import sqlite3
from typing import Any

from embedded_host.store.epoch import micros
from embedded_host.store.interface import InstanceFilter
from embedded_host.store.key_range import IS_ENTITY, end_of

COLUMNS = (
    "key, hub, id, name, status, created, updated, execution_id, generation, parent, continued, custom_status, output"
)
FEW = 2000
"""Rows: so many are sorted in less time than it takes to look for a page among a hundred thousand."""
_Conditions = list[tuple[str, Any]]


def listing(reader: sqlite3.Connection, hub: str, filter: InstanceFilter, limit: int) -> tuple[str, list[Any]]:
    """The query's text and values; its rows are ``COLUMNS``."""
    created = _given(("created >= ?", filter.created_from), ("created <= ?", filter.created_to))
    if created and _are_few(reader, hub, created):
        statuses = (
            [(f"+status IN ({','.join('?' * len(filter.statuses))})", filter.statuses)] if filter.statuses else []
        )
        conditions = [("hub = ?", hub), *created, *_by_id(filter, "+"), *statuses, *_others(filter)]
        return _select("instances INDEXED BY instances_by_creation", conditions, limit)
    others = [*((f"+{text}", value) for text, value in created), *_others(filter)]
    if not filter.statuses:
        return _select("instances", [("hub = ?", hub), *_by_id(filter), *others], limit)
    texts: list[str] = []
    values: list[Any] = []
    for status in dict.fromkeys(filter.statuses):
        conditions = [("hub = ?", hub), ("status = ?", status), *_by_id(filter), *others]
        text, its_values = _select("instances INDEXED BY instances_by_status", conditions, limit)
        texts.append(f"SELECT * FROM ({text})")
        values += its_values
    if len(texts) == 1:
        return texts[0], values
    return f"{' UNION ALL '.join(texts)} ORDER BY id LIMIT ?", [*values, limit]


def _select(source: str, conditions: _Conditions, limit: int) -> tuple[str, list[Any]]:
    where = " AND ".join(text for text, _ in conditions)
    values: list[Any] = []
    for _, value in conditions:
        values += value if isinstance(value, tuple) else (value,)
    return f"SELECT {COLUMNS} FROM {source} WHERE {where} ORDER BY id LIMIT ?", [*values, limit]


def _are_few(reader: sqlite3.Connection, hub: str, created: _Conditions) -> bool:
    where = " AND ".join(text for text, _ in created)
    text = f"SELECT count(*) FROM (SELECT 1 FROM instances WHERE hub = ? AND {where} LIMIT {FEW + 1})"
    count: int = reader.execute(text, (hub, *(value for _, value in created))).fetchone()[0]
    return count <= FEW


def _by_id(filter: InstanceFilter, free: str = "") -> _Conditions:
    """``free`` (a plus) keeps SQLite from taking the index of ids."""
    conditions: _Conditions = []
    if filter.after_id is not None:
        conditions.append((f"{free}id > ?", filter.after_id))
    if filter.id_prefix:
        conditions += [(f"{free}id >= ?", filter.id_prefix), (f"{free}id < ?", end_of(filter.id_prefix))]
    if filter.entities:  # "@name@key"
        conditions += [(f"{free}id >= ?", "@"), (f"{free}id < ?", "A")]
    return conditions


def _others(filter: InstanceFilter) -> _Conditions:
    conditions = _given(("updated >= ?", filter.updated_from), ("updated <= ?", filter.updated_to))
    if filter.entities is not None:
        conditions.append((IS_ENTITY if filter.entities else f"NOT {IS_ENTITY}", ()))
    return conditions


def _given(*conditions: tuple[str, Any]) -> _Conditions:
    return [(text, micros(value)) for text, value in conditions if value is not None]
