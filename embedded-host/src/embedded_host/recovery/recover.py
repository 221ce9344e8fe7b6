"""The recovery of a damaged state file into a new one. The damaged file is kept.

A recovery has two steps, and each can be repeated after an interruption:

1. It writes the new file beside the damaged one, under a name that no host opens. The name is
   ``state.db.recovering``, and ``state.db.recovered`` as soon as the complete file is on the disk.
2. It renames the damaged file and its log. Then it renames the new file to ``state.db``.

Between the two steps, a host refuses to open the state.
"""

from __future__ import annotations

import contextlib
import json
import shutil
import sqlite3
import tempfile
from contextlib import closing
from dataclasses import dataclass
from datetime import datetime, timezone
from pathlib import Path

from embedded_host.recovery.decisions import decide
from embedded_host.recovery.recovered_rows import RecoveredRows, examine, read_index, read_rows
from embedded_host.recovery.report import Report
from embedded_host.recovery.rows import TABLES, Rows
from embedded_host.recovery.sqlite_program import find_shell
from embedded_host.store.connection import connect
from embedded_host.store.error_messages import backups_sentence
from embedded_host.store.files import log_file, make_file, replace_file, sync_file, sync_folder
from embedded_host.store.interface import StateError
from embedded_host.store.schema import APPLICATION_ID, SCHEMA_VERSION
from embedded_host.store.state_file import RECOVERED, create_file

RECOVERING = ".recovering"
_PARTS = ("-wal", "-shm", "")
"""Suffixes of the files of a state, in the order of their renames.

The log is first, because otherwise SQLite could apply the old log to the new file.
"""

_HEADER = 100
"""Size of a database's header in bytes: https://sqlite.org/fileformat.html#the_database_header"""
_LARGEST_PAGE = 65536
"""Page size in bytes that the header represents by 1."""


@dataclass
class Recovery:
    """The result of ``recover``."""

    report: Report
    damaged: Path | None = None
    """The new path of the damaged file, or None if the file is sound and was not changed."""
    report_file: Path | None = None
    """The path of the report, or None if the file is sound."""

    def document(self) -> dict[str, object]:
        """Return the result's JSON object."""
        return {
            "damagedFile": self.damaged and str(self.damaged),
            "reportFile": self.report_file and str(self.report_file),
            **self.report.document(),
        }


def recover(path: Path) -> Recovery:
    """Recover a state file. The caller must hold the lock of the state folder.

    Raises StateError if SQLite's program is missing, if nothing can be recovered, or if the new
    file cannot be written.
    """
    recovered = path.with_name(path.name + RECOVERED)
    plan = path.with_name(path.name + RECOVERED + ".json")
    try:
        if not recovered.exists():
            rows = _read(path)
            decided = decide(rows, datetime.now(timezone.utc))
            if rows.is_sound:
                return Recovery(decided.report)
            if not decided.rows.instances:
                raise StateError(
                    f"Nothing can be recovered from {path} ({'; '.join(rows.problems)}). The file "
                    f"was not changed. {backups_sentence(path)} To start with an empty state, move "
                    "the file and its log to another folder. [EH552]"
                )
            _write(path.with_name(path.name + RECOVERING), decided.rows)
            _rewrite(
                plan, json.dumps({"damaged": _free_name(path).name, **decided.report.document()})
            )
            replace_file(path.with_name(path.name + RECOVERING), recovered)
        return _put_in_place(path, recovered, plan)
    except OSError as error:
        raise StateError(
            f"The recovery of {path} was interrupted: {error}. Free disk space or correct the "
            "permissions. Then run embedded-host recover again to continue the recovery. [EH553]"
        ) from error


def _read(path: Path) -> RecoveredRows:
    """Read the rows of a state file from copies, because SQLite would write to the file itself.

    Raises StateError or OSError.
    """
    with tempfile.TemporaryDirectory(
        prefix="recover-", dir=path.parent, ignore_cleanup_errors=True
    ) as folder:
        # Each step needs its own copy: SQLite changes a file with a log when it opens or closes it.
        checked, dumped, rebuilt = (
            Path(folder, "checked.db"),
            Path(folder, "dumped.db"),
            Path(folder, "rebuilt.db"),
        )
        _copy(path, checked)
        damage = examine(checked)
        if damage.message is None:
            _check_version(checked, path)
            recovered = read_rows(checked, damage)
            _check_application(checked, recovered)
        else:
            _copy(path, dumped)
            for copy in (checked, dumped):
                _append_missing_pages(copy)
            try:
                find_shell().rebuild(dumped, rebuilt, path)
                recovered = read_rows(rebuilt, damage)
            except (sqlite3.Error, UnicodeError) as error:
                recovered = RecoveredRows(
                    damaged=set(TABLES), problems=[f"SQLite reports: {damage.message}", str(error)]
                )
        read_index(checked, recovered)
        return recovered


def _copy(path: Path, target: Path) -> None:
    shutil.copyfile(path, target)
    with contextlib.suppress(FileNotFoundError):
        shutil.copyfile(log_file(path), log_file(target))


def _append_missing_pages(copy: Path) -> None:
    """Append zeros to a truncated database up to the size in its header.

    SQLite does not open a database that is shorter than the size in its header. A damaged header
    may contain any size. The function therefore ignores a size that is larger than both 64 MiB and
    16 times the size of the file.
    """
    size = copy.stat().st_size
    with copy.open("r+b") as file:
        header = file.read(_HEADER)
        page_size = int.from_bytes(header[16:18], "big")
        expected = int.from_bytes(header[28:32], "big") * (
            _LARGEST_PAGE if page_size == 1 else page_size
        )
        if size < expected <= max(64 << 20, 16 * size):
            file.truncate(expected)


def _check_version(database: Path, path: Path) -> None:
    """Raise StateError for an undamaged file of another version of the host."""
    with closing(connect(database)) as connection:
        application, version = (
            connection.execute(f"PRAGMA {name}").fetchone()[0]
            for name in ("application_id", "user_version")
        )
    if application == APPLICATION_ID and version != SCHEMA_VERSION:
        raise StateError(
            f"{path} was written by another version of the embedded host (schema {version}; this "
            f"version uses {SCHEMA_VERSION}) and was not changed. Recover it with that version. "
            "[EH551]"
        )


def _check_application(database: Path, recovered: RecoveredRows) -> None:
    """Add a problem if the header does not identify the file as a state file."""
    with closing(connect(database)) as connection:
        if connection.execute("PRAGMA application_id").fetchone()[0] != APPLICATION_ID:
            recovered.problems.append("the header does not identify the file as a state file")


def _write(target: Path, rows: Rows) -> None:
    """Write a new state file. Raises OSError."""
    target.unlink(missing_ok=True)
    try:
        with closing(create_file(target)) as connection:
            connection.execute("PRAGMA journal_mode = MEMORY")
            connection.execute("BEGIN")
            for name, table in TABLES.items():
                columns, marks = ", ".join(table.columns), ",".join("?" * len(table.columns))
                # If two rows have the same key, one is from a page that is no longer in use.
                statement = f"INSERT OR IGNORE INTO {name} ({columns}) VALUES ({marks})"
                connection.executemany(statement, table.rows(rows))
            connection.execute("COMMIT")
            connection.execute("PRAGMA journal_mode = DELETE")
    except sqlite3.OperationalError as error:
        raise OSError(str(error)) from error
    sync_file(target)


def _rewrite(path: Path, content: str) -> None:
    path.unlink(missing_ok=True)
    make_file(path)
    path.write_text(content, encoding="utf-8")
    sync_file(path)


def _put_in_place(path: Path, recovered: Path, plan: Path) -> Recovery:
    document = json.loads(plan.read_text(encoding="utf-8"))
    damaged = path.with_name(document["damaged"])
    for part in _PARTS:
        with contextlib.suppress(FileNotFoundError):
            path.with_name(path.name + part).replace(damaged.with_name(damaged.name + part))
    sync_folder(path.parent)
    # Write the report before the rename. After the rename, no later run continues the recovery.
    report_file = damaged.with_name(damaged.name + ".json")
    _rewrite(report_file, json.dumps(document))
    replace_file(recovered, path)
    plan.unlink()
    return Recovery(Report.parse(document), damaged, report_file)


def _free_name(path: Path) -> Path:
    """Return an unused path for the damaged file."""
    now = datetime.now(timezone.utc)
    name = path.with_name(f"{path.stem}-damaged-{now:%Y%m%dT%H%M%SZ}{path.suffix}")
    number = 1
    while any(name.with_name(name.name + part).exists() for part in _PARTS):
        number += 1
        name = path.with_name(f"{path.stem}-damaged-{now:%Y%m%dT%H%M%SZ}-{number}{path.suffix}")
    return name
