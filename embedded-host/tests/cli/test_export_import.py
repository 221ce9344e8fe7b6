"""Instances that go from one state to another."""

from __future__ import annotations

import json
import sqlite3
from contextlib import closing
from pathlib import Path
from uuid import uuid4

import pytest

from embedded_host.engine import history as h
from embedded_host.store.interface import (
    ActivityRow,
    AppendHistory,
    MessageRow,
    PutActivity,
    PutMessage,
    SetInput,
)
from tests.cli.calling import call
from tests.cli.conftest import Ask
from tests.cli.states import after, entity, instance, snapshot, started, write_state
from tests.support.polling import eventually
from tests.support.running_host import RunningHost


def rows(folder: Path, table: str, columns: str) -> list[tuple[object, ...]]:
    with closing(sqlite3.connect(folder / "state.db")) as connection:
        found: list[tuple[object, ...]] = connection.execute(
            f"SELECT {columns} FROM {table} ORDER BY 1"
        ).fetchall()
        return found


def exported(folder: Path, id: str) -> str:
    called = call("export", "--id", id, "--state", folder)
    assert called.code == 0, called
    assert called.err == f"State: {folder / 'state.db'}, task hub TestHub (read-only)\n"
    return called.out


def test_an_exported_instance_is_imported_unchanged(state: Path, tmp_path: Path) -> None:
    file = tmp_path / "c.json"
    assert call("export", "--id", "a", "--state", state, "--output", file).err.endswith(
        f"Wrote {file}.\n"
    )
    target = write_state(tmp_path / "target", instance(7, "other"))
    called = call("import", file, "--state", target, "--json")
    assert called.json == {
        "instanceId": "a",
        "taskHub": "TestHub",
        "state": str(target / "state.db"),
    }
    for command in (
        ["get-history"],
        ["get-runtime-status", "--show-input", "--show-output"],
        ["timeline"],
    ):
        shown = [
            call(*command, "--id", "a", "--json", "--state", folder).json
            for folder in (state, target)
        ]
        assert shown[0] == shown[1]
    again = json.loads(exported(target, "a"))
    first = json.loads(file.read_text(encoding="utf-8"))
    for key in ("instance", "history", "messages", "activities", "entity", "status"):
        assert again[key] == first[key]


def test_pending_messages_and_activities_are_exported(tmp_path: Path) -> None:
    waiting = [
        instance(5, "c", "Running", None),
        SetInput(5, "1"),
        AppendHistory(5, 0, (started("c"),)),
        PutMessage(MessageRow(8, 5, "e", after(60), h.timer_fired(after(1), 0, after(60)))),
        PutMessage(MessageRow(9, 5, None, None, h.event_raised(after(2), "E", '"é"'))),
        PutActivity(ActivityRow(3, 5, "e", 1, "Ship", "[1]")),
        *entity(6, "counter", "k", "5"),
    ]
    source = write_state(tmp_path / "source", *waiting)
    target = write_state(
        tmp_path / "target", instance(1, "z"), PutActivity(ActivityRow(4, 1, "x", 0, "A", "[]"))
    )
    for id in ("c", "@counter@k"):
        assert (
            call("import", "-", "--state", target, stdin=exported(source, id)).out
            == f"Imported '{id}'.\n"
        )
    assert rows(target, "instances", "key, id") == [(1, "z"), (2, "c"), (3, "@counter@k")]
    assert rows(target, "activities", "id, instance, name, task_id, input") == [
        (4, 1, "A", 0, "[]"),
        (5, 2, "Ship", 1, "[1]"),
    ]
    assert rows(target, "messages", "due, instance, execution_id") == [
        (None, 2, None),
        (1767323105000000, 2, "e"),
    ]
    assert rows(target, "entities", "instance, has_state, state") == [(3, 1, "5")]
    assert rows(target, "inputs", "instance, input") == [(2, "1")]


@pytest.mark.process
def test_an_imported_instance_continues(host: RunningHost, tmp_path: Path) -> None:
    id = uuid4().hex
    links = host.start("Event", {"n": 1}, id)
    host.until(links, "Running")
    document = exported_beside(host, id)
    state = tmp_path / "state"
    assert (
        call(
            "import",
            "-",
            "--state",
            state,
            "--id",
            "moved",
            "--task-hub-name",
            "Features",
            stdin=document,
        ).code
        == 0
    )
    with RunningHost(host.root, state) as other:
        raised = call(
            "raise-event",
            "--id",
            "moved",
            "--event-name",
            "Approval",
            "--event-data",
            "7",
            "--url",
            other.base,
        )
        assert raised.code == 0
        find = (
            "get-runtime-status",
            "--id",
            "moved",
            "--show-output",
            "--url",
            other.base,
            "--json",
        )
        eventually(lambda: call(*find).json["runtimeStatus"] == "Completed", "it goes on")
        assert call(*find).json["output"] == 7
    assert host.status(links)["runtimeStatus"] == "Running", (
        "the one that it was copied from waits still"
    )


def exported_beside(host: RunningHost, id: str) -> str:
    called = call("export", "--id", id, "--state", host.state)
    assert "history" in called.json
    return called.out


def test_text_that_has_no_form_in_utf_8_is_imported_as_its_escapes(state: Path) -> None:
    document = json.loads(exported(state, "b"))
    document["instance"]["name"] = "B\ud800"
    assert call("import", "-", "--state", state, "--id", "b2", stdin=json.dumps(document)).code == 0
    assert r"B\ud800" in [row[0] for row in rows(state, "instances", "name")]


def test_an_existing_id_needs_replace_or_another_id(state: Path) -> None:
    document = exported(state, "b")
    refused = call("import", "-", "--state", state, stdin=document)
    assert refused.code == 4
    assert "There is an instance 'b' in" in refused.err
    assert "--replace overwrites it" in refused.err
    assert call("import", "-", "--state", state, "--id", "b2", stdin=document).code == 0
    assert call("import", "-", "--state", state, "--replace", stdin=document).code == 0
    ids = [row[0] for row in rows(state, "instances", "id")]
    assert ids == ["@counter@visits", "a", "b", "b2", "c"]


@pytest.mark.process
def test_a_finished_instance_is_imported_from_the_management_api(
    host: RunningHost, ask: Ask, tmp_path: Path
) -> None:
    links = host.start("Retrying", str(tmp_path / "attempts"), uuid4().hex)
    host.end(links)
    called = ask("export", "--id", links["id"])
    assert "history" not in called.json
    state = tmp_path / "state"
    assert (
        call("import", "-", "--state", state, "--task-hub-name", "Features", stdin=called.out).code
        == 0
    )
    find = ("--id", links["id"], "--json")
    look = ("get-runtime-status", "--show-input", "--show-output")
    was, now = (called.json for called in (ask(*look, *find), call(*look, *find, "--state", state)))
    assert now == was
    was, now = (
        called.json
        for called in (ask("get-history", *find), call("get-history", *find, "--state", state))
    )
    assert now == was
    unfinished = host.start("EventOrTimeout", 600, uuid4().hex)
    host.until(unfinished, "Running")
    refused = call(
        "import", "-", "--state", state, stdin=ask("export", "--id", unfinished["id"]).out
    )
    assert refused.code == 1
    assert "had not finished (Running) and had begun something (TimerCreated 2" in refused.err
    assert "start-new --function-name EventOrTimeout --input" in refused.err


@pytest.mark.process
def test_an_instance_without_open_calls_continues_after_an_export_over_http(
    host: RunningHost, ask: Ask, tmp_path: Path
) -> None:
    state = tmp_path / "state"

    def moved(id: str) -> None:
        document = ask("export", "--id", id).out
        assert "history" not in json.loads(document)
        called = call(
            "import", "-", "--state", state, "--task-hub-name", "Features", stdin=document
        )
        assert called.code == 0, called

    waiting, held, told = (
        host.start(name, n, uuid4().hex)
        for name, n in (("Event", {"n": 1}), ("Event", 2), ("Events", 2))
    )
    host.until(waiting, "Running")
    host.until(held, "Running")
    assert ask("suspend", "--id", held["id"], "--reason", "lunch").code == 0
    host.until(held, "Suspended")
    assert (
        ask("raise-event", "--id", held["id"], "--event-name", "Approval", "--event-data", "8").code
        == 0
    )
    moved(waiting["id"])
    moved(held["id"])
    pending = ask("export", "--id", told["id"]).json["status"] | {
        "historyEvents": None,
        "runtimeStatus": "Pending",
    }
    document = {
        "format": "embedded-host-instance",
        "version": 1,
        "instanceId": "pending",
        "status": pending,
    }
    assert (
        call(
            "import",
            "-",
            "--state",
            state,
            "--task-hub-name",
            "Features",
            stdin=json.dumps(document),
        ).code
        == 0
    )
    with RunningHost(host.root, state) as other:

        def status(id: str) -> dict[str, object]:
            look = (
                "get-runtime-status",
                "--show-input",
                "--show-output",
                "--json",
                "--id",
                id,
                "--url",
                other.base,
            )
            found: dict[str, object] = call(*look).json
            return found

        eventually(lambda: status(waiting["id"])["runtimeStatus"] == "Running", "it waits")
        assert status(waiting["id"])["input"] == host.status(waiting)["input"]
        assert status(waiting["id"])["createdTime"] == host.status(waiting)["createdTime"]
        there = ("--url", other.base, "--id")
        raised = ("raise-event", "--event-name", "Approval", "--event-data", "7")
        assert call(*raised, *there, waiting["id"]).code == 0
        eventually(lambda: status(waiting["id"])["output"] == 7, "it goes on")
        eventually(lambda: status(held["id"])["runtimeStatus"] == "Suspended", "it is held")
        assert status(held["id"])["output"] == "lunch"
        assert call("resume", *there, held["id"]).code == 0
        eventually(
            lambda: status(held["id"])["output"] == 8,
            "the event that came while it was held is there",
        )
        for number in ("1", "2"):
            event = ("raise-event", "--event-name", "E", "--event-data", number)
            assert call(*event, *there, "pending").code == 0
        eventually(lambda: status("pending")["output"] == [1, 2], "it takes its first turn")


@pytest.mark.process
def test_a_state_in_use_is_refused(host: RunningHost, state: Path) -> None:
    called = call("import", "-", "--state", host.state, stdin=exported(state, "a"))
    assert called.code == 1
    assert (
        f"in use by the host with process id {host.process.pid}. This needs the state for itself"
        in called.err
    )
    assert call("import", "-", "--url", host.base, stdin="{}").code == 2


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("{", "- is not JSON"),
        ("[]", "is no exported instance"),
        ('{"format": "embedded-host-instance", "version": 2}', "was exported by another version"),
        (
            '{"format": "embedded-host-instance", "version": 1}',
            "is not whole: Object missing required field `instanceId`",
        ),
        (
            '{"format": "embedded-host-instance", "version": 1, "instanceId": "x", "taskHub": 1}',
            "is not whole: Expected `str | null`, got `int` - at `$.taskHub`",
        ),
        (
            '{"format": "embedded-host-instance", "version": 1, "instanceId": "x"}',
            "is not whole: KeyError: 'runtimeStatus'",
        ),
        (
            '{"format": "embedded-host-instance", "version": 1, "instanceId": "x", "instance": {"name": 1}}',
            "is not whole: Expected `str`, got `int` - at `$.instance.name`",
        ),
    ],
)
def test_a_refused_import_changes_nothing(state: Path, text: str, told: str) -> None:
    before = snapshot(state)["state.db"]
    called = call("import", "-", "--state", state, stdin=text)
    assert called.code == 1
    assert told in called.err
    assert snapshot(state)["state.db"] == before


def test_an_invalid_file_is_refused(state: Path, tmp_path: Path) -> None:
    missing = call("import", tmp_path / "missing.json", "--state", state)
    assert missing.code == 1
    assert "missing.json cannot be read" in missing.err
    nowhere = call(
        "export", "--id", "a", "--state", state, "--output", tmp_path / "no" / "where.json"
    )
    assert nowhere.code == 1
    assert "where.json cannot be written" in nowhere.err
