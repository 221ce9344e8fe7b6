"""Connections to SQLite databases. No other module of the host opens one."""

from __future__ import annotations

import sqlite3
from pathlib import Path
from typing import Any

from embedded_host.store.failure_causes import cause_key

SqliteRow = tuple[Any, ...]
"""A row of a query's result. A damaged file may contain values of any type in any column."""
SqliteValue = str | int | None
"""A parameter of a query."""
OPEN_TIMEOUT = 5.0
"""Seconds to wait for the lock of another program when a file is opened."""
RUN_TIMEOUT = 0.02
"""Seconds to wait for the lock of another program when the file is already open.

The time is short, because it blocks the event loop.
"""


def connect(
    file: Path | str, *, parameters: str = "", timeout: float = OPEN_TIMEOUT
) -> sqlite3.Connection:
    """Open a connection in autocommit mode that any thread can use.

    ``parameters`` is the query string of a SQLite URI. Raises sqlite3.Error.
    """
    if isinstance(file, Path) and parameters:
        file = f"{file.absolute().as_uri()}?{parameters}"
    connection = sqlite3.connect(
        file, uri=bool(parameters), check_same_thread=False, isolation_level=None, timeout=timeout
    )
    # Conditions on the cause of a failure call this function (query_conditions.py).
    connection.create_function("cause_key", 3, cause_key, deterministic=True)
    return connection


def data_version(connection: sqlite3.Connection) -> int:
    """Return a number that changes with every commit of another connection."""
    return int(connection.execute("PRAGMA data_version").fetchone()[0])


def set_busy_timeout(connection: sqlite3.Connection, seconds: float) -> None:
    """Set the time for which a statement waits for the lock of another program."""
    connection.execute(f"PRAGMA busy_timeout = {round(seconds * 1000)}")
