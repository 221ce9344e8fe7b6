from __future__ import annotations

import os
import re
from pathlib import Path

from embedded_host.store.backup_files import BACKUPS, default_target, latest_backups


def test_two_backups_in_one_second_have_different_names(tmp_path: Path) -> None:
    names = []
    for _ in range(3):
        target = default_target(tmp_path / "state.db")
        target.parent.mkdir(exist_ok=True)
        target.touch()
        names.append(target.name)
    assert len(set(names)) == 3
    assert re.fullmatch(r"state-\d{8}T\d{6}Z\.db", names[0])


def test_the_latest_backups_come_first(tmp_path: Path) -> None:
    folder = tmp_path / BACKUPS
    folder.mkdir()
    for age, name in enumerate(("new", "older", "oldest", "ancient")):
        (folder / f"{name}.db").touch()
        os.utime(folder / f"{name}.db", (1000 - age, 1000 - age))
    (folder / "notes.txt").touch()
    assert [file.stem for file in latest_backups(tmp_path / "state.db")] == [
        "new",
        "older",
        "oldest",
    ]


def test_without_a_folder_there_are_no_backups(tmp_path: Path) -> None:
    assert latest_backups(tmp_path / "state.db") == []
