from __future__ import annotations

import sqlite3
from contextlib import closing
from pathlib import Path
from uuid import uuid4

import pytest

from tests.cli.calling import call
from tests.cli.conftest import CallHost
from tests.cli.states import entity, instance, snapshot, write_state
from tests.support.running_host import RunningHost


@pytest.mark.process
def test_one_instance_is_purged(host: RunningHost, call_host: CallHost) -> None:
    links = host.start("Chain", None, uuid4().hex)
    host.end(links)
    assert call_host("purge-history", "--id", links["id"]).out == "Deleted 1 instance.\n"
    assert call_host("purge-history", "--id", links["id"]).code == 3
    waiting = host.start("Event", None, uuid4().hex)
    host.until(waiting, "Running")
    refused = call_host("purge-history", "--id", waiting["id"])
    assert refused.code == 4
    assert "has status Running" in refused.err


@pytest.mark.process
def test_instances_are_purged_by_filter(host: RunningHost, call_host: CallHost) -> None:
    # The purge can delete terminated instances of other tests. They no longer use these instances.
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
        "--yes",
        "--json",
    )
    assert call_host(*narrow).json["instancesDeleted"] >= 1
    assert host.get(ended["statusQueryGetUri"]).status == 404
    assert host.get(waiting["statusQueryGetUri"]).status == 202, "the running instance is kept"
    none = call_host("purge-history", "--created-after", "2999-01-01")
    assert none.out == "Deleted 0 instances.\n", "no confirmation is needed"


@pytest.mark.process
def test_a_purge_of_several_instances_needs_a_confirmation(
    host: RunningHost, call_host: CallHost
) -> None:
    prefix = uuid4().hex
    for number in range(2):
        host.end(host.start("Chain", None, f"{prefix}-{number}"))
    refused = call_host("purge-history", "--prefix", prefix)
    assert (refused.code, refused.out) == (2, "")
    assert f"This would delete 2 instances at {host.base}: confirm with --yes." in refused.err
    everything = call_host("purge-history")
    assert everything.code == 2
    assert "This would delete all " in everything.err
    # The management API cannot purge by prefix. The command must not purge all instances.
    purged = call_host("purge-history", "--prefix", f"{prefix}-1", "--yes")
    assert purged.out == "Deleted 1 instance.\n"
    assert call_host("get-runtime-status", "--id", f"{prefix}-0").code == 0


@pytest.mark.process
def test_only_finished_statuses_can_be_purged(call_host: CallHost) -> None:
    called = call_host("purge-history", "--runtime-status", "running")
    assert called.code == 2
    assert "'running' is not one of Completed, Failed, Terminated, Canceled" in called.err
    assert call_host("purge-history", "--id", "x", "--runtime-status", "failed").code == 2


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
    assert "This deletes 2 instances and entities permanently: confirm with --yes." in called.err
    ambiguous = call("delete-task-hub", "--state", folder, "--yes")
    assert ambiguous.code == 1
    assert "contains the task hubs OtherHub, TestHub: select one with" in ambiguous.err
    assert snapshot(folder)["state.db"] == before


@pytest.mark.process
def test_a_task_hub_in_use_is_not_deleted(host: RunningHost, tmp_path: Path) -> None:
    called = call("delete-task-hub", "--state", host.state, "--yes")
    assert called.code == 1
    assert f"is in use by the host with process id {host.process.pid}" in called.err
    assert "stop the host first" in called.err
    called = call("delete-task-hub", "--state", tmp_path / "none", "--yes")
    assert called.code == 1
    assert not (tmp_path / "none").exists()
