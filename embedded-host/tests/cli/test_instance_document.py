"""The document of an exported instance: parsing, and the changes that import it."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from msgspec.structs import replace

from embedded_host.cli.command import CommandError
from embedded_host.cli.instance_document import (
    FORMAT,
    VERSION,
    InstanceDocument,
    changes,
    from_status,
    from_store,
    parse_document,
)
from embedded_host.cli.reader import InstanceStatus
from embedded_host.engine.events import ExecutionStarted
from embedded_host.store.interface import (
    AppendHistory,
    PutActivity,
    SaveEntity,
    SaveInstance,
    SetInput,
)
from embedded_host.store.read_only import read_state


def exported(state: Path, instance_id: str) -> InstanceDocument:
    with read_state(state / "state.db") as store:
        row = store.instance("TestHub", instance_id)
        assert row is not None
        return from_store(store, row, "state.db")


def test_a_document_from_a_store_has_the_status_and_the_recorded_state(state: Path) -> None:
    document = exported(state, "a").as_json()
    assert {name: document[name] for name in ("format", "version", "instanceId", "taskHub")} == {
        "format": FORMAT,
        "version": VERSION,
        "instanceId": "a",
        "taskHub": "TestHub",
    }
    assert document["status"]["runtimeStatus"] == document["instance"]["status"] == "Completed"
    assert len(document["history"]) == 7
    assert len(document["status"]["historyEvents"]) < 7, "the API omits some events"


def test_a_document_from_the_management_api_has_no_recorded_state() -> None:
    status = InstanceStatus({"instanceId": "a", "runtimeStatus": "Completed"})
    document = from_status(status, "http://localhost:7071").as_json()
    assert "history" not in document
    assert document["exportedFrom"] == "http://localhost:7071"
    assert parse_document(document, "a.json").state is None


@pytest.mark.parametrize("instance_id", ["a", "b", "c", "@counter@visits"])
def test_a_parsed_document_equals_the_exported_one(state: Path, instance_id: str) -> None:
    document = exported(state, instance_id)
    assert parse_document(document.as_json(), "a.json") == document


@pytest.mark.parametrize(
    ("members", "problem"),
    [
        ({"format": "other"}, 'lacks "format"'),
        ({"version": 2}, "has version 2 of the export format"),
        ({"instanceId": 1}, r"at `\$.instanceId`"),
        ({"history": [{}]}, r"at `\$.history\[0\]`"),
    ],
)
def test_an_invalid_document_is_refused(state: Path, members: dict[str, Any], problem: str) -> None:
    with pytest.raises(CommandError, match=problem) as raised:
        parse_document(exported(state, "a").as_json() | members, "a.json")
    assert raised.value.message.startswith("a.json ")


def test_the_changes_use_new_keys_and_the_new_instance_id(state: Path) -> None:
    document = exported(state, "c")
    assert document.state is not None
    imported = changes(document.state, "OtherHub", "moved", (10, 20, 30))
    row = next(change.row for change in imported if isinstance(change, SaveInstance))
    assert (row.key, row.hub, row.id, row.name) == (11, "OtherHub", "moved", "Order")
    history = next(change for change in imported if isinstance(change, AppendHistory))
    started = history.events[0]
    assert history.instance == 11
    assert isinstance(started, ExecutionStarted)
    assert started.orchestration_instance.instance_id == "moved"
    assert not [change for change in imported if isinstance(change, SetInput | PutActivity)]


def test_the_changes_of_an_entity_save_its_state(state: Path) -> None:
    document = exported(state, "@counter@visits")
    assert document.state is not None
    imported = changes(document.state, "TestHub", "@counter@visits", (0, 0, 0))
    assert SaveEntity(1, True, "5") in imported
    assert document.state.entity is not None
    locked = replace(document.state.entity, locked_by="i-1")
    with_lock = replace(document.state, entity=locked)
    assert SaveEntity(1, True, "5", "i-1") in changes(
        with_lock, "TestHub", "@counter@visits", (0, 0, 0)
    )


def test_an_invalid_time_is_refused(state: Path) -> None:
    document = exported(state, "a").as_json()
    document["instance"]["created"] = "yesterday"
    recorded = parse_document(document, "a.json").state
    assert recorded is not None
    with pytest.raises(CommandError, match=r"The export is incomplete: .*yesterday"):
        changes(recorded, "TestHub", "a", (0, 0, 0))
