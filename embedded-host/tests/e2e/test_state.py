"""Tests of the state file: backup of a running host, damage, and unclean shutdown."""

from __future__ import annotations

import os
import shutil
import sqlite3
import stat
import threading
from contextlib import closing
from pathlib import Path
from uuid import uuid4

import pytest

from tests.cli.calling import call
from tests.e2e.conftest import StartHost
from tests.e2e.test_startup import refused
from tests.support.damaged_file import PAGE, overwrite_page, overwrite_root, root_page
from tests.support.features_app import features_app
from tests.support.polling import eventually
from tests.support.sqlite_shell import require_sqlite_shell

INSTANCES = "/runtime/webhooks/durabletask/instances"


@pytest.fixture
def app(tmp_path: Path) -> Path:
    return features_app(tmp_path / "app").root


def link(id: str) -> dict[str, str]:
    return {"statusQueryGetUri": f"{INSTANCES}/{id}?showInput=true"}


def test_fsync_off_prints_its_risk(app: Path, start_host: StartHost) -> None:
    host = start_host(app, "--fsync", "off")
    assert (
        "--fsync off: the operating system writes acknowledged changes to the disk later."
        in host.log
    )
    assert host.run("Chain") == ["Tokyo", "Seattle", "London"]
    host.kill()
    again = start_host(app)
    assert "--fsync off" not in again.log
    assert len(again.get(f"{INSTANCES}?top=10").json) == 1, "the end of the process takes nothing"


def test_a_damaged_file_is_an_error_and_is_kept(app: Path, start_host: StartHost) -> None:
    host = start_host(app)
    host.run("Chain")
    assert host.stop() == 0
    file = host.state / "state.db"
    assert call("backup", "--state", host.state).code == 0
    data = file.read_bytes()[:-PAGE]
    file.write_bytes(data)
    text = refused(app, state=host.state)
    assert f"The state file {file} is damaged: database disk image is malformed" in text
    assert f"embedded-host recover --state {host.state}" in text
    assert f"The latest backups: {host.state / 'backups' / 'state-'}" in text
    assert "For details run: embedded-host explain EH220" in text
    assert file.read_bytes() == data


def test_damage_after_a_kill_is_detected_at_the_next_start(
    app: Path, start_host: StartHost
) -> None:
    """The damage is in an input that no turn reads. Only the integrity check detects it."""
    host = start_host(app)
    for number in range(3):
        host.start("FanOut", 1, f"a{number}")
        host.end(link(f"a{number}"))
    file = host.state / "state.db"
    with closing(sqlite3.connect(file)) as connection:
        connection.execute("PRAGMA wal_checkpoint(FULL)")
    page = root_page(file, "inputs")
    host.run("Chain")  # writes to the write-ahead log
    host.kill()
    overwrite_page(file, page)
    text = refused(app, state=host.state)
    assert "is damaged" in text
    assert "embedded-host recover" in text


def test_a_host_starts_with_a_recovered_state(app: Path, start_host: StartHost) -> None:
    require_sqlite_shell()
    host = start_host(app)
    for name, id in (("Chain", "done"), ("Event", "waits"), ("Timer", "ticks")):
        host.start(name, 3600 if name == "Timer" else None, id)
    host.end(link("done"))
    for id in ("waits", "ticks"):
        host.until(link(id), "Running")
    held = call("recover", "--state", host.state)
    assert held.code == 1
    assert f"is in use by the host with process id {host.process.pid}" in held.err
    assert host.stop() == 0
    file = host.state / "state.db"
    overwrite_root(file, "messages")
    recovered = call("recover", "--state", host.state)
    assert recovered.code == 0
    assert "  'ticks' of Features, Running: its timer for " in recovered.out
    assert (
        "  'waits' of Features, Running: external events that the instance had not received may be "
        "lost" in recovered.out
    )
    again = start_host(app)
    assert again.status(link("done"))["output"] == ["Tokyo", "Seattle", "London"]
    status = again.status(link("ticks"))
    assert status["runtimeStatus"] == "Failed"
    assert (
        "The state file was damaged, and data that this instance needs was lost: its timer"
        in status["output"]
    )
    assert again.status(link("waits"))["runtimeStatus"] == "Running"
    waits = {**link("waits"), "sendEventPostUri": f"{INSTANCES}/waits/raiseEvent/{{eventName}}"}
    assert again.raise_event(waits, "Approval", "yes").status == 202
    assert again.end(waits)["output"] == "yes"
    assert (
        again.get(f"{INSTANCES}/ticks?showHistory=true").json["historyEvents"][-1][
            "OrchestrationStatus"
        ]
        == "Failed"
    )
    assert again.run("Chain") == ["Tokyo", "Seattle", "London"]


def test_an_unreadable_page_stops_a_running_host(app: Path, start_host: StartHost) -> None:
    host = start_host(app)
    host.run("Chain")
    assert host.stop() == 0
    file = host.state / "state.db"
    overwrite_root(file, "history")
    host = start_host(app)
    id = host.get(f"{INSTANCES}?top=1").json[0]["instanceId"]
    assert host.get(f"{INSTANCES}/{id}").status == 200
    assert host.get(f"{INSTANCES}/{id}?showHistory=true").status == 500
    eventually(lambda: "EH218" in host.log, "the reason is logged")
    assert "is damaged: database disk image is malformed" in host.log
    assert "Traceback" not in host.log
    # The status is 500 if the commit of a turn fails before the response is sent.
    assert host.post("/api/start/Chain").status in (202, 500)
    assert host.process.wait(20) == 1, "a host that cannot commit a turn stops"
    assert "The host stopped: The state file" in host.log


def test_a_backup_of_a_running_host_is_a_valid_state(tmp_path: Path, start_host: StartHost) -> None:
    """The backup contains all earlier changes. A host can start with it and continue instances."""
    app = features_app(tmp_path / "app").root
    first = start_host(app, state=tmp_path / "state")
    done = first.start("Chain", None, "done-before")
    first.end(done)
    waiting = first.start("Event", None, "waiting")
    first.until(waiting, "Running")
    first.run("CountWithEntity")
    stop = threading.Event()
    started: list[str] = []

    def load() -> None:
        while not stop.is_set():
            id = f"load-{uuid4().hex}"
            first.start("FanOut", 5, id)
            started.append(id)

    threads = [threading.Thread(target=load) for _ in range(2)]
    for thread in threads:
        thread.start()
    try:
        acknowledged: list[str] = []
        copies: list[Path] = []
        for number in range(3):
            eventually(lambda: started, "instances are started")
            acknowledged = list(started)
            copies.append(tmp_path / f"copy-{number}.db")
            called = call("backup", copies[-1], "--state", first.state)
            assert called.code == 0, called
    finally:
        stop.set()
        for thread in threads:
            thread.join()
    assert acknowledged
    first.kill()
    restored = tmp_path / "restored"
    restored.mkdir()
    shutil.copyfile(copies[-1], restored / "state.db")
    second = start_host(app, state=restored)
    assert second.get(f"{INSTANCES}/done-before").json["output"] == ["Tokyo", "Seattle", "London"]
    for id in acknowledged:
        assert second.end(link(id))["output"] == [0, 1, 2, 3, 4]
    assert second.post(f"{INSTANCES}/waiting/raiseEvent/Approval", True).status == 202
    assert second.end(link("waiting"))["output"] is True
    if os.name == "posix":
        assert stat.S_IMODE((restored / "state.db").stat().st_mode) == 0o600
