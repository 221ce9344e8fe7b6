"""Reads of state files of stopped, killed and running hosts. A read does not change the folder."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from embedded_host.store.lock import StateLock
from tests.cli.calling import Called, call
from tests.cli.states import snapshot
from tests.support.running_host import RunningHost, environment


def listed(folder: Path) -> Called:
    return call("get-instances", "--state", folder, "--json")


def ids(folder: Path) -> list[str]:
    return [item["instanceId"] for item in listed(folder).json["instances"]]


def test_the_state_of_a_stopped_host_is_read(state: Path) -> None:
    assert list(snapshot(state)) == ["state.db"]
    before = snapshot(state)
    assert ids(state) == ["@counter@visits", "a", "b", "c"]
    assert snapshot(state) == before


_WRITE_AND_DIE = """
import os, sys
from pathlib import Path
from embedded_host.store.sqlite import SqliteStore
from tests.cli.states import instance
store = SqliteStore(Path(sys.argv[1]))
store.write([instance(9, "late")])
os._exit(0)
"""


@pytest.fixture
def killed(state: Path) -> Path:
    """Return the state folder of a killed host. Only the log contains the last changes."""
    command = [sys.executable, "-c", _WRITE_AND_DIE, str(state / "state.db")]
    subprocess.run(command, check=True, env=environment(), timeout=60)
    return state


@pytest.mark.process
def test_the_state_of_a_killed_host_is_read(killed: Path) -> None:
    before = snapshot(killed)
    assert sorted(before) == ["state.db", "state.db-shm", "state.db-wal"]
    assert ids(killed)[-1] == "late"
    assert snapshot(killed) == before


@pytest.mark.process
def test_a_log_without_its_index_is_read(killed: Path) -> None:
    (killed / "state.db-shm").unlink()
    before = snapshot(killed)
    assert ids(killed)[-1] == "late"
    assert snapshot(killed) == before


@pytest.mark.process
def test_the_state_of_a_running_host_is_read(host: RunningHost) -> None:
    links = host.start("Chain", None, "zz-last")
    host.end(links)
    names = {file.name for file in host.state.iterdir()}
    assert "zz-last" in [
        item["instanceId"]
        for item in call("get-instances", "--state", host.state, "--prefix", "zz", "--json").json[
            "instances"
        ]
    ]
    assert {file.name for file in host.state.iterdir()} == names
    assert host.run("Chain"), "the host still works"


def test_another_file_is_refused(tmp_path: Path) -> None:
    missing = listed(tmp_path / "missing")
    assert missing.code == 1
    assert f"There is no state file in {tmp_path / 'missing'}." in missing.err
    assert not (tmp_path / "missing").exists()
    (tmp_path / "state.db").write_bytes(b"no database" * 100)
    garbage = listed(tmp_path)
    assert garbage.code == 1
    assert (
        f"The state file {tmp_path / 'state.db'} is damaged: file is not a database." in garbage.err
    )


def test_a_state_in_use_cannot_be_changed(tmp_path: Path) -> None:
    from embedded_host.cli.command import CommandError
    from embedded_host.cli.state_file import state_lock

    with (
        StateLock(tmp_path),
        pytest.raises(CommandError, match="stop the host first"),
        state_lock(tmp_path),
    ):
        pass
    with state_lock(tmp_path):
        pass
