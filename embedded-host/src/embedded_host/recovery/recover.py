"""The recovery of a damaged state file into a new one; the damaged file is kept.

Each of its two steps can be repeated after an interruption. The first writes the new file beside the damaged one, under names
that no host opens: ``state.db.recovering``, and ``state.db.recovered`` once it is on the disk. The second moves the damaged file
and its log away, and the new file into its place. A host refuses a state between the two.
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
from typing import Any

from embedded_host.recovery.decisions import decide
from embedded_host.recovery.recovered_rows import RecoveredRows, examine, read_names, read_rows
from embedded_host.recovery.report import Report
from embedded_host.recovery.rows import TABLES, Row
from embedded_host.recovery.sqlite_program import find_shell
from embedded_host.store.connection import connect
from embedded_host.store.error_messages import backups_text
from embedded_host.store.files import log_file, make_file, replace_file, sync_file, sync_folder
from embedded_host.store.interface import StateError
from embedded_host.store.schema import APPLICATION_ID, SCHEMA_VERSION
from embedded_host.store.state_file import RECOVERED, create_file

RECOVERING = ".recovering"
_PARTS = ("-wal", "-shm", "")
"""Suffixes of the files of a state. The log is moved first: it must never be beside the new file."""

_HEADER = 100
"""Bytes of a database's header: https://sqlite.org/fileformat.html#the_database_header"""
_LARGEST_PAGE = 65536
"""Bytes; the header has 1 for it."""


@dataclass
class Recovery:
    report: Report
    damaged: Path | None = None
    """The new path of the damaged file; None if the file is sound and was not changed."""
    report_file: Path | None = None

    def document(self) -> dict[str, Any]:
        """Return the result as JSON."""
        return {
            "damagedFile": self.damaged and str(self.damaged),
            "reportFile": self.report_file and str(self.report_file),
            **self.report.document(),
        }


def recover(path: Path) -> Recovery:
    """Recover a state file. The caller holds the state's lock.

    Raises StateError if SQLite's program is missing, nothing can be recovered, or the new file cannot be written.
    """
    recovered = path.with_name(path.name + RECOVERED)
    plan = path.with_name(path.name + RECOVERED + ".json")
    try:
        if not recovered.exists():
            found = _read(path)
            decided = decide(found, datetime.now(timezone.utc))
            if found.is_sound:
                return Recovery(decided.report)
            if not decided.rows["instances"]:
                raise StateError(
                    f"Nothing can be recovered from {path}, and nothing was changed ({'; '.join(found.problems)}). "
                    f"{backups_text(path)} To start with an empty state, move the file away, with its log. [EH552]"
                )
            _write(path.with_name(path.name + RECOVERING), decided.rows)
            _rewrite(
                plan, json.dumps({"damaged": _free_name(path).name, **decided.report.document()})
            )
            replace_file(path.with_name(path.name + RECOVERING), recovered)
        return _put_in_place(path, recovered, plan)
    except OSError as error:
        raise StateError(
            f"The recovery of {path} was interrupted: {error}. Free disk space or correct the permissions, and run "
            "embedded-host recover again: it continues. [EH553]"
        ) from error


def _read(path: Path) -> RecoveredRows:
    """Read the rows of a state file through copies of it; SQLite would write to the file. Raises StateError, OSError."""
    with tempfile.TemporaryDirectory(
        prefix="recover-", dir=path.parent, ignore_cleanup_errors=True
    ) as folder:
        # Each step gets a copy of its own: SQLite changes a file with a log when it opens and closes it.
        checked, dumped, rebuilt = (
            Path(folder, "checked.db"),
            Path(folder, "dumped.db"),
            Path(folder, "rebuilt.db"),
        )
        _copy(path, checked)
        damage = examine(checked)
        if damage.message is None:
            _check_version(checked, path)
            found = read_rows(checked, damage)
            _check_application(checked, found)
        else:
            _copy(path, dumped)
            for copy in (checked, dumped):
                _append_missing_pages(copy)
            try:
                find_shell().rebuild(dumped, rebuilt, path)
                found = read_rows(rebuilt, damage)
            except (sqlite3.Error, UnicodeError) as error:
                found = RecoveredRows(
                    damaged=set(TABLES), problems=[f"SQLite reports: {damage.message}", str(error)]
                )
        read_names(checked, found)
        return found


def _copy(path: Path, target: Path) -> None:
    shutil.copyfile(path, target)
    with contextlib.suppress(FileNotFoundError):
        shutil.copyfile(log_file(path), log_file(target))


def _append_missing_pages(copy: Path) -> None:
    """Append zeros to a truncated database up to the size in its header. SQLite does not open a database that is shorter.

    The size in a damaged header may be any: zeros are appended up to 64 MiB or 16 times the size of the file.
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
            f"{path} was written by another version of the embedded host (schema {version}; this version uses "
            f"{SCHEMA_VERSION}): nothing was changed. Recover it with that version. [EH551]"
        )


def _check_application(database: Path, found: RecoveredRows) -> None:
    with closing(connect(database)) as connection:
        if connection.execute("PRAGMA application_id").fetchone()[0] != APPLICATION_ID:
            found.problems.append("the header of the file is not that of a state file")


def _write(target: Path, rows: dict[str, list[Row]]) -> None:
    """Write a new state file. Raises OSError."""
    target.unlink(missing_ok=True)
    try:
        with closing(create_file(target)) as connection:
            connection.execute("PRAGMA journal_mode = MEMORY")
            connection.execute("BEGIN")
            for name, found in rows.items():
                columns = TABLES[name].columns
                marks = ",".join("?" * len(columns))
                # Two rows with one key: one of them was found in a page that is out of use.
                text = f"INSERT OR IGNORE INTO {name} ({', '.join(columns)}) VALUES ({marks})"
                connection.executemany(text, found)
            connection.execute("COMMIT")
            connection.execute("PRAGMA journal_mode = DELETE")
    except sqlite3.OperationalError as error:
        raise OSError(str(error)) from error
    sync_file(target)


def _rewrite(path: Path, text: str) -> None:
    path.unlink(missing_ok=True)
    make_file(path)
    path.write_text(text, encoding="utf-8")
    sync_file(path)


def _put_in_place(path: Path, recovered: Path, plan: Path) -> Recovery:
    document = json.loads(plan.read_text(encoding="utf-8"))
    damaged = path.with_name(document["damaged"])
    for part in _PARTS:
        with contextlib.suppress(FileNotFoundError):
            path.with_name(path.name + part).replace(damaged.with_name(damaged.name + part))
    sync_folder(path.parent)
    # The report is written before the new file is in place: afterwards no recovery would write it.
    report_file = damaged.with_name(damaged.name + ".json")
    _rewrite(report_file, json.dumps(document))
    replace_file(recovered, path)
    plan.unlink()
    return Recovery(Report.parse(document), damaged, report_file)


def _free_name(path: Path) -> Path:
    """Return a name for the damaged file that no file has."""
    now = datetime.now(timezone.utc)
    name = path.with_name(f"{path.stem}-damaged-{now:%Y%m%dT%H%M%SZ}{path.suffix}")
    number = 1
    while any(name.with_name(name.name + part).exists() for part in _PARTS):
        number += 1
        name = path.with_name(f"{path.stem}-damaged-{now:%Y%m%dT%H%M%SZ}-{number}{path.suffix}")
    return name
