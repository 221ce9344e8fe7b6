"""The search for a shell of SQLite that has ``.recover``."""

from __future__ import annotations

import shutil
import sys
from pathlib import Path

import pytest

from embedded_host.recovery.sqlite_program import Shell, find_shell
from embedded_host.store.interface import StateError

pytestmark = [
    pytest.mark.process,
    pytest.mark.skipif(sys.platform == "win32", reason="the fake programs are shell scripts"),
]


def fake_program(folder: Path, name: str, script: str) -> Path:
    folder.mkdir(exist_ok=True)
    program = folder / name
    program.write_text(f"#!/bin/sh\n{script}\n")
    program.chmod(0o755)
    return program


@pytest.fixture
def programs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Return the only folder of PATH."""
    folder = tmp_path / "bin"
    monkeypatch.setenv("PATH", str(folder))
    return folder


@pytest.mark.parametrize(
    ("platform", "command"),
    [
        ("darwin", "brew install sqlite"),
        ("win32", "winget install SQLite.SQLite (or: choco install sqlite)"),
        ("linux", "sudo apt-get install fossil"),
    ],
)
def test_the_error_for_a_missing_program_has_the_command_to_install_it(
    monkeypatch: pytest.MonkeyPatch, platform: str, command: str
) -> None:
    # Since Python 3.12, shutil.which calls Windows if sys.platform is "win32".
    monkeypatch.setattr(shutil, "which", lambda _: None)
    monkeypatch.setattr(sys, "platform", platform)
    with pytest.raises(StateError, match=r"The recovery requires the program sqlite3") as caught:
        find_shell()
    assert f"Install it: {command}" in str(caught.value)
    assert str(caught.value).endswith("Nothing was changed. [EH554]")


def test_a_program_without_recover_is_named_in_the_error(programs: Path) -> None:
    program = fake_program(
        programs, "sqlite3", "echo 'BEGIN;'\necho 'sql error: SQL logic error (1)'\nexit 1"
    )
    with pytest.raises(StateError) as caught:
        find_shell()
    assert f"{program} has no .recover (sql error: SQL logic error (1))." in str(caught.value)


def test_fossil_is_used_if_sqlite3_has_no_recover(programs: Path) -> None:
    fake_program(programs, "sqlite3", "echo 'Error: unknown command: \"recover\"'")
    fossil = fake_program(programs, "fossil", "echo 'CREATE TABLE probe(a);'")
    assert find_shell() == ([str(fossil), "sql", "--no-repository"], False)


def test_free_pages_are_ignored_by_a_shell_that_has_the_option(programs: Path) -> None:
    sqlite3 = fake_program(
        programs, "sqlite3", "echo 'CREATE TABLE probe(a);'\necho '   --ignore-freelist  Ignore'"
    )
    assert find_shell() == ([str(sqlite3)], True)


def test_a_file_that_the_shell_cannot_open_is_named_by_its_own_path(
    programs: Path, tmp_path: Path
) -> None:
    shell = fake_program(
        programs,
        "sqlite3",
        """echo "Error: unable to open database \\"$1\\": it is malformed" >&2\nexit 1""",
    )
    copy, original = tmp_path / "dumped.db", tmp_path / "state.db"
    with pytest.raises(StateError) as caught:
        Shell([str(shell)], False).rebuild(copy, tmp_path / "rebuilt.db", original)
    assert str(caught.value).startswith(
        f'SQLite cannot rebuild {original}: Error: unable to open database "{original}": '
        "it is malformed. A newer version of sqlite3"
    )
    assert str(caught.value).endswith("[EH555]")
