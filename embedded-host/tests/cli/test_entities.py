from __future__ import annotations

from pathlib import Path
from uuid import uuid4

import pytest

from tests.cli.calling import call
from tests.cli.conftest import CallHost
from tests.cli.states import entity, snapshot, write_state
from tests.support.polling import eventually


@pytest.mark.process
def test_an_entity_is_signaled_read_listed_and_deleted(call_host: CallHost) -> None:
    key = f"k {uuid4().hex}#"
    counter = ("--name", "Counter", "--key", key)
    signal = call_host("entities", "signal", *counter, "--operation", "add", "--input", "5")
    assert signal.out.startswith("Sent the operation 'add' to the entity 'Counter'")
    eventually(lambda: call_host("entities", "get", *counter).out == "5\n", "the operation ran")
    document = call_host("entities", "get", *counter, "--json").json
    assert document == {"entityId": {"name": "counter", "key": key}, "state": 5}
    listed = call_host("entities", "list", "--name", "Counter", "--top", 1000, "--json").json
    assert {"name": "counter", "key": key} in [item["entityId"] for item in listed["entities"]]
    assert listed["continuationToken"] is None
    assert call_host("entities", "list").out.splitlines()[0].split() == [
        "name",
        "key",
        "lastOperationTime",
        "state",
    ]
    assert call_host("entities", "delete", *counter).code == 0
    assert call_host("entities", "get", *counter).code == 3
    assert call_host("entities", "delete", *counter).code == 3


@pytest.mark.process
def test_an_unknown_entity_is_not_found(call_host: CallHost) -> None:
    called = call_host(
        "entities", "signal", "--name", "Unknown", "--key", "k", "--operation", "add"
    )
    assert called.code == 3
    assert "The function 'unknown' doesn't exist" in called.err


def test_entities_are_read_from_a_state_file(tmp_path: Path) -> None:
    changes = [
        change
        for n, (name, state) in enumerate(
            [("counter", '{"n":1}'), ("counter", None), ("lamp", "null")]
        )
        for change in entity(n + 1, name, f"k{n}", state)
    ]
    folder = write_state(tmp_path / "state", *changes)
    before = snapshot(folder)
    listed = call("entities", "list", "--state", folder, "--json").json["entities"]
    assert [(item["entityId"]["key"], item["state"]) for item in listed] == [
        ("k0", {"n": 1}),
        ("k2", None),
    ]
    lamps = call("entities", "list", "--name", "Lamp", "--state", folder, "--json").json["entities"]
    assert [item["entityId"]["name"] for item in lamps] == ["lamp"]
    assert call("entities", "get", "--name", "Counter", "--key", "k0", "--state", folder).json == {
        "n": 1
    }
    assert (
        call("entities", "get", "--name", "Lamp", "--key", "k2", "--state", folder).out == "null\n"
    )
    assert call("entities", "get", "--name", "Counter", "--key", "k1", "--state", folder).code == 3
    assert (
        call("entities", "delete", "--name", "Counter", "--key", "k0", "--state", folder).code == 2
    )
    assert snapshot(folder) == before
