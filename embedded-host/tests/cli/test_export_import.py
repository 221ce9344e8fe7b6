"""The commands ``export`` and ``import``."""

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
from tests.cli.conftest import CallHost
from tests.cli.states import after, entity, instance, snapshot, started, write_state
from tests.support.polling import eventually
from tests.support.running_host import RunningHost


def rows(folder: Path, table: str, columns: str) -> list[tuple[object, ...]]:
    with closing(sqlite3.connect(folder / "state.db")) as connection:
        query = f"SELECT {columns} FROM {table} ORDER BY 1"
        rows: list[tuple[object, ...]] = connection.execute(query).fetchall()
        return rows


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
        outputs = [
            call(*command, "--id", "a", "--json", "--state", folder).json
            for folder in (state, target)
        ]
        assert outputs[0] == outputs[1]
    first = json.loads(file.read_text(encoding="utf-8"))
    second = json.loads(exported(target, "a"))
    for key in ("instance", "history", "messages", "activities", "entity", "status"):
        assert second[key] == first[key]


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
            == f"Imported the instance '{id}'.\n"
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
    document = exported_with_host(host, id)
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
        eventually(
            lambda: call(*find).json["runtimeStatus"] == "Completed", "the instance completes"
        )
        assert call(*find).json["output"] == 7
    assert host.status(links)["runtimeStatus"] == "Running", "the exported instance still waits"


def exported_with_host(host: RunningHost, id: str) -> str:
    called = call("export", "--id", id, "--state", host.state)
    assert "history" in called.json
    return called.out


def test_a_string_that_utf_8_cannot_encode_is_imported_with_escapes(state: Path) -> None:
    document = json.loads(exported(state, "b"))
    document["instance"]["name"] = "B\ud800"
    assert call("import", "-", "--state", state, "--id", "b2", stdin=json.dumps(document)).code == 0
    assert r"B\ud800" in [row[0] for row in rows(state, "instances", "name")]


def test_an_existing_id_needs_replace_or_another_id(state: Path) -> None:
    document = exported(state, "b")
    called = call("import", "-", "--state", state, stdin=document)
    assert called.code == 4
    assert "An instance 'b' exists in" in called.err
    assert "Pass --replace to replace it" in called.err
    assert call("import", "-", "--state", state, "--id", "b2", stdin=document).code == 0
    assert call("import", "-", "--state", state, "--replace", stdin=document).code == 0
    ids = [row[0] for row in rows(state, "instances", "id")]
    assert ids == ["@counter@visits", "a", "b", "b2", "c"]


@pytest.mark.process
def test_a_finished_instance_is_imported_from_the_management_api(
    host: RunningHost, call_host: CallHost, tmp_path: Path
) -> None:
    links = host.start("Retrying", str(tmp_path / "attempts"), uuid4().hex)
    host.end(links)
    called = call_host("export", "--id", links["id"])
    assert "history" not in called.json
    state = tmp_path / "state"
    assert (
        call("import", "-", "--state", state, "--task-hub-name", "Features", stdin=called.out).code
        == 0
    )
    for command in (["get-runtime-status", "--show-input", "--show-output"], ["get-history"]):
        arguments = (*command, "--id", links["id"], "--json")
        assert call(*arguments, "--state", state).json == call_host(*arguments).json
    unfinished = host.start("EventOrTimeout", 600, uuid4().hex)
    host.until(unfinished, "Running")
    refused = call(
        "import", "-", "--state", state, stdin=call_host("export", "--id", unfinished["id"]).out
    )
    assert refused.code == 1
    assert (
        "(Running) was exported over HTTP after it had scheduled a task (TimerCreated 2"
        in refused.err
    )
    assert "start-new --function-name EventOrTimeout --input" in refused.err


@pytest.mark.process
def test_an_instance_without_open_calls_continues_after_an_export_over_http(
    host: RunningHost, call_host: CallHost, tmp_path: Path
) -> None:
    state = tmp_path / "state"

    def move(id: str) -> None:
        document = call_host("export", "--id", id).out
        assert "history" not in json.loads(document)
        called = call(
            "import", "-", "--state", state, "--task-hub-name", "Features", stdin=document
        )
        assert called.code == 0, called

    waiting, suspended, counting = (
        host.start(name, n, uuid4().hex)
        for name, n in (("Event", {"n": 1}), ("Event", 2), ("Events", 2))
    )
    host.until(waiting, "Running")
    host.until(suspended, "Running")
    assert call_host("suspend", "--id", suspended["id"], "--reason", "lunch").code == 0
    host.until(suspended, "Suspended")
    assert (
        call_host(
            "raise-event", "--id", suspended["id"], "--event-name", "Approval", "--event-data", "8"
        ).code
        == 0
    )
    move(waiting["id"])
    move(suspended["id"])
    pending = call_host("export", "--id", counting["id"]).json["status"] | {
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
            command = (
                "get-runtime-status",
                "--show-input",
                "--show-output",
                "--json",
                "--id",
                id,
                "--url",
                other.base,
            )
            document: dict[str, object] = call(*command).json
            return document

        eventually(lambda: status(waiting["id"])["runtimeStatus"] == "Running", "it is running")
        assert status(waiting["id"])["input"] == host.status(waiting)["input"]
        assert status(waiting["id"])["createdTime"] == host.status(waiting)["createdTime"]
        instance = ("--url", other.base, "--id")
        raised = ("raise-event", "--event-name", "Approval", "--event-data", "7")
        assert call(*raised, *instance, waiting["id"]).code == 0
        eventually(lambda: status(waiting["id"])["output"] == 7, "it completes")
        eventually(
            lambda: status(suspended["id"])["runtimeStatus"] == "Suspended", "it is suspended"
        )
        assert status(suspended["id"])["output"] == "lunch"
        assert call("resume", *instance, suspended["id"]).code == 0
        eventually(
            lambda: status(suspended["id"])["output"] == 8,
            "it gets the event that was raised while it was suspended",
        )
        for number in ("1", "2"):
            event = ("raise-event", "--event-name", "E", "--event-data", number)
            assert call(*event, *instance, "pending").code == 0
        eventually(lambda: status("pending")["output"] == [1, 2], "it completes")


@pytest.mark.process
def test_a_state_in_use_is_refused(host: RunningHost, state: Path) -> None:
    called = call("import", "-", "--state", host.state, stdin=exported(state, "a"))
    assert called.code == 1
    assert (
        f"in use by the host with process id {host.process.pid}. This command needs exclusive "
        in called.err
    )
    assert call("import", "-", "--url", host.base, stdin="{}").code == 2


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("{", "- is not valid JSON"),
        ("[]", "is not an exported instance"),
        (
            '{"format": "embedded-host-instance", "version": 2}',
            "has version 2 of the export format",
        ),
        (
            '{"format": "embedded-host-instance", "version": 1}',
            "is incomplete: Object missing required field `instanceId`",
        ),
        (
            '{"format": "embedded-host-instance", "version": 1, "instanceId": "x", "taskHub": 1}',
            "is incomplete: Expected `str | null`, got `int` - at `$.taskHub`",
        ),
        (
            '{"format": "embedded-host-instance", "version": 1, "instanceId": "x"}',
            "The export is incomplete: KeyError: 'runtimeStatus'",
        ),
        (
            '{"format": "embedded-host-instance", "version": 1, "instanceId": "x", '
            '"instance": {"name": 1}}',
            "is incomplete: Expected `str`, got `int` - at `$.instance.name`",
        ),
    ],
)
def test_a_refused_import_changes_nothing(state: Path, text: str, problem: str) -> None:
    before = snapshot(state)["state.db"]
    called = call("import", "-", "--state", state, stdin=text)
    assert called.code == 1
    assert problem in called.err
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
