from __future__ import annotations

import os
import shutil
import sqlite3
import stat
from contextlib import closing
from pathlib import Path

from embedded_host.store.sqlite import SqliteStore
from tests.cli.calling import call
from tests.cli.states import snapshot


def rows(path: Path) -> dict[str, list[tuple[object, ...]]]:
    with closing(sqlite3.connect(path)) as connection:
        names = [
            name
            for (name,) in connection.execute("SELECT name FROM sqlite_master WHERE type = 'table'")
        ]
        return {name: connection.execute(f"SELECT * FROM {name}").fetchall() for name in names}


def test_a_state_without_a_host_is_copied(state: Path, tmp_path: Path) -> None:
    before = snapshot(state)
    file = tmp_path / "elsewhere" / "copy.db"
    called = call("backup", file, "--state", state)
    assert (called.code, called.err) == (0, "")
    assert (
        called.out
        == f"Copied 4 instances and entities ({file.stat().st_size / 1e6:.1f} MB) to {file}.\n"
    )
    assert rows(file) == rows(state / "state.db")
    assert {**snapshot(state), "lock": b""} == {**before, "lock": b""}, (
        "the backup did not write to the state file"
    )
    assert [path.name for path in file.parent.iterdir()] == ["copy.db"]
    if os.name == "posix":
        assert stat.S_IMODE(file.stat().st_mode) == 0o600


def test_the_default_folder_is_in_the_state_folder(state: Path) -> None:
    results = [call("backup", "--state", state, "--json").json for _ in range(2)]
    for result in results:
        assert Path(result["file"]).parent == state / "backups"
        assert rows(Path(result["file"])) == rows(state / "state.db")
        assert (result["instances"], result["state"]) == (4, str(state / "state.db"))
        assert result["bytes"] == Path(result["file"]).stat().st_size
    assert results[0]["file"] != results[1]["file"]


def test_commits_in_the_log_are_copied(state: Path, tmp_path: Path) -> None:
    killed = tmp_path / "killed"
    killed.mkdir()
    with closing(SqliteStore(state / "state.db")) as store:
        store.write([])
        store._writer.execute("UPDATE instances SET name = 'Renamed'")
        for file in ("state.db", "state.db-wal"):
            shutil.copyfile(state / file, killed / file)
    before = snapshot(killed)
    copy = tmp_path / "copy.db"
    assert call("backup", copy, "--state", killed).code == 0
    assert {row[3] for row in rows(copy)["instances"]} == {"Renamed"}
    after = snapshot(killed)
    assert {name: after[name] for name in before} == before


def test_an_existing_file_is_not_overwritten(state: Path, tmp_path: Path) -> None:
    file = tmp_path / "copy.db"
    file.write_text("mine")
    called = call("backup", file, "--state", state)
    assert called.code == 1
    assert f"{file} already exists" in called.err
    assert file.read_text() == "mine"


def test_a_damaged_state_is_not_copied(state: Path, tmp_path: Path) -> None:
    data = bytearray((state / "state.db").read_bytes())
    data[4096 * 3 : 4096 * 4] = b"\xaa" * 4096
    (state / "state.db").write_bytes(data)
    called = call("backup", tmp_path / "copy.db", "--state", state)
    assert called.code == 1
    assert "was not made, because the state file is damaged" in called.err
    assert sorted(path.name for path in tmp_path.iterdir()) == ["state"]


def test_the_option_url_is_refused(tmp_path: Path) -> None:
    called = call("backup", "--url", "http://localhost:7071")
    assert called.code == 2
    assert "Omit --url and --code, and select the folder with --state. [EH550]\n" in called.err
    assert "There is no state file in" in call("backup", "--state", tmp_path / "none").err
