"""A damaged state file into a new one, with the damaged one kept beside it.

In two halves, of which each can be begun again: first the new file is written whole, beside the damaged one, under a name that
no host opens (``state.db.recovering``, and ``state.db.recovered`` once it is on the disk); then the damaged file and its log are moved
away and the new one into their place. A host refuses a state between the two.
"""

from __future__ import annotations

import contextlib
import json
import sqlite3
from contextlib import closing
from dataclasses import dataclass
from datetime import datetime, timezone
from pathlib import Path
from typing import Any

from embedded_host.recovery.decisions import Kept, decide
from embedded_host.recovery.report import Report
from embedded_host.recovery.rows import TABLES, Row
from embedded_host.recovery.salvage import salvage
from embedded_host.store.connection import RECOVERED
from embedded_host.store.error_messages import backups_text
from embedded_host.store.files import make_file, moved, sync_file, sync_folder
from embedded_host.store.interface import StateError
from embedded_host.store.migration import SCHEMA_VERSION, create_as_of
from embedded_host.store.read_only import readable

RECOVERING = ".recovering"
_PARTS = ("-wal", "-shm", "")


@dataclass
class Recovered:
    damaged: Path | None
    """Where the damaged file is now; None if it is sound, and is where it was."""
    report: Report
    report_file: Path | None = None

    def document(self) -> dict[str, Any]:
        return {
            "damagedFile": self.damaged and str(self.damaged),
            "reportFile": self.report_file and str(self.report_file),
            **self.report.document(),
        }


def recover(path: Path) -> Recovered:
    """With the state's lock held. Raises StateError if there is nothing to be had, or the new file cannot be written."""
    recovered = path.with_name(path.name + RECOVERED)
    plan = path.with_name(path.name + RECOVERED + ".json")
    try:
        if not recovered.exists():
            found = salvage(path)
            if found.is_newer:
                raise StateError(
                    f"{path} is from a newer version of the embedded host: nothing was changed. Upgrade "
                    "azure-functions-embedded-host, and recover it with that. [EH551]"
                )
            kept = decide(found, datetime.now(timezone.utc))
            problem = _sqlites_opinion(path)
            if found.is_sound and problem is None:
                return Recovered(None, kept.report)
            if problem is not None:
                kept.report.problems.append(f"SQLite says: {problem}")
            if not kept.rows["instances"]:
                raise StateError(
                    f"Nothing can be got out of {path}, and nothing was changed ({'; '.join(kept.report.problems)}). "
                    f"{backups_text(path)} To begin with an empty state, move the file away, with its log. [EH552]"
                )
            _write(path.with_name(path.name + RECOVERING), found.version, kept)
            _make_anew(plan, json.dumps({"damaged": _damaged_name(path).name, **kept.report.document()}))
            moved(path.with_name(path.name + RECOVERING), recovered)
        return _put_in_place(path, recovered, plan)
    except OSError as error:
        raise StateError(
            f"The recovery of {path} was broken off: {error}. Make room or give rights, and run embedded-host recover again: it "
            "goes on where it was. [EH553]"
        ) from error


def _sqlites_opinion(path: Path) -> str | None:
    """None if it finds nothing wrong either. Nothing is written."""
    try:
        with (
            readable(path) as (where, parameters),
            closing(sqlite3.connect(f"{where.absolute().as_uri()}?{parameters}", uri=True)) as connection,
        ):
            found = str(connection.execute("PRAGMA integrity_check(1)").fetchone()[0])
    except (sqlite3.Error, UnicodeError) as error:
        return str(error)
    return None if found == "ok" else " ".join(found.split())


def _write(target: Path, version: int, kept: Kept) -> None:
    """Raises OSError."""
    target.unlink(missing_ok=True)
    make_file(target)
    try:
        with closing(sqlite3.connect(target, isolation_level=None)) as connection:
            connection.execute("PRAGMA synchronous = OFF")
            connection.execute("PRAGMA journal_mode = MEMORY")
            create_as_of(connection, version if 1 <= version <= SCHEMA_VERSION else SCHEMA_VERSION)
            connection.execute("BEGIN")
            for name, rows in kept.rows.items():
                _insert(connection, name, rows, kept.report)
            connection.execute("COMMIT")
            connection.execute("PRAGMA journal_mode = DELETE")
    except sqlite3.OperationalError as error:
        raise OSError(str(error)) from error
    sync_file(target)


def _insert(connection: sqlite3.Connection, name: str, rows: list[Row], report: Report) -> None:
    columns = TABLES[name].columns
    marks = ",".join("?" * len(columns))
    statement = f"INSERT INTO {name} ({', '.join(columns)}) VALUES ({marks})"
    refused = 0
    for row in rows:
        try:
            connection.execute(statement, row)
        except sqlite3.IntegrityError:  # two rows with one key, of which one is a page out of use
            refused += 1
    if refused:
        report.problems.append(f"{refused} rows of the table {name} stood there twice")


def _make_anew(path: Path, text: str) -> None:
    path.unlink(missing_ok=True)
    make_file(path)
    path.write_text(text, encoding="utf-8")
    sync_file(path)


def _put_in_place(path: Path, recovered: Path, plan: Path) -> Recovered:
    document = json.loads(plan.read_text(encoding="utf-8"))
    damaged = path.with_name(document["damaged"])
    # The log goes first: it must never come to lie beside the new file.
    for part in _PARTS:
        with contextlib.suppress(FileNotFoundError):
            path.with_name(path.name + part).replace(damaged.with_name(damaged.name + part))
    sync_folder(path.parent)
    # The report has its name before the new file has: nobody looks for it any more after that.
    report_file = damaged.with_name(damaged.name + ".json")
    _make_anew(report_file, json.dumps(document))
    moved(recovered, path)
    plan.unlink()
    return Recovered(damaged, Report.of(document), report_file)


def _damaged_name(path: Path) -> Path:
    now = datetime.now(timezone.utc)
    name = path.with_name(f"{path.stem}-damaged-{now:%Y%m%dT%H%M%SZ}{path.suffix}")
    number = 1
    while any(name.with_name(name.name + part).exists() for part in _PARTS):
        number += 1
        name = path.with_name(f"{path.stem}-damaged-{now:%Y%m%dT%H%M%SZ}-{number}{path.suffix}")
    return name
