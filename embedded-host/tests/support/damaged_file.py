"""Damage to state files: overwritten root pages, and changes by SQL statements."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from pathlib import Path

PAGE = 4096
"""The page size of a state file in bytes."""


def root_page(path: Path, name: str) -> int:
    """Return the number of the root page of a table or index, from 1."""
    with closing(sqlite3.connect(path)) as connection:
        row = connection.execute("SELECT rootpage FROM sqlite_master WHERE name = ?", (name,))
        return int(row.fetchone()[0])


def overwrite_page(path: Path, page: int) -> None:
    """Overwrite a page with the byte 0xaa."""
    data = bytearray(path.read_bytes())
    data[(page - 1) * PAGE : page * PAGE] = b"\xaa" * PAGE
    path.write_bytes(data)


def overwrite_root(path: Path, name: str) -> None:
    """Overwrite the root page of a table or index."""
    overwrite_page(path, root_page(path, name))


def change(path: Path, *statements: str) -> None:
    """Run SQL statements in one transaction."""
    with closing(sqlite3.connect(path)) as connection, connection:
        for statement in statements:
            connection.execute(statement)
