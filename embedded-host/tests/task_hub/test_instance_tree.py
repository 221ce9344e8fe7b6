"""Trees of instances, of a task hub and of rows in a store."""

from __future__ import annotations

from datetime import timedelta

import pytest

from embedded_host.engine import history as h
from embedded_host.engine.events import HistoryEvent
from embedded_host.store.interface import AppendHistory, InstanceRow, SaveEntity, SaveInstance
from embedded_host.task_hub import instance_tree as module
from embedded_host.task_hub.instance_tree import InstanceNode, instance_tree
from tests.task_hub.kit import T0, HubUnderTest, store_in_memory
from tests.task_hub.waiting_app import BEGAN, new_gated_hub


def tree(host: HubUnderTest, instance_id: str = "i-1", **options: int) -> InstanceNode:
    root = instance_tree(host.store, "Hub", instance_id, **options)
    assert root is not None
    return root


def ids(node: InstanceNode) -> list[str]:
    return [child.instance_id for child in node.children]


async def test_a_tree_contains_children_with_their_states_and_waits() -> None:
    host, _ = new_gated_hub()
    await host.start("Grandparent")
    root = tree(host)
    assert (root.runtime_status, root.created_time) == ("Running", BEGAN)
    assert root.waits_for == "1 sub-orchestration"
    [west] = root.children
    assert (west.instance_id, west.name) == ("i-1:west", "Parent")
    [leaf] = west.children
    assert leaf.waits_for == f"the external event 'Go' since {BEGAN}"
    assert leaf.document()["children"] == []
    assert tree(host, "i-1:west").parent_instance_id == "i-1"


async def test_a_tree_contains_the_entities_that_an_instance_calls() -> None:
    host, _ = new_gated_hub()
    await host.start("CallsEntity")
    [entity] = tree(host).entities
    assert (entity.id, entity.name, entity.key, entity.calls) == ("@counter@k", "counter", "k", 1)
    assert (entity.state, entity.last_updated_time, entity.waiting) == ("null", BEGAN, None)
    locked = host.store.instance("Hub", "@counter@k")
    assert locked is not None
    host.store.write([SaveEntity(locked.key, True, '"' + "x" * 2000, "i-9")])
    [entity] = tree(host).entities
    assert (entity.locked_by, entity.is_cut, len(entity.state or "")) == ("i-9", True, 1000)


async def test_the_error_of_a_failed_child_is_in_the_tree() -> None:
    store = store_in_memory()
    store.write(
        [
            *saved(1, "a", "Running", [h.sub_orchestration_created(T0, 0, "Child", "b", None)]),
            *saved(2, "b", "Failed", [], output="first line\nsecond line"),
        ]
    )
    root = instance_tree(store, "Hub", "a")
    assert root is not None
    assert root.children[0].error == "first line"


@pytest.mark.parametrize(
    ("status", "waits"),
    [
        ("Pending", f"its first turn since {BEGAN}"),
        ("Suspended", f"a resume since {BEGAN}"),
        ("Completed", None),
    ],
)
def test_the_status_determines_the_wait(status: str, waits: str | None) -> None:
    store = store_in_memory()
    store.write(saved(1, "a", status, [h.task_scheduled(T0, 0, "Ship")]))
    root = instance_tree(store, "Hub", "a")
    assert root is not None
    assert root.waits_for == waits


def saved(
    key: int, id: str, status: str, events: list[HistoryEvent], output: str | None = None
) -> list[SaveInstance | AppendHistory]:
    started = h.execution_started(T0, instance_id=id, execution_id="e", name="Order", input=None)
    row = InstanceRow(key, "Hub", id, "Order", status, T0, T0, "e", output=output)
    return [SaveInstance(row), AppendHistory(key, 0, (started, *events))]


def with_children(count: int, failed: int) -> HubUnderTest:
    """Return a hub whose instance ``i-1`` has purged children. One of them has failed."""
    host, _ = new_gated_hub()
    events: list[HistoryEvent] = [
        h.sub_orchestration_created(T0, number, "Child", f"c-{number}", None)
        for number in range(count)
    ]
    for number in range(count):
        at = T0 + timedelta(seconds=1)
        if number == failed:
            events.append(h.sub_orchestration_failed(at, number, "broken", "broken"))
        else:
            events.append(h.sub_orchestration_completed(at, number, "1"))
    host.store.write(saved(1, "i-1", "Running", events))
    return host


def test_failed_children_are_selected_first_and_the_others_are_counted() -> None:
    host = with_children(12, failed=11)
    root = tree(host, nodes=4)
    assert ids(root) == ["c-0", "c-1", "c-11"]
    assert root.truncated == 9
    assert root.children[0].runtime_status is None  # purged


def test_the_number_of_children_is_limited(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "CHILDREN", 2)
    assert len(tree(with_children(5, failed=0)).children) == 2


def test_no_more_histories_are_read_after_the_limit(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "EVENTS", 0)
    assert tree(with_children(5, failed=0)).children == []


def test_an_instance_with_its_own_id_as_a_child_ends_the_tree() -> None:
    store = store_in_memory()
    store.write(saved(1, "a", "Running", [h.sub_orchestration_created(T0, 0, "Order", "a", None)]))
    root = instance_tree(store, "Hub", "a")
    assert root is not None
    assert ids(root) == ["a"]
    assert root.children[0].children == []


async def test_unknown_ids_and_entities_have_no_tree() -> None:
    host, _ = new_gated_hub()
    await host.start("CallsEntity")
    assert instance_tree(host.store, "Hub", "unknown") is None
    assert instance_tree(host.store, "Hub", "@counter@k") is None
