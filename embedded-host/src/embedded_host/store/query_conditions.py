"""SQL conditions of an instance query, with named parameters.

Some functions have an argument ``prefix``. The prefix "+" prevents SQLite from using the index of
the column.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import NamedTuple

from embedded_host.engine.status import UNFINISHED
from embedded_host.store.connection import SqliteValue
from embedded_host.store.epoch import micros
from embedded_host.store.interface import InstanceQuery

_LAST = "\U0010ffff"
IS_LIVE = f"status IN ({', '.join(map(repr, UNFINISHED))})"
_IS_ENTITY = "key IN (SELECT instance FROM entities)"
"""The condition for an entity.

The id alone is not sufficient, because the id of an orchestration may start with @ too (recorded).
"""
_WAITING: Mapping[str, str] = {
    "activity": "key IN (SELECT instance FROM activities{0})",
    "timer": "key IN (SELECT instance FROM messages WHERE due IS NOT NULL)",
    "child": (
        "id IN (SELECT parent_id FROM instances "
        f"WHERE hub = :hub AND {IS_LIVE} AND parent_id IS NOT NULL{{1}})"
    ),
    "event": "key IN (SELECT instance FROM awaited WHERE kind = 'event'{1})",
    "entity": "key IN (SELECT instance FROM awaited WHERE kind = 'entity'{1})",
}
"""The condition for each kind of wait. A condition on the name replaces ``{0}`` or ``{1}``."""


@dataclass(frozen=True)
class Conditions:
    """Terms of a WHERE clause and the values of their parameters."""

    terms: tuple[str, ...]
    values: dict[str, SqliteValue]

    def __add__(self, other: Conditions) -> Conditions:
        return Conditions(self.terms + other.terms, self.values | other.values)

    @property
    def where(self) -> str:
        """The conjunction of all terms."""
        return " AND ".join(self.terms) or "1"


def row_conditions(hub: str, query: InstanceQuery) -> Conditions:
    """Return all conditions of a query on one task hub, without those of ``value_conditions``."""
    return (
        hub_condition(hub)
        + id_conditions(query)
        + creation_conditions(query)
        + status_condition(query)
        + unindexed_conditions(query)
    )


def all_conditions(hub: str, query: InstanceQuery) -> Conditions:
    """Return all conditions of a query on one task hub."""
    return row_conditions(hub, query) + value_conditions(query)


def hub_condition(hub: str) -> Conditions:
    """Return the condition on the task hub."""
    return Conditions(("hub = :hub",), {"hub": hub})


def id_conditions(query: InstanceQuery, prefix: str = "") -> Conditions:
    """Return the conditions on the id."""
    bounds = [
        ("after", ">", query.after_id),
        ("first", ">=", query.id_prefix or None),
        ("last", "<", query.id_prefix + _LAST if query.id_prefix else None),
        *([("first_entity", ">=", "@"), ("last_entity", "<", "A")] if query.entities else []),
    ]
    return _with_values(
        *((f"{prefix}id {operator} :{name}", name, value) for name, operator, value in bounds)
    )


def creation_conditions(query: InstanceQuery, prefix: str = "") -> Conditions:
    """Return the conditions on the creation time."""
    return _with_values(
        (
            f"{prefix}created >= :created_from",
            "created_from",
            _micros(query.created_from),
        ),
        (
            f"{prefix}created <= :created_to",
            "created_to",
            _micros(query.created_to),
        ),
    )


def status_condition(query: InstanceQuery, prefix: str = "") -> Conditions:
    """Return the condition on the runtime status."""
    if not query.statuses:
        return Conditions((), {})
    values: dict[str, SqliteValue] = {
        f"status{number}": status for number, status in enumerate(query.statuses)
    }
    names = ", ".join(f":{name}" for name in values)
    return Conditions((f"{prefix}status IN ({names})",), values)


def unindexed_conditions(query: InstanceQuery) -> Conditions:
    """Return the conditions on columns without an index in the table ``instances``."""
    conditions = _with_values(
        (
            "updated >= :updated_from",
            "updated_from",
            _micros(query.updated_from),
        ),
        ("updated <= :updated_to", "updated_to", _micros(query.updated_to)),
        ("name = :name", "name", query.name or None),
        ("protocol <> :protocol", "protocol", query.other_protocol),
    )
    if query.waiting:
        conditions += _wait_condition(query.waiting)
    if query.parent_id is not None:
        conditions += Conditions(("parent_id = :parent",), {"parent": query.parent_id})
    if query.top_level:
        conditions += Conditions(("parent_id IS NULL",), {})
    if query.entities is not None:
        conditions += Conditions((_IS_ENTITY if query.entities else f"NOT {_IS_ENTITY}",), {})
    return conditions


def value_conditions(query: InstanceQuery) -> Conditions:
    """Return the conditions that read inputs, outputs and errors."""
    conditions = Conditions((), {})
    if query.search is not None:
        search = _search(query.search)
        conditions += Conditions(
            (
                f"({search.columns} OR EXISTS (SELECT 1 FROM inputs WHERE instance = key "
                f"AND {search.input}))",
            ),
            search.values,
        )
    if query.failed_with is not None or query.cause is not None:
        conditions += Conditions(("status = 'Failed'",), {})
    if query.failed_with is not None:
        # LIKE ignores the pattern from a NUL on.
        conditions += (
            Conditions(("0",), {})
            if "\0" in query.failed_with
            else Conditions(
                ("output LIKE :error ESCAPE '\\'",), {"error": like_pattern(query.failed_with)}
            )
        )
    if query.cause is not None:
        conditions += Conditions(
            ("cause_key(id, name, substr(output, 1, 2000)) = :cause",), {"cause": query.cause}
        )
    return conditions


def found_queries(hub: str, query: InstanceQuery) -> list[tuple[str, dict[str, SqliteValue]]]:
    """Return the queries that select the keys of all instances with the ``value_conditions``.

    The keys of a search may also be those of other task hubs. Each query reads its rows in the
    order of their table or index, which is faster than reading the input of each instance.
    """
    if query.failed_with is not None or query.cause is not None:
        conditions = hub_condition(hub) + value_conditions(query)
        source = "instances INDEXED BY instances_by_status"
        return [(f"SELECT key FROM {source} WHERE {conditions.where}", conditions.values)]
    search = _search(query.search or "")
    return [
        (f"SELECT instance FROM inputs WHERE {search.input}", search.values),
        (f"SELECT key FROM instances NOT INDEXED WHERE {search.columns}", search.values),
    ]


class _Search(NamedTuple):
    """The conditions of a search."""

    columns: str
    """The condition on the columns of the table ``instances``."""
    input: str
    """The condition on the column of the table ``inputs``."""
    values: dict[str, SqliteValue]


def _search(text: str) -> _Search:
    """Return the conditions on a part of the id or of a value.

    A text with a NUL matches nothing, because LIKE ignores the pattern from a NUL on.
    """
    if "\0" in text:
        return _Search("0", "0", {})
    values: dict[str, SqliteValue] = {
        f"search{number}": like_pattern(form) for number, form in enumerate(_stored_forms(text))
    }

    def condition(*columns: str) -> str:
        terms = [f"{column} LIKE :{name} ESCAPE '\\'" for column in columns for name in values]
        return f"({' OR '.join(terms)})"

    return _Search(condition("id", "output", "custom_status"), condition("input"), values)


def _stored_forms(text: str) -> list[str]:
    r"""Return the distinct forms that a text can have in a value: as it is, and as part of JSON.

    A value may be JSON in a JSON string, such as the input of a client of SDK 1.x. Each of the two
    encoders writes other characters than ASCII as they are or as ``\u`` escapes.
    """
    once = [_in_json(text, ascii_only) for ascii_only in (False, True)]
    twice = [_in_json(form, ascii_only) for form in once for ascii_only in (False, True)]
    return list(dict.fromkeys([text, *once, *twice]))


def _in_json(text: str, ascii_only: bool) -> str:
    return json.dumps(text, ensure_ascii=ascii_only)[1:-1]


def like_pattern(text: str) -> str:
    """Return the pattern of LIKE for values that contain ``text``. The escape is a backslash."""
    escaped = re.sub(r"([%_\\])", r"\\\1", text)
    return f"%{escaped}%"


def _wait_condition(waiting: str) -> Conditions:
    kind, _, name = waiting.partition(":")
    narrowed = (" WHERE name = :waiting", " AND name = :waiting") if name else ("", "")
    return Conditions(
        (_WAITING.get(kind, "0").format(*narrowed), IS_LIVE), {"waiting": name} if name else {}
    )


def _micros(time: datetime | None) -> int | None:
    return None if time is None else micros(time)


def _with_values(*terms: tuple[str, str, SqliteValue]) -> Conditions:
    """Return the conditions that have a value.

    Each argument is a term, the name of its parameter, and the value.
    """
    used = [(term, name, value) for term, name, value in terms if value is not None]
    return Conditions(tuple(term for term, _, _ in used), {name: value for _, name, value in used})
