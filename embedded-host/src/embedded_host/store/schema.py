"""The schema of a state file: its creation and its check."""

from __future__ import annotations

import sqlite3
from functools import lru_cache
from pathlib import Path

from embedded_host.store.interface import StateError

SCHEMA_VERSION = 3
"""``PRAGMA user_version`` of a state file. Increase it with each change of schema.sql."""
APPLICATION_ID = int.from_bytes(b"EHst", "big")
"""``PRAGMA application_id`` of a state file. Databases of other programs have another value."""


def create_schema(connection: sqlite3.Connection) -> None:
    """Create the tables in an empty database. The connection must not be in a transaction."""
    connection.execute("PRAGMA auto_vacuum = INCREMENTAL")  # has no effect after the first table
    connection.executescript(
        f"BEGIN;\n{_schema()}\nPRAGMA application_id = {APPLICATION_ID};\n"
        f"PRAGMA user_version = {SCHEMA_VERSION};\nCOMMIT;"
    )


def check_schema(connection: sqlite3.Connection, path: Path) -> None:
    """Raise StateError if the file is not a state file of this version of the embedded host."""
    if _pragma(connection, "application_id") != APPLICATION_ID:
        raise StateError(
            f"The file {path} is not a state file of the embedded host. Use another folder with "
            "--state. [EH213]"
        )
    version = _pragma(connection, "user_version")
    if version != SCHEMA_VERSION:
        raise StateError(
            f"The state file {path} was written by another version of the embedded host (schema "
            f"{version}; this version uses {SCHEMA_VERSION}). Use the version of "
            "azure-functions-embedded-host that wrote it, or another folder with --state. [EH214]"
        )


def _pragma(connection: sqlite3.Connection, name: str) -> int:
    return int(connection.execute(f"PRAGMA {name}").fetchone()[0])


@lru_cache(maxsize=1)
def _schema() -> str:
    return Path(__file__).with_name("schema.sql").read_text(encoding="utf-8")
