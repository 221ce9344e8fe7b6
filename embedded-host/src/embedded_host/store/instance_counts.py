"""The number of instances of each function and status, for the metrics."""

from __future__ import annotations

import time
from pathlib import Path
from typing import NamedTuple

from embedded_host.store.connection import connect, data_version

_QUERY = """
SELECT name, status, id GLOB '@*' AND key IN (SELECT instance FROM entities), count(*)
FROM instances WHERE hub = ? GROUP BY 1, 2, 3
"""
PAUSES = 20
"""Thus the queries use at most a twentieth of a processor."""


class InstanceCount(NamedTuple):
    """The number of instances of one function with one status."""

    name: str
    status: str
    is_entity: bool
    instances: int
    """The number of them."""


class InstanceCounter:
    """A reader of a state file. Its methods raise sqlite3.Error if the file cannot be read."""

    def __init__(self, path: Path) -> None:
        self._connection = connect(path)
        self._connection.execute("PRAGMA query_only = ON")
        self._connection.execute("PRAGMA mmap_size = 2147483648")
        self._counts: dict[str, list[InstanceCount]] = {}
        self._version = -1
        self._next = 0.0
        """Monotonic time before which the counts are not read again."""

    def interrupt(self) -> None:
        """Make a running query of another thread raise sqlite3.OperationalError."""
        self._connection.interrupt()

    def close(self) -> None:
        """Close the connection."""
        self._connection.close()

    def count(self, hub: str) -> list[InstanceCount]:
        """Return the numbers of a task hub's instances, which are not zero.

        The query reads every instance. Its result is used again until the state changes, and for
        ``PAUSES`` times the duration of the query.
        """
        began = time.monotonic()
        if hub in self._counts and began < self._next:
            return self._counts[hub]
        version = data_version(self._connection)
        if hub not in self._counts or version != self._version:
            self._counts[hub] = [
                InstanceCount(str(name), str(status), bool(is_entity), int(count))
                for name, status, is_entity, count in self._connection.execute(_QUERY, (hub,))
            ]
        now = time.monotonic()
        self._version, self._next = version, now + PAUSES * (now - began)
        return self._counts[hub]
