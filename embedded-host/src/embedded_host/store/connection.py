"""Connections to SQLite databases. This is the only module that opens one."""

from __future__ import annotations

import sqlite3
from pathlib import Path

OPEN_TIMEOUT = 5.0
"""Seconds to wait for a lock of another program while a file is opened."""
RUN_TIMEOUT = 0.02
"""Seconds to wait for such a lock afterwards: the event loop's thread waits for it."""


def connect(
    file: Path | str, *, parameters: str = "", timeout: float = OPEN_TIMEOUT
) -> sqlite3.Connection:
    """Open a connection in autocommit mode that any thread may use. ``parameters`` is the query of a SQLite URI.

    Raises sqlite3.Error.
    """
    if isinstance(file, Path) and parameters:
        file = f"{file.absolute().as_uri()}?{parameters}"
    return sqlite3.connect(
        file, uri=bool(parameters), check_same_thread=False, isolation_level=None, timeout=timeout
    )


def set_busy_timeout(connection: sqlite3.Connection, seconds: float) -> None:
    connection.execute(f"PRAGMA busy_timeout = {round(seconds * 1000)}")
