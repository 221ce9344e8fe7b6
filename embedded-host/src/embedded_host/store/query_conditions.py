"""SQL conditions of an instance query, with named parameters."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, NamedTuple

from embedded_host.engine.status import UNFINISHED
from embedded_host.store.epoch import micros
from embedded_host.store.interface import InstanceQuery

_LAST = "\U0010ffff"
PARENT_ID = "json_extract(parent, '$.OrchestrationInstance.InstanceId')"
IS_LIVE = f"status IN ({', '.join(map(repr, UNFINISHED))})"
_IS_ENTITY = "key IN (SELECT instance FROM entities)"
"""An orchestration may have an id with a leading @ too (recorded): the entities table tells them apart."""
_WAITING: Mapping[str, str] = {
    "activity": "key IN (SELECT instance FROM activities{0})",
    "timer": "key IN (SELECT instance FROM messages WHERE due IS NOT NULL)",
    "child": f"id IN (SELECT {PARENT_ID} FROM instances WHERE hub = :hub AND {IS_LIVE} AND parent IS NOT NULL{{1}})",
    "event": "key IN (SELECT instance FROM awaited WHERE kind = 'event'{1})",
    "entity": "key IN (SELECT instance FROM awaited WHERE kind = 'entity'{1})",
}
"""By kind of wait. ``{0}`` and ``{1}`` are the places of the condition on the name."""


class Conditions(NamedTuple):
    texts: tuple[str, ...]
    values: dict[str, Any]

    def __add__(self, other: Conditions) -> Conditions:  # type: ignore[override]
        return Conditions(self.texts + other.texts, self.values | other.values)

    @property
    def where(self) -> str:
        return " AND ".join(self.texts) or "1"


def all_conditions(hub: str, query: InstanceQuery) -> Conditions:
    return of_hub(hub) + of_id(query) + of_creation(query) + of_status(query) + of_the_rest(query)


def of_hub(hub: str) -> Conditions:
    return Conditions(("hub = :hub",), {"hub": hub})


def of_id(query: InstanceQuery, prefix: str = "") -> Conditions:
    """``prefix`` "+" keeps SQLite from using the index of ids."""
    bounds = [
        ("after", ">", query.after_id),
        ("first", ">=", query.id_prefix or None),
        ("last", "<", query.id_prefix + _LAST if query.id_prefix else None),
        *([("first_entity", ">=", "@"), ("last_entity", "<", "A")] if query.entities else []),
    ]
    return _given(
        *((f"{prefix}id {operator} :{name}", name, value) for name, operator, value in bounds)
    )


def of_creation(query: InstanceQuery, prefix: str = "") -> Conditions:
    """``prefix`` "+" keeps SQLite from using the index of creation times."""
    return _given(
        (
            f"{prefix}created >= :created_from",
            "created_from",
            query.created_from and micros(query.created_from),
        ),
        (
            f"{prefix}created <= :created_to",
            "created_to",
            query.created_to and micros(query.created_to),
        ),
    )


def of_status(query: InstanceQuery, prefix: str = "") -> Conditions:
    """``prefix`` "+" keeps SQLite from using the index of statuses."""
    if not query.statuses:
        return Conditions((), {})
    values = {f"status{n}": status for n, status in enumerate(query.statuses)}
    return Conditions((f"{prefix}status IN ({', '.join(f':{name}' for name in values)})",), values)


def of_the_rest(query: InstanceQuery) -> Conditions:
    """Conditions that no index of instances serves."""
    found = _given(
        (
            "updated >= :updated_from",
            "updated_from",
            query.updated_from and micros(query.updated_from),
        ),
        ("updated <= :updated_to", "updated_to", query.updated_to and micros(query.updated_to)),
        ("name = :name", "name", query.name or None),
    )
    if query.waiting:
        found += _of_waiting(query.waiting)
    if query.entities is not None:
        found += Conditions((_IS_ENTITY if query.entities else f"NOT {_IS_ENTITY}",), {})
    return found


def _of_waiting(waiting: str) -> Conditions:
    kind, _, name = waiting.partition(":")
    narrowed = (" WHERE name = :waiting", " AND name = :waiting") if name else ("", "")
    return Conditions(
        (_WAITING.get(kind, "0").format(*narrowed), IS_LIVE), {"waiting": name} if name else {}
    )


def _given(*conditions: tuple[str, str, Any]) -> Conditions:
    """Return the conditions whose value is not None; each is (text, parameter, value)."""
    given = [condition for condition in conditions if condition[2] is not None]
    return Conditions(
        tuple(text for text, _, _ in given), {name: value for _, name, value in given}
    )
