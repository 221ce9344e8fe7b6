"""Queries for lists of instances: pages in any order, values, counts, causes and a histogram.

A query over 100,000 instances takes tens of milliseconds, so run the queries in a thread, one at a
time. Times are microseconds since 1970.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import NamedTuple

from embedded_host.engine.status import FINISHED
from embedded_host.store.connection import SqliteValue, data_version
from embedded_host.store.failure_causes import FailureCause, failure_cause
from embedded_host.store.interface import InstanceQuery
from embedded_host.store.named_queries import named_queries
from embedded_host.store.query_conditions import (
    IS_LIVE,
    Conditions,
    found_queries,
    row_conditions,
)

SORTS: Mapping[str, str] = {
    "created": "created {0}, key {0}",
    "updated": "updated {0}, key {0}",
    "id": "id {0}",
    "name": "name {0}, created DESC",
    "status": "status {0}, created DESC",
    "duration": "updated - coalesce(first_created, created) {0}, key {0}",
}
_LISTED = (
    "key, id, name, status, created, updated, "
    "CASE status WHEN 'Failed' THEN substr(output, 1, 2000) END, "
    "parent_id, executions, first_created"
)
"""The columns of a ListedInstance."""
_INDEXED = ("created", "id")
"""Sort orders that an index supports. Other sort orders read all rows in table order."""


@dataclass(frozen=True)
class ListedInstance:
    """A row of a list of instances."""

    key: int
    id: str
    name: str
    status: str
    created: int
    updated: int
    error: str | None = None
    """The start of the error of a failed instance."""
    parent_id: str | None = None
    """The instance id of the parent, or None."""
    executions: int = 1
    """Number of executions so far. Each continue-as-new starts another one."""
    first_created: int | None = None
    """Creation time of the first execution, or None if it is ``created``."""


class InstanceValues(NamedTuple):
    """The stored values of an instance. The output of a failed instance is a plain string."""

    custom_status: str | None
    output: str | None
    input: str | None


@dataclass(frozen=True)
class CauseOfFailures:
    """The failed instances with the same cause."""

    cause: FailureCause
    count: int
    first: int
    """Time of the first failure."""
    last: int
    """Time of the last failure."""
    example: ListedInstance
    """The instance that failed last."""


class InstanceLists:
    """The lists of instances in a state file. Its methods raise sqlite3.Error."""

    def __init__(self, connection: sqlite3.Connection) -> None:
        """Read with ``connection``, which can still write: a search has a temporary table."""
        self._connection = connection
        self._connection.execute("PRAGMA temp_store = MEMORY")
        self._connection.execute("CREATE TEMP TABLE found (key INTEGER PRIMARY KEY)")
        self._found: tuple[object, ...] | None = None
        """The conditions on values and the version whose instances are in the table ``found``."""
        self._creation_range = named_queries("overview.sql")["creation_range"]

    def page(
        self,
        hub: str,
        query: InstanceQuery,
        sort: str = "created",
        descending: bool = True,
        limit: int = 100,
        offset: int = 0,
    ) -> list[ListedInstance]:
        """Return a page of the matching instances. ``sort`` is a key of ``SORTS``."""
        where, values = self._where(hub, query)
        order = SORTS[sort].format("DESC" if descending else "ASC")
        by_index = sort in _INDEXED or query.id_prefix or query.waiting
        index = "" if by_index else "NOT INDEXED"
        if query.parent_id is not None:
            index = "INDEXED BY instances_by_parent"
        # The subquery sorts keys only, so the offset skips index entries instead of rows.
        keys = (
            f"SELECT key FROM instances {index} WHERE {where} ORDER BY {order} LIMIT :n OFFSET :o"
        )
        select = f"SELECT {_LISTED} FROM instances WHERE key IN ({keys}) ORDER BY {order}"
        return [
            ListedInstance(*row)
            for row in self._connection.execute(select, {**values, "n": limit, "o": offset})
        ]

    def values(self, keys: Sequence[int]) -> dict[int, InstanceValues]:
        """Return the values of instances by key."""
        select = (
            "SELECT key, custom_status, output, input "
            "FROM instances LEFT JOIN inputs ON instance = key "
            f"WHERE key IN ({','.join('?' * len(keys))})"
        )
        return {
            key: InstanceValues(*values) for key, *values in self._connection.execute(select, keys)
        }

    def child_counts(self, hub: str, rows: Iterable[ListedInstance]) -> dict[str, int]:
        """Return the number of sub-orchestrations by the id of the parent, without zeros."""
        ids = [row.id for row in rows]
        select = (
            "SELECT parent_id, count(*) FROM instances WHERE hub = ? "
            f"AND parent_id IN ({','.join('?' * len(ids))}) GROUP BY parent_id"
        )
        return dict(self._connection.execute(select, [hub, *ids]))

    def causes(self, hub: str, query: InstanceQuery) -> list[CauseOfFailures]:
        """Return the causes of the failures that match the query, the most frequent first.

        A sub-orchestration that has failed its parent is not counted if the parent is.
        """
        if query.statuses and "Failed" not in query.statuses:
            return []
        where, values = self._where(hub, replace(query, statuses=("Failed",)))
        select = f"SELECT {_LISTED} FROM instances WHERE {where} ORDER BY updated"
        matching = [ListedInstance(*row) for row in self._connection.execute(select, values)]
        cause_of = {row.id: failure_cause(row.id, row.name, row.error or "") for row in matching}
        failures: dict[FailureCause, list[ListedInstance]] = {}
        for row in matching:
            cause = cause_of[row.id]
            # The error of the parent has the same cause, because it contains that of the child.
            if row.parent_id is None or cause_of.get(row.parent_id) != cause:
                failures.setdefault(cause, []).append(row)
        causes = [
            CauseOfFailures(cause, len(rows), rows[0].updated, rows[-1].updated, rows[-1])
            for cause, rows in failures.items()
        ]
        return sorted(causes, key=lambda cause: (-cause.count, -cause.last))

    def counts(self, hub: str, query: InstanceQuery) -> dict[str, int]:
        """Return the number of instances by status."""
        where, values = self._where(hub, query)
        # A condition on the name reads every row. This is fastest in the order of the table.
        select = (
            f"SELECT status, count(*) FROM instances {'NOT INDEXED' if query.name else ''} "
            f"WHERE {where} GROUP BY status"
        )
        return dict(self._connection.execute(select, values))

    def creation_range(self, hub: str) -> tuple[int, int] | None:
        """Return the earliest and the latest creation time, or None if there are no instances."""
        first, last = self._connection.execute(self._creation_range, (hub,)).fetchone()
        return None if first is None else (first, last)

    def started_by_interval(
        self, hub: str, query: InstanceQuery, start: int, width: int
    ) -> dict[int, int]:
        """Return the number of instances created in each interval.

        Intervals are ``width`` microseconds long and numbered from 0, starting at ``start``.
        """
        where, values = self._where(hub, query)
        select = (
            "SELECT (created - :s) / :w AS interval, count(*) FROM instances "
            f"WHERE {where} AND created >= :s GROUP BY interval"
        )
        return dict(self._connection.execute(select, {**values, "s": start, "w": width}))

    def ended_by_interval(
        self, hub: str, query: InstanceQuery, start: int, width: int
    ) -> dict[str, dict[int, int]]:
        """Return the number of instances that ended in each interval, by status and interval."""
        where, values = self._where(hub, query)
        select = (
            "SELECT status, (updated - :s) / :w AS interval, count(*) FROM instances NOT INDEXED "
            f"WHERE {where} AND updated >= :s AND NOT {IS_LIVE} GROUP BY status, interval"
        )
        counts: dict[str, dict[int, int]] = {}
        for status, interval, count in self._connection.execute(
            select, {**values, "s": start, "w": width}
        ):
            counts.setdefault(status, {})[interval] = count
        return counts

    def waits(self, hub: str, rows: Iterable[ListedInstance]) -> dict[int, list[str]]:
        """Return the open waits of the unfinished instances among ``rows``, by instance key.

        A wait is ``activity NAME``, ``timer DUE``, ``child NAME``, ``event NAME`` or ``entity ID``.
        """
        live = {row.id: row.key for row in rows if row.status not in FINISHED}
        waits: dict[int, list[str]] = {key: [] for key in live.values()}
        marks = ",".join("?" * len(live))
        for kind, select, values in (
            (
                "activity",
                f"SELECT instance, name FROM activities WHERE instance IN ({marks})",
                [*live.values()],
            ),
            (
                "timer",
                f"SELECT instance, min(due) FROM messages WHERE instance IN ({marks}) "
                "AND due IS NOT NULL GROUP BY instance",
                [*live.values()],
            ),
            (
                "child",
                "SELECT parent_id, name FROM instances "
                f"WHERE hub = ? AND {IS_LIVE} AND parent_id IN ({marks})",
                [hub, *live],
            ),
        ):
            for owner, name in self._connection.execute(select, values):
                waits[live[owner] if kind == "child" else owner].append(f"{kind} {name}")
        for owner, kind, name in self._connection.execute(
            f"SELECT instance, kind, name FROM awaited WHERE instance IN ({marks}) "
            "AND kind <> 'undelivered'",
            [*live.values()],
        ):
            waits[owner].append(f"{kind} {name}")
        return waits

    def _where(self, hub: str, query: InstanceQuery) -> tuple[str, dict[str, SqliteValue]]:
        conditions = row_conditions(hub, query)
        if query.reads_values:
            self._find(hub, query)
            conditions += Conditions(("key IN (SELECT key FROM found)",), {})
        return conditions.where, conditions.values

    def _find(self, hub: str, query: InstanceQuery) -> None:
        """Put the instances that match the conditions on values into the table ``found``.

        A page, its counts and its histogram thus read the values of all instances only once.
        """
        wanted = (
            data_version(self._connection),
            hub.lower(),
            query.search,
            query.failed_with,
            query.cause,
        )
        if self._found == wanted:
            return
        self._found = None
        execute = self._connection.execute
        execute("PRAGMA query_only = OFF")
        try:
            execute("DELETE FROM temp.found")
            for select, values in found_queries(hub, query):
                execute(f"INSERT OR IGNORE INTO temp.found {select}", values)
        finally:
            execute("PRAGMA query_only = ON")
        self._found = wanted
