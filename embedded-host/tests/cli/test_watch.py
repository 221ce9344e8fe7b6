from __future__ import annotations

import json
import subprocess
import sys
import time
from functools import partial
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest

from embedded_host.cli import watch
from embedded_host.cli.host_connection import HostConnection
from embedded_host.cli.management_api import ManagementClient
from embedded_host.cli.reader import EntityState, InstanceStatus, Page
from embedded_host.cli.watch import COLUMNS, InstanceWatcher
from embedded_host.engine.events import HistoryEvent
from embedded_host.engine.status import FINISHED
from embedded_host.store.interface import InstanceQuery
from tests.cli.calling import call
from tests.cli.conftest import CallHost
from tests.support.polling import eventually
from tests.support.running_host import RunningHost, environment


@pytest.mark.process
def test_watch_exits_when_the_instance_has_finished(host: RunningHost, tmp_path: Path) -> None:
    links = host.start("Event", None, uuid4().hex)
    host.until(links, "Running")
    command = [
        sys.executable,
        "-m",
        "embedded_host",
        "watch",
        "--id",
        links["id"],
        "--url",
        host.base,
    ]
    output = tmp_path / "output.txt"
    with output.open("wb") as out:
        watching = subprocess.Popen(
            [*command, "--interval", "0.05", "--json"], stdout=out, env=environment()
        )
        eventually(
            lambda: output.read_text(encoding="utf-8").count("\n") == 1, "the first line is printed"
        )
        host.raise_event(links, "Approval", 1)
        assert watching.wait(30) == 0
    lines = [json.loads(line) for line in output.read_text(encoding="utf-8").splitlines()]
    assert list(lines[0]) == list(COLUMNS)
    assert [line["runtimeStatus"] for line in lines][:: len(lines) - 1] == ["Running", "Completed"]


@pytest.mark.process
def test_changes_are_printed_as_lines(host: RunningHost, call_host: CallHost) -> None:
    links = host.start("Chain", None, uuid4().hex)
    status = host.end(links)
    called = call_host("watch", "--id", links["id"])
    assert called.out == f"{status['lastUpdatedTime']}  {links['id']}  Chain  Completed\n"


@pytest.mark.process
def test_a_failed_instance_of_an_id_ends_with_its_error(
    host: RunningHost, call_host: CallHost
) -> None:
    links = host.start("Failing", None, uuid4().hex)
    assert host.end(links)["runtimeStatus"] == "Failed"
    called = call_host("watch", "--id", links["id"])
    assert called.code == 1
    assert called.err.count("boom") >= 1
    assert "Traceback" not in called.out
    assert f"The instance '{links['id']}' has finished: Failed. Correct the cause" in called.err
    assert called.err.endswith(f"embedded-host rewind --id {links['id']} [EH516]\n")


@pytest.mark.process
def test_the_waits_of_an_instance_are_shown(
    host: RunningHost, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    links = host.start("Event", None, uuid4().hex)
    host.until(links, "Running")
    watcher = InstanceWatcher(ManagementClient(HostConnection(host.base)), (links["id"],), None)
    statuses = next(watcher.polls(1.0, True))
    watch._print_changes(watcher, iter([statuses]), as_json=False)
    assert capsys.readouterr().out.endswith("Event  Running  waits for event Approval\n")
    host.post(links["terminatePostUri"])


class FakeReader:
    """A reader that returns the statuses that the test sets."""

    name = "fake"

    def __init__(self) -> None:
        self.statuses: dict[str, str] = {}
        self.token: str | None = None

    def recorded_history(self, instance_id: str) -> list[HistoryEvent]:
        return []

    def _status(self, id: str) -> InstanceStatus:
        return InstanceStatus(
            {
                "instanceId": id,
                "name": "N",
                "runtimeStatus": self.statuses[id],
                "lastUpdatedTime": id,
            }
        )

    def instance(
        self, instance_id: str, *, history: bool = False, diagnosis: bool = False
    ) -> InstanceStatus | None:
        return self._status(instance_id) if instance_id in self.statuses else None

    def tree(self, instance_id: str) -> dict[str, Any] | None:
        raise NotImplementedError

    def instances(
        self,
        query: InstanceQuery,
        top: int,
        token: str | None = None,
        *,
        show_input: bool = False,
        order: str | None = None,
    ) -> Page[InstanceStatus]:
        ids = [id for id, status in self.statuses.items() if status in query.statuses]
        return Page([self._status(id) for id in ids], self.token)

    def entities(self, name: str | None, top: int, token: str | None = None) -> Page[EntityState]:
        raise NotImplementedError

    def entity(self, name: str, key: str) -> tuple[bool, object]:
        raise NotImplementedError


class DiagnosingReader(FakeReader):
    """A reader that counts the diagnoses."""

    def __init__(self, document: dict[str, object]) -> None:
        super().__init__()
        self.statuses = {"a": "Running"}
        self.document, self.count = document, 0

    def instance(
        self, instance_id: str, *, history: bool = False, diagnosis: bool = False
    ) -> InstanceStatus | None:
        self.count += diagnosis
        return InstanceStatus(self.document)


def test_the_waits_are_read_again_only_after_a_change(monkeypatch: pytest.MonkeyPatch) -> None:
    reader = DiagnosingReader({"diagnosis": {"waitsFor": [{"kind": "event", "name": "E"}]}})
    watcher = InstanceWatcher(reader, (), None)
    listed = reader.instances(InstanceQuery(statuses=("Running",)), 1).items[0]
    for now in (100.0, 101.0, 103.0, 104.0):
        monkeypatch.setattr(time, "monotonic", partial(float, now))
        assert watcher.row(listed)["waitsFor"] == "event E"
    assert reader.count == 3, "the waits are known 2 s after the change"
    watcher.row(InstanceStatus({**listed.document, "lastUpdatedTime": "later"}))
    assert reader.count == 4


def test_a_source_without_diagnoses_reads_its_diagnosis_once() -> None:
    reader = DiagnosingReader({})
    watcher = InstanceWatcher(reader, (), None)
    listed = reader.instances(InstanceQuery(statuses=("Running",)), 1).items[0]
    assert [watcher.row(listed)["waitsFor"] for _ in range(3)] == [None] * 3
    assert reader.count == 1


def test_instances_that_finished_before_are_watched_by_id_only(state: Path) -> None:
    called = call("watch", "--state", state, "--prefix", "b", "--until-finished", "--json")
    assert called.out == ""
    assert call("watch", "--state", state, "--id", "b").out.split() == [
        "2026-01-02T03:04:25Z",
        "b",
        "Order",
        "Failed",
    ]


def test_instances_that_finish_stay_in_the_table(monkeypatch: pytest.MonkeyPatch) -> None:
    reader = FakeReader()
    reader.statuses = {"a": "Running", "b": "Pending", "@counter@k": "Running", "old": "Completed"}
    monkeypatch.setattr("time.sleep", lambda seconds: None)
    polls = InstanceWatcher(reader, (), None).polls(1.0, True)

    def next_poll() -> dict[str, str]:
        return {status.instance_id: status.runtime_status for status in next(polls)}

    assert next_poll() == {"b": "Pending", "a": "Running"}
    reader.statuses |= {"a": "Failed", "c": "Running"}
    assert next_poll() == {"c": "Running", "b": "Pending", "a": "Failed"}
    del reader.statuses["b"]  # purged
    reader.statuses["c"] = "Completed"
    assert next_poll() == {"c": "Completed", "a": "Failed"}
    assert next(polls, None) is None, "all have finished"
    assert set(FINISHED) > {"Completed", "Failed"}


@pytest.mark.process
def test_the_table_has_a_row_for_each_instance(
    monkeypatch: pytest.MonkeyPatch, host: RunningHost, call_host: CallHost
) -> None:
    monkeypatch.setattr(watch, "on_terminal", lambda: True)
    links = host.start("Chain", None, f"table-{uuid4().hex[:4]}")
    host.end(links)
    table = call_host("watch", "--id", links["id"]).out
    assert links["id"] in table
    assert "Completed" in table
    assert "0 not finished" in table


@pytest.mark.parametrize("on_terminal", [True, False])
def test_the_number_of_hidden_instances_is_shown(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], on_terminal: bool
) -> None:
    reader = FakeReader()
    reader.statuses, reader.token = {f"i{n:03}": "Running" for n in range(30)}, "more"
    watcher = InstanceWatcher(reader, (), None)
    monkeypatch.setattr(watch, "on_terminal", lambda: on_terminal)
    polls = iter([next(watcher.polls(1.0, False))] * 2)
    if on_terminal:
        monkeypatch.setenv("COLUMNS", "120")
        watch._show_table(watcher, polls, 20)
        assert (
            "the first 500 instances by id; more instances are running, 10 more hidden"
            in capsys.readouterr().out
        )
    else:
        watch._print_changes(watcher, polls, as_json=True)
        output = capsys.readouterr()
        assert output.err.count("Select instances with --prefix or --id.") == 1
        assert len(output.out.splitlines()) == 30
