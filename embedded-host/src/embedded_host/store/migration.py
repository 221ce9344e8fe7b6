"""The state file's schema, version by version.

``schema.sql`` makes a new file. ``migrations/NNNN_name.sql`` brings an older one to version NNNN: one step is one transaction,
the new version with it. Version 1 is the first; what it was stands in ``migrations/0001_first.sql``, for files that are put
together again as they were. A step that SQL cannot express is ``NNNN_name.py`` with ``apply(connection)``.

A change of the schema is: change ``schema.sql``, raise ``SCHEMA_VERSION``, add the step. Tests hold the two ways to the same result.
"""

from __future__ import annotations

import logging
import sqlite3
from collections.abc import Callable, Iterator, Sequence
from functools import lru_cache
from pathlib import Path
from typing import NamedTuple

from embedded_host.store.interface import StateError

log = logging.getLogger("embedded_host.store")

SCHEMA_VERSION = 2
_HERE = Path(__file__).parent


class Step(NamedTuple):
    version: int
    """That it leads to."""
    apply: Callable[[sqlite3.Connection], None]
    """Within a transaction that it neither begins nor ends."""


@lru_cache(maxsize=1)
def steps() -> tuple[Step, ...]:
    """All of them, the one that makes version 1 first."""
    return read_steps(_HERE / "migrations")


def read_steps(folder: Path) -> tuple[Step, ...]:
    found = []
    for file in sorted(folder.glob("[0-9][0-9][0-9][0-9]_*.*")):
        if file.suffix == ".sql":
            found.append(Step(int(file.name[:4]), sql_step(file.read_text(encoding="utf-8"))))
        elif file.suffix == ".py":
            import runpy

            found.append(Step(int(file.name[:4]), runpy.run_path(str(file))["apply"]))
    return tuple(found)


def sql_step(script: str) -> Callable[[sqlite3.Connection], None]:
    def apply(connection: sqlite3.Connection) -> None:
        for statement in _statements(script):
            connection.execute(statement)

    return apply


def _statements(script: str) -> Iterator[str]:
    """Not ``executescript``: that ends the transaction first."""
    statement = ""
    for part in script.split(";"):
        statement += part + ";"
        if sqlite3.complete_statement(statement):
            if statement.strip() != ";":
                yield statement
            statement = ""


def create(connection: sqlite3.Connection) -> None:
    """The schema as it is now, in an empty file."""
    _in_one_transaction(connection, sql_step((_HERE / "schema.sql").read_text(encoding="utf-8")), SCHEMA_VERSION)


def create_as_of(connection: sqlite3.Connection, version: int) -> None:
    """The schema of a version, in an empty file."""
    for step in steps():
        if step.version <= version:
            _in_one_transaction(connection, step.apply, step.version)


def version_of(connection: sqlite3.Connection) -> int:
    """0 for a file that is not ours, or new."""
    return int(connection.execute("PRAGMA user_version").fetchone()[0])


def refuse_newer(path: Path | None, version: int, newest: int = SCHEMA_VERSION) -> None:
    if version > newest:
        raise StateError(
            f"The state file {path} is from a newer version of the embedded host (schema {version}, this one knows "
            f"{newest}). Upgrade azure-functions-embedded-host, or use another folder with --state. [EH214]"
        )


def migrate(
    connection: sqlite3.Connection,
    path: Path | None,
    keep_copy: Callable[[int], Path | None],
    all_steps: Sequence[Step] | None = None,
) -> None:
    """Bring a file to the newest version. ``keep_copy`` makes a copy of it first, and is given its version.

    Raises StateError: the file is from a newer version, the copy cannot be made, or a step failed, which leaves the file as it
    was before that step.
    """
    all_steps = steps() if all_steps is None else all_steps
    newest = max(step.version for step in all_steps)
    version = version_of(connection)
    refuse_newer(path, version, newest)
    if version == newest:
        return
    copy = keep_copy(version)
    if copy is not None:
        log.warning(
            "The state file %s is brought from schema %d to %d. As it was, it is kept in %s. [EH226]",
            path,
            version,
            newest,
            copy,
        )
    for step in all_steps:
        if step.version <= version:
            continue
        try:
            _in_one_transaction(connection, step.apply, step.version)
        except Exception as error:
            kept = f" The copy {copy} is as it was before." if copy else ""
            raise StateError(
                f"The state file {path} could not be brought from schema {version} to {step.version}: {error}. It stays at "
                f"{version}.{kept} Go on with the version of azure-functions-embedded-host that wrote it, or use another "
                "folder with --state. [EH227]"
            ) from error
        version = step.version


def _in_one_transaction(
    connection: sqlite3.Connection, apply: Callable[[sqlite3.Connection], None], version: int
) -> None:
    connection.execute("BEGIN IMMEDIATE")
    try:
        apply(connection)
        connection.execute(f"PRAGMA user_version = {version}")
        connection.execute("COMMIT")
    except BaseException:
        if connection.in_transaction:
            connection.execute("ROLLBACK")
        raise
