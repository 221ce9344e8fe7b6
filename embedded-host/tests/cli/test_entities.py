from __future__ import annotations

from pathlib import Path
from uuid import uuid4

import pytest

from tests.cli.calling import call
from tests.cli.conftest import Ask
from tests.cli.states import entity, snapshot, write_state
from tests.support.polling import eventually


@pytest.mark.process
def test_an_entity_is_signalled_read_listed_and_deleted(ask: Ask) -> None:
    key = f"k {uuid4().hex}#"
    one = ("--name", "Counter", "--key", key)
    signalled = ask("entities", "signal", *one, "--operation", "add", "--input", "5")
    assert signalled.out.startswith("Signalled 'add' to 'Counter'")
    eventually(lambda: ask("entities", "get", *one).out == "5\n", "the operation has run")
    whole = ask("entities", "get", *one, "--json").json
    assert whole == {"entityId": {"name": "counter", "key": key}, "state": 5}
    listed = ask("entities", "list", "--name", "Counter", "--top", 1000, "--json").json
    assert {"name": "counter", "key": key} in [item["entityId"] for item in listed["entities"]]
    assert listed["continuationToken"] is None
    assert ask("entities", "list").out.splitlines()[0].split() == [
        "name",
        "key",
        "lastOperationTime",
        "state",
    ]
    assert ask("entities", "delete", *one).code == 0
    assert ask("entities", "get", *one).code == 3
    assert ask("entities", "delete", *one).code == 3


@pytest.mark.process
def test_an_unknown_entity_is_not_found(ask: Ask) -> None:
    called = ask("entities", "signal", "--name", "Nobody", "--key", "k", "--operation", "add")
    assert called.code == 3
    assert "The function 'nobody' doesn't exist" in called.err


def test_entities_are_read_from_a_state_file(tmp_path: Path) -> None:
    made = [
        change
        for n, (name, state) in enumerate(
            [("counter", '{"n":1}'), ("counter", None), ("lamp", "null")]
        )
        for change in entity(n + 1, name, f"k{n}", state)
    ]
    folder = write_state(tmp_path / "state", *made)
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
