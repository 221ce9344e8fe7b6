"""The check of a state file that the previous host did not close.

A killed process leaves an intact file: the operating system has everything that the process wrote. A power loss may not, if the
disk reports data as written too early. The two cannot be told apart, so both are followed by SQLite's ``integrity_check`` with
indexes (about 1 s for 100,000 finished instances, 229 MB). It runs beside the start of the host, and beside the host afterwards.
"""

from __future__ import annotations

import sqlite3
import threading
from collections.abc import Callable
from pathlib import Path

from embedded_host.store.connection import connect
from embedded_host.store.error_messages import damage_error, state_error
from embedded_host.store.interface import StateError


class IntegrityCheck:
    """A check in a thread of its own; ``on_damage`` is called in that thread."""

    def __init__(self, path: Path, on_damage: Callable[[StateError], object]) -> None:
        self._path, self._on_damage = path, on_damage
        self._connection = connect(path)
        self._thread = threading.Thread(target=self._run, name="integrity-check", daemon=True)
        self._closing = False
        self.error: StateError | None = None
        """The damage, once it is found."""
        self.finished = False

    def start(self) -> None:
        self._thread.start()

    def close(self) -> None:
        """Stop a running check."""
        self._closing = True
        while (
            self._thread.is_alive()
        ):  # repeatedly: an interrupt before the statement begins has no effect
            self._connection.interrupt()
            self._thread.join(0.02)
        self._connection.close()

    def _run(self) -> None:
        try:
            self._connection.execute("PRAGMA query_only = ON")
            found = integrity_problem(self._connection)
            error = None if found is None else damage_error(self._path, found)
        except (sqlite3.Error, UnicodeError) as failure:
            error = None if self._closing else state_error(self._path, failure, "read")
        self.error, self.finished = error, True
        if error is not None and not self._closing:
            self._on_damage(error)


def integrity_problem(connection: sqlite3.Connection, table: str | None = None) -> str | None:
    """Return the first problem that SQLite finds in the file, or in one table and its indexes; None if there is none.

    Raises sqlite3.Error, UnicodeError.
    """
    found = str(connection.execute(f"PRAGMA integrity_check({table or 1})").fetchone()[0])
    if found == "ok":
        return None
    return "; ".join(line for line in found.splitlines() if not line.startswith("***")) or found
