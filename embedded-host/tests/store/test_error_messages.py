from __future__ import annotations

import sqlite3
from pathlib import Path

import pytest

from embedded_host.store.backup_files import BACKUPS
from embedded_host.store.error_messages import damage_error, remedy, shell_quoted, state_error
from embedded_host.store.interface import StateBusyError


@pytest.mark.parametrize(
    ("message", "code"),
    [
        ("database disk image is malformed", "EH220"),
        ("file is not a database", "EH220"),
        ("disk I/O error", "EH221"),
        ("database or disk is full", "EH215"),
        ("attempt to write a readonly database", "EH215"),
    ],
)
def test_an_error_of_sqlite_has_the_code_of_its_kind(
    tmp_path: Path, message: str, code: str
) -> None:
    error = state_error(tmp_path / "state.db", sqlite3.DatabaseError(message), "read")
    assert message in str(error)
    assert str(error).endswith(f"[{code}]")


def test_the_error_for_a_file_that_is_not_a_database_mentions_the_folder(tmp_path: Path) -> None:
    message = str(
        state_error(tmp_path / "state.db", sqlite3.DatabaseError("file is not a database"), "read")
    )
    assert (
        "file is not a database. If another program created the file, use another folder with "
        "--state. Stop the host and recover" in message
    )


def test_a_lock_of_another_program_is_a_state_busy_error(tmp_path: Path) -> None:
    error = state_error(
        tmp_path / "state.db", sqlite3.OperationalError("database is locked"), "written"
    )
    assert isinstance(error, StateBusyError)


def test_the_error_for_damage_names_the_recovery_and_the_latest_backups(tmp_path: Path) -> None:
    path = tmp_path / "state.db"
    assert "There is no backup" in str(damage_error(path, "page 3 is wrong."))
    (tmp_path / BACKUPS).mkdir()
    (tmp_path / BACKUPS / "b.db").touch()
    message = str(damage_error(path, "page 3 is wrong."))
    assert "is damaged: page 3 is wrong. Stop the host" in message
    assert str(tmp_path / BACKUPS / "b.db") in message


def test_a_state_in_memory_has_no_file_to_recover() -> None:
    assert remedy(None) == "Start again."


def test_a_path_with_a_space_is_quoted() -> None:
    assert (shell_quoted(Path("a b")), shell_quoted(Path("ab"))) == ('"a b"', "ab")
