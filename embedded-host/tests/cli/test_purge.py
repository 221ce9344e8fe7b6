from __future__ import annotations

import sqlite3
from contextlib import closing
from pathlib import Path
from uuid import uuid4

import pytest

from tests.cli.calling import call
from tests.cli.conftest import Ask
from tests.cli.states import entity, instance, snapshot, write_state
from tests.support.running_host import RunningHost


@pytest.mark.process
def test_one_instance_is_purged(host: RunningHost, ask: Ask) -> None:
    links = host.start("Chain", None, uuid4().hex)
    host.end(links)
    assert ask("purge-history", "--id", links["id"]).out == "Deleted 1 instance.\n"
    assert ask("purge-history", "--id", links["id"]).code == 3
    waiting = host.start("Event", None, uuid4().hex)
    host.until(waiting, "Running")
    refused = ask("purge-history", "--id", waiting["id"])
    assert refused.code == 4
    assert "has status Running" in refused.err


@pytest.mark.process
def test_instances_are_purged_by_filter(host: RunningHost, ask: Ask) -> None:
    # A status that no other test's instances have when they are looked at again.
    waiting, ended = (host.start("Event", None, uuid4().hex) for _ in range(2))
    for links in (waiting, ended):
        host.until(links, "Running")
    host.post(ended["terminatePostUri"])
    since = host.end(ended)["createdTime"]
    narrow = (
        "purge-history",
        "--created-after",
        since,
        "--runtime-status",
        "terminated",
        "canceled",
        "--json",
    )
    assert ask(*narrow).json["instancesDeleted"] >= 1
    assert host.get(ended["statusQueryGetUri"]).status == 404
    assert host.get(waiting["statusQueryGetUri"]).status == 202, "what runs is kept"
    assert ask("purge-history", "--created-after", "2999-01-01").out == "Deleted 0 instances.\n"


@pytest.mark.process
def test_only_finished_statuses_can_be_purged(ask: Ask) -> None:
    called = ask("purge-history", "--runtime-status", "running")
    assert called.code == 2
    assert "'running' is none of Completed, Failed, Terminated, Canceled" in called.err
    assert ask("purge-history", "--id", "x", "--runtime-status", "failed").code == 2


def two_hubs(folder: Path) -> Path:
    changes = [
        instance(1, "a"),
        *entity(2, "counter", "k", "1"),
        instance(3, "other", hub="OtherHub"),
    ]
    return write_state(folder, *changes)


def test_a_task_hub_is_deleted(tmp_path: Path) -> None:
    folder = two_hubs(tmp_path / "state")
    with closing(sqlite3.connect(folder / "state.db")) as connection, connection:
        connection.executemany(
            "INSERT INTO timers VALUES (?, 'T', 0, 0, 0)", [("TestHub",), ("OtherHub",)]
        )
    called = call(
        "delete-task-hub", "--state", folder, "--task-hub-name", "testhub", "--yes", "--json"
    )
    assert called.json == {"taskHub": "testhub", "instancesDeleted": 2}
    with closing(sqlite3.connect(folder / "state.db")) as connection:
        for table, column in (("instances", "hub"), ("timers", "hub")):
            assert connection.execute(f"SELECT {column} FROM {table}").fetchall() == [("OtherHub",)]


def test_deleting_a_task_hub_needs_a_confirmation(tmp_path: Path) -> None:
    folder = two_hubs(tmp_path / "state")
    before = snapshot(folder)["state.db"]
    called = call("delete-task-hub", "--state", folder, "--task-hub-name", "TestHub")
    assert called.code == 2
    assert "2 instances would be deleted for good: say --yes." in called.err
    which = call("delete-task-hub", "--state", folder, "--yes")
    assert which.code == 1
    assert "holds the task hubs OtherHub, TestHub: choose one with --task-hub-name." in which.err
    assert snapshot(folder)["state.db"] == before


@pytest.mark.process
def test_a_task_hub_in_use_is_not_deleted(host: RunningHost, tmp_path: Path) -> None:
    held = call("delete-task-hub", "--state", host.state, "--yes")
    assert held.code == 1
    assert f"is in use by the host with process id {host.process.pid}" in held.err
    assert "stop the host first" in held.err
    none = call("delete-task-hub", "--state", tmp_path / "none", "--yes")
    assert none.code == 1
    assert not (tmp_path / "none").exists()
