from __future__ import annotations

import os
import stat
from pathlib import Path

import pytest

from embedded_host.store import files

posix = pytest.mark.skipif(os.name != "posix", reason="Windows has no modes")


def mode(path: Path) -> int:
    return stat.S_IMODE(path.stat().st_mode)


@posix
def test_only_the_owner_can_access_a_created_folder(tmp_path: Path) -> None:
    folder = tmp_path / "a" / "b"
    files.make_folder(folder)
    assert mode(folder) == 0o700


@posix
def test_an_existing_folder_keeps_its_mode(tmp_path: Path) -> None:
    tmp_path.chmod(0o755)
    files.make_folder(tmp_path)
    assert mode(tmp_path) == 0o755


def test_a_file_is_created_once_and_only_its_owner_can_access_it(tmp_path: Path) -> None:
    files.make_file(tmp_path / "f")
    if os.name == "posix":
        assert mode(tmp_path / "f") == 0o600
    with pytest.raises(FileExistsError):
        files.make_file(tmp_path / "f")


@posix
def test_permissions_of_group_and_others_are_removed(tmp_path: Path) -> None:
    file = tmp_path / "f"
    file.touch()
    file.chmod(0o644)
    files.restrict_to_owner(file)
    assert mode(file) == 0o600


def test_the_size_of_a_missing_file_is_zero(tmp_path: Path) -> None:
    (tmp_path / "f").write_bytes(b"123")
    assert (files.file_size(tmp_path / "f"), files.file_size(tmp_path / "none")) == (3, 0)


def test_a_replaced_file_has_the_new_content(tmp_path: Path) -> None:
    source, target = tmp_path / "a" / "new", tmp_path / "b" / "old"
    for file, text in ((source, "new"), (target, "old")):
        file.parent.mkdir()
        file.write_text(text)
    files.sync_file(source)
    files.replace_file(source, target)
    assert (source.exists(), target.read_text()) == (False, "new")


def test_the_log_of_a_state_file_is_in_the_same_folder(tmp_path: Path) -> None:
    assert files.log_file(tmp_path / "state.db") == tmp_path / "state.db-wal"
