from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from uuid import uuid4

import pytest

from embedded_host.cli import watch
from embedded_host.cli.reader import Json, Page
from embedded_host.cli.watch import COLUMNS, InstanceWatcher
from embedded_host.engine.status import FINISHED
from embedded_host.store.interface import InstanceQuery
from tests.cli.calling import call
from tests.cli.conftest import Ask
from tests.support.polling import eventually
from tests.support.running_host import RunningHost, environment


@pytest.mark.process
def test_watch_ends_with_the_instance(host: RunningHost, tmp_path: Path) -> None:
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
    seen = tmp_path / "seen.txt"
    with seen.open("wb") as out:
        watching = subprocess.Popen(
            [*command, "--interval", "0.05", "--json"], stdout=out, env=environment()
        )
        eventually(lambda: seen.read_text(encoding="utf-8").count("\n") == 1, "it has looked")
        host.raise_event(links, "Approval", 1)
        assert watching.wait(30) == 0
    lines = [json.loads(line) for line in seen.read_text(encoding="utf-8").splitlines()]
    assert list(lines[0]) == list(COLUMNS)
    assert [line["runtimeStatus"] for line in lines][:: len(lines) - 1] == ["Running", "Completed"]


@pytest.mark.process
def test_changes_are_printed_as_lines(host: RunningHost, ask: Ask) -> None:
    links = host.start("Chain", None, uuid4().hex)
    status = host.end(links)
    called = ask("watch", "--id", links["id"])
    assert called.out == f"{status['lastUpdatedTime']}  {links['id']}  Chain  Completed\n"


def test_instances_that_had_finished_are_not_watched(state: Path) -> None:
    called = call("watch", "--state", state, "--prefix", "b", "--until-finished", "--json")
    assert called.out == "", "what had finished before is not watched"
    assert call("watch", "--state", state, "--id", "b").out.split() == [
        "2026-01-02T03:04:25Z",
        "b",
        "Order",
        "Failed",
    ]


class FakeReader:
    """Instances as the test sets them."""

    name = "fake"

    def __init__(self) -> None:
        self.rows: dict[str, str] = {}
        self.token: str | None = None

    def _row(self, id: str) -> Json:
        return {
            "instanceId": id,
            "name": "N",
            "runtimeStatus": self.rows[id],
            "lastUpdatedTime": id,
        }

    def instance(
        self, instance_id: str, *, history: bool = False, diagnosis: bool = False
    ) -> Json | None:
        return self._row(instance_id) if instance_id in self.rows else None

    def instances(
        self, query: InstanceQuery, top: int, token: str | None = None, *, show_input: bool = False
    ) -> Page:
        found = [self._row(id) for id, status in self.rows.items() if status in query.statuses]
        return Page(found, self.token)

    def entities(self, name: str | None, top: int, token: str | None = None) -> Page:
        raise NotImplementedError

    def entity(self, name: str, key: str) -> tuple[bool, object]:
        raise NotImplementedError


def test_instances_that_finish_are_shown_once_more(monkeypatch: pytest.MonkeyPatch) -> None:
    reader = FakeReader()
    reader.rows = {"a": "Running", "b": "Pending", "@counter@k": "Running", "old": "Completed"}
    monkeypatch.setattr("time.sleep", lambda seconds: None)
    polls = InstanceWatcher(reader, (), None).polls(1.0, True)

    def seen() -> dict[str, str]:
        return {row["instanceId"]: row["runtimeStatus"] for row in next(polls)}

    assert seen() == {"b": "Pending", "a": "Running"}
    reader.rows |= {"a": "Failed", "c": "Running"}
    assert seen() == {"c": "Running", "b": "Pending", "a": "Failed"}
    del reader.rows["b"]  # purged
    reader.rows["c"] = "Completed"
    assert seen() == {"c": "Completed", "a": "Failed"}
    assert next(polls, None) is None, "all have finished"
    assert set(FINISHED) > {"Completed", "Failed"}


@pytest.mark.process
def test_the_table_has_a_row_for_each_instance(
    monkeypatch: pytest.MonkeyPatch, host: RunningHost, ask: Ask
) -> None:
    monkeypatch.setattr(watch, "on_terminal", lambda: True)
    links = host.start("Chain", None, f"table-{uuid4().hex[:4]}")
    host.end(links)
    shown = ask("watch", "--id", links["id"]).out
    assert links["id"] in shown
    assert "Completed" in shown
    assert "0 not finished" in shown


@pytest.mark.parametrize("on_terminal", [True, False])
def test_the_number_of_hidden_instances_is_shown(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], on_terminal: bool
) -> None:
    reader = FakeReader()
    reader.rows, reader.token = {f"i{n:03}": "Running" for n in range(30)}, "more"
    watched = InstanceWatcher(reader, (), None)
    monkeypatch.setattr(watch, "on_terminal", lambda: on_terminal)
    polls = iter([next(watched.polls(1.0, False))] * 2)
    if on_terminal:
        monkeypatch.setenv("COLUMNS", "120")
        watch._show_table(watched, polls, 20)
        assert "the first 500 by their ids, and more run, 10 more below" in capsys.readouterr().out
    else:
        watch._print_changes(watched, polls, as_json=True)
        told = capsys.readouterr()
        assert told.err.count("choose among them with --prefix or --id.") == 1
        assert len(told.out.splitlines()) == 30
