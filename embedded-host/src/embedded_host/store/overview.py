"""The state as people look at it: pages in any order, counts, a histogram. It only reads, and has a connection of its own, so
that a query over 100,000 instances holds up nobody: let it run in a thread, one at a time."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any, NamedTuple

from embedded_host.engine.status import FINISHED
from embedded_host.store.connection import connect
from embedded_host.store.input_references import text_with_input
from embedded_host.store.interface import InstanceQuery
from embedded_host.store.named_queries import named_queries
from embedded_host.store.query_conditions import IS_LIVE, PARENT_ID, all_conditions

SORTS: Mapping[str, str] = {
    "created": "created {0}, key {0}",
    "updated": "updated {0}, key {0}",
    "id": "id {0}",
    "name": "name {0}, created DESC",
    "status": "status {0}, created DESC",
    "duration": "updated - created {0}, key {0}",
}
_INDEXED = ("created", "id")
"""Orders that an index has. For the others all rows are read, which is quickest in the order in which they lie."""


class Listed(NamedTuple):
    """A line of a list. Times are microseconds since 1970."""

    key: int
    id: str
    name: str
    status: str
    created: int
    updated: int


class Overview:
    def __init__(self, path: Path) -> None:
        self._connection = connect(path)
        self._connection.execute("PRAGMA query_only = ON")
        # What is read is mapped and not copied: a page of the last row of 100,000 takes half the time.
        self._connection.execute("PRAGMA mmap_size = 2147483648")
        self._sql = named_queries("overview.sql")

    def interrupt(self) -> None:
        """From another thread: a query that runs ends with sqlite3.OperationalError."""
        self._connection.interrupt()

    def close(self) -> None:
        self._connection.close()

    @contextmanager
    def one_moment(self) -> Iterator[None]:
        """What is read within is of one state, whatever is written meanwhile."""
        self._connection.execute("BEGIN")
        try:
            yield
        finally:
            self._connection.execute("COMMIT")

    def version(self) -> int:
        """A number that changes whenever something was written."""
        return int(self._connection.execute("PRAGMA data_version").fetchone()[0])

    # -- many ----------------------------------------------------------------------------------------

    def page(
        self,
        hub: str,
        query: InstanceQuery,
        sort: str = "created",
        descending: bool = True,
        limit: int = 100,
        offset: int = 0,
    ) -> list[Listed]:
        where, values = _where(hub, query)
        order = SORTS[sort].format("DESC" if descending else "ASC")
        by_index = sort in _INDEXED or query.id_prefix or query.waiting
        # Keys first: sorting moves no more than it must, and an offset skips entries of an index, not rows.
        keys = f"SELECT key FROM instances {'' if by_index else 'NOT INDEXED'} WHERE {where} ORDER BY {order} LIMIT :n OFFSET :o"
        text = f"SELECT key, id, name, status, created, updated FROM instances WHERE key IN ({keys}) ORDER BY {order}"
        return [Listed(*row) for row in self._connection.execute(text, {**values, "n": limit, "o": offset})]

    def counts(self, hub: str, query: InstanceQuery) -> dict[str, int]:
        """How many there are, by status."""
        where, values = _where(hub, query)
        # With a name every row is read: as they lie is several times as quick as in an index's order.
        text = f"SELECT status, count(*) FROM instances {'NOT INDEXED' if query.name else ''} WHERE {where} GROUP BY status"
        return dict(self._connection.execute(text, values))

    def bounds(self, hub: str) -> tuple[int, int] | None:
        """When the oldest and the newest were created."""
        first, last = self._one("bounds", hub)
        return None if first is None else (first, last)

    def started(self, hub: str, query: InstanceQuery, start: int, width: int) -> dict[int, int]:
        """How many were created in each span of ``width`` microseconds from ``start`` on."""
        where, values = _where(hub, query)
        text = (
            f"SELECT (created - :s) / :w AS span, count(*) FROM instances WHERE {where} AND created >= :s GROUP BY span"
        )
        return dict(self._connection.execute(text, {**values, "s": start, "w": width}))

    def ended(self, hub: str, query: InstanceQuery, start: int, width: int) -> dict[str, dict[int, int]]:
        """The same for ends, by status."""
        where, values = _where(hub, query)
        text = (
            "SELECT status, (updated - :s) / :w AS span, count(*) FROM instances NOT INDEXED "
            f"WHERE {where} AND updated >= :s AND NOT {IS_LIVE} GROUP BY status, span"
        )
        found: dict[str, dict[int, int]] = {}
        for status, span, count in self._connection.execute(text, {**values, "s": start, "w": width}):
            found.setdefault(status, {})[span] = count
        return found

    def waits(self, hub: str, rows: Iterable[Listed]) -> dict[int, list[str]]:
        """What live ones of ``rows`` wait for: ``activity NAME``, ``timer DUE``, ``child NAME``, ``event NAME``, ``entity ID``."""
        live = {row.id: row.key for row in rows if row.status not in FINISHED}
        found: dict[int, list[str]] = {key: [] for key in live.values()}
        marks = ",".join("?" * len(live))
        for kind, text, values in (
            ("activity", f"SELECT instance, name FROM activities WHERE instance IN ({marks})", [*live.values()]),
            (
                "timer",
                f"SELECT instance, min(due) FROM messages WHERE instance IN ({marks}) AND due IS NOT NULL GROUP BY instance",
                [*live.values()],
            ),
            (
                "child",
                f"SELECT {PARENT_ID} AS above, name FROM instances "
                f"WHERE hub = ? AND {IS_LIVE} AND parent IS NOT NULL AND above IN ({marks})",
                [hub, *live],
            ),
        ):
            for owner, what in self._connection.execute(text, values):
                found[live[owner] if kind == "child" else owner].append(f"{kind} {what}")
        for owner, kind, name in self._connection.execute(
            f"SELECT instance, kind, name FROM awaited WHERE instance IN ({marks})", [*live.values()]
        ):
            found[owner].append(f"{kind} {name}")
        return found

    # -- one -----------------------------------------------------------------------------------------

    def instance(self, hub: str, id: str) -> dict[str, Any] | None:
        """The row with the input; texts as they are stored. Entities are none."""
        row = self._one("instance_of", hub, id)
        if row is None or self._one("is_entity", row[0]):
            return None
        names = ("key", "id", "name", "status", "created", "updated", "executionId", "parent", "customStatus", "output")
        shown = dict(zip(names, row, strict=True))
        shown["parent"] = json.loads(row[7]) if row[7] else None
        return {**shown, "input": (self._one("input_of", row[0]) or (None,))[0]}

    def pulse(self, hub: str, id: str) -> tuple[Any, ...] | None:
        """Changes when something of the instance does."""
        row = self._one("pulse_of", hub, id)
        return None if row is None else tuple(row)

    def turns(self, key: int) -> tuple[int, int]:
        """How many turns its history has, and the length of the first, which a rewind changes."""
        turns, first = self._one("turns_of", key)
        return turns, first

    def history(self, key: int, after: int = 0) -> list[str]:
        """The turns' JSON arrays from turn ``after`` on."""
        return [text_with_input(*row) for row in self._connection.execute(self._sql["history_from"], (key, after))]

    # -- functions and entities ----------------------------------------------------------------------

    def used(self, hub: str) -> dict[str, tuple[int, int, str | None]]:
        """By orchestrator: how many instances, when the newest was created, and its input."""
        rows = self._connection.execute(self._sql["used_functions"], (hub,)).fetchall()
        return {r[0]: (r[1], r[2], (self._one("input_of", r[3]) or (None,))[0]) for r in rows}

    def samples(self, hub: str, *, newest: int, each: int, longest: int) -> Iterable[tuple[str, list[str]]]:
        """Names and histories of ``each`` of a name among the ``newest`` instances, but for histories that are too long."""
        seen: dict[str, int] = {}
        for key, name in self._connection.execute(self._sql["newest_instances"], (hub, newest)).fetchall():
            if seen.get(name, 0) < each and not name.startswith("@") and self._one("history_sizes", key)[0] <= longest:
                seen[name] = seen.get(name, 0) + 1
                yield name, self.history(key)

    def awaited_events(self, hub: str, limit: int) -> list[str]:
        """``event NAME`` of the events that instances wait for."""
        return [row[0] for row in self._connection.execute(self._sql["awaited_events"], (hub, limit))]

    def entity_names(self, hub: str) -> list[str]:
        return [row[0] for row in self._connection.execute(self._sql["entity_names"], (hub,))]

    def entity_states(self, keys: Sequence[int]) -> dict[int, str | None]:
        """The states of those that exist."""
        text = f"SELECT instance, state FROM entities WHERE has_state AND instance IN ({','.join('?' * len(keys))})"
        return dict(self._connection.execute(text, keys))

    def _one(self, name: str, *values: Any) -> Any:
        return self._connection.execute(self._sql[name], values).fetchone()


def _where(hub: str, query: InstanceQuery) -> tuple[str, dict[str, Any]]:
    conditions = all_conditions(hub, query)
    return conditions.where, conditions.values
